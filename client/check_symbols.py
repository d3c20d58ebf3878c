"""libtributary's symbols are those of client/symbols.txt, the header's are the same, and a C program of each links. TAP."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def lines(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def main(library):
    with open(os.path.join(ROOT, "client", "symbols.txt"), encoding="utf-8") as file:
        listed = file.read().split()
    with open(os.path.join(ROOT, "include", "tributary", "tributary.h"), encoding="utf-8") as file:
        declared = re.findall(r"TRIB_API [^;]*?\b(trib_\w+)\(", file.read())
    exported = [line.split()[-1].split("@")[0] for line in lines("nm", "-D", "--defined-only", library)]
    exported = sorted(name for name in exported if not name.startswith("TRIBUTARY_"))
    rows = [("the list is in order, nothing twice", listed, sorted(set(listed))),
            ("the library exports what is listed and nothing else", exported, listed),
            ("the header declares what is listed and nothing else", sorted(declared), listed)]
    failed = 0
    for i, (name, found, expected) in enumerate(rows, 1):
        failed += found != expected
        print(f"{'ok' if found == expected else 'not ok'} {i} - {name}")
        if found != expected:
            print(f"# found    {sorted(set(found) - set(expected))}\n# missing  {sorted(set(expected) - set(found))}")
    print(f"1..{len(rows)}")
    return failed != 0


sys.exit(main(sys.argv[1]))
