#!/usr/bin/env python3
"""Clients that people have: redis-cli, redis-benchmark, redis-py, Jedis, go-redis, each against a fresh server.

One market is made over HTTP; then each client (test/integration/clients/) speaks the commands as its users would and
prints what it finds wrong. A client whose tools are not there, or whose library cannot be fetched, is skipped.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.environ.get("TRIB_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("TRIB_BIN", os.path.join(ROOT, "build", "tributary"))
CLIENTS = os.path.join(ROOT, "test", "integration", "clients")
NOT_HERE = 77  # a client's exit code: its tools are missing
CLIENT_SECONDS_MAX = 300

MARKET = [
    ("PUT", "parties/m1", {"roles": ["merchant"], "name": "Mill"}),
    ("PUT", "parties/c1", {"roles": ["creator"], "name": "Cleo"}),
    ("PUT", "goods/g1", {"title": "Lamp", "merchant": "m1", "category": "household", "price": 1999, "currency": "CNY"}),
    ("PUT", "plans/p1", {"goods": ["g1"], "merchant": "m1", "kind": "general", "status": "active",
                         "terms": {"commission_bps": 1000}}),
    ("PUT", "registrations/r1", {"channel": "live", "priority": 1}),
    ("PUT", "rules/default", {"root": {"id": "root", "model": "last", "window": "30d", "match": "goods", "shares": [
        {"name": "commission", "to": "creator", "from": "merchant", "bps": "terms.commission_bps"}]}}),
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, folder):
        self.resp, self.http = free_port(), free_port()
        self.log = open(os.path.join(folder, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [BIN, "serve", "--data", os.path.join(folder, "data"), "--resp", f"127.0.0.1:{self.resp}",
             "--http", f"127.0.0.1:{self.http}", "--order-index", "64MiB", "--touches", "64MiB", "--segment", "16MiB"],
            stdout=self.log, stderr=subprocess.STDOUT)

    def call(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def wait(self):
        for _ in range(600):
            try:
                return self.call("GET", "/healthz")
            except (OSError, urllib.error.URLError):
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        raise RuntimeError(f"the server did not come up:\n{self.read_log()}")

    def read_log(self):
        self.log.seek(0)
        return self.log.read()[-4000:]

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None


def has_serve():
    listed = subprocess.run([BIN, "--help"], stdout=subprocess.PIPE, text=True, check=False).stdout
    return any(line.split()[:1] == ["serve"] for line in listed.splitlines())


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
    env = {**os.environ, "TRIB_RESP_PORT": str(server.resp), "TRIB_HTTP_PORT": str(server.http), "TRIB_WORK_DIR": work,
           "TRIB_CLIENT": name}
    try:
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=CLIENT_SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired as late:
        return 1, f"no end after {CLIENT_SECONDS_MAX} s\n{late.stdout or ''}"
    return done.returncode, done.stdout


def main():
    if not has_serve():
        print("1..0 # SKIP this build has no server yet")
        return 0
    redis_py = python_with_redis()
    clients = [
        ("redis-cli", shell("redis_cli.sh")),
        ("redis-py", redis_py and redis_py + [os.path.join(CLIENTS, "redis_py.py")]),
        ("jedis", shell("jedis/run.sh")),
        ("go-redis", shell("go_redis/run.sh")),
        ("redis-benchmark", shell("redis_benchmark.sh")),
    ]
    failed = 0
    folder = tempfile.mkdtemp(prefix="tributary-clients-")
    server = Server(folder)
    print(f"1..{len(clients) + 2}")
    try:
        server.wait()
        for method, path, body in MARKET:
            server.call(method, f"/api/v1/{path}", body)
        server.call("POST", "/api/v1/rules/default:activate",
                    {"version": server.call("GET", "/api/v1/rules/default/versions/2")["version"]})
        for number, (name, command) in enumerate(clients, 1):
            work = os.path.join(folder, name)
            os.mkdir(work)
            code, output = run_client(name, command, server, work)
            why = output.strip().splitlines()[-1] if output.strip() else ""
            if code == NOT_HERE:
                print(f"ok {number} - {name} # SKIP {why}")
                continue
            print(f"{'not ok' if code else 'ok'} {number} - {name}")
            if code:
                failed += 1
                print("".join(f"# {line}\n" for line in output.splitlines()[-60:]), end="")
        # What all of them did adds up: nobody's money appeared from nowhere.
        total = server.call("GET", "/api/v1/ledger/balances")["total"]
        print(f"{'not ok' if total else 'ok'} {len(clients) + 1} - debits equal credits")
        failed += total != 0
    finally:
        code = server.stop()
        print(f"{'not ok' if code else 'ok'} {len(clients) + 2} - the server ends cleanly")
        if failed or code:
            print("".join(f"# {line}\n" for line in server.read_log().splitlines()), end="")
        server.log.close()
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed or code else 0


sys.exit(main())
