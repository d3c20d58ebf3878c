"""The conformance table (test/integration/bindings.py) through the Python binding. SNAPSHOT HTTP RESP ACCESS_TOKEN TABLE"""
import sys
import time

import tributary

snapshot, http, resp, access, table = sys.argv[1:]
with tributary.Client(snapshot, http=http, resp=resp, access_token=access) as client:
    client.wait(0, 30000)
    while not client.state()["has_keys"]:
        time.sleep(0.01)
    resolver = client.resolver()
    with open(table, encoding="utf-8") as file:
        for line in file:
            order, user, goods, token, base, at, qty, scene, page, kind, carrier, owner, amounts, ext = line.rstrip("\n").split("\t")
            answer = resolver.resolve(tributary.Order(
                order, user, goods, None if base == "-" else int(base), token, int(at), qty=int(qty), scene=scene, page=page,
                carrier=(kind, carrier, owner),
                amounts=dict(zip(tributary.AMOUNTS, map(int, amounts.split(",")))) if amounts else None,
                ext=dict(pair.split("=") for pair in ext.split(",")) if ext else {}))
            print(order, int(answer.needs_server), answer.outcome, answer.charged, answer.resolution.hex(), sep="\t")
