#!/usr/bin/env python3
"""bench-select beside DuckDB: the same rows, the same filter of six predicates, count and first 100 by sales, the same threads, in the same run.

DuckDB holds the rows in memory, in the narrowest integer types; words are their codes there, too, so that it compares no strings. Needs the
Python packages duckdb and numpy. Prints wall and CPU time of both (medians), the sizes of their files, and the ratios; fails where results differ.

    bench/beside_duckdb.py [--rows N] [--threads T] [--runs R] [--build FOLDER]
"""
import argparse
import os
import re
import resource
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

try:
    import duckdb
    import numpy
except ImportError as missing:
    sys.exit(print(f"left out: {missing}; pip install duckdb numpy"))

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FIELDS = ("category brand merchant site status season origin price shown_price commission_bps stock sold_30d rating good_rate_bps shop_score "
          "listed_at").split()
CATEGORIES = [f"women/dresses/{c}" for c in "abcd"] + [f"{c}/{d}" for c in ("women/tops", "men/shirts") for d in "ab"]


def codes_of(path):
    """text → code of a dictionary's file."""
    with open(path, "rb") as file:
        data = file.read()
    count, = struct.unpack_from("<I", data, 16)
    ends = struct.unpack_from(f"<{count}Q", data, 24)
    texts = data[24 + 12 * count:]
    return {texts[begin:end].decode(): i + 1 for i, (begin, end) in enumerate(zip((0,) + ends, ends))}


def narrowest(column):
    low, high = int(column.min()), int(column.max())
    for name, bits in (("UTINYINT", 8), ("USMALLINT", 16), ("UINTEGER", 32)):
        if low >= 0 and high < 1 << bits:
            return name
    return "INTEGER"


def ask(connection, query, runs):
    """Result, median wall ms, median CPU ms."""
    walls, cpus = [], []
    for _ in range(runs + 1):
        wall, cpu = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
        result = connection.execute(query).fetchall()
        now = resource.getrusage(resource.RUSAGE_SELF)
        walls.append((time.monotonic() - wall) * 1e3)
        cpus.append((now.ru_utime + now.ru_stime - cpu.ru_utime - cpu.ru_stime) * 1e3)
    return result, statistics.median(walls[1:]), statistics.median(cpus[1:])


def load(connection, raw):
    columns = {name: numpy.memmap(os.path.join(raw, name), dtype=numpy.int32, mode="r") for name in FIELDS}
    rows = len(columns["price"])
    types = {name: narrowest(column) for name, column in columns.items()}
    connection.execute("CREATE TABLE goods (row UINTEGER, " + ", ".join(f"{name} {types[name]}" for name in FIELDS) + ")")
    step = 1 << 22
    for first in range(0, rows, step):
        part = {"row": numpy.arange(first, min(first + step, rows), dtype=numpy.uint32)}
        part.update({name: numpy.ascontiguousarray(column[first:first + step]) for name, column in columns.items()})
        connection.register("part", part)
        connection.execute("INSERT INTO goods SELECT " + ", ".join(part) + " FROM part")
        connection.unregister("part")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="tributary-select-", dir="/var/tmp")
    table, raw = os.path.join(folder, "goods"), os.path.join(folder, "raw")
    try:
        os.mkdir(table)
        words = [os.path.join(options.build, "bench", "bench-select"), "--table", table, "--rows", str(options.rows), "--threads", str(options.threads),
                 "--runs", str(options.runs)]
        subprocess.run(words + ["--raw", raw], check=True, capture_output=True)
        ours = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        print(ours, end="", flush=True)
        wall, cpu, count, first, last = map(float, re.search(
            r"six +([\d.]+) ms, ([\d.]+) ms CPU.*; (\d+) rows, the first sold (\d+), the last (\d+)", ours).groups())
        site, season, status, category = (codes_of(os.path.join(table, f"{name}.words")) for name in ("site", "season", "status", "category"))
        where = (f"category IN ({', '.join(str(category[name]) for name in CATEGORIES)}) AND site = {site['own']} AND season IN ({season['summer']}, "
                 f"{season['spring']}) AND price >= 2000 AND price <= 9900 AND commission_bps >= 1500 AND status <> {status['closed']}")
        connection = duckdb.connect()
        connection.execute(f"SET threads = {options.threads}")
        load(connection, raw)
        (counted,), count_wall, count_cpu = ask(connection, f"SELECT count(*) FROM goods WHERE {where}", options.runs)[0][0], *ask(
            connection, f"SELECT count(*) FROM goods WHERE {where}", options.runs)[1:]
        top, top_wall, top_cpu = ask(connection, f"SELECT row, sold_30d FROM goods WHERE {where} ORDER BY sold_30d DESC, row LIMIT 100", options.runs)
        print(f"DuckDB {duckdb.__version__}, {options.threads} threads: count {count_wall:.1f} ms, {count_cpu:.1f} ms CPU; first 100 {top_wall:.1f} ms, "
              f"{top_cpu:.1f} ms CPU")
        print(f"DuckDB / ours: the first 100 alone {top_wall / wall:.1f} of wall, {top_cpu / cpu:.1f} of CPU; with the count, which ours has, "
              f"{(top_wall + count_wall) / wall:.1f} and {(top_cpu + count_cpu) / cpu:.1f}")
        if (counted, top[0][1], top[-1][1]) != (count, first, last):
            sys.exit(f"results differ: {count, first, last} here, {counted, top[0][1], top[-1][1]} there")
        print("results are the same")
    finally:
        shutil.rmtree(folder)


main()
