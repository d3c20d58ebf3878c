#!/usr/bin/env python3
"""Budgets, caps, incentives and steps through the doors: what is spent, how far orders pass it, which tier is reached; the
list of all that, its pages and filters, and the same after kill -9."""
import re
import sys
import threading
import time

from serving import check, end, equal, fresh

SHARES = [{"name": "commission", "to": "creator", "from": "merchant", "bps": "terms.commission_bps"}]
DAY = 86400000


def market(server):
    server.load("parties", [{"id": "shop", "roles": ["merchant"]}, {"id": "anna", "roles": ["creator"]}, {"id": "bert", "roles": ["creator"]}])
    server.put("registrations/app", {"channel": "app"})


def plan(server, name, **more):
    server.put(f"goods/{name}", {"merchant": "shop", "price": 1000})
    server.put(f"plans/{name}", {"goods": [name], "merchant": "shop", "terms": {"commission_bps": 2000}, "time_zone": "UTC", **more})


def token(server, goods, creator="anna"):
    return server.ask("POST", "/api/v1/links", {"channel": "app", "creator": creator, "goods": goods}).json["token"]


def tallies(server, query=""):
    return server.get(f"tallies{query}")["items"]


def one(server, query):
    found = tallies(server, query)
    equal(f"one tally of {query}", len(found), 1)
    return found[0] if found else {}


def metric(server, name, line):
    found = re.search(rf'^{name}{{line="{line}"}} (\d+)$', server.ask("GET", "/metrics").body.decode(), re.M)
    return int(found.group(1)) if found else 0


def until(what, expected):
    """Metrics are published once a second."""
    stop = time.monotonic() + 30
    while what() != expected and time.monotonic() < stop:
        time.sleep(0.1)
    return what()


def budget(server):
    plan(server, "b", budget=5000)
    door, link = server.client(), token(server, "b")
    pulse = [("ATTRIBUTE", f"b{n}", "buyer", "b", 10000, link, "BRIEF") for n in range(5)]
    equal("the third passes the budget", door.many(pulse), [["attributed", 2000]] * 3 + [["budget_exhausted", 0]] * 2)
    equal("the list says how far", one(server, "?plan=b"),
          {"line": "budget", "plan": "b", "version": 1, "amount": 6000, "limit": 5000, "overshoot": 1000, "spent": True})
    equal("the metrics too", [until(lambda: metric(server, "tributary_budget_overshoots_total", "budget"), 1),
                              metric(server, "tributary_budget_overshoot_minor_units_total", "budget")], [1, 1000])
    equal("a refund gives back", door("REFUND", "b0", "r", "full", 10000), [0, 2000])
    equal("to the budget", [one(server, "?plan=b")[name] for name in ("amount", "overshoot", "spent")], [4000, 0, False])
    equal("so that one more order passes it", door.many([(*row[:1], row[1] + "x", *row[2:]) for row in pulse[:2]]),
          [["attributed", 2000], ["budget_exhausted", 0]])
    equal("a base edited upwards is not asked", door("ORDER", "b1", "paid", "BASE", 20000), ["paid", 30])
    equal("and is an overshoot", one(server, "?plan=b")["overshoot"], 3000)
    equal("all of it counted", [until(lambda: metric(server, "tributary_budget_overshoot_minor_units_total", "budget"), 4000),
                                metric(server, "tributary_budget_overshoots_total", "budget")], [4000, 3])
    plan(server, "b", budget=100000)
    equal("a version with a larger one goes on", [one(server, "?plan=b")[name] for name in ("version", "amount", "limit", "spent")],
          [2, 8000, 100000, False])
    plan(server, "b")
    equal("one without has no limit", set(one(server, "?plan=b")), {"line", "plan", "version", "amount"})


def in_flight(server):
    """Many clients at once: together they pass the budget by less than one order."""
    plan(server, "f", budget=100000)
    link = token(server, "f")

    def work(worker):
        server.client().many([("ATTRIBUTE", f"f{worker}-{n}", f"u{worker}", "f", 1000 + 7 * n, link, "BRIEF") for n in range(200)])

    workers = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = one(server, "?plan=f")
    check("the overshoot is less than one order's charge", found["spent"] and 0 <= found["overshoot"] < (1000 + 7 * 200) // 5, found)
    charged = -sum(row["debit"] for row in server.get("ledger/statements?party=shop&limit=1000")["entries"] if row["order"].startswith("f"))
    equal("and the books agree", found["amount"], -charged)


def recorded(server):
    """What rich clients resolved while the budget was being spent: the server decides again, and passes it by one order at most."""
    plan(server, "rec", budget=5000)
    link, now = token(server, "rec"), int(time.time() * 1000)
    records = [{"request": {"order": f"rec{n}", "user": "u", "goods": "rec", "base_amount": 10000, "token": link, "at": now}} for n in range(6)]
    reply = server.ask("POST", "/api/v1/orders:record", {"records": records})
    equal("all are kept", (reply.status, reply.json["accepted"], reply.json["refused"]), (200, 6, 0))
    equal("and decided one after another", [server.get(f"orders/rec{n}")["outcome"] for n in range(6)], ["attributed"] * 3 + ["budget_exhausted"] * 3)
    equal("the overshoot is one order's", one(server, "?plan=rec")["overshoot"], 1000)


def caps(server):
    plan(server, "d", daily_cap=3000)
    door, link, now = server.client(), token(server, "d"), int(time.time() * 1000)
    server.put("rules/default", {"root": {"id": "root", "window": "30d", "shares": SHARES}})
    equal("by the day of AT", [door("ATTRIBUTE", f"d{n}", "u", "d", 10000, link, "BRIEF") for n in range(3)],
          [["attributed", 2000], ["attributed", 2000], ["budget_exhausted", 0]])
    found = one(server, "?plan=d")
    equal("its period is a day of the plan's zone", [found["from"] % DAY, found["to"] - found["from"], found["from"] <= now < found["to"] + DAY],
          [0, DAY, True])
    equal("a cap has an overshoot, too", [found[name] for name in ("line", "limit", "overshoot", "spent")], ["daily_cap", 3000, 1000, True])


def steps(server):
    step = {"measure": "orders", "period": "month", "tiers": [{"from": 2, "bps": 100}, {"from": 4, "bps": 300}], "applies": "all"}
    plan(server, "s", step=step, incentive={"bps": 100, "budget": 150})
    door = server.client()
    for creator, count in (("anna", 3), ("bert", 1)):
        link = token(server, "s", creator)
        for n in range(count):
            door("ATTRIBUTE", f"s-{creator}-{n}", "u", "s", 10000, link, "QTY", 2)
            door("ORDER", f"s-{creator}-{n}", "paid")
    anna = one(server, "?plan=s&creator=anna&line=step")
    equal("measure, tier and what it comes to", {name: anna[name] for name in ("measure", "orders", "qty", "gmv", "tier", "bps", "next_from", "amount")},
          {"measure": "orders", "orders": 3, "qty": 6, "gmv": 30000, "tier": 1, "bps": 100, "next_from": 4, "amount": 300})
    bert = one(server, "?plan=s&creator=bert")
    equal("no tier yet", [bert[name] for name in ("tier", "bps", "next_from", "amount")], [0, 0, 2, 0])
    equal("a refund loses the tier", [door("REFUND", f"s-anna-{n}", "r", "full", 10000)[0] for n in range(2)], [0, 0])
    equal("which the list says", [one(server, "?plan=s&creator=anna&line=step")[name] for name in ("orders", "tier", "amount")], [1, 0, 0])
    equal("an incentive and its budget", [one(server, "?plan=s&line=incentive")[name] for name in ("amount", "limit")], [0, 150])


def lists(server):
    rows, cursor = [], ""
    while cursor is not None:
        page = server.get(f"tallies?limit=2{cursor and '&cursor=' + cursor}")
        check("a page holds at most its limit", len(page["items"]) <= 2)
        rows, cursor = rows + page["items"], page["next_cursor"]
    equal("pages are the whole", rows, tallies(server, "?limit=1000"))
    for query, expected in [("?line=budget", 3), ("?plan=none", 0), ("?creator=none", 0), ("?creator=shop", 0), ("?line=step", 2), ("?plan=s", 3), ("?plan=d&line=step", 0)]:
        equal(f"filter {query}", len(tallies(server, query)), expected)
    for query in ("?line=gold", "?cursor=x", "?cursor=99999", "?cursor=-1", "?limit=0", "?plan=s&cursor=0", "?nope=1", "?line=buyer"):
        reply = server.ask("GET", f"/api/v1/tallies{query}")
        equal(f"{query} is refused", (reply.status, reply.json["code"]), (400, "invalid"))


def by_name(rows):
    return sorted(rows, key=lambda row: (row["plan"], row["line"], row.get("creator", ""), row.get("from", 0)))


def main():
    with fresh() as server:
        server.hold_to_description()
        market(server)
        equal("nothing is sold yet", server.get("tallies"), {"items": [], "next_cursor": None})
        for section in (budget, in_flight, recorded, caps, steps, lists):
            section(server)
        before = by_name(tallies(server))
        for how in (server.kill, server.stop):
            how()
            server.again()
            equal(f"the same after {how.__name__}", by_name(tallies(server)), before)
        equal("debits are credits", server.get("ledger/balances")["total"], 0)
        server.as_described()
    end()


if __name__ == "__main__":
    sys.exit(main())
