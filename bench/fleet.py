#!/usr/bin/env python3
"""A million orders over 10,000 plans (Zipf) in 8 order services, resolved in place by libtributary, beside plain calls for the same
orders: the share that needed no call, round trips, serialisations, the server's CPU.

    bench/fleet.py [ORDERS [RPC_ORDERS]]        1,000,000 and as many
"""
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "test", "integration"))
import serving

ACCESS = "fleet-access-token-0001"
CLIENTS, PLANS, CREATORS = 8, 10000, 2000
WORKER = os.path.join(os.path.dirname(serving.BIN), "bench", "bench-fleet")


def make_market(server, path):
    server.load("parties", [{"id": f"m{i}", "roles": ["merchant"]} for i in range(100)] +
                [{"id": f"c{i}", "roles": ["creator"], "level": i % 7} for i in range(CREATORS)])
    server.load("goods", [{"id": f"g{i}", "merchant": f"m{i % 100}", "category": f"k{i % 30}", "price": 1000 + i}
                          for i in range(PLANS)])
    server.load("plans", [{"id": f"p{i}", "merchant": f"m{i % 100}", "goods": [f"g{i}"],
                           "terms": {"commission_bps": 500 + i % 2000, "platform_bps": 100}} for i in range(PLANS)])
    server.put("registrations/app", {"channel": "app"})
    resp = server.client()
    resp("AUTH", ACCESS)
    tokens = resp.many([("LINK", "app", f"c{i % CREATORS}", f"g{i}") for i in range(PLANS)])
    resp.close()
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"g{i} {token}\n" for i, token in enumerate(tokens))


def cpu_ms(server):
    resp = server.client()
    resp("AUTH", ACCESS)
    info = dict(line.split(":", 1) for line in resp("INFO").splitlines() if ":" in line)
    resp.close()
    return int(info["cpu_ms"]), info


def run(server, folder, mode, orders):
    before, info = cpu_ms(server)
    commands = int(info["total_commands_processed"])
    workers = [subprocess.Popen([WORKER, mode, os.path.join(folder, f"market{i}"), f"127.0.0.1:{server.http}",
                                 f"127.0.0.1:{server.resp}", ACCESS, os.path.join(folder, "tokens"), str(orders // CLIENTS), str(i)],
                                stdout=subprocess.PIPE, text=True) for i in range(CLIENTS)]
    rows = [json.loads(worker.communicate()[0]) for worker in workers]
    after, info = cpu_ms(server)
    total = {key: sum(row[key] for row in rows) for key in rows[0]}
    total.update(server_cpu_ms=after - before, commands=int(info["total_commands_processed"]) - commands, p50_ns=max(row["p50_ns"] for row in rows),
                 p99_ns=max(row["p99_ns"] for row in rows), wall_ms=max(row["wall_ms"] for row in rows))
    return total


def main():
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    rpc_orders = int(sys.argv[2]) if len(sys.argv) > 2 else orders
    with tempfile.TemporaryDirectory(prefix="tributary-fleet-") as folder:
        access = os.path.join(folder, "access")
        with open(access, "w", encoding="utf-8") as file:
            file.write(ACCESS + "\n")
        server = serving.Server(os.path.join(folder, "data"), "--token-file", access, log=os.path.join(folder, "log"))
        ask = server.ask
        server.ask = lambda method, path, body=None, headers=None: ask(
            method, path, body, {"Authorization": f"Bearer {ACCESS}", **(headers or {})})
        try:
            if not server.wait():
                sys.exit(server.log)
            make_market(server, os.path.join(folder, "tokens"))
            client = run(server, folder, "client", orders)
            rpc = run(server, folder, "rpc", rpc_orders)
        finally:
            server.kill()
    print(f"{client['orders']:,} orders, {CLIENTS} clients, {PLANS:,} plans (Zipf 1.1)")
    print(f"resolved in place: {100 * client['here'] / client['with_token']:.3f} % of {client['with_token']:,} that bear a token; "
          f"differed {client['differed']}, refused {client['refused']}")
    print(f"resolving one: p50 {client['p50_ns']} ns, p99 {client['p99_ns']} ns (the slowest client's)")
    print(f"{'':24}{'rich client':>16}{'plain calls':>16}")
    print(f"{'calls that orders wait for':28}{client['asked'] / client['orders']:>12.4f}{rpc['asked'] / rpc['orders']:>16.4f}   an order")
    print(f"{'round trips, records too':28}{client['commands'] / client['orders']:>12.4f}{rpc['commands'] / rpc['orders']:>16.4f}   an order")
    print(f"{'serialisations an order':24}{client['serialised'] / client['orders']:>16.3f}{rpc['serialised'] / rpc['orders']:>16.3f}")
    for name, key in (("server CPU µs an order", "server_cpu_ms"), ("client CPU µs an order", "cpu_ms")):
        print(f"{name:24}{1000 * client[key] / client['orders']:>16.2f}{1000 * rpc[key] / rpc['orders']:>16.2f}")
    print(f"{'wall s':24}{client['wall_ms'] / 1000:>16.1f}{rpc['wall_ms'] / 1000:>16.1f}")


if __name__ == "__main__":
    main()
