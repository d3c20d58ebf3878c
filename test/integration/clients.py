#!/usr/bin/env python3
"""Clients that people have: redis-cli, redis-benchmark, redis-py, Jedis, go-redis, each against a fresh server.

One market is made over HTTP; then each client (test/integration/clients/) speaks the commands as its users would and
prints what it finds wrong. A client whose tools are not there, or whose library cannot be fetched, is skipped.
"""
import os
import shutil
import subprocess
import sys

import serving
from serving import check, end, equal, skip

CLIENTS = os.path.join(serving.ROOT, "test", "integration", "clients")
NOT_HERE = 77  # a client's exit code: its tools are missing
CLIENT_SECONDS_MAX = 300


def make_market(server):
    server.put("parties/m1", {"roles": ["merchant"]})
    server.put("parties/c1", {"roles": ["creator"]})
    server.put("goods/g1", {"title": "Lamp", "merchant": "m1", "category": "household", "price": 1999, "currency": "CNY"})
    server.put("plans/p1", {"goods": ["g1"], "merchant": "m1", "kind": "general", "terms": {"commission_bps": 1000}})
    server.put("registrations/r1", {"channel": "live", "priority": 1})
    rules = server.put("rules/default", {"root": {"id": "root", "model": "last", "window": "30d", "match": "goods", "shares": [
        {"name": "commission", "to": "creator", "from": "merchant", "bps": "terms.commission_bps"}]}})
    server.ask("POST", "/api/v1/rules/default:activate", {"version": rules["version"]})


def python_with_redis():
    for python in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and subprocess.run([python, "-c", "import redis"], stderr=subprocess.DEVNULL,
                                                     check=False).returncode == 0:
            return [python]
    return None


def shell(name):
    return [os.path.join(CLIENTS, name)]


def run_client(name, command, server, work):
    if not command:
        return NOT_HERE, f"{name}: not installed"
    env = {**os.environ, "TRIB_RESP_PORT": str(server.resp), "TRIB_HTTP_PORT": str(server.http), "TRIB_WORK_DIR": work}
    try:
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=CLIENT_SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired as late:
        return 1, f"no end after {CLIENT_SECONDS_MAX} s\n{late.stdout or ''}"
    return done.returncode, done.stdout


def main():
    redis_py = python_with_redis()
    clients = [
        ("redis-cli", shell("redis_cli.sh")),
        ("redis-py", redis_py and redis_py + [os.path.join(CLIENTS, "redis_py.py")]),
        ("jedis", shell("jedis/run.sh")),
        ("go-redis", shell("go_redis/run.sh")),
        ("redis-benchmark", shell("redis_benchmark.sh")),
    ]
    with serving.fresh() as server:
        make_market(server)
        for name, command in clients:
            work = os.path.join(os.path.dirname(server.data), name)
            os.mkdir(work)
            code, output = run_client(name, command, server, work)
            lines = output.strip().splitlines()
            if code == NOT_HERE:
                skip(name, lines[-1] if lines else "its tools are missing")
            elif not check(name, code == 0):
                print("".join(f"# {line}\n" for line in lines[-60:]), end="", flush=True)
            # Go writes its caches read-only.
            subprocess.run(["chmod", "-R", "u+w", work], check=False)
            shutil.rmtree(work, ignore_errors=True)
        # What all of them did adds up: nobody's money appeared from nowhere.
        equal("debits equal credits", server.get("ledger/balances")["total"], 0)
        equal("the server ends cleanly", server.stop(), 0)
    end()


main()
