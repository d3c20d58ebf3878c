#!/usr/bin/env python3
"""Every binding of libtributary on the same 500 orders: what the server decides is what each of them resolves, and their
resolutions are the same bytes. The table is made from a running server; a binding whose tools are not here is skipped.
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import serving
from serving import ROOT, check, end, equal, fresh, skip, skip_all

LIBRARY = os.path.join(os.path.dirname(serving.BIN), "client", "libtributary.so")
ACCESS = "bindings-access-token-1"
ROWS = 500
FIELDS = ("order", "user", "goods", "token", "base", "at", "qty", "scene", "page", "kind", "id", "owner", "amounts", "ext")


def make_market(server):
    server.load("parties", [{"id": f"m{i}", "roles": ["merchant"], "status": "frozen" if i == 4 else "active"} for i in range(5)] +
                [{"id": "l1", "roles": ["leader"]}] +
                [{"id": f"c{i}", "roles": ["creator"], "level": i % 7, "tags": ["vip"] if i % 5 == 0 else []} for i in range(40)])
    server.load("goods", [{"id": f"g{i}", "merchant": f"m{i % 5}", "price": 1000 + i, "category": ("beauty", "snack", "书")[i % 3]}
                          for i in range(60)])
    server.load("plans", [{"id": f"p{i}", "merchant": f"m{i % 4}", "goods": [f"g{j}" for j in range(60) if j % 4 == i % 4][:10],
                           "kind": ("general", "activity", "managed", "targeted")[i % 4],
                           **({"creators": ["c1", "c5", "c10"]} if i % 4 == 3 else {}),
                           "terms": {"commission_bps": 300 + 70 * i, "service_bps": 100, "platform_bps": 50, "leader": "l1"}}
                          for i in range(24)])
    server.put("registrations/app", {"channel": "app"})
    server.put("registrations/web", {"channel": "web", "scene": "web"})
    share = {"name": "commission", "to": "creator", "from": "merchant", "bps": "terms.commission_bps"}
    server.put("rules/default", {"root": {"id": "root", "window": "7d", "match": "shop", "shares": [share], "children": [
        {"id": "live", "when": "order.carrier == 'live' && order.carrier.owner == 'm1'", "outcome": "own_shop"},
        {"id": "vip", "when": "'vip' in creator.tags", "shares": [
            {**share, "round": "half_even"},
            {"name": "platform", "to": "platform", "from": "creator", "of": "commission", "bps": "terms.platform_bps"}]},
        {"id": "ext", "when": "order.ext['k'] == '值'", "outcome": "not_distributed"}]}})
    server.ask("POST", "/api/v1/rules/default:activate", {"version": server.get("rules/default/versions/2")["version"]
                                                          if "version" in server.get("rules/default/versions/2") else 2})
    resp = server.client()
    resp("AUTH", ACCESS)
    replies = resp.many([("LINK", random.choice(("app", "web")), f"c{random.randrange(40)}", f"g{random.randrange(60)}")
                         for _ in range(400)])
    resp.close()
    return [reply for reply in replies if not isinstance(reply, serving.RespError)]


def make_rows(tokens):
    rows, now = [], int(time.time() * 1000)
    for i in range(ROWS):
        kind = random.choice(("", "", "live", "video"))
        token = random.choice(tokens) if random.random() > 0.04 else "-"
        if random.random() < 0.05:
            token = "x" + token[1:]
        rows.append({"order": f"o{i}", "user": f"用户{i % 50}", "goods": f"g{random.randrange(60)}", "token": token,
                     "base": random.choice((0, None, random.randrange(30000), random.randrange(30000))),
                     "at": now - random.randrange(3600000) * random.choice((0, 1)), "qty": random.randrange(4),
                     "scene": random.choice(("", "", "", "web")), "page": random.choice(("", "cart", "checkout")), "kind": kind,
                     "id": "room1" if kind and i % 2 else "", "owner": f"m{i % 3}" if kind else "", "amounts": None,
                     "ext": {"k": "值"} if i % 17 == 0 else {}})
        if rows[-1]["base"] is None or i % 9 == 0:
            rows[-1]["amounts"] = [random.randrange(30000), 100, 10, 50, 60, 5, 0]
    return rows


def decide(server, rows):
    """[outcome, charged] an order, as the server's ATTRIBUTE has it."""
    commands = []
    for row in rows:
        words = ["ATTRIBUTE", row["order"], row["user"], row["goods"], "-" if row["base"] is None else row["base"], row["token"], "AT",
                 row["at"]]
        words += ["QTY", row["qty"]] if row["qty"] else []
        words += ["SCENE", row["scene"]] if row["scene"] else []
        words += ["PAGE", row["page"]] if row["page"] else []
        words += ["CARRIER", row["kind"], row["id"], row["owner"]] if row["kind"] else []
        words += ["AMOUNTS", *row["amounts"]] if row["amounts"] else []
        words += ["BRIEF"] + (["EXT", *[part for pair in row["ext"].items() for part in pair]] if row["ext"] else [])
        commands.append(words)
    resp = server.client()
    resp("AUTH", ACCESS)
    replies = resp.many(commands)
    resp.close()
    return replies


def run(name, command, task, env):
    """{order: [needs_server, outcome, charged, resolution]} of a binding."""
    done = subprocess.run(command, input=json.dumps(task), capture_output=True, text=True, env=env, timeout=300)
    if done.returncode:
        check(f"{name}: runs", False, done.stdout[-1500:] + done.stderr[-2500:])
        return None
    rows = [line.split("\t") for line in done.stdout.splitlines() if line.count("\t") == 4]
    return {row[0]: [row[1], row[2], int(row[3]), row[4]] for row in rows}


def build_node(folder):
    include = "/usr/include/node"
    if not shutil.which("node") or not os.path.exists(os.path.join(include, "node_api.h")):
        return None
    path = os.path.join(folder, "tributary.node")
    subprocess.run(["cc", "-shared", "-fPIC", "-I", include, "-I", os.path.join(ROOT, "include"),
                    os.path.join(ROOT, "bindings", "node", "tributary.c"), "-o", path, "-L", os.path.dirname(LIBRARY), "-ltributary",
                    f"-Wl,-rpath,{os.path.dirname(LIBRARY)}"], check=True)
    return ["node", os.path.join(ROOT, "bindings", "node", "conformance.js")], {"TRIBUTARY_NODE": path}


def java_home():
    javac = shutil.which("javac")
    home = os.environ.get("JAVA_HOME") or (os.path.dirname(os.path.dirname(os.path.realpath(javac))) if javac else "")
    return home if os.path.exists(os.path.join(home, "include", "jni.h")) else None


def build_java(folder):
    home = java_home()
    if not home:
        return None
    java = os.path.join(ROOT, "bindings", "java", "src")
    path, classes = os.path.join(folder, "libtributary_jni.so"), os.path.join(folder, "classes")
    subprocess.run(["cc", "-shared", "-fPIC", "-I", f"{home}/include", "-I", f"{home}/include/linux", "-I", os.path.join(ROOT, "include"),
                    os.path.join(java, "main", "c", "tributary_jni.c"), "-o", path, "-L", os.path.dirname(LIBRARY), "-ltributary",
                    f"-Wl,-rpath,{os.path.dirname(LIBRARY)}"], check=True)
    sources = [os.path.join(at, name) for at, _, names in os.walk(java) for name in names if name.endswith(".java")]
    subprocess.run([f"{home}/bin/javac", "--release", "17", "-d", classes, *sources], check=True)
    return [f"{home}/bin/java", "-cp", classes, "dev.tributary.Conformance"], {"TRIBUTARY_JNI": path}


def build_python(_):
    try:
        import cffi  # noqa: F401
    except ImportError:
        return None
    return [sys.executable, os.path.join(ROOT, "bindings", "python", "conformance.py")], {
        "PYTHONPATH": os.path.join(ROOT, "bindings", "python")}


def try_example(folder, server, rows):
    """examples/order_service.c on the simple rows, under ids of their own: the server's outcome and money."""
    path = os.path.join(folder, "order_service")
    subprocess.run(["cc", "-std=c11", "-Wall", "-Werror", "-I", os.path.join(ROOT, "include"),
                    os.path.join(ROOT, "examples", "order_service.c"), "-o", path, "-L", os.path.dirname(LIBRARY), "-ltributary",
                    f"-Wl,-rpath,{os.path.dirname(LIBRARY)}"], check=True)
    simple = [dict(row, order=f"example-{row['order']}") for row in rows
              if row["base"] is not None and not row["amounts"] and not row["ext"] and not row["kind"] and not row["page"]
              and not row["scene"] and not row["qty"]]
    done = subprocess.run([path, os.path.join(folder, "market-example"), f"127.0.0.1:{server.http}", f"127.0.0.1:{server.resp}"],
                          input="".join(f"{row['order']} {row['user']} {row['goods']} {row['base']} {row['token']} {row['at']}\n"
                                        for row in simple),
                          capture_output=True, text=True, env={**os.environ, "TRIBUTARY_TOKEN": ACCESS}, timeout=120)
    found = [[line.split()[1], int(line.split()[2])] for line in done.stdout.splitlines()]
    equal(f"examples/order_service.c: {len(simple)} orders", found, decide(server, simple))
    check("examples/order_service.c: most are resolved in place", done.stdout.count(" here\n") > 0.8 * len(simple), done.stderr)


def judge(name, found, rows, expected, first):
    if found is None:
        return
    equal(f"{name}: an answer for every row", len(found), len(rows))
    wrong = [(row["order"], found.get(row["order"]), want) for row, want in zip(rows, expected)
             if found.get(row["order"], ["1"])[0] == "0" and found[row["order"]][1:3] != want]
    equal(f"{name}: outcome and money of the server", wrong[:5], [])
    asked = sum(row[0] == "1" for row in found.values())
    equal(f"{name}: only orders without a token need the server", asked, sum(row["token"] == "-" for row in rows))
    if first:
        equal(f"{name}: the same bytes as {first[0]}", {k: v[3] for k, v in found.items()}, {k: v[3] for k, v in first[1].items()})


def main():
    if not os.path.exists(LIBRARY):
        skip_all("no libtributary beside the program")
    symbols = subprocess.run(["nm", "-D", LIBRARY], capture_output=True, text=True).stdout
    if "__asan_init" in symbols:
        skip_all("foreign runtimes do not load a library under sanitizers; test/integration/fleet.py does")
    serving.seed()
    with tempfile.TemporaryDirectory(prefix="tributary-bindings-") as folder:
        access = os.path.join(folder, "access")
        with open(access, "w", encoding="utf-8") as file:
            file.write(ACCESS + "\n")
        with fresh("--token-file", access) as server:
            ask = server.ask
            server.ask = lambda method, path, body=None, headers=None: ask(
                method, path, body, {"Authorization": f"Bearer {ACCESS}", **(headers or {})})
            rows = make_rows(make_market(server))
            expected = decide(server, rows)
            equal("the server decides every row", [reply for reply in expected if isinstance(reply, serving.RespError)], [])
            first = None
            for name, build in (("python", build_python), ("node", build_node), ("java", build_java)):
                built = build(folder)
                if not built:
                    skip(f"{name}: conformance", "its tools are not here")
                    continue
                command, more = built
                task = {"snapshot": os.path.join(folder, f"market-{name}"), "http": f"127.0.0.1:{server.http}",
                        "resp": f"127.0.0.1:{server.resp}", "access": ACCESS, "fields": FIELDS, "rows": rows}
                table = os.path.join(folder, f"{name}.tsv")
                write_table(table, rows)
                found = run(name, [*command, task["snapshot"], task["http"], task["resp"], ACCESS, table], task,
                            {**os.environ, "TRIBUTARY_LIBRARY": LIBRARY, **more})
                judge(name, found, rows, expected, first)
                first = first or (found and (name, found))
            try_example(folder, server, rows)
    end()


def write_table(path, rows):
    """A row a line, tabs between: what every language reads with ease. amounts by commas, ext as key=value."""
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            cells = dict(row, base="-" if row["base"] is None else row["base"],
                         amounts=",".join(map(str, row["amounts"] or [])), ext=",".join(f"{k}={v}" for k, v in row["ext"].items()))
            file.write("\t".join(str(cells[field]) for field in FIELDS) + "\n")


if __name__ == "__main__":
    main()
