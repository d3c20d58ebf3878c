#!/usr/bin/env python3
"""Kills the server at random moments under load, again and again, and compares.

After each kill: what was answered is there and is answered alike (no answered command lost); what was not
answered is there wholly or not at all; and the books hold exactly the orders that are there (none invented).
"""
import random
import threading
import time

import serving
from serving import check, end, equal

ROUNDS = 8
CREATORS, GOODS = 8, 40
WINDOW = 256
COMMISSION_BPS = 1234


class Load(threading.Thread):
    """Streams commands until the connection breaks; `answered` and `sent` say how far it came."""

    def __init__(self, port, commands):
        super().__init__()
        self.client = serving.Resp(port)
        self.commands = commands
        self.answered, self.sent = [], 0

    def run(self):
        try:
            while self.sent < len(self.commands) or len(self.answered) < self.sent:
                room = WINDOW - (self.sent - len(self.answered))
                batch = self.commands[self.sent:self.sent + max(room, 0)]
                self.sent += len(batch)
                if batch:
                    self.client.socket.sendall(b"".join(self.client.packed(*command) for command in batch))
                self.answered.append(self.client.read())
        except (OSError, serving.Closed):
            pass


def prepare(server):
    server.load("parties", [{"id": "m", "roles": ["merchant"]}] +
                [{"id": f"c{i}", "roles": ["creator"]} for i in range(CREATORS)])
    server.load("goods", [{"id": f"g{i}", "merchant": "m", "price": 1000 + i} for i in range(GOODS)])
    server.put("plans/p", {"merchant": "m", "goods": [f"g{i}" for i in range(GOODS)], "effective_from": 1,
                           "terms": {"commission_bps": COMMISSION_BPS}})
    server.put("registrations/r", {"channel": "live"})


def make_commands(round_number, tokens):
    """Orders mostly, links and touches between; every id is new."""
    commands = []
    for i in range(20000):
        goods = random.randrange(GOODS)
        name = f"{round_number}-{i}"
        what = random.random()
        if what < 0.15:
            commands.append(("LINK", "live", f"c{random.randrange(CREATORS)}", f"g{goods}"))
        elif what < 0.3:
            commands.append(("TOUCH", f"u{name}", tokens[goods]))
        else:
            commands.append(("ATTRIBUTE", f"o{name}", f"b{name}", f"g{goods}", random.randrange(100, 1_000_000), tokens[goods],
                             "BRIEF"))
    return commands


def run_and_kill(server, commands):
    load = Load(server.resp, commands)
    load.start()
    # Somewhere between the first answers and a few thousand of them.
    target, until = random.randrange(1, 6000), time.monotonic() + 60
    while len(load.answered) < target and load.is_alive() and time.monotonic() < until:
        time.sleep(0.0005)
    server.kill()
    load.join()
    load.client.close()
    return load


def order_is_there(server, name):
    return server.ask("GET", f"/api/v1/orders/{name}").status == 200


def check_round(server, load, books, number):
    done, undone = load.commands[:len(load.answered)], load.commands[len(load.answered):load.sent]
    client = server.client()
    orders = [(command, reply) for command, reply in zip(done, load.answered) if command[0] == "ATTRIBUTE"]
    check(f"round {number}: {len(done)} answered, {len(undone)} under way when it was killed",
          all(reply[0] == "attributed" for _, reply in orders), orders[:1])
    links = [reply for command, reply in zip(done, load.answered) if command[0] == "LINK"]
    check(f"round {number}: every answered link's token is good",
          all(isinstance(reply, list) and reply[1] == "ok" for reply in client.many(("TRACK", token) for token in links)))
    touched = [command[1:] for command, reply in zip(done, load.answered) if command[0] == "TOUCH" and reply == "recorded"]
    books["orders"] += [(command[1], reply[1]) for command, reply in orders]

    # What was under way is there wholly or not at all.
    for command in undone:
        if command[0] == "ATTRIBUTE" and order_is_there(server, command[1]):
            books["orders"].append((command[1], command[4] * COMMISSION_BPS // 10000))
    # Before anything is repeated: a repeat would bring back what was lost, with the same answer.
    check_books(server, books, number)
    again = client.many([command for command, _ in orders])
    check(f"round {number}: every answered order is answered alike",
          again == [reply for _, reply in orders],
          [row for row in zip(orders, again) if row[0][1] != row[1]][:3])

    # A touch that was recorded leads an order to its creator; a user who never touched has none.
    sample = touched[-50:]  # the newest are the most at risk
    replies = client.many(("ATTRIBUTE", f"t{user}", user, "g0", 10000, "-", "SCENE", "any-touch", "BRIEF") for user, _ in sample)
    check(f"round {number}: every answered touch counts", all(reply[0] == "attributed" for reply in replies), replies[:3])
    books["orders"] += [(f"t{user}", reply[1]) for (user, _), reply in zip(sample, replies)]
    equal(f"round {number}: nobody's touch is nobody's", client("ATTRIBUTE", f"n{number}", "nobody", "g0", 1, "-", "BRIEF")[0],
          "no_touch")
    client.close()


def check_books(server, books, number):
    answer = server.get("ledger/balances")
    merchant = sum(row["balance"] for row in answer["items"] if row["role"] == "merchant")
    equal(f"round {number}: the books hold what the orders say, no more, no less",
          (abs(merchant), answer["total"]), (sum(charged for _, charged in books["orders"]), 0))


def main():
    serving.seed()
    books = {"orders": []}
    with serving.fresh() as server:
        prepare(server)
        # A tree under which any touch of the shop counts, so that touches can be asked for one by one.
        root = {"id": "any-touch", "model": "last", "window": "30d", "match": "shop",
                "shares": [{"name": "commission", "to": "creator", "from": "merchant", "bps": "terms.commission_bps"}]}
        version = server.put("rules/any-touch", {"scene": "any-touch", "root": root})["version"]
        server.ask("POST", "/api/v1/rules/any-touch:activate", {"version": version})
        tokens = server.client().many(("LINK", "live", f"c{i % CREATORS}", f"g{i}") for i in range(GOODS))
        for number in range(1, ROUNDS + 1):
            load = run_and_kill(server, make_commands(number, tokens))
            server.again()
            check_round(server, load, books, number)
        equal("it stops when asked", server.stop(), 0)
    end()


if __name__ == "__main__":
    main()
