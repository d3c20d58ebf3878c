#!/usr/bin/env python3
"""A generated marketplace from end to end: `tributary gen`, `tributary load` into a server, and the demo's tables."""
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

import serving
from serving import check, end, equal

SIZE = ["--seed", "3", "--creators", "2000", "--goods", "1000", "--orders", "6000"]


def run(*words, **options):
    return subprocess.run([serving.BIN, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, **options)


def digest(folder):
    """Of all files of a generated marketplace."""
    total = hashlib.sha256()
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            total.update(name.encode() + b"\0" + hashlib.sha256(file.read()).digest())
    return total.hexdigest()


def check_gen(folder):
    one, two = os.path.join(folder, "one"), os.path.join(folder, "two")
    equal("gen writes a marketplace", [run("gen", *SIZE, "--out", out).returncode for out in (one, two)], [0, 0])
    equal("the same one again", digest(one), digest(two))
    with open(os.path.join(one, "about.json"), encoding="utf-8") as file:
        about = json.load(file)
    stream = run("gen", *SIZE, "--out", "-").stdout.decode().splitlines()
    equal("--out - writes the same lines", len(stream), about["lines"])
    equal("in the order in which they must be loaded",
          list(dict.fromkeys(json.loads(line).get("put", "traffic") for line in stream[:len(stream) - about["traffic_lines"]])),
          ["parties", "goods", "plans", "registrations", "rules"])
    for words, code in ((["--creators", "0"], 2), (["--orders"], 2), (["--orders", "many"], 2), (["more"], 2),
                        (["--market", os.path.join(folder, "none")], 1), (["--out", "/proc/none"], 1)):
        result = run("gen", *words)
        equal(f"gen {words[0]} … ends with {code}", (result.returncode, result.stdout), (code, b""))
    return one, about


def check_load(market, about):
    with serving.fresh() as server:
        doors = ("--resp", f"127.0.0.1:{server.resp}", "--http", f"127.0.0.1:{server.http}")
        result = run("load", "--json", *doors, market)
        if not equal("load ends well", (result.returncode, result.stderr[-200:] if result.returncode else b""), (0, b"")):
            return
        loaded = json.loads(result.stdout)
        orders = {name: row["orders"] for name, row in loaded["orders"].items()}
        total, led = about["orders"], about["distributed"]
        equal("every order and touch is answered", (sum(orders.values()), sum(loaded["touches"].values())),
              (total, about["touches"]))
        equal("every link is made", loaded["links"], {"made": about["links"]})
        equal("every repeat is answered as before", loaded["repeats"], {"answered": about["repeats"]})
        check("orders that nobody led are nobody's", 0.49 < orders.get("not_distributed", 0) / total < 0.52, orders)
        check("of the others nearly all are attributed", 0.92 < orders.get("attributed", 0) / led <= 1, orders)
        check("no order ends in an error", all(name == name.lower() for name in orders), orders)
        check("other goods, and old links, are told", {"goods_mismatch", "expired"} <= set(orders), orders)

        books = server.get("ledger/balances")
        equal("debits = credits", books["total"], 0)
        charged = sum(row["charged"] for row in loaded["orders"].values())
        merchants = -sum(row["balance"] for row in books["items"] if row["role"] == "merchant")
        outside = sum(-row["balance"] for row in books["items"] if row["role"] in ("merchant", "platform"))
        check("merchants pay nearly all of what is charged, the platform the rest",
              0 <= charged - merchants < charged / 20 and outside > 0, (charged, merchants, outside))
        lines = server.get(f"orders/{loaded['samples'][0]}:explain")["ledger"]
        equal("an order explained: its postings balance",
              sum(row["debit"] for row in lines), sum(row["credit"] for row in lines))
        equal("a folder that is not there is refused", run("load", *doors, market + "-none").returncode, 1)
    equal("without a server load fails", run("load", *doors, market).returncode, 1)
    equal("load wants one folder", run("load").returncode, 2)


def check_demo():
    result = subprocess.run([os.path.join(serving.ROOT, "scripts", "demo"), "--exit", "--creators", "500", "--goods", "300",
                             "--orders", "2000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300,
                            env={**os.environ, "TRIB_BIN": serving.BIN})
    text = result.stdout.decode()
    equal("the demo ends by itself with --exit", (result.returncode, result.stderr[-300:] if result.returncode else b""), (0, b""))
    for heading in ("订单归因结果", "各角色的钱", "收入最高的达人", "一单到底", "速度"):
        check(f"the demo shows {heading}", heading in text, text[-500:])
    check("the demo's money adds up to nought", re.search(r"together ¥0\.00", text))


def main():
    with tempfile.TemporaryDirectory(prefix="tributary-market-") as folder:
        market, about = check_gen(folder)
        check_load(market, about)
    check_demo()
    end()


if __name__ == "__main__":
    sys.exit(main())
