#!/usr/bin/env python3
"""Activities through the doors: every status of an enrolment and of a cooperation × every action; from enrolment to the
leaders' pay; the cases that leaders and merchants argue about; thousands at once; and the same after kill -9."""
import json

import serving
from serving import check, end, equal, free_port, fresh

DAY = 86400000
TREE = {"root": {"id": "all", "when": "has(touch)", "window": "30d", "shares": [
    {"name": "commission", "to": "creator", "from": "merchant", "bps": "terms.commission_bps"},
    {"name": "service", "to": "leader", "from": "merchant", "bps": "terms.service_bps"},
    {"name": "service2", "to": "leader2", "from": "leader", "bps": "terms.service2_bps"}]}}

# status → how it is reached; its (action → HTTP status, status then). What is not listed is refused. The activity promotes.
ENROLMENTS = {
    "submitted": ([], {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn"}),
    "approved": (["approve"], {"withdraw": "withdrawing", "end": "ended"}),
    "rejected": (["reject"], {"withdraw": "withdrawn"}),
    "withdrawing": (["approve", "withdraw"], {"consent": "withdrawn", "decline": "approved", "end": "ended"}),
    "withdrawn": (["withdraw"], {}),
    "ended": (["approve", "end"], {}),
}
COOPERATIONS = {
    "proposed": ([], {"accept": "active", "decline": "declined", "cancel": "cancelled"}),
    "active": (["accept"], {"cancel": "cancelling"}),
    "declined": (["decline"], {}),
    "cancelling": (["accept", "cancel"], {"consent": "cancelled", "decline": "active"}),
    "cancelled": (["cancel"], {}),
}


class Market:
    """A shop, two leaders, a creator; one activity a case."""

    def __init__(self, server):
        self.server, self.made = server, 0
        for name, role in [("shop", "merchant"), ("lena", "leader"), ("lou", "leader"), ("anna", "creator")]:
            server.put(f"parties/{name}", {"roles": [role]})
        server.put("registrations/app", {"channel": "app"})
        server.put("rules/default", TREE)
        reply = server.ask("POST", "/api/v1/rules/default:activate", {"version": server.get("rules/default")["version"]})
        check("the tree pays leaders of both levels", reply.status == 200, reply)
        self.client = server.client()

    def goods(self, price=10000, **plan):
        """Goods of their own, with a general plan."""
        self.made += 1
        name = f"goods-{self.made}"
        self.server.put(f"goods/{name}", {"merchant": "shop", "price": price, "category": "beauty"})
        self.server.put(f"plans/general-{self.made}", {"goods": [name], "merchant": "shop", "terms": {"commission_bps": 1000}, **plan})
        return name

    def activity(self, name, **fields):
        self.server.put(f"activities/{name}", {"leader": "lena", "min_commission_bps": 1500, "min_service_bps": 200, **fields})
        self.act("activities", name, "publish")
        return name

    def enrol(self, name, activity, goods, commission=2000, service=600):
        return self.server.ask("PUT", f"/api/v1/enrolments/{name}",
                               {"activity": activity, "goods": goods, "commission_bps": commission, "service_bps": service})

    def act(self, noun, name, action, **body):
        return self.server.ask("POST", f"/api/v1/{noun}/{name}:{action}", {"reason": "because", **body})

    def approved(self, name, activity, goods, **terms):
        replies = self.enrol(name, activity, goods, **terms), self.act("enrolments", name, "approve")
        if [reply.status for reply in replies] != [201, 200]:
            raise RuntimeError("\n".join(map(str, replies)))

    def sell(self, order, goods, offer):
        """What an order through this offer comes to: its lines."""
        token = self.client("LINK", "app", "anna", goods, "OFFER", offer)
        if isinstance(token, serving.RespError):
            return token.code
        reply = self.client("ATTRIBUTE", order, f"buyer-{order}", goods, 10000, token)
        answer = dict(zip(reply[::2], reply[1::2]))
        return {name: amount for credit in answer["credits"] for name, _to, _from, amount in credit[3]}

    def has(self, party, role):
        return sum(item["balance"] for item in self.server.get(f"ledger/balances?party={party}&role={role}")["items"])


def walk(market, noun, table, make):
    """Every status × every action, as the table says and as /api/v1/life-cycles does."""
    cycle = next(cycle for cycle in market.server.get("life-cycles")["items"] if cycle["noun"] == noun)
    actions = sorted({row["action"] for row in cycle["actions"]} - {"offer"})
    wrong = done = 0
    for status, (way, leads) in table.items():
        for action in actions:
            done += 1
            name = make(f"{noun[:3]}-{done}")
            for step in way:
                market.act(noun, name, step)
            reply = market.act(noun, name, action)
            now = market.server.get(f"{noun}/{name}")["status"]
            want = (200, leads[action]) if action in leads else (409, status)
            if (reply.status, now) != want:
                wrong += 1
                print(f"# {status} {action}: {(reply.status, now)}, expected {want}: {reply}")
    check(f"{noun}: {done} times a status and an action", done and not wrong)


def life_cycles(market):
    market.activity("walk", leader2={}, notice="0s")
    walk(market, "enrolments", ENROLMENTS, lambda name: (market.enrol(name, "walk", market.goods()), name)[1])

    def propose(name):
        market.server.put(f"parties/{name}", {"roles": ["leader"]})
        market.server.put(f"cooperations/{name}", {"activity": "walk", "leader2": name, "service2_bps": 100})
        return name

    walk(market, "cooperations", COOPERATIONS, propose)


def to_the_leaders_pay(market):
    goods = market.goods()
    market.activity("may", title="May", requirements_when="goods.category == 'beauty' && goods.price >= 1000 && terms.commission_bps >= 1800",
                    leader2={"min_service_bps": 100})
    reply = market.enrol("pay", "may", goods, commission=1700)
    equal("requirements are asked", (reply.status, reply.json["code"], reply.json["at"]), (422, "refused", "goods"))
    market.approved("pay", "may", goods)
    equal("an offer pays the leader", market.sell("pay-1", goods, "pay"), {"commission": 2000, "service": 600})
    market.server.put("cooperations/co", {"activity": "may", "leader2": "lou", "service2_bps": 150})
    market.act("cooperations", "co", "accept")
    reply = market.server.ask("POST", "/api/v1/cooperations/co:offer", {"enrolments": ["pay"]})
    equal("offered through a second leader", reply.json["items"], [{"id": "pay", "status": "approved"}])
    equal("who is paid out of the first's part", market.sell("pay-2", goods, "pay.co"), {"commission": 2000, "service": 600, "service2": 150})
    equal("both have what is theirs", (market.has("lena", "leader"), market.has("lou", "leader2")), (1050, 150))
    rows = market.server.get("ledger/statements?party=lena")["entries"]
    equal("the first sees income and expense", sorted(row["credit"] - row["debit"] for row in rows), [-150, 600, 600])
    rows = market.server.get("ledger/statements?party=lou")["entries"]
    equal("the second its income", [row["credit"] - row["debit"] for row in rows], [150])
    equal("without an offer nobody leads", market.sell("pay-3", goods, f"general-{market.made}"), {"commission": 1000})


def costly_requirements(market):
    """A leader's condition that would take long: it does not hold, and a thousand of them do not keep others waiting."""
    costly = "".join(f"[1,2,3,4,5,6,7,8,9].all(v{i}, " for i in range(8)) + "goods.price > 0" + ")" * 8
    market.activity("costly", requirements_when=costly)
    items = [{"id": f"costly-{i}", "goods": market.goods(), "commission_bps": 2000, "service_bps": 600} for i in range(100)]
    reply = market.server.ask("POST", "/api/v1/activities/costly:enrol", {"items": items})
    equal("costly requirements are not met", (reply.status, reply.json["refused"], {item["at"] for item in reply.json["items"]}), (200, 100, {"goods"}))


def costly_creators(market):
    """What an order may cost: conditions of a bounded cost, and a bounded number of them."""
    server, goods = market.server, market.goods()

    def plan(name, when=None, **body):
        terms = {"goods": [goods], "merchant": "shop", "kind": "targeted", "terms": {"commission_bps": 3000}}
        return server.ask("PUT", f"/api/v1/plans/{name}", {**terms, **({"creators_when": when} if when else {}), **body})

    costly = "".join(f"[1,2,3,4,5,6,7,8,9].all(v{i}, " for i in range(4)) + "creator.level >= 0" + ")" * 4
    equal("put", [plan("cheap", "creator.level >= 0").status, plan("costly", costly).status], [201, 201])
    rows = {row["plan"]: row["verdict"] for row in server.get(f"goods/{goods}:terms?creator=anna")["candidates"]}
    equal("what costs too much does not hold", (rows["cheap@1"], rows["costly@1"]), ("won", "other_creators"))
    lines = [{"id": f"when-{i}", "goods": [goods], "merchant": "shop", "kind": "targeted", "creators_when": f"creator.level == {i}",
              "terms": {"commission_bps": 3000}} for i in range(200)]
    reply = server.ask("POST", "/api/v1/plans:import", "".join(json.dumps(line) + "\n" for line in lines).encode(), {"Content-Type": "application/x-ndjson"})
    equal("goods stand in so many plans with conditions", (reply.json["accepted"], reply.json["refused"], {row["at"] for row in reply.json["errors"]},
                                                           {row["code"] for row in reply.json["errors"]}), (198, 2, {"goods[0]"}, {"limit"}))
    reply = plan("more", "creator.level == 7")
    check("and in no more", reply.status == 422 and reply.json["code"] == "limit" and "creators_when" in reply.json["detail"], reply)
    equal("one with a list may come", plan("listed", creators=["anna"]).status, 201)
    equal("one of them may change", plan("when-5", "creator.level == 6").status, 200)
    market.act("plans", "when-7", "end")
    equal("and one that ends makes room", plan("more", "creator.level == 7").status, 201)


def what_they_argue_about(market):
    """Trade rows of activities."""
    server, goods = market.server, market.goods()
    market.activity("june")
    market.approved("argue", "june", goods)
    equal("a cut during promotion", (market.enrol("argue", "june", goods, commission=1999).json["at"], market.sell("argue-1", goods, "argue")["commission"]),
          ("commission_bps", 2000))
    over = market.enrol("argue", "june", goods, commission=9500)
    check("no more than there is, commission and service together", over.status == 400 and over.json["at"] == "service_bps" and "at most 500" in over.json["detail"], over)
    over = market.enrol("all", "june", market.goods(), commission=10000, service=10000)
    check("nor all and all again", over.status == 400 and over.json["at"] == "service_bps" and "whole base" in over.json["detail"], over)
    market.enrol("argue", "june", goods, commission=2500)
    equal("a rise stands at once", market.sell("argue-2", goods, "argue")["commission"], 2500)
    equal("an offer is no plan to be put", server.ask("PUT", "/api/v1/plans/argue", {"goods": [goods], "merchant": "shop"}).status, 422)
    server.put(f"goods/{goods}", {"merchant": "shop", "price": 12000, "category": "beauty"})
    equal("the price is raised: frozen", (server.get("enrolments/argue")["violation"]["effect"], market.sell("argue-3", goods, "argue")),
          ("freeze", "PLAN_PAUSED"))
    server.put(f"goods/{goods}", {"merchant": "shop", "price": 10000, "category": "beauty"})
    equal("and brought back", (server.get("enrolments/argue")["violation"], market.sell("argue-4", goods, "argue")["service"]), (None, 600))
    token = market.client("LINK", "app", "anna", goods, "OFFER", "argue")
    market.act("enrolments", "argue", "withdraw")
    equal("until the leader consents it is sold", market.sell("argue-5", goods, "argue")["service"], 600)
    market.act("enrolments", "argue", "consent")
    reply = market.client("ATTRIBUTE", "argue-6", "buyer", goods, 10000, token)
    equal("a link made before leads to the general plan", [line[3] for line in reply[reply.index("credits") + 1][0][3]], [1000])
    later = market.goods()
    market.activity("later", promote_from=4102444800000)
    market.approved("later-1", "later", later)
    rows = server.get(f"goods/{later}:terms?creator=anna")["candidates"]
    equal("an offer to come stands there as it will be", {row["plan"]: row["verdict"] for row in rows}["later-1@1"], "not_started")
    two = market.goods()
    market.activity("first"), market.activity("second")
    market.approved("two-1", "first", two, service=300)
    market.approved("two-2", "second", two, service=500)
    equal("two leaders, same goods: the chosen one is paid", (market.sell("two-a", two, "two-1")["service"], market.sell("two-b", two, "two-2")["service"]), (300, 500))
    sole = market.goods()
    market.activity("alone", kind="exclusive")
    market.approved("sole", "alone", sole)
    equal("exclusive: whatever was chosen, this leader", market.sell("sole-1", sole, f"general-{market.made}"), {"commission": 2000, "service": 600})
    equal("and nobody else recruits them", market.enrol("sole-2", "first", sole).json["at"], "goods")
    market.act("activities", "alone", "stop")
    equal("until it is over", market.sell("sole-3", sole, f"general-{market.made}"), {"commission": 1000})
    equal("it is ended then", (server.get("activities/alone")["phase"], server.get("enrolments/sole")["status"]), ("delisted", "ended"))


def thousands(market):
    server, many = market.server, 2000
    lines = "".join(json.dumps({"id": f"n{i}", "merchant": "shop", "price": 1000 + i}) + "\n" for i in range(many))
    server.ask("POST", "/api/v1/goods:import", lines.encode())
    market.activity("sale")
    lines = "".join(json.dumps({"id": f"sale-{i}", "activity": "sale", "goods": f"n{i}", "commission_bps": 1400 + i % 1000, "service_bps": 300}) + "\n" for i in range(many))
    reply = server.ask("POST", "/api/v1/enrolments:import", lines.encode())
    equal("an import enrols what meets the minimum", (reply.json["accepted"], reply.json["refused"]), (many - 200, 200))
    ids = [item["id"] for item in server.get("activities/sale/enrolments?status=submitted&limit=1000")["items"]]
    reply = server.ask("POST", "/api/v1/enrolments:act", {"action": "approve", "items": [{"id": name} for name in ids]})
    equal("a thousand are approved by one call", (reply.status, reply.json["accepted"], reply.json["refused"]), (200, 1000, 0))
    poor = server.get("activities/sale/enrolments?status=submitted&limit=1000&filter=commission_bps%20%3C%201700")["items"]
    reply = server.ask("POST", "/api/v1/enrolments:act", {"action": "reject", "reason": "17 % at least", "items": [
        {"id": item["id"], **({"reason": "15 % is far too little"} if item["commission_bps"] < 1550 else {})} for item in poor]})
    equal("those that a filter finds are rejected by one call", (len(poor) > 50, reply.json["accepted"], {item["commission_bps"] < 1700 for item in poor}),
          (True, len(poor), {True}))
    reasons = {(item["commission_bps"] < 1550, item["reason"]) for item in server.get("parties/shop/enrolments?status=rejected&limit=1000&filter=activity=='sale'")["items"]}
    equal("each with its reason, which the merchant reads", reasons, {(True, "15 % is far too little"), (False, "17 % at least")})
    page = server.get("activities/sale/enrolments?status=approved&limit=600")
    rest = server.get(f"activities/sale/enrolments?status=approved&limit=600&cursor={page['next_cursor']}")
    equal("pages hold all of them once", len({item["id"] for item in page["items"] + rest["items"]}), 1000)
    equal("counted by status", (page["counts"]["approved"], page["counts"]["submitted"], page["counts"]["rejected"]),
          (1000, many - 1200 - len(poor), len(poor)))
    reply = market.act("activities", "sale", "stop")
    statuses = {server.get(f"plans/{name}/status")["status"] for name in ids[::100]}
    equal("all offers end at once", (reply.status, statuses), (200, {"ended"}))
    equal("and are counted as ended", server.get("activities/sale/enrolments?limit=1")["counts"]["ended"], 1000)


def who_is_told(server):
    rows = [(item["kind"], item["to"]) for item in server.get("outbox?limit=1000")["items"] if item["kind"].startswith("enrolment.price")]
    equal("the leader is told of prices", sorted(set(rows)), [("enrolment.price_raised", "lena"), ("enrolment.price_restored", "lena")])


def main():
    port = free_port()
    with fresh("--outbox-allow", f"http://127.0.0.1:{port}/") as server:
        server.hold_to_description()
        server.put("webhooks/told", {"url": f"http://127.0.0.1:{port}/", "kinds": ["enrolment.price_raised", "enrolment.price_restored"]})
        market = Market(server)
        life_cycles(market)
        to_the_leaders_pay(market)
        costly_requirements(market)
        costly_creators(market)
        what_they_argue_about(market)
        who_is_told(server)
        thousands(market)
        paths = ["activities?limit=1000", "enrolments?limit=1000", "cooperations?limit=1000", "activities/sale/enrolments?limit=1000",
                 "parties/shop/enrolments?limit=1000", "plans/pay.co"]
        before = [server.get(path) for path in paths]
        for how, stop in [("kill -9", server.kill), ("a stop", server.stop)]:
            stop()
            server.again()
            server.hold_to_description()
            equal(f"the same after {how}", [path for path, was in zip(paths, before)
                                           if {**server.get(path), "next_cursor": 0} != {**was, "next_cursor": 0}], [])
        market.client = server.client()
        equal("where it goes on", market.enrol("later", "first", market.goods()).status, 201)
        server.as_described()
    end()


main()
