#!/usr/bin/env python3
"""A fleet of order services beside one server: each resolves its orders in its own process by libtributary, while the server
is killed, restarted, held up, slowed, and answers one of them with bad snapshots. Every order arrives, with the outcome that
its client gave; it is in the books once, with the money that a model of its own says; no client ever goes back.
FLEET_ORDERS orders a client (400), FLEET_CLIENTS clients (8).
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import serving
from serving import BIN, ROOT, SMALL, check, end, equal, skip_all

LIBRARY = os.path.join(os.path.dirname(BIN), "client", "libtributary.so")
CLIENTS = int(os.environ.get("FLEET_CLIENTS", "8"))
ORDERS = int(os.environ.get("FLEET_ORDERS", "400"))
ACCESS = "fleet-access-token-0001"
PAUSE_EVERY = 10  # orders
TROUBLE_SECONDS = 4  # about so long: orders go on all the while


def worker():
    """One order service: reads its task from stdin, works until it is told to stop, prints what it has done."""
    sys.path.insert(0, os.path.join(ROOT, "bindings", "python"))
    import tributary

    task = json.loads(sys.stdin.readline())
    warnings = []
    client = tributary.Client(task["snapshot"], http=task["http"], resp=task["resp"], access_token=ACCESS, poll_ms=50,
                              log=lambda level, text: warnings.append(text))
    resolver, answers, here, backwards, position = None, {}, 0, 0, 0
    until = time.monotonic() + 60
    while time.monotonic() < until and not (client.state()["has_snapshot"] and client.state()["has_keys"]):
        time.sleep(0.01)
    resolver = client.resolver()
    for i, row in enumerate(task["orders"]):
        order = tributary.Order(row["order"], row["user"], row["goods"], row["amount"], row["token"], at_ms=row["at"])
        answer = resolver.resolve(order)
        backwards += answer.position < position
        position = max(position, answer.position)
        if answer.needs_server:
            while True:
                try:
                    answer = client.ask(order, 2000)
                    break
                except tributary.Error:
                    time.sleep(0.05)
        else:
            here += 1
            client.record(order, answer)
        answers[row["order"]] = [answer.outcome, answer.charged]
        if i % PAUSE_EVERY == 0:
            time.sleep(task["pause"])
    print(json.dumps({"half": "resolved"}), flush=True)
    target = int(sys.stdin.readline())
    reached = True
    try:
        client.wait(target, 60000)
        client.flush(60000)
    except tributary.Error:
        reached = False
    state = client.state()
    client.close(5000)
    print(json.dumps({"answers": answers, "here": here, "backwards": backwards, "reached": reached, "state": state,
                      "warnings": warnings[-5:]}), flush=True)


class SamePorts(serving.Server):
    """Comes back where it was."""

    def start(self):
        if not hasattr(self, "resp"):
            self.resp, self.http = serving.free_port(), serving.free_port()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [BIN, "serve", "--data", self.data, "--resp", f"127.0.0.1:{self.resp}", "--http", f"127.0.0.1:{self.http}",
                 *self.words], stdout=log, stderr=subprocess.STDOUT)


def bad_proxy(server):
    """Between one client and the server's HTTP door; every other snapshot is damaged, cut, or of another market."""
    counts = {"bad": 0, "all": 0}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            try:
                reply = server.ask("GET", self.path, headers={"Authorization": self.headers.get("Authorization", "")})
            except OSError:
                self.send_error(502)
                return
            body = bytearray(reply.body)
            if "snapshot" in self.path and reply.status == 200:
                counts["all"] += 1
                if counts["all"] % 2:
                    counts["bad"] += 1
                    kind = counts["bad"] % 3
                    if kind == 0:
                        body = body[:len(body) // 2]
                    elif kind == 1:
                        body[random.randrange(len(body))] ^= 0x10
                    else:
                        body[16] ^= 1  # the market's name; the digest does not fit either
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(bytes(body))

        def log_message(self, *_):
            pass

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    return proxy, counts


def bearer(server):
    """Every request of the harness bears the access token."""
    ask = server.ask
    server.ask = lambda method, path, body=None, headers=None: ask(
        method, path, body, {"Authorization": f"Bearer {ACCESS}", **(headers or {})})


def make_market(server):
    server.load("parties", [{"id": f"m{i}", "roles": ["merchant"]} for i in range(5)] +
                [{"id": f"c{i}", "roles": ["creator"], "level": i % 7} for i in range(50)])
    server.load("goods", [{"id": f"g{i}", "merchant": f"m{i % 5}", "price": 1000 + i} for i in range(100)])
    server.load("plans", [{"id": f"p{i}", "merchant": f"m{i % 5}", "goods": [f"g{i}"], "terms": {"commission_bps": 500 + i}}
                          for i in range(100)])
    server.put("registrations/app", {"channel": "app"})
    resp = server.client()
    resp("AUTH", ACCESS)
    tokens = {}
    pairs = [(f"c{random.randrange(50)}", f"g{i}") for i in range(100) for _ in range(3)]
    for (creator, goods), token in zip(pairs, resp.many([("LINK", "app", creator, goods) for creator, goods in pairs])):
        tokens.setdefault(goods, []).append((token, creator))
    resp.close()
    return tokens


def orders_of(client, tokens):
    now = int(time.time() * 1000)
    rows = []
    for i in range(ORDERS):
        number = random.randrange(100)
        token, creator = random.choice(tokens[f"g{number}"]) if random.random() > 0.03 else ("-", None)
        rows.append({"order": f"o{client}-{i}", "user": f"u{random.randrange(1000)}", "goods": f"g{number}",
                     "amount": random.randrange(20000), "token": token, "at": now, "creator": creator,
                     "merchant": f"m{number % 5}", "bps": 500 + number})
    return rows


def environment():
    env = {**os.environ, "TRIBUTARY_LIBRARY": LIBRARY}
    symbols = subprocess.run(["nm", "-D", LIBRARY], capture_output=True, text=True).stdout
    for sanitizer in ("asan", "tsan"):
        if f"__{sanitizer}_init" in symbols:
            found = subprocess.run(["gcc", f"-print-file-name=lib{sanitizer}.so"], capture_output=True, text=True).stdout
            env["LD_PRELOAD"] = os.path.realpath(found.strip())
    if "__asan_init" in symbols:
        env["ASAN_OPTIONS"] = "detect_leaks=0,verify_asan_link_order=0"
    return env


def hold_up(server, seconds):
    server.process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    server.process.send_signal(signal.SIGCONT)


def slow_down(server, seconds):
    """Works a fifth of the time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        hold_up(server, 0.04)
        time.sleep(0.01)


def trouble(server):
    """What befalls the server while the fleet works: changes of the market, a stop in mid-flight, slowness, two kills, a
    restart."""
    for i in range(5):
        server.put(f"parties/late{i}", {"roles": ["creator"]})
        time.sleep(0.1)
        if i == 0:
            hold_up(server, 0.5)
        elif i == 1:
            slow_down(server, 1)
        elif i == 4:
            server.stop()
            server.again()
        else:
            server.kill()
            time.sleep(0.2)
            server.again()
    return int(server.put("parties/last", {"roles": ["creator"]})["position"])


def run(folder):
    with open(os.path.join(folder, "access"), "w", encoding="utf-8") as file:
        file.write(ACCESS + "\n")
    server = SamePorts(os.path.join(folder, "data"), "--token-file", os.path.join(folder, "access"))
    bearer(server)
    proxy, workers, env = None, [], environment()
    try:
        if not server.wait():
            raise RuntimeError(server.log)
        tokens = make_market(server)
        proxy, counts = bad_proxy(server)
        orders = [orders_of(i, tokens) for i in range(CLIENTS)]
        for i in range(CLIENTS):
            worker_process = subprocess.Popen([sys.executable, os.path.abspath(__file__), "worker"], stdin=subprocess.PIPE,
                                              stdout=subprocess.PIPE, stderr=open(os.path.join(folder, f"err{i}"), "w"),
                                              text=True, env=env)
            workers.append(worker_process)
            port = proxy.server_address[1] if i == 0 else server.http
            worker_process.stdin.write(json.dumps({
                "snapshot": os.path.join(folder, f"market{i}"), "http": f"127.0.0.1:{port}", "resp": f"127.0.0.1:{server.resp}",
                "orders": orders[i], "pause": TROUBLE_SECONDS * PAUSE_EVERY / ORDERS}) + "\n")
            worker_process.stdin.flush()
        target = trouble(server)
        for worker_process in workers:
            worker_process.stdout.readline()
            worker_process.stdin.write(f"{target}\n")
            worker_process.stdin.flush()
        results = []
        for i, worker_process in enumerate(workers):
            line = worker_process.stdout.readline()
            if not line:
                with open(os.path.join(folder, f"err{i}"), encoding="utf-8", errors="replace") as file:
                    raise RuntimeError(file.read()[-3000:])
            results.append(json.loads(line))
            worker_process.wait(30)
        judge(server, orders, results, counts)
        server.stop()
    except BaseException:
        print("\n".join(f"# {line}" for line in server.log.splitlines()[-30:]), flush=True)
        raise
    finally:
        for worker_process in workers:
            if worker_process.poll() is None:
                worker_process.kill()
        if proxy:
            proxy.shutdown()
        if server.process.poll() is None:
            server.process.send_signal(signal.SIGCONT)
            server.kill()


def judge(server, orders, results, counts):
    equal("every client reached the market's last position and told all its records",
          [result["reached"] for result in results], [True] * CLIENTS)
    equal("no client ever went back", sum(result["backwards"] for result in results), 0)
    check("bad snapshots were sent, and refused by the one that got them",
          counts["bad"] > 0 and results[0]["state"]["bad"] > 0, (counts, results[0]["state"]))
    equal("nobody else refused one", sum(result["state"]["bad"] for result in results[1:]), 0)
    equal("no record was refused", sum(result["state"]["refused"] for result in results), 0)
    equal("no record differed", sum(result["state"]["differed"] for result in results), 0)
    with_token = sum(row["token"] != "-" for rows in orders for row in rows)
    here = sum(result["here"] for result in results)
    check(f"{here} of {with_token} orders with a token were resolved in place", here >= 0.95 * with_token)
    told = sum(result["state"]["accepted"] + result["state"]["repeated"] for result in results)
    equal("every order that was resolved in place was recorded", told, here)
    judge_books(server, orders)  # before anything is asked again: an order that was lost would come back by that
    resp = server.client()
    resp("AUTH", ACCESS)
    wrong = []
    for rows, result in zip(orders, results):
        replies = resp.many([("ATTRIBUTE", row["order"], row["user"], row["goods"], row["amount"], row["token"], "AT", row["at"],
                              "BRIEF") for row in rows])
        wrong += [(row["order"], reply, result["answers"][row["order"]]) for row, reply in zip(rows, replies)
                  if reply != result["answers"][row["order"]]]
    equal("the server has every order as its client answered it", wrong, [])
    resp.close()


def judge_books(server, orders):
    """An order of a token earns its creator floor(base × rate), which its merchant pays; any other earns nothing."""
    expected = {}
    for row in (row for rows in orders for row in rows if row["creator"]):
        commission = row["amount"] * row["bps"] // 10000
        for party, amount in ((row["creator"], commission), (row["merchant"], -commission)):
            expected[party] = expected.get(party, 0) + amount
    books = server.get("ledger/balances?limit=1000")
    held = {item["party"]: 0 for item in books["items"]}
    for item in books["items"]:
        held[item["party"]] += item["balance"]
    equal("every order is in the books once, with its money", {party: sum_ for party, sum_ in held.items() if sum_},
          {party: sum_ for party, sum_ in expected.items() if sum_})
    equal("and the books sum to nought", books["total"], 0)


def main():
    if not os.path.exists(LIBRARY):
        skip_all("no libtributary beside the program")
    try:
        import cffi  # noqa: F401
    except ImportError:
        skip_all("no cffi for this Python")
    serving.seed()
    folder = tempfile.mkdtemp(prefix="tributary-fleet-")
    try:
        run(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    end()


if __name__ == "__main__":
    worker() if sys.argv[1:] == ["worker"] else main()
