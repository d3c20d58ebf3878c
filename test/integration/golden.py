#!/usr/bin/env python3
"""Formats live for ever: what every release has written is read by this build to the same end.

test/golden/<release>/ holds
  data.tar.gz      a data folder: store, journal with records that the store does not have, keys
  answers.json     what that release answered about it: {"GET /path": …}
  descriptors.pb   its protocol, as protoc's descriptor set (test/unit/proto/schema_test.c compares it)
scripts/golden made them. An answer may have gained fields; what it said then it must say now.
"""
import json
import os
import sys
import tarfile
import tempfile

import serving
from serving import check, end, equal, skip

GOLDEN = os.path.join(serving.ROOT, "test", "golden")


def difference(old, new, place=""):
    """The first place where new does not say what old said, or None."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in old.items():
            if key not in new:
                return f"{place}.{key} is gone"
            found = difference(value, new[key], f"{place}.{key}")
            if found:
                return found
        return None
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return f"{place}: {len(new)} items, not {len(old)}"
        return next((found for i, pair in enumerate(zip(old, new)) if (found := difference(*pair, f"{place}[{i}]"))), None)
    return None if old == new else f"{place}: {new!r}, not {old!r}"


def replay(release):
    folder = os.path.join(GOLDEN, release)
    with open(os.path.join(folder, "answers.json"), encoding="utf-8") as file:
        answers = json.load(file)
    with tempfile.TemporaryDirectory(prefix="tributary-golden-") as data:
        with tarfile.open(os.path.join(folder, "data.tar.gz")) as archive:
            archive.extractall(data)
        for name in ("journal and store", "what this build has written on"):
            with serving.fresh(small=(), data=os.path.join(data, "data")) as server:
                problems = []
                for request, old in answers.items():
                    method, path = request.split(" ", 1)
                    reply = server.ask(method, path)
                    why = difference(old, {"status": reply.status, "body": reply.json}, request)
                    problems += [why] if why else []
                check(f"{release}: {len(answers)} answers from {name}", not problems, problems[:5])
                # A graceful stop takes a checkpoint; then the store alone has to say the same.
                equal(f"{release}: it stops when asked", server.stop(), 0)


def main():
    # Other files of a release belong to unit tests.
    releases = [name for name in (sorted(os.listdir(GOLDEN)) if os.path.isdir(GOLDEN) else [])
                if os.path.exists(os.path.join(GOLDEN, name, "answers.json"))]
    for release in releases:
        replay(release)
    if not releases:
        skip("golden files", "no release yet")
    end()


if __name__ == "__main__":
    sys.exit(main())
