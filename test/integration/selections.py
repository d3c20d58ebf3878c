#!/usr/bin/env python3
"""`tributary gen goods` and `tributary select`: the same catalog from any number of threads, what is selected is what a loop selects, bad input is named."""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import BIN, check, end, equal

ROWS = 200_000


def run(*words):
    done = subprocess.run([BIN, *words], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def rows_of(table, *words):
    code, out, err = run("select", "--table", table, "--json", *words)
    lines = [json.loads(line) for line in out.splitlines()]
    check(f"select {words} is answered", code == 0 and lines, err)
    return lines[:-1], lines[-1]["count"]


def against_a_loop(table):
    goods, count = rows_of(table, "--limit", "100000")
    equal("a page has at most the limit, the count is of all", (len(goods), count), (100000, ROWS))
    last = max(item["listed_at"] for item in goods)
    bound = f"listed_at <= timestamp({last // 1000})"
    seen = [item for item in goods if item["listed_at"] <= last]
    beyond, _ = rows_of(table, "--limit", "5000", f"!({bound})")
    equal("what is listed later is not among the first", {item["row"] for item in beyond} & {item["row"] for item in seen}, set())
    for text, holds in (
            ('category.startsWith("women/dresses") && price < 9900', lambda g: g["category"].startswith("women/dresses") and g["price"] < 9900),
            ('season in ["summer", ""] && rating >= 4.5 && status != "active"', lambda g: g["season"] in ("summer", "") and g["rating"] >= 4.5 and g["status"] != "active"),
            ('"gift" in tags && !("silk" in tags) || stock == 0 && shop_score < 4.0', lambda g: "gift" in g["tags"] and "silk" not in g["tags"] or g["stock"] == 0 and g["shop_score"] < 4),
            ('title.contains("sunscreen") && size(tags) == 2', lambda g: "sunscreen" in g["title"] and len(g["tags"]) == 2)):
        rows, _ = rows_of(table, "--limit", "100000", "--order-by", "sold_30d", f"({text}) && {bound}")
        expected = sorted((g for g in goods if holds(g)), key=lambda g: (-g["sold_30d"], g["row"]))
        seen_rows = {g["row"] for g in goods}
        equal(text, [g["row"] for g in rows if g["row"] in seen_rows], [g["row"] for g in expected])
        check("and some are", expected)


def facets(table):
    goods, count = rows_of(table, "--limit", "100000", 'category.startsWith("food/")')
    equal("all of them are here", len(goods), count)
    code, out, err = run("select", "--table", table, "--json", "--limit", "0", "--facets", "season,tags", 'category.startsWith("food/")')
    end_line = json.loads(out)
    for field, values in (("season", [g["season"] for g in goods]), ("tags", [tag for g in goods for tag in g["tags"]])):
        equal(f"facet {field}", {item["value"]: item["count"] for item in end_line["facets"][field]["values"]},
              {value: values.count(value) for value in set(values)})
    code, _, err = run("select", "--table", table, "--facets", "price")
    check("a facet of numbers is refused by name", code == 1 and "facets" in err and "price" in err, err)


def torn(table):
    path = os.path.join(table, "0.seg")
    with open(path, "r+b") as file:
        file.seek(5000)
        byte = file.read(1)
        file.seek(5000)
        file.write(bytes([byte[0] ^ 1]))
    code, _, err = run("select", "--table", table, 'category != "x" && price > 0 && brand != "y"')
    check("a byte that is not as written is refused by the name of its segment", code == 1 and path in err and "category" in err, err)
    with open(path, "r+b") as file:
        file.truncate(100_000)
    code, _, err = run("select", "--table", table)
    check("so is a segment that was cut", code == 1 and path in err, err)
    os.remove(os.path.join(table, "table.json"))
    code, _, err = run("select", "--table", table)
    check("and a folder without a manifest", code == 1 and "table.json" in err, err)


def main():
    with tempfile.TemporaryDirectory(prefix="tributary-select-") as folder:
        one, two = os.path.join(folder, "one"), os.path.join(folder, "two")
        equal("goods are written", run("gen", "goods", "--rows", str(ROWS), "--out", one, "--threads", "1", "--text")[0], 0)
        equal("and by four threads", run("gen", "goods", "--rows", str(ROWS), "--out", two, "--threads", "4", "--text")[0], 0)
        equal("they are the same", {name: digest(os.path.join(one, name)) for name in os.listdir(one)},
              {name: digest(os.path.join(two, name)) for name in os.listdir(two)})
        equal("a folder that has a table is left alone", run("gen", "goods", "--rows", "10", "--out", one)[0], 1)
        against_a_loop(one)
        facets(one)
        code, out, err = run("select", "--table", one, "price < 5000", "--limit", "0", "--explain")
        check("only counted, and explained", code == 0 and out.endswith(" rows\n") and "planes: price < 5000" in err, (out, err))
        for words, code in ((("--table", one, "prise < 1"), 1), (("--table", one, "price"), 1), (("--table", one, "--fields", "x"), 1), ((), 2),
                            (("--table", one, "--limit", "-1"), 2), (("--table", one, "a", "b"), 2), (("--table", one, "--nonsense", "1"), 2)):
            equal(f"select {words}", run("select", *words)[0], code)
        for words in ((), ("--out", two, "--rows", "0"), ("--out",), ("--nonsense", "1")):
            equal(f"gen goods {words}", run("gen", "goods", *words)[0], 2)
        torn(two)
    end()


main()
