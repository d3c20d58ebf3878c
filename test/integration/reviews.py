#!/usr/bin/env python3
"""Held orders through both doors: what is frozen, what a release and a rejection do to it in every state of the order, what
is refused, the queue and its pages, statements and balances of kind held; the same after kill -9."""
import sys
import time

from serving import check, end, equal, fresh

SHARES = [{"name": "commission", "to": "creator", "from": "merchant", "bps": "terms.commission_bps"},
          {"name": "service", "to": "leader", "from": "merchant", "bps": "terms.service_bps"},
          {"name": "technical", "to": "platform", "from": "creator", "of": "commission", "bps": 1000}]
NOTHING = {("anna", "held"): (0, 0), ("anna", "payable"): (0, 0), ("shop", "receivable"): (0, 0)}


class Case:
    """A market of its own: balances begin at 0."""
    count = 0

    def __init__(self, server):
        Case.count += 1
        self.server, self.door, self.n = server, server.client(3), Case.count
        for name, role in (("shop", "merchant"), ("anna", "creator"), ("lena", "leader")):
            server.put(f"parties/{self.id(name)}", {"roles": [role]})
        server.put(f"goods/{self.id('lamp')}", {"merchant": self.id("shop"), "price": 10000})
        server.put(f"plans/{self.id('plan')}", {"goods": [self.id("lamp")], "merchant": self.id("shop"), "kind": "activity", "terms": {
            "commission_bps": 2000, "service_bps": 500, "leader": self.id("lena")}})
        self.token = self.door("LINK", "app", self.id("anna"), self.id("lamp"), "OFFER", self.id("plan"))

    def id(self, name):
        return f"{name}{self.n}"

    def order(self, name="o", base=10000, scene="held"):
        return self.door("ATTRIBUTE", self.id(name), self.id("buyer"), self.id("lamp"), base, self.token, "SCENE", scene)

    def review(self, verb, name="o", **body):
        return self.server.ask("POST", f"/api/v1/orders/{self.id(name)}:{verb}", body)

    def has(self, party, kind):
        for row in self.server.get(f"ledger/balances?party={self.id(party)}&kind={kind}&detail=true")["items"]:
            return row["pending"], row["posted"]
        return 0, 0

    def books(self):
        """anna held, anna payable, lena held, lena payable, shop; each (pending, posted)."""
        return [self.has(*account) for account in (("anna", "held"), ("anna", "payable"), ("lena", "held"), ("lena", "payable"), ("shop", "receivable"))]

    def waits(self, name="o"):
        return self.id(name) in [row["order"] for row in queue(self.server)]


def queue(server):
    rows, cursor = [], ""
    while cursor is not None:
        page = server.get(f"reviews?limit=1000{cursor and '&cursor=' + cursor}")
        rows, cursor = rows + page["items"], page["next_cursor"]
    return rows


HELD = [(1800, 0), (0, 0), (500, 0), (0, 0), (-2500, 0)]
FREE = [(0, 0), (1800, 0), (0, 0), (500, 0), (-2500, 0)]
FREE_POSTED = [(0, 0), (0, 1800), (0, 0), (0, 500), (0, -2500)]
EMPTY = [(0, 0)] * 5


def holding(server):
    case = Case(server)
    answer = case.order()
    equal("an outcome as any other", (answer["outcome"], answer["charged"]), ("attributed", 2500))
    equal("creators and leaders have it in accounts of kind held", case.books(), HELD)
    shown = server.get(f"orders/{case.id('o')}")
    equal("the order says so", (shown["held"], shown["outcome"], shown["state"]), (True, "attributed", "created"))
    (row,) = [row for row in queue(server) if row["order"] == case.id("o")]
    equal("the queue", {k: row[k] for k in ("node", "reason", "goods", "currency", "charged", "base_amount")},
          {"node": "root", "reason": "look at it", "goods": case.id("lamp"), "currency": "CNY", "charged": 2500, "base_amount": 10000})
    equal("its place and time are the order's", (row["position"], row["at"]), (shown["position"], shown["at"]))
    text = server.get(f"ledger/statements?party={case.id('anna')}&kind=held")
    equal("a statement of what is held", [(row["kind"], row["stage"], row["line"], row["debit"], row["credit"]) for row in text["entries"]],
          [("held", "pending", "commission", 0, 2000), ("held", "pending", "technical", 200, 0)])
    equal("held money is not paid out", server.ask("POST", "/api/v1/ledger/payouts", {
        "id": case.id("pay"), "party": case.id("anna"), "role": "creator", "amount": 1}).status, 422)


def releasing(server):
    for name, tell, by_http in [("HTTP", lambda case, verb: case.review(verb, reason="seen", by="ops").json["review"], True),
                                ("RESP", lambda case, verb: case.door("REVIEW", case.id("o"), verb, "REASON", "seen", "BY", "ops"), False)]:
        case = Case(server)
        case.order()
        equal(f"released by {name}", tell(case, "release"), "released")
        equal("moves to where it would have stood", case.books(), FREE)
        check("and leaves the queue", not case.waits())
        review = server.get(f"orders/{case.id('o')}")["life"]["review"]
        equal("the order tells who and why", (review["verdict"], review["reason"], review["by"]), ("released", "seen", "ops"))
        equal("again: no error", tell(case, "release"), "released")
        other = case.door("REVIEW", case.id("o"), "reject")
        equal("the other verdict is a conflict", (other.code, case.review("reject").status, case.review("reject").json["code"]), ("CONFLICT", 409, "conflict"))
        equal("and changes nothing", case.books(), FREE)
        case = Case(server)
        case.order()
        equal(f"rejected by {name}", tell(case, "reject"), "rejected")
        equal("nobody is paid", case.books(), EMPTY)
        equal("again: no error", tell(case, "reject"), "rejected")
        equal("released afterwards: a conflict", case.review("release").status, 409)
        check("it leaves the queue, too", not case.waits())
        equal("what is held and what was rejected adds up in the statement",
              sum(row["credit"] - row["debit"] for row in server.get(f"ledger/statements?party={case.id('anna')}")["entries"]), 0)


def refused(server):
    case = Case(server)
    case.order("plain", scene="plain")
    case.door("ATTRIBUTE", case.id("nobody"), case.id("stranger"), case.id("lamp"), 100, "-", "SCENE", "held")
    case.order()
    rows = [(case.id("plain"), "release", {}, 422, "refused"), (case.id("nobody"), "release", {}, 422, "refused"),
            (case.id("never"), "release", {}, 404, "not_found"), (case.id("never"), "reject", {}, 404, "not_found"),
            (case.id("o"), "release", {"reason": "x" * 129}, 400, "invalid"), (case.id("o"), "release", {"by": "x" * 129}, 400, "invalid"),
            (case.id("o"), "release", {"reason": 5}, 400, "invalid"), (case.id("o"), "release", {"why": "x"}, 400, "invalid"),
            (case.id("o"), "release", {"at": 5}, 422, "too_old"), (case.id("o"), "release", {"at": int(time.time() * 1000) + 600000}, 422, "badtime"),
            (case.id("o"), "release", {"at": -1}, 400, "invalid"), (case.id("o"), "release", [], 400, "invalid")]
    for order, verb, body, status, code in rows:
        reply = server.ask("POST", f"/api/v1/orders/{order}:{verb}", body)
        equal(f"{order}:{verb} {str(body)[:40]}", (reply.status, reply.json["code"]), (status, code))
    for words, code in [(("plain", "release"), "REFUSED"), (("never", "release"), "NOT_FOUND"), (("o", "perhaps"), "INVALID"), (("o",), "ERR"),
                        (("o", "release", "REASON"), "SYNTAX"), (("o", "release", "REASON", "x" * 129), "INVALID"), (("o", "release", "REASON", b"\xff"), "INVALID"),
                        (("o", "release", "AT", "soon"), "INVALID"), (("o", "release", "BASE", "1"), "SYNTAX"), (("o", "release", "BY", "a", "BY", "b"), "SYNTAX")]:
        equal(f"REVIEW {words}"[:60], case.door("REVIEW", case.id(words[0]), *words[1:]).code, code)
    equal("none of it changed anything", (case.books()[0], case.waits()), ((1800, 0), True))
    equal("a body may be left out", server.ask("POST", f"/api/v1/orders/{case.id('o')}:release").status, 200)
    equal("cursors that no list gave", [server.ask("GET", f"/api/v1/reviews?{query}").status for query in ("cursor=x", "limit=0", "limit=1001", "cursor=-1")], [400] * 4)


def life_goes_on(server):
    """What happens to a held order meanwhile, and what a review comes to then: as without the hold, or nothing."""
    def partial(case):
        equal("a refund while held", case.door("REFUND", case.id("o"), "r1", "partial", 4000), [6000, 1000])

    def settle(case):
        for state in ("paid", "received", "settled"):
            case.door("ORDER", case.id("o"), state)

    def invalid(case):
        equal("invalid while held", case.door("ORDER", case.id("o"), "invalid"), ["invalid", 80])

    def forfeit(case):
        case.door("REFUND", case.id("o"), "r1", "forfeiture", 0)

    def edit(case):
        case.door("ORDER", case.id("o"), "paid", "BASE", 20000)

    rows = [("refund", [partial], [(1080, 0), (0, 0), (300, 0), (0, 0), (-1500, 0)]),
            ("settle", [settle], [(0, 1800), (0, 0), (0, 500), (0, 0), (0, -2500)]),
            ("settle, refund", [settle, partial], [(0, 1080), (0, 0), (0, 300), (0, 0), (0, -1500)]),
            ("edit", [edit], [(3600, 0), (0, 0), (1000, 0), (0, 0), (-5000, 0)]),
            ("invalid", [invalid], EMPTY), ("forfeiture", [forfeit], None)]
    for name, steps, held in rows:
        cases = [Case(server) for _ in range(5)]
        for case, scene in zip(cases, ("held", "held", "plain", "held", "held")):
            case.order(scene=scene)
        for case in cases[:3]:
            for step in steps:
                step(case)
        if held:
            equal(f"{name}: it follows", cases[0].books(), held)
            equal(f"{name}: but is not paid out", server.ask("POST", "/api/v1/ledger/payouts", {
                "id": cases[0].id("pay"), "party": cases[0].id("anna"), "role": "creator", "amount": 1}).status, 422)
        cases[0].review("release")
        equal(f"{name}, release: as if it had never been held", cases[0].books(), cases[2].books())
        cases[1].review("reject")
        equal(f"{name}, reject: nothing", cases[1].books(), EMPTY)
        equal(f"{name}: neither waits", [case.waits() for case in cases[:2]], [False, False])
        cases[3].review("release")
        cases[4].review("reject")
        for step in steps:
            step(cases[3])
        equal(f"release, {name}: the same", cases[3].books(), cases[2].books())
    case = Case(server)
    case.order()
    case.review("reject")
    equal("nothing is refunded of what was rejected", case.door("REFUND", case.id("o"), "r1", "partial", 1)[1], 0)
    equal("nor paid by its life", (case.door("ORDER", case.id("o"), "paid"), case.books()), (["paid", 30], EMPTY))
    case = Case(server)
    case.order()
    invalid(case)
    check("an invalid order waits for nobody", not case.waits())


def pages(server):
    case = Case(server)
    for n in range(7):
        case.order(f"p{n}")
    rows, cursor = [], ""
    while cursor is not None:
        page = server.get(f"reviews?limit=3{cursor and '&cursor=' + cursor}")
        check("a page holds at most its limit", len(page["items"]) <= 3)
        if cursor == "":
            case.review("release", "p6")  # behind the page: it must not come any more
        rows, cursor = rows + [row["order"] for row in page["items"]], page["next_cursor"]
    mine = [name for name in rows if name.startswith("p")]
    equal("pages list each once, oldest first, without what was reviewed meanwhile", mine, [case.id(f"p{n}") for n in range(6)])
    equal("total says how many wait", server.get("reviews?limit=1")["total"], len(rows))
    return rows


def main():
    with fresh() as server:
        server.hold_to_description()
        server.put("registrations/app", {"channel": "app"})
        for scene, held in (("held", True), ("plain", False)):
            server.put(f"rules/{scene}", {"root": {"id": "root", "held": held, "reason": "look at it", "shares": SHARES, "after_settlement": "claw_back"}
                                           if held else {"id": "root", "shares": SHARES, "after_settlement": "claw_back"}})
            server.ask("POST", f"/api/v1/rules/{scene}:activate", {"version": 1})
        for section in (holding, releasing, refused, life_goes_on):
            section(server)
        waiting = pages(server)
        books = server.get("ledger/balances?detail=true&limit=1000")
        for how in (server.kill, server.stop):
            how()
            server.again()
            equal(f"the queue after {how.__name__}", [row["order"] for row in queue(server)], waiting)
            equal("and the books", sorted(map(str, server.get("ledger/balances?detail=true&limit=1000")["items"])), sorted(map(str, books["items"])))
        equal("debits are credits", server.get("ledger/balances")["total"], 0)
        server.as_described()
    end()


if __name__ == "__main__":
    sys.exit(main())
