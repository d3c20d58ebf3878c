#!/usr/bin/env python3
"""Invitations, samples and experience through the doors: a set is invited, one of it accepts, its link pays the targeted
rate; counters, expiry, slot fees and what guarantees give back; samples that plans decide about and orders fulfil; all of
it the same after kill -9."""
import sys
import time

from serving import check, end, equal, fresh

DAY = 86400000


def now():
    return int(time.time() * 1000)


def until(what, expected):
    stop = time.monotonic() + 30
    while (found := what()) != expected and time.monotonic() < stop:
        time.sleep(0.05)
    return found


def market(server):
    server.load("parties", [{"id": "shop", "roles": ["merchant"]}, {"id": "other", "roles": ["merchant"]}, {"id": "lead", "roles": ["leader"]}] +
                [{"id": f"c{n}", "roles": ["creator"], "level": n % 5, "followers": 1000 * n} for n in range(1, 201)])
    server.put("registrations/app", {"channel": "app"})
    server.load("goods", [{"id": f"g{n}", "merchant": "shop", "price": 9900} for n in range(1, 6)] + [{"id": "x", "merchant": "other", "price": 100}])
    server.put("plans/all", {"goods": ["g1", "g2", "g3", "g4", "g5"], "merchant": "shop", "terms": {"commission_bps": 1000}})


def act(server, path, expected=200, **body):
    reply = server.ask("POST", f"/api/v1/{path}", body)
    equal(f"{path} {expected}", reply.status if reply.status == expected else str(reply), expected)
    return reply.json


def token(server, goods, creator):
    return server.ask("POST", "/api/v1/links", {"channel": "app", "creator": creator, "goods": goods}).json["token"]


def experience(server, query):
    return server.get(f"experience?{query}")["items"]


def status(server, path):
    return server.get(path)["status"]


def one_by_one(server):
    """A set by condition, which is made in slices; one accepts."""
    server.put("invitations/may", {"from": "shop", "creators_when": "creator.level >= 3", "goods": ["g1", "g2"],
                                   "terms": {"commission_bps": 2500}, "message": "May?"})
    equal("the set is sent", until(lambda: status(server, "invitations/may"), "sent"), "sent")
    may = server.get("invitations/may")
    equal("to each creator of level 3 and more, once", may["made"], 80)
    first = server.get("invitations/may.1")
    equal("in the order of their numbers", [first[name] for name in ("creator", "set", "status", "turn")], ["c3", "may", "sent", "creator"])
    equal("and no further", server.ask("GET", "/api/v1/invitations/may.81").status, 404)
    act(server, "invitations/may:accept", 409)
    door = server.client()
    equal("before, the general plan", door("ATTRIBUTE", "before", "u", "g1", 10000, token(server, "g1", "c3"), "BRIEF"), ["attributed", 1000])
    accepted = act(server, "invitations/may.1:accept", reason="gladly")
    equal("it is accepted", accepted["status"], "accepted")
    first = server.get("invitations/may.1")
    equal("and is a plan", [first["plan"], first["turn"], first["history"][1]["reason"]], ["may.1.plan", None, "gladly"])
    plan = server.get("plans/may.1.plan")
    equal("a targeted one", [plan["kind"], plan["creators"], plan["goods"], plan["merchant"]], ["targeted", ["c3"], ["g1", "g2"], "shop"])
    equal("whose rate is paid", [door("ATTRIBUTE", "after", "u", goods, 10000, token(server, goods, creator), "BRIEF") for goods, creator in (("g2", "c3"),)],
          [["attributed", 2500]])
    equal("to nobody else", door("ATTRIBUTE", "else", "u", "g2", 10000, token(server, "g2", "c4"), "BRIEF"), ["attributed", 1000])
    act(server, "invitations/may.1:accept", 409)
    act(server, "invitations/may.2:decline", reason="no")
    found = experience(server, "merchant=shop&creator=c3")
    equal("experience has it", [{name: found[0][name] for name in ("party", "creator", "invited", "accepted", "declined", "plans")}],
          [{"party": "shop", "creator": "c3", "invited": 1, "accepted": 1, "declined": 0, "plans": 1}])
    equal("and what was sold since", found[0]["sold"], [{"currency": "CNY", "orders": 2, "refunded_orders": 0, "gmv": 20000, "refunded": 0, "refund_bps": 0}])
    door("ORDER", "after", "paid")
    door("REFUND", "after", "r1", "partial", 2500)
    equal("less what was refunded", experience(server, "merchant=shop&creator=c3")[0]["sold"],
          [{"currency": "CNY", "orders": 2, "refunded_orders": 0, "gmv": 20000, "refunded": 2500, "refund_bps": 1250}])
    door("ORDER", "before", "invalid")
    equal("an order never paid was none", experience(server, "creator=c3")[0]["sold"],
          [{"currency": "CNY", "orders": 1, "refunded_orders": 0, "gmv": 10000, "refunded": 2500, "refund_bps": 2500}])
    equal("whoever was not invited is not in it", experience(server, "merchant=shop&creator=c2"), [])


def counters(server):
    server.put("invitations/i1", {"from": "shop", "creator": "c1", "goods": ["g1"], "terms": {"commission_bps": 1500}})
    equal("the same again is no other", server.ask("PUT", "/api/v1/invitations/i1", {"from": "shop", "creator": "c1", "goods": ["g1"],
          "terms": {"commission_bps": 1500}}).json["version"], 1)
    equal("other content is a conflict", server.ask("PUT", "/api/v1/invitations/i1", {"from": "shop", "creator": "c1", "goods": ["g1"],
          "terms": {"commission_bps": 1600}}).status, 409)
    act(server, "invitations/i1:counter", 400)
    act(server, "invitations/i1:counter", offer={"terms": {"commission_bps": 3000}}, reason="more")
    found = server.get("invitations/i1")
    equal("the other side's turn", [found["status"], found["turn"], found["terms"]["commission_bps"], found["before"][0]["terms"]["commission_bps"], found["before"][0]["by"]],
          ["countered", "from", 3000, 1500, "from"])
    act(server, "invitations/i1:counter", offer={"terms": {"commission_bps": 2000}, "sample": {"qty": 1}})
    act(server, "invitations/i1:accept")
    found = server.get("invitations/i1")
    equal("what was on the table last holds", server.get("plans/i1.plan")["terms"]["commission_bps"], 2000)
    equal("and its sample is approved", status(server, f"samples/{found['sample_id']}"), "approved")
    for n in range(16):
        if n == 0:
            server.put("invitations/i2", {"from": "shop", "creator": "c2", "goods": ["g1"], "terms": {"commission_bps": 1500}})
        server.ask("POST", "/api/v1/invitations/i2:counter", {"offer": {"terms": {"commission_bps": 1500 + n}}})
    act(server, "invitations/i2:counter", 409, offer={"terms": {"commission_bps": 1}})
    act(server, "invitations/i2:withdraw")
    for wrong, at in [({"from": "shop", "goods": ["g1"]}, "creator"), ({"from": "shop", "creator": "c1"}, "goods"), ({"from": "shop", "creator": "c1", "goods": ["x"]}, "from"),
                      ({"from": "shop", "creator": "c1", "goods": ["g1", "x"]}, "goods[1]"), ({"from": "nobody", "creator": "c1", "goods": ["g1"]}, "from"),
                      ({"from": "shop", "creator": "shop", "goods": ["g1"]}, "creator"), ({"from": "shop", "creator": "c1", "goods": ["g1"], "expires_at": 1}, "expires_at"),
                      ({"from": "lead", "creator": "c1", "goods": ["g1"]}, "from"),
                      ({"from": "shop", "creators_when": "order.base > 1", "goods": ["g1"]}, "creators_when"),
                      ({"from": "shop", "creators": ["c1", "nobody"], "goods": ["g1"]}, "creators[1]")]:
        reply = server.ask("PUT", "/api/v1/invitations/wrong", wrong)
        equal(f"refused at {at}", (reply.status // 100, reply.json.get("at")), (4, at))
    server.put("plans/taken.plan", {"goods": ["x"], "merchant": "other", "terms": {"commission_bps": 100}})
    reply = server.ask("PUT", "/api/v1/invitations/taken", {"from": "shop", "creator": "c1", "goods": ["g1"], "terms": {"commission_bps": 1500}})
    equal("it would replace somebody's plan", (reply.status, reply.json["at"], server.get("plans/taken.plan")["merchant"]), (422, "id", "other"))
    equal("nothing came of them", server.ask("GET", "/api/v1/invitations/wrong").status, 404)


def leaders(server):
    """A leader gives out of what it has."""
    server.put("plans/activity", {"goods": ["g5"], "merchant": "shop", "kind": "activity", "terms": {"commission_bps": 1000, "service_bps": 500, "leader": "lead"}})
    reply = server.ask("PUT", "/api/v1/invitations/l1", {"from": "lead", "creator": "c9", "goods": ["g5"], "terms": {"commission_bps": 1400, "service_bps": 200}})
    equal("not more than that", (reply.status, reply.json["at"]), (400, "terms.commission_bps"))
    server.put("invitations/l1", {"from": "lead", "creator": "c9", "goods": ["g5"], "terms": {"commission_bps": 1400, "service_bps": 100}})
    act(server, "invitations/l1:accept")
    door = server.client()
    equal("the creator has more, the leader less", [(row[0], row[3]) for row in door("ATTRIBUTE", "l1", "u", "g5", 10000, token(server, "g5", "c9"))[-1][0][3]],
          [("commission", 1400), ("service", 100)])
    equal("both are kept apart", sorted((row["party"], row["accepted"]) for row in experience(server, "creator=c9")), [("lead", 1), ("shop", 0)])


def fees(server):
    server.put("invitations/fee", {"from": "shop", "creator": "c10", "goods": ["g3"], "terms": {"commission_bps": 2000},
                                   "slot_fee": {"amount": 100000, "guarantee": {"least": 4, "within": "1s"}}})
    act(server, "invitations/fee:accept")
    equal("owed, and estimated", [server.get("invitations/fee")["slot_fee"]["state"],
                                  [(row["pending"], row["posted"]) for row in server.get("ledger/balances?party=c10&detail=true")["items"]]],
          ["owed", [(100000, 0)]])
    door = server.client()
    link = token(server, "g3", "c10")
    door("ATTRIBUTE", "fee1", "u", "g3", 10000, link, "BRIEF")
    equal("three of four orders are missing", until(lambda: server.get("invitations/fee")["slot_fee"].get("returned"), 75000), 75000)
    found = server.get("invitations/fee")
    equal("what is left is final", [found["slot_fee"]["state"], found["slot_fee"]["sold"], found["history"][-1]["action"]], ["settled", 1, "return_fee"])
    equal("in the books, too", [(row["pending"], row["posted"]) for row in server.get("ledger/balances?party=c10&detail=true")["items"]], [(2000, 25000)])
    lines = [(row["line"], row["stage"], row["credit"] - row["debit"]) for row in server.get("ledger/statements?party=c10")["entries"] if row["line"] == "slot_fee"]
    equal("each step is an entry", lines, [("slot_fee", "pending", 100000), ("slot_fee", "pending", -100000), ("slot_fee", "posted", 25000)])
    server.put("invitations/fee2", {"from": "shop", "creator": "c11", "goods": ["g3"], "slot_fee": {"amount": 500}})
    act(server, "invitations/fee2:accept")
    act(server, "invitations/fee2:settle_fee")
    act(server, "invitations/fee2:settle_fee", 409)
    act(server, "invitations/fee2:return_fee", reason="it did not happen")
    equal("and back", [server.get("invitations/fee2")["slot_fee"]["state"], server.get("ledger/balances?party=c11")["items"][0]["balance"]], ["returned", 0])
    equal("debits are credits", server.get("ledger/balances")["total"], 0)


def expiry(server):
    server.put("invitations/soon", {"from": "shop", "creator": "c12", "goods": ["g1"], "expires_at": now() + 1200})
    equal("it expires by itself", until(lambda: status(server, "invitations/soon"), "expired"), "expired")
    act(server, "invitations/soon:accept", 409)
    server.put("invitations/back", {"from": "shop", "creators": ["c13", "c14", "c15"], "goods": ["g1"]})
    equal("a set of three", until(lambda: server.get("invitations/back")["made"], 3), 3)
    act(server, "invitations/back.2:decline")
    act(server, "invitations/back:withdraw")
    equal("is withdrawn with all that are open", until(lambda: [status(server, f"invitations/back.{n}") for n in (1, 2, 3)], ["withdrawn", "declined", "withdrawn"]),
          ["withdrawn", "declined", "withdrawn"])
    equal("which experience knows", [experience(server, f"merchant=shop&creator=c{n}")[0]["lapsed"] for n in (12, 13, 14, 15)], [1, 1, 0, 1])


def gone(server):
    """What was proposed has gone since: nobody makes a deal about it."""
    server.load("parties", [{"id": "maker", "roles": ["merchant"]}, {"id": "cg", "roles": ["creator"]}, {"id": "ch", "roles": ["creator"]}])
    server.load("goods", [{"id": f"m{n}", "merchant": "maker", "price": 9900} for n in range(1, 6)])
    for name, creator, goods in [("away", "cg", "m1"), ("shut", "cg", "m2"), ("ice", "ch", "m3"), ("ruin", "cg", "m4"), ("well", "cg", "m5")]:
        server.put(f"invitations/{name}", {"from": "maker", "creator": creator, "goods": [goods]})
    server.ask("PUT", "/api/v1/goods/m1/status", {"status": "withdrawn"})
    equal("closed", server.ask("DELETE", "/api/v1/goods/m2").status, 200)
    server.ask("PUT", "/api/v1/parties/ch/status", {"status": "frozen"})
    for name, at, word in [("away", "goods[0]", "withdrawn"), ("shut", "goods[0]", "closed"), ("ice", "creator", "frozen")]:
        for action, body in [("accept", {}), ("counter", {"offer": {"terms": {"commission_bps": 100}}})]:
            found = act(server, f"invitations/{name}:{action}", 409, **body)
            check(f"{name}: by its place", found["at"] == at and word in found["detail"] and "expected" in found["detail"], found)
    act(server, "invitations/away:decline")
    server.ask("PUT", "/api/v1/goods/m1/status", {"status": "active"})
    act(server, "invitations/well:accept")
    server.ask("PUT", "/api/v1/parties/maker/status", {"status": "closed"})
    found = act(server, "invitations/ruin:accept", 409)
    check("nor with a merchant who is closed", "closed" in found["detail"], found)
    reply = server.ask("PUT", "/api/v1/invitations/none", {"from": "maker", "creator": "cg", "goods": ["m1"]})
    check("nor is it proposed", reply.status == 422 or reply.status == 409, reply)


def samples(server):
    server.put("plans/gift", {"goods": ["g4"], "merchant": "shop", "terms": {"commission_bps": 1200},
                              "samples": {"when": "creator.followers >= 20000", "auto": True, "quota": 2, "terms": {"sold": 2, "within": "20s"}}})
    for creator, expected in (("c19", "rejected"), ("c20", "approved"), ("c21", "approved"), ("c22", "rejected")):
        server.put(f"samples/s-{creator}", {"creator": creator, "goods": ["g4"], "plan": "gift", "address": "a-1"})
        equal(f"{creator} is {expected}", status(server, f"samples/s-{creator}"), expected)
    found = server.get("samples/s-c20")
    equal("by the rule", [found["history"][1]["action"], found["history"][1]["ext"], found["terms"]["sold"], found["merchant"]], ["approve", {"rule": True}, 2, "shop"])
    act(server, "samples/s-c20:receive")
    act(server, "samples/s-c20:ship", 409)
    door, link = server.client(), token(server, "g4", "c20")
    door("ATTRIBUTE", "s1", "u", "g4", 10000, link, "BRIEF")
    equal("one of two", status(server, "samples/s-c20"), "received")
    door("ATTRIBUTE", "s2", "u", "g4", 10000, link, "BRIEF")
    equal("orders fulfil it", until(lambda: status(server, "samples/s-c20"), "fulfilled"), "fulfilled")
    equal("so many", server.get("samples/s-c20")["sold"], 2)
    equal("a sample itself earns nothing", door("ATTRIBUTE", "s3", "u", "g4", 10000, link, "EXT", "kind", "sample", "BRIEF"), ["zero_base", 0])
    server.put("samples/late", {"creator": "c21", "goods": ["g4"], "terms": {"sold": 5, "within": "1s"}})
    act(server, "samples/late:approve")
    act(server, "samples/late:ship")
    act(server, "samples/late:ship", 409)
    act(server, "samples/late:ship", 400, tracking={"carrier": "sf"})
    act(server, "samples/late:ship", tracking={"carrier": "sf", "number": "SF123"})
    act(server, "samples/late:ship", tracking={"carrier": "zto", "number": "ZT 9"})
    equal("by which parcel it goes", server.get("samples/late")["tracking"], {"carrier": "zto", "number": "ZT 9"})
    act(server, "samples/late:receive")
    equal("or it is overdue", until(lambda: status(server, "samples/late"), "overdue"), "overdue")
    act(server, "samples/late:fulfil", reason="late, but done")
    server.put("samples/bought", {"creator": "c23", "goods": ["g4"], "terms": {"rule": "buy_refund", "live_minutes": 10}, "order": "s9"})
    for action in ("approve", "receive", "fulfil"):
        act(server, f"samples/bought:{action}")
    found = server.get("samples/bought")
    equal("bought, then given back", [found["refunded"], [row["posted"] for row in server.get("ledger/balances?party=c23&detail=true")["items"]]], [9900, [9900]])
    server.put("samples/shown", {"creator": "c24", "goods": ["g4"], "terms": {"listed": True}})
    for action in ("approve", "receive"):
        act(server, f"samples/shown:{action}")
    equal("not listed yet", status(server, "samples/shown"), "received")
    reply = server.ask("POST", "/api/v1/shelves/c24/showcase", {"list": [{"goods": "g4"}]})
    check("listed", reply.status in (200, 201), reply)
    equal("a shelf fulfils it", until(lambda: status(server, "samples/shown"), "fulfilled"), "fulfilled")
    check("which the history says", [row["action"] for row in server.get("samples/shown")["history"]] == ["create", "approve", "receive", "list", "fulfil"])
    equal("experience counts samples", [{name: experience(server, f"merchant=shop&creator={creator}")[0][name] for name in ("samples", "fulfilled", "overdue")}
                                       for creator in ("c20", "c21", "c23")],
          [{"samples": 1, "fulfilled": 1, "overdue": 0}, {"samples": 2, "fulfilled": 1, "overdue": 1}, {"samples": 1, "fulfilled": 1, "overdue": 0}])
    equal("a plan lists its goods", server.ask("PUT", "/api/v1/samples/no", {"creator": "c1", "goods": ["g1"], "plan": "gift"}).json["at"], "goods[0]")


def all_experience(server):
    rows, cursor = [], ""
    while cursor is not None:
        page = server.get(f"experience?limit=7{cursor and '&cursor=' + cursor}")
        check("a page holds at most its limit", len(page["items"]) <= 7)
        rows, cursor = rows + page["items"], page["next_cursor"]
    return sorted(rows, key=lambda row: (row["party"], row["creator"]))


def told(server):
    """A paused webhook keeps what each side would have been told."""
    server.put("webhooks/all", {"url": "http://127.0.0.1:9/x", "kinds": ["invitation.*", "sample.*"], "when": "to in ['c190', 'shop']", "status": "paused"})
    server.put("invitations/t1", {"from": "shop", "creator": "c190", "goods": ["g1"], "sample": {"qty": 1}})
    act(server, "invitations/t1:accept")
    act(server, "samples/t1.sample:receive")
    equal("each side is told", [(row["kind"], row["to"], row["entity"]) for row in server.get("outbox?state=pending")["items"]],
          [("invitation.sent", "c190", "invitation/t1"), ("sample.approved", "c190", "sample/t1.sample"),
           ("invitation.accepted", "c190", "invitation/t1"), ("sample.fulfilled", "c190", "sample/t1.sample")])
    server.ask("DELETE", "/api/v1/webhooks/all")


def main():
    with fresh("--outbox-allow", "http://127.0.0.1:9/x") as server:
        server.hold_to_description()
        market(server)
        equal("nobody knows anybody", server.get("experience"), {"items": [], "next_cursor": None})
        for section in (one_by_one, counters, leaders, fees, expiry, gone, samples, told):
            section(server)
        before = all_experience(server)
        check("a pair each", len({(row["party"], row["creator"]) for row in before}) == len(before) > 80, before)
        entities = [server.get(path) for path in ("invitations?limit=1000", "samples")]
        for how in (server.kill, server.stop):
            how()
            server.again()
            equal(f"the same after {how.__name__}", all_experience(server), before)
            equal("and all that was agreed", [server.get(path) for path in ("invitations?limit=1000", "samples")], entities)
        server.client()("ATTRIBUTE", "again", "u", "g2", 10000, token(server, "g2", "c3"), "BRIEF")
        equal("experience goes on", experience(server, "merchant=shop&creator=c3")[0]["sold"][0]["orders"], 2)
        equal("debits are credits", server.get("ledger/balances")["total"], 0)
        server.as_described()
    end()


if __name__ == "__main__":
    sys.exit(main())
