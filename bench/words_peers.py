#!/usr/bin/env python3
"""Xapian and SQLite FTS5 on the titles and queries of bench-words: the same terms, the ten best of all words.

    /usr/bin/python3 bench/words_peers.py              runs bench-words on a million titles first
    /usr/bin/python3 bench/words_peers.py FOLDER       with what bench-words --dump FOLDER wrote

Both get the terms as bench-words made them, parted by spaces, without positions: Xapian by its TermGenerator, SQLite by the
tokenizer unicode61. A query is its terms joined by AND; a second run joins its words by OR. Xapian ranks by its BM25, SQLite by
its bm25(). CPU time is of the process, with Python's share of a query, which is some 20 us. How many rows match is compared with
what bench-words counted. What is not installed is left out
(python3-xapian is for Debian's own python3).
"""
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TITLES = 1000000
HITS = 10
CHECKED = 50


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def read_queries(folder):
    """(rows of all words, [[terms of a word]])."""
    queries = []
    with open(os.path.join(folder, "queries"), encoding="utf-8") as file:
        for line in file:
            count, *words = line.rstrip("\n").split(" ")
            queries.append((int(count), [word.split("+") for word in words]))
    return queries


def titles(folder):
    with open(os.path.join(folder, "titles"), encoding="utf-8") as file:
        yield from file


class Xapian:
    name = "Xapian"

    def __init__(self, folder):
        import xapian
        self.xapian = xapian
        path = os.path.join(folder, "xapian")
        if not os.path.exists(path):
            writable = xapian.WritableDatabase(path + ".part", xapian.DB_CREATE_OR_OVERWRITE)
            generator = xapian.TermGenerator()
            for row, text in enumerate(titles(folder)):
                document = xapian.Document()
                generator.set_document(document)
                generator.index_text_without_positions(text)
                writable.replace_document(row + 1, document)
            writable.commit()
            writable.compact(path)
            writable.close()
        self.database = xapian.Database(path)
        self.name = f"Xapian {xapian.version_string()}"

    def query(self, words, any_word):
        query = self.xapian.Query
        parts = [query(query.OP_AND, terms) for terms in words]
        return query(query.OP_OR if any_word else query.OP_AND, parts)

    def top(self, words, any_word):
        enquire = self.xapian.Enquire(self.database)
        enquire.set_query(self.query(words, any_word))
        return [match.docid for match in enquire.get_mset(0, HITS)]

    def count(self, words):
        enquire = self.xapian.Enquire(self.database)
        enquire.set_query(self.query(words, False))
        return enquire.get_mset(0, 1, self.database.get_doccount()).get_matches_estimated()


class Sqlite:
    name = f"SQLite {sqlite3.sqlite_version} FTS5"

    def __init__(self, folder):
        path = os.path.join(folder, "sqlite")
        if not os.path.exists(path):
            if os.path.exists(path + ".part"):
                os.unlink(path + ".part")
            database = sqlite3.connect(path + ".part")
            database.execute("PRAGMA journal_mode = off")
            database.execute("CREATE VIRTUAL TABLE t USING fts5(terms, content='', tokenize='unicode61')")
            database.executemany("INSERT INTO t(rowid, terms) VALUES (?, ?)",
                                 ((row + 1, text) for row, text in enumerate(titles(folder))))
            database.execute("INSERT INTO t(t) VALUES ('optimize')")
            database.commit()
            database.close()
            os.rename(path + ".part", path)
        self.database = sqlite3.connect(path)
        self.database.execute("PRAGMA mmap_size = 8000000000")
        self.database.execute("PRAGMA cache_size = -1000000")

    @staticmethod
    def match(words, any_word):
        parts = ["(" + " AND ".join(f'"{term}"' for term in terms) + ")" for terms in words]
        return (" OR " if any_word else " AND ").join(parts)

    def top(self, words, any_word):
        rows = self.database.execute("SELECT rowid FROM t WHERE t MATCH ? ORDER BY rank LIMIT ?",
                                     (self.match(words, any_word), HITS))
        return [row for row, in rows]

    def count(self, words):
        return self.database.execute("SELECT count(*) FROM t WHERE t MATCH ?",
                                     (self.match(words, False),)).fetchone()[0]


def run(peer, queries, any_word, seconds_max):
    walls, begun_cpu, begun = [], cpu(), time.monotonic()
    for _, words in queries:
        before = time.monotonic()
        peer.top(words, any_word)
        walls.append(time.monotonic() - before)
        if time.monotonic() - begun > seconds_max:
            break
    used = cpu() - begun_cpu
    walls.sort()
    print(f"{peer.name:22} {'any word ' if any_word else 'all words'}  p50 {walls[len(walls) // 2] * 1e3:8.3f} ms  "
          f"p99 {walls[len(walls) * 99 // 100] * 1e3:8.3f} ms  {len(walls) / used:8.0f} queries per CPU-second  "
          f"({len(walls)} queries)", flush=True)


def compare(folder, seconds_max):
    queries = read_queries(folder)
    for kind in (Xapian, Sqlite):
        begun = cpu()
        try:
            peer = kind(folder)
        except ImportError:
            print(f"{kind.name:22} not installed")
            continue
        print(f"{peer.name:22} opened or built in {cpu() - begun:.1f} s CPU", flush=True)
        same = sum(peer.count(words) == count for count, words in queries[:CHECKED])
        print(f"{peer.name:22} counts as bench-words does in {same} of {min(CHECKED, len(queries))} queries")
        for any_word in (False, True):
            run(peer, queries, any_word, seconds_max)


def main():
    if len(sys.argv) > 1:
        compare(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 60)
        return
    with tempfile.TemporaryDirectory(prefix="tributary-words-", dir="/var/tmp") as folder:
        subprocess.run([os.path.join(ROOT, "build", "bench", "bench-words"), "--titles", str(TITLES), "--dump", folder],
                       check=True)
        compare(folder, 60)


if __name__ == "__main__":
    main()
