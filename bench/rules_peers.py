#!/usr/bin/env python3
"""bench/rules_peers.py: the 12 rules of bench-rules beside two engines from npm, @gorules/zen-engine and @marcbachmann/cel-js,
on the same orders in the same run, decisions per CPU-second. Every decision of theirs is compared with ours.

Installs both into a temporary folder; without node and npm, or a registry, it says so and is skipped."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BENCH = os.path.join(ROOT, "build", "bench", "bench-rules")
PACKAGES = ["@gorules/zen-engine", "@marcbachmann/cel-js"]


def main():
    if not shutil.which("node") or not shutil.which("npm"):
        print("rules_peers: skipped, node and npm are not there")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        installed = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, *PACKAGES],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
        if installed.returncode:
            print("rules_peers: skipped, npm does not install them:", installed.stdout.strip().splitlines()[-1:])
            return 0
        orders = os.path.join(folder, "orders.ndjson")
        with open(orders, "w", encoding="utf-8") as file:
            subprocess.run([BENCH, "--peers"], stdout=file, check=True)
        peers = subprocess.run(["node", os.path.join(ROOT, "bench", "rules_peers.mjs"), folder, orders], stdout=subprocess.PIPE,
                               text=True, check=True).stdout
        ours = subprocess.run([BENCH, "--twelve"], stdout=subprocess.PIPE, text=True, check=True).stdout
    print(ours.strip())
    rate = float(re.search(r"([\d.]+) million/CPU-s", ours).group(1)) * 1e6
    for line in peers.splitlines():
        name, theirs = line.split()
        print(f"{name:48s} {float(theirs) / 1e6:8.4f} million/CPU-s   1 / {rate / float(theirs):.0f} of ours")
    return 0


if __name__ == "__main__":
    sys.exit(main())
