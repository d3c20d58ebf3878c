#!/usr/bin/env python3
"""A tree of 10,000 nodes through the doors while orders come as fast as two clients send them: PUT, :activate, then the
first order decided by it; all durable before they are answered.

    bench/switch_doors.py [ROUNDS]        8
"""
import http.client
import json
import multiprocessing
import os
import socket
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "test", "integration"))
import serving

CLIENTS, PIPELINE, NOUNS = 2, 500, 64


def command(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in (w.encode() for w in words))


def tree(salt):
    """99 categories of 100 nodes, each with a condition of its own."""
    return {"scene": "default", "root": {"id": "r", "shares": [
        {"name": "commission", "to": "creator", "from": "merchant", "bps": "terms.commission_bps"}], "children": [
            {"id": f"c{i}", "when": f"goods.category=='k{i}'", "children": [
                {"id": f"{i}-{j}", "when": f"goods.price>{salt + (100 - j) * 10}&&order.qty=={2 + j % 40}"}
                for j in range(100)]} for i in range(99)]}}


def client(port, name, tokens, sent):
    """Orders of one's own in pipelines; ids are put into a text that is written once."""
    line = socket.create_connection(("127.0.0.1", port))
    text = b"".join(command("ATTRIBUTE", f"{name}-#######-{i}", f"u{i}", f"g{i % NOUNS}", "1000", tokens[i % NOUNS], "BRIEF")
                    for i in range(PIPELINE))
    for k in range(10 ** 7):
        line.sendall(text.replace(b"#######", b"%07d" % k))
        answers = 0
        while answers < PIPELINE:
            answers += line.recv(1 << 18).count(b"*2\r\n")
        sent.value += PIPELINE


def market(server):
    server.load("parties", [{"id": f"m{i}", "roles": ["merchant"]} for i in range(NOUNS)] +
                [{"id": f"c{i}", "roles": ["creator"]} for i in range(NOUNS)])
    server.load("goods", [{"id": f"g{i}", "merchant": f"m{i}", "price": 1000, "category": f"k{i}"} for i in range(NOUNS)])
    server.load("plans", [{"id": f"p{i}", "merchant": f"m{i}", "goods": [f"g{i}"], "terms": {"commission_bps": 1000}}
                          for i in range(NOUNS)])
    server.load("registrations", [{"id": "r0", "channel": "app"}])
    resp = server.client()
    return [resp("LINK", "app", f"c{i}", f"g{i}") for i in range(NOUNS)]


def call(line, method, path, body):
    line.request(method, path, body, {"Content-Type": "application/json"})
    answer = line.getresponse()
    reply = json.loads(answer.read())
    assert answer.status in (200, 201), reply
    return reply


def one(line, resp, i, token):
    """How long each step took, in ms."""
    body, times = json.dumps(tree(1000 * i), separators=(",", ":")), [time.monotonic()]
    version = call(line, "PUT", "/api/v1/rules/default", body)["version"]
    times.append(time.monotonic())
    call(line, "POST", "/api/v1/rules/default:activate", json.dumps({"version": version}))
    times.append(time.monotonic())
    answer = resp("ATTRIBUTE", f"first{i}", "u", "g0", "1000", token)
    times.append(time.monotonic())
    assert f"default@{version}" in answer, answer
    return [1e3 * (b - a) for a, b in zip(times, times[1:])]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    with serving.fresh(small=()) as server:
        tokens, resp = market(server), server.client()
        line = http.client.HTTPConnection("127.0.0.1", server.http)
        counts = [multiprocessing.Value("q", 0) for _ in range(CLIENTS)]
        clients = [multiprocessing.Process(target=client, args=(server.resp, f"o{i}", tokens, counts[i]), daemon=True)
                   for i in range(CLIENTS)]
        for process in clients:
            process.start()
        time.sleep(3)
        begun, before = time.monotonic(), sum(count.value for count in counts)
        for i in range(rounds):
            print("put %.0f ms, activate %.0f ms, first order %.0f ms: %.0f ms" %
                  (*(parts := one(line, resp, i, tokens[0])), sum(parts)), flush=True)
            time.sleep(0.3)
        rate = (sum(count.value for count in counts) - before) / (time.monotonic() - begun)
        for process in clients:
            process.terminate()
        print(f"meanwhile {rate:,.0f} orders/s")


if __name__ == "__main__":
    main()
