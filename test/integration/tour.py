#!/usr/bin/env python3
"""The READMEs' tour, word for word: every `$ ` line of their console blocks is run in one shell, on a terminal,
and must print what stands below it. `…` stands for anything. Only the two ports are others, so that tests can
run side by side, and the server is this test's own.
"""
import os
import pty
import re
import subprocess
import sys

import serving
from serving import check, end, equal

SERVE = "tributary serve &"


def steps(text):
    """(command, expected lines) of every console block, in order."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.S | re.M):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def run(commands):
    """What each command prints on a terminal, colours taken out; all in one shell."""
    script = "".join(f"{command}\nprintf '\\n--%s--\\n' {number}\n" for number, command in enumerate(commands))
    parent, child = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "JQ_COLORS": "0"}
    shell = subprocess.Popen(["bash", "-c", script], stdin=subprocess.DEVNULL, stdout=child, stderr=child, env=environment)
    os.close(child)
    output = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        output += part
    os.close(parent)
    shell.wait()
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", output.decode()).replace("\r", "")
    printed = []
    for number in range(len(commands)):
        before, _, text = text.partition(f"\n--{number}--\n")
        printed.append([line for line in before.split("\n") if line])
    return printed


def fits(line, expected):
    pattern = ".*".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, line) is not None


def tour(name):
    with open(os.path.join(serving.ROOT, name), encoding="utf-8") as file:
        found = steps(file.read())
    if not equal(f"{name}: the tour begins with the server", found[0] if found else None, (SERVE, [])):
        return
    with serving.fresh() as server:
        ports = {"7390": str(server.resp), "7380": str(server.http)}
        commands = [re.sub(r"\b(7390|7380)\b", lambda match: ports[match.group()], command) for command, _ in found[1:]]
        for (command, expected), printed in zip(found[1:], run(commands)):
            good = len(printed) == len(expected) and all(map(fits, printed, expected))
            check(f"{name}: {command}".replace("#", ""), good, f"printed {printed}, expected {expected}")


def main():
    for name in ("README.md", "README.zh.md"):
        tour(name)
    end()


if __name__ == "__main__":
    sys.exit(main())
