#!/usr/bin/env python3
"""bench-redis: ATTRIBUTE beside SET, by redis-benchmark -P 64 -c 50, in the same run.

Three servers, one after another, on loopback: redis-server without persistence, redis-server with appendfsync always, and
`tributary serve --sync batch`. Prints for each the rate, the server's CPU seconds and the client's, and the two ratios.

    bench/redis.py [--requests N] [--build FOLDER]
"""
import argparse
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def cpu_of(pid):
    """User and system seconds of a process and its threads."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("redis: the server did not come up")


def benchmark(pid, port, requests, command):
    """Requests a second, the server's CPU seconds, the client's."""
    before, client = cpu_of(pid), resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    done = subprocess.run(["redis-benchmark", "-p", str(port), "-P", "64", "-c", "50", "-n", str(requests), "-r", "1000000000", "-q",
                           *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    seconds = time.monotonic() - begun
    used = cpu_of(pid) - before
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if "rror" in done.stdout.replace("ERROR: failed to fetch CONFIG", ""):
        sys.exit(f"redis: {done.stdout[-300:]}")
    rates = re.findall(r"([\d.]+) requests per second", done.stdout)
    return float(rates[-1]) if rates else requests / seconds, used, \
        after.ru_utime + after.ru_stime - client.ru_utime - client.ru_stime


def redis(folder, requests, always):
    port = free_port()
    options = ["--appendonly", "yes", "--appendfsync", "always"] if always else ["--appendonly", "no"]
    server = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, *options],
                              stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        return benchmark(server.pid, port, requests, ["set", "key:__rand_int__", "x" * 100])
    finally:
        server.terminate()
        server.wait()


def put(port, path, value):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/{path}", json.dumps(value).encode(), method="PUT",
                                     headers={"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).read()


def tributary(build, folder, requests):
    resp, http = free_port(), free_port()
    server = subprocess.Popen([os.path.join(build, "tributary"), "serve", "--data", os.path.join(folder, "data"), "--resp",
                               f"127.0.0.1:{resp}", "--http", f"127.0.0.1:{http}", "--log-level", "warn"])
    try:
        wait_for(http)
        put(http, "parties/m1", {"roles": ["merchant"]})
        put(http, "parties/c1", {"roles": ["creator"]})
        put(http, "goods/g1", {"merchant": "m1", "price": 2990})
        put(http, "plans/p1", {"merchant": "m1", "goods": ["g1"], "terms": {"commission_bps": 1500}})
        put(http, "registrations/r1", {"channel": "app"})
        token = subprocess.run(["redis-cli", "-p", str(resp), "link", "app", "c1", "g1"], stdout=subprocess.PIPE, text=True,
                               check=True).stdout.strip()
        while "warm:1" not in subprocess.run(["redis-cli", "-p", str(resp), "info"], stdout=subprocess.PIPE, text=True,
                                             check=True).stdout:
            time.sleep(0.1)
        return benchmark(server.pid, resp, requests,
                         ["attribute", "o__rand_int__", "u1", "g1", "2990", token, "BRIEF"])
    finally:
        server.terminate()
        server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=3000000)
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    options = parser.parse_args()
    if not shutil.which("redis-server") or not shutil.which("redis-benchmark"):
        print("redis: redis-server is not installed; scripts/setup does that")
        return 0
    rows = {}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        rows["SET, no persistence"] = redis(folder, options.requests, False)
        rows["SET, appendfsync always"] = redis(folder, options.requests // 3, True)
        rows["ATTRIBUTE BRIEF, durable"] = tributary(options.build, folder, options.requests)
    counts = [options.requests, options.requests // 3, options.requests]
    print(f"{'redis-benchmark -P 64 -c 50':28} {'per second':>12} {'per server-CPU-s':>17} {'client CPU-s':>13}")
    for (name, (rate, cpu, client)), count in zip(rows.items(), counts):
        print(f"{name:28} {rate:12,.0f} {count / cpu:17,.0f} {client:13.2f}")
    (_, plain_cpu, _), (always_rate, _, _), (own_rate, own_cpu, _) = rows.values()
    print(f"per server-CPU-second beside SET without persistence: {plain_cpu / own_cpu:.2f}")
    print(f"per second beside SET with appendfsync always:        {own_rate / always_rate:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
