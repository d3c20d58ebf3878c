#!/usr/bin/env python3
"""`tributary key` from outside: what it prints, what it refuses, and that no secret ever shows."""
import json
import os
import re
import stat
import subprocess
import tempfile

BIN = os.environ.get("TRIB_BIN", "build/tributary")
done = 0


def check(name, good, detail=""):
    global done
    done += 1
    print(f"{'ok' if good else 'not ok'} {done} - {name}")
    if not good:
        print(f"# {detail}")


def key(*words, code=0, name=None):
    result = subprocess.run([BIN, "key", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    check(name or f"key {' '.join(words[:3])} … ends with {code}", result.returncode == code, repr(result))
    return result


def secrets(data):
    found = set()
    for name in ("token.keys", "hash.keys"):
        with open(os.path.join(data, "keys", name), encoding="ascii") as file:
            found |= set(re.findall(r"\b[0-9a-f]{32}\b", file.read()))
    return found


def main():
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        at = ("--data", data)
        key("list", *at, code=1, name="a folder that is not there has no keys")
        added = json.loads(key("add", *at, "--json", "--scope", "shop", "--not-before", "2026-11-22T08:00:00+08:00",
                               "--not-after", "1795400000000").stdout)
        check("the new key is as wanted", {**added, "created_at": 0} == {
            "id": 2, "status": "active", "scope": "shop", "created_at": 0, "not_before": 1795305600000,
            "not_after": 1795400000000}, added)
        key("add", *at, "--scope", "a b", code=1)
        key("add", *at, "--scope", "x" * 65, code=1)
        key("add", *at, "--not-before", "yesterday", code=1)
        key("add", *at, "--not-before", "2", "--not-after", "1", code=1)
        key("add", *at, "more", code=2)
        key("add", *at, "--scope", code=2)
        key("list", *at, "--scope", "shop", code=2)
        key("retire", *at, code=2)
        key("retire", "one", *at, code=2)
        key("retire", "3", *at, code=1)
        key("rotate", *at, code=2)
        key(code=2, name="no word is a usage error")
        before = secrets(data)
        outputs = [key("list", *at).stdout, key("list", *at, "--json").stdout, key("retire", "1", *at).stdout]
        check("no secret is printed", len(before) == 5 and not any(s in text for s in before for text in outputs))
        check("a retired key has no secret any more", len(secrets(data)) == 4)
        listed = json.loads(key("list", *at, "--json").stdout)
        check("both are listed", [(row["id"], row["status"]) for row in listed] == [(1, "retired"), (2, "active")], listed)
        modes = [stat.S_IMODE(os.stat(os.path.join(data, "keys", name)).st_mode) for name in ("", "token.keys", "hash.keys")]
        check("nobody else may read", modes == [0o700, 0o600, 0o600], modes)
        os.chmod(os.path.join(data, "keys", "token.keys"), 0o640)
        refused = key("list", *at, code=1, name="a file that others may read is refused")
        check("the refusal says why", "0640" in refused.stderr, refused.stderr)
        os.chmod(os.path.join(data, "keys", "token.keys"), 0o600)
        open(os.path.join(data, "journal"), "w", encoding="ascii").close()
        os.unlink(os.path.join(data, "keys", "hash.keys"))
        key("add", *at, code=1, name="lost keys of hashes are not replaced in a folder that has been used")
    print(f"1..{done}")


main()
