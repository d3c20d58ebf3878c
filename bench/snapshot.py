#!/usr/bin/env python3
"""A snapshot of a large market: its size, what it costs the server while orders go on, how long a client takes to have it.

    bench/snapshot.py [CREATORS [PLANS]]        1,000,000 and 100,000
"""
import os
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "test", "integration"))
sys.path.insert(0, os.path.join(ROOT, "bindings", "python"))
import serving

os.environ.setdefault("TRIBUTARY_LIBRARY", os.path.join(os.path.dirname(serving.BIN), "client", "libtributary.so"))
import tributary

CHUNK = 50000


def load(server, noun, rows):
    rows = list(rows)
    for i in range(0, len(rows), CHUNK):
        server.load(noun, rows[i:i + CHUNK])


def cpu_ms(resp):
    return int(next(line for line in resp("INFO", "server").splitlines() if line.startswith("cpu_ms")).split(":")[1])


def pinging(server, stop, worst):
    """The slowest of many small orders while the snapshot is made."""
    resp, i = server.client(), 0
    while not stop.is_set():
        begun = time.monotonic()
        resp("ATTRIBUTE", f"ping{i}", "u", "g0", "100", "-", "BRIEF")
        worst[0] = max(worst[0], time.monotonic() - begun)
        i += 1
    worst[1] = i
    resp.close()


def memory_kib():
    with open("/proc/self/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("VmRSS")).split()[1])


def main():
    creators = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    plans = int(sys.argv[2]) if len(sys.argv) > 2 else 100000
    with serving.fresh() as server, tempfile.TemporaryDirectory() as folder:
        load(server, "parties", ({"id": f"m{i}", "roles": ["merchant"]} for i in range(1000)))
        load(server, "parties", ({"id": f"c{i}", "roles": ["creator"], "level": i % 7, "tags": ["mum"] if i % 3 else []}
                                 for i in range(creators)))
        load(server, "goods", ({"id": f"g{i}", "merchant": f"m{i % 1000}", "category": f"k{i % 500}", "price": 1000 + i}
                               for i in range(plans)))
        load(server, "plans", ({"id": f"p{i}", "merchant": f"m{i % 1000}", "goods": [f"g{i}"],
                                "terms": {"commission_bps": 500 + i % 2000}} for i in range(plans)))
        resp = server.client()
        stop, worst = threading.Event(), [0, 0]
        thread = threading.Thread(target=pinging, args=(server, stop, worst))
        thread.start()
        path, times = os.path.join(folder, "market"), []
        for _ in range(2):
            cpu, begun = cpu_ms(resp), time.monotonic()
            subprocess.run([serving.BIN, "snapshot", "--http", f"127.0.0.1:{server.http}", "-o", path], check=True,
                           stdout=subprocess.DEVNULL)
            times.append((time.monotonic() - begun, cpu_ms(resp) - cpu))
        stop.set()
        thread.join()
        size = os.path.getsize(path)
        before, begun, cpu = memory_kib(), time.monotonic(), time.process_time()
        client = tributary.Client(path, http=f"127.0.0.1:{server.http}", resp=f"127.0.0.1:{server.resp}")
        client.wait(0, 60000)
        loaded, loaded_cpu, one = time.monotonic() - begun, time.process_time() - cpu, memory_kib() - before
        time.sleep(5)  # the second view is made in the background
        times_to_reach = []
        for i in range(5):
            begun = time.monotonic()
            position = server.put(f"parties/new{i}", {"roles": ["creator"]})["position"]
            client.wait(position, 60000)
            times_to_reach.append(time.monotonic() - begun)
        both = memory_kib() - before
        client.close()
        resp.close()
    print(f"{creators:,} creators, {plans:,} goods and plans: {size / 1e6:.1f} MB, {size / (creators + 2 * plans + 1000):.0f} bytes an entity")
    for name, (wall, spent) in zip(("made anew", "from the one that is there"), times):
        print(f"{name}: {wall:.2f} s, server CPU {spent} ms (orders among it)")
    print(f"{worst[1]:,} orders meanwhile, the slowest {worst[0] * 1000:.1f} ms")
    print(f"client: mapped, checked, usable in {loaded:.2f} s ({loaded_cpu:.2f} s CPU), {one / 1024:.0f} MiB; "
          f"{both / 1024:.0f} MiB with the second view that deltas need")
    print(f"from a change to the client that has it: {sorted(times_to_reach)[2] * 1000:.1f} ms (median of {len(times_to_reach)})")


if __name__ == "__main__":
    main()
