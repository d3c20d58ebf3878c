#!/usr/bin/env python3
"""Documents say what is there: metrics, commands, make's targets, and links that lead somewhere."""
import glob
import os
import re
import subprocess
import sys

import serving
from serving import end, equal


def read(name):
    with open(os.path.join(serving.ROOT, name), encoding="utf-8") as file:
        return file.read()


def rows(text, pattern):
    return set(re.findall(pattern, "\n".join(line for line in text.splitlines() if line.startswith("|")), re.M))


def output(*words):
    return subprocess.run([serving.BIN, *words], stdout=subprocess.PIPE, check=True, text=True).stdout


def check_links():
    broken = []
    for path in [name for pattern in ("*.md", "docs/*.md", "src/*/*.md") for name in glob.glob(os.path.join(serving.ROOT, pattern))]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if "://" not in target and not os.path.exists(os.path.join(os.path.dirname(path), target)):
                broken.append(f"{os.path.relpath(path, serving.ROOT)}: {target}")
    equal("every link between documents leads somewhere", broken, [])


def check_paths(server):
    """Every path of the description, every command that is not Redis' own, stands in the table of docs/http.md."""
    table = [line for line in read("docs/http.md").splitlines() if line.startswith("| `")]
    told = {(method, path) for line in table for cell in line.split("|")[1:2]
            for methods, path in re.findall(r"((?:`[A-Z]+`, )*`?[A-Z]+) (/[^`]*)`", cell) for method in re.findall("[A-Z]+", methods)}
    nouns = "|".join(re.findall(r"`(\w+)`", next(line for line in read("docs/http.md").splitlines() if line.startswith("`{noun}` is"))))
    there = {(method.upper(), re.sub(rf"^/api/v1/({nouns})(?=$|:import|/{{id}}$|/{{id}}/status$|/{{id}}:{{action}}$)", "/api/v1/{noun}", path))
             for path, item in server.ask("GET", "/openapi.json").json["paths"].items() for method in item}
    equal("every path of /openapi.json is told, and no other", told, there)
    named = {row[0].upper() for row in server.client()("COMMAND") if row[2][0] in ("write", "readonly")}
    twins = set(re.findall(r"[A-Z]+", " ".join(line.split("|")[3] for line in table)))
    equal("every command of ours has its twin there", named - twins, set())


def main():
    operations = read("docs/operations.md")
    with serving.fresh() as server:
        printed = server.ask("GET", "/metrics").body.decode()
        check_paths(server)
    equal("every metric is told, and no other", rows(operations, r"`(tributary_[a-z_]+)`"),
          set(re.findall(r"^# TYPE (\S+)", printed, re.M)))
    commands = set(re.findall(r"^  ([a-z]+) ", output("--help"), re.M))
    told = "\n".join(read(os.path.relpath(path, serving.ROOT)) for path in glob.glob(os.path.join(serving.ROOT, "docs", "*.md"))
                     + [os.path.join(serving.ROOT, "README.md")])
    equal("every command is told somewhere", {name for name in commands if f"tributary {name}" not in told}, set())
    targets = set(re.findall(r"^([a-z]+):.*##", read("Makefile"), re.M))
    equal("every make target that documents name is there",
          set(re.findall(r"^ *make ([a-z]+)", told + read("CONTRIBUTING.md") + read("README.zh.md"), re.M)) - targets, set())
    benches = set(re.findall(r"'([a-z]+)'", re.search(r"foreach name : \[([^\]]*)\]", read("bench/meson.build")).group(1)))
    equal("every bench is told", benches - set(re.findall(r"ARGS=([a-z]+)`", read("docs/benchmarks.md"))), set())
    check_links()
    end()


if __name__ == "__main__":
    sys.exit(main())
