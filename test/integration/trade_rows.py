#!/usr/bin/env python3
"""The cases that every platform of this trade argues about, through the doors, with all their money lines.

A row makes its own merchants, creators, leaders, goods and plans (their ids begin with the row's name), so that rows
neither help nor disturb each other.
"""
import time

import serving
from serving import check, end, equal

DAY = 86400000
NOW = int(time.time() * 1000)
TERMS = {"commission_bps": 2000, "platform_bps": 1000}


class Row:
    """One case: entities by short names, and what the parties have in the end."""

    def __init__(self, server, name):
        self.server, self.name, self.client = server, name, server.client()

    def id(self, short):
        return f"{self.name}-{short}"

    def party(self, short, role, **fields):
        self.server.put(f"parties/{self.id(short)}", {"roles": [role], **fields})

    def goods(self, short, merchant, **fields):
        self.server.put(f"goods/{self.id(short)}",
                        {"merchant": self.id(merchant), "price": 10000, "currency": "CNY", **fields})

    def plan(self, short, goods, merchant="shop", **fields):
        for key in ("creators",):
            if key in fields:
                fields[key] = [self.id(one) for one in fields[key]]
        terms = dict(fields.pop("terms", TERMS))
        for key in ("leader", "leader2"):
            if key in terms:
                terms[key] = self.id(terms[key])
        return self.server.put(f"plans/{self.id(short)}",
                               {"goods": [self.id(one) for one in goods], "merchant": self.id(merchant), "terms": terms, **fields})

    def market(self, **plan):
        """A shop with one item, one creator, one general plan."""
        self.party("shop", "merchant")
        self.party("anna", "creator")
        self.goods("lamp", "shop")
        self.plan("plan", ["lamp"], **plan)

    def rules(self, root):
        """A scene of the row's own."""
        self.server.put(f"rules/{self.id('scene')}", {"scene": self.id("scene"), "root": root})
        reply = self.server.ask("POST", f"/api/v1/rules/{self.id('scene')}:activate", {"version": 1})
        if reply.status != 200:
            raise RuntimeError(str(reply))

    def link(self, creator, goods, *words):
        token = self.client("LINK", "app", self.id(creator), self.id(goods), *words)
        if isinstance(token, serving.RespError):
            raise RuntimeError(token)
        return token

    def order(self, short, goods, base, token, *words, user="buyer"):
        reply = self.client("ATTRIBUTE", self.id(short), self.id(user), self.id(goods), base, token, *words)
        if isinstance(reply, serving.RespError):
            return reply
        return dict(zip(reply[::2], reply[1::2]))

    def lines(self, answer):
        """{line's name: amount} of all credits."""
        return {name: amount for credit in answer["credits"] for name, _to, _from, amount in credit[3]}

    def now(self, short):
        """What stands of an order after all that was told of it: charged, all lines, why its step changed."""
        told = self.server.get(f"orders/{self.id(short)}:explain")["life"]
        lines = [[line[key] for key in ("name", "to", "from", "amount")] for credit in told["credits"] for line in credit["lines"]]
        return told["charged"], lines, [one["reason"] for one in told.get("stateful", []) if one["line"] == "step"]

    def tell(self, short, *words):
        return self.client("ORDER", self.id(short), *words)

    def refund(self, short, *words):
        return self.client("REFUND", self.id(short), *words)

    def has(self, short, role):
        path = f"ledger/balances?party={self.id(short)}&role={role}"
        return sum(item["balance"] for item in self.server.get(path)["items"])

    def same(self, what, found, expected):
        equal(f"{self.name}: {what}", found, expected)


SHARES = [
    {"name": "commission", "to": "creator", "from": "merchant", "bps": "terms.commission_bps"},
    {"name": "service", "to": "leader", "from": "merchant", "bps": "terms.service_bps"},
    {"name": "technical", "to": "platform", "from": "creator", "of": "commission", "bps": "terms.platform_bps"},
    {"name": "agency", "to": "agency", "from": "creator", "of": "commission", "take": "rest", "bps": "terms.agency_bps"}]


def rate_cut_between_click_and_order(row):
    row.market(effective_from=NOW - 3 * DAY)
    row.plan("plan", ["lamp"], terms={**TERMS, "commission_bps": 500}, effective_from=NOW - DAY)
    row.rules({"id": "r", "lock": "link", "shares": SHARES, "children": [{"id": "onsite", "when": "order.page != ''", "lock": "order"}]})
    token = row.link("anna", "lamp", "AT", NOW - 2 * DAY)
    off_site = row.order("off", "lamp", 10000, token, "SCENE", row.id("scene"))
    on_site = row.order("on", "lamp", 10000, token, "SCENE", row.id("scene"), "PAGE", "product")
    row.same("locked by the link: the rate that she saw", row.lines(off_site), {"commission": 2000, "technical": 200})
    row.same("locked by the order: the rate of now", row.lines(on_site), {"commission": 500, "technical": 50})
    row.same("she has both", row.has("anna", "creator"), 1800 + 450)
    row.same("the shop pays both", row.has("shop", "merchant"), -2500)


def rate_cut_between_order_and_payment(row):
    row.market(effective_from=NOW - 3 * DAY)
    row.plan("plan", ["lamp"], terms={**TERMS, "commission_bps": 500}, effective_from=NOW - DAY)
    row.rules({"id": "r", "lock": "pay", "shares": SHARES})
    token = row.link("anna", "lamp", "AT", NOW - 2 * DAY)
    scene = ("SCENE", row.id("scene"))
    kept = row.order("kept", "lamp", 10000, token, "AT", NOW - 2 * DAY + 1)
    cut = row.order("cut", "lamp", 10000, token, "AT", NOW - 2 * DAY + 1, *scene)
    row.same("estimated by the order's time", [row.lines(kept)["commission"], row.lines(cut)["commission"]], [2000, 2000])
    for short in ("kept", "cut"):
        row.same(f"{short} is paid", row.tell(short, "paid", "AT", NOW - DAY // 2), ["paid", 30])
    row.same("locked by the payment: the lower rate, the other keeps the higher", row.has("anna", "creator"), 1800 + 450)
    row.same("the shop pays no more", row.has("shop", "merchant"), -2500)


def exclusive_plan_made_after_anothers_link(row):
    row.market()
    row.party("bea", "creator")
    token = row.link("anna", "lamp")
    row.plan("only-bea", ["lamp"], kind="exclusive", creators=["bea"], terms={**TERMS, "commission_bps": 3000})
    row.same("anna may no longer", row.order("o1", "lamp", 10000, token)["outcome"], "creator_not_allowed")
    row.same("nor make a link", row.client("LINK", "app", row.id("anna"), row.id("lamp")).code, "CREATOR_NOT_ALLOWED")
    row.same("bea may", row.lines(row.order("o2", "lamp", 10000, row.link("bea", "lamp"))), {"commission": 3000, "technical": 300})
    row.same("anna has nothing", row.has("anna", "creator"), 0)


def two_leaders_same_goods(row):
    row.market()
    for leader in ("lin", "mao"):
        row.party(leader, "leader")
    row.plan("lin-act", ["lamp"], kind="activity", terms={**TERMS, "service_bps": 300, "leader": "lin"})
    row.plan("mao-act", ["lamp"], kind="activity", terms={**TERMS, "service_bps": 500, "leader": "mao"})
    answer = row.order("o1", "lamp", 10000, row.link("anna", "lamp", "OFFER", row.id("lin-act")))
    row.same("the leader whose offer she chose is paid", [row.has("lin", "leader"), row.has("mao", "leader")], [300, 0])
    row.same("all lines", row.lines(answer), {"commission": 2000, "service": 300, "technical": 200})
    row.order("o2", "lamp", 10000, row.link("anna", "lamp", "OFFER", row.id("mao-act")))
    row.same("and the other when she chooses him", [row.has("lin", "leader"), row.has("mao", "leader")], [300, 500])


def token_of_a_in_the_live_room_of_b(row):
    row.market()
    row.party("bea", "creator")
    row.rules({"id": "r", "shares": SHARES, "children": [
        {"id": "moved", "when": "has(touch) && order.carrier == 'live' && !touch.same_carrier", "outcome": "carrier_conflict"}]})
    scene = ("SCENE", row.id("scene"))
    old = row.link("anna", "lamp", "CARRIER", "live", "room-a", row.id("anna"))
    in_b = ("CARRIER", "live", "room-b", row.id("bea"))
    row.same("a conflict", row.order("o1", "lamp", 10000, old, *in_b, *scene)["outcome"], "carrier_conflict")
    row.same("not in her own room",
             row.order("o2", "lamp", 10000, old, "CARRIER", "live", "room-a", row.id("anna"), *scene)["outcome"], "attributed")
    own = row.link("bea", "lamp", "CARRIER", "live", "room-b", row.id("bea"))
    row.same("b's own link wins", row.order("o3", "lamp", 10000, f"{old},{own}", *in_b, *scene)["outcome"], "attributed")
    row.same("b has it", [row.has("anna", "creator"), row.has("bea", "creator")], [1800, 1800])


def creator_is_the_merchants_own_account(row):
    row.party("shop", "merchant", user_ids=[row.id("boss")])
    row.server.put(f"parties/{row.id('shop')}", {"roles": ["merchant", "creator"], "user_ids": [row.id("boss")]})
    row.party("anna", "creator", user_ids=[row.id("anna-buys")])
    row.goods("lamp", "shop")
    row.plan("plan", ["lamp"])
    row.rules({"id": "r", "shares": SHARES, "children": [
        {"id": "own", "when": "has(touch) && creator.id == merchant.id", "outcome": "own_shop"},
        {"id": "self", "when": "order.self_purchase", "outcome": "self_purchase"}]})
    scene = ("SCENE", row.id("scene"))
    row.same("its own shop", row.order("o1", "lamp", 10000, row.link("shop", "lamp"), *scene)["outcome"], "own_shop")
    token = row.link("anna", "lamp")
    row.same("she buys by her own link", row.order("o2", "lamp", 10000, token, *scene, user="anna-buys")["outcome"], "self_purchase")
    row.same("the boss buys by hers", row.order("o3", "lamp", 10000, token, *scene, user="boss")["outcome"], "self_purchase")
    row.same("some platforms pay it", row.order("o4", "lamp", 10000, token, user="anna-buys")["outcome"], "attributed")
    row.same("she has one", row.has("anna", "creator"), 1800)


def partial_refund_then_full(row):
    row.market()
    row.order("o1", "lamp", 9999, row.link("anna", "lamp"))
    row.same("paid", row.tell("o1", "paid"), ["paid", 30])
    row.same("commission and fee before", [row.has("anna", "creator"), row.has("shop", "merchant")], [1800, -1999])
    row.same("partial", row.refund("o1", "r1", "partial", 3333), [6666, 666])
    row.same("what is left is split as a whole", [row.has("anna", "creator"), row.has("shop", "merchant")], [1333 - 133, -1333])
    row.same("the same refund again", row.refund("o1", "r1", "partial", 3333), [6666, 666])
    row.same("more than is left", row.refund("o1", "r2", "partial", 6667).code, "OVER_REFUND")
    row.same("the rest", row.refund("o1", "r3", "full", 6666), [0, 1333])
    row.same("nothing is left", [row.has("anna", "creator"), row.has("shop", "merchant")], [0, 0])


def platform_coupon_larger_than_paid(row):
    row.market()
    amounts = ("AMOUNTS", 1000, 0, 0, 0, 9000, 0, 0)
    answer = row.order("o1", "lamp", "-", row.link("anna", "lamp"), *amounts)
    row.same("what the platform gives counts", row.lines(answer), {"commission": 2000, "technical": 200})
    shown = row.server.get(f"orders/{row.id('o1')}")
    row.same("trade amount and base are apart", [shown["trade_amount"], shown["base_amount"]], [1000, 10000])


def freight_only_refund(row):
    row.market()
    row.order("o1", "lamp", "-", row.link("anna", "lamp"), "AMOUNTS", 10800, 800, 0, 0, 0, 0, 0)
    row.tell("o1", "paid")
    row.same("no effect", row.refund("o1", "r1", "freight_only", 800), [10000, 0])
    row.same("she keeps all", row.has("anna", "creator"), 1800)


def deposit_paid_balance_not(row):
    row.market()
    row.rules({"id": "r", "shares": SHARES, "children": [{"id": "kept", "when": "order.page == 'checkout'", "deposit_counts": True}]})
    token, amounts, scene = row.link("anna", "lamp"), ("AMOUNTS", 10000, 0, 0, 0, 0, 0, 2000), ("SCENE", row.id("scene"))
    answer = row.order("o1", "lamp", "-", token, *amounts, *scene)
    row.same("estimated on deposit and balance", row.lines(answer), {"commission": 2000, "technical": 200})
    row.same("the balance is never paid", row.tell("o1", "invalid", "REASON", "balance_unpaid"), ["invalid", 80])
    row.same("nothing is earned", [row.has("anna", "creator"), row.has("shop", "merchant")], [0, 0])
    row.order("o2", "lamp", "-", token, *amounts, *scene, "PAGE", "checkout")
    row.tell("o2", "invalid", "REASON", "balance_unpaid")
    row.same("where a forfeited deposit counts, it earns", [row.has("anna", "creator"), row.has("shop", "merchant")], [360, -400])


def agency_changed_between_order_and_settlement(row):
    row.market(terms={**TERMS, "agency_bps": 5000})
    for agency in ("mcn1", "mcn2"):
        row.party(agency, "agency")
    row.party("anna", "creator", agencies=[{"agency": row.id("mcn1")}])
    answer = row.order("o1", "lamp", 10000, row.link("anna", "lamp"))
    row.same("after the platform's fee", row.lines(answer), {"commission": 2000, "technical": 200, "agency": 900})
    row.party("anna", "creator", agencies=[{"agency": row.id("mcn2")}])
    row.tell("o1", "paid")
    row.refund("o1", "r1", "partial", 5000)
    row.tell("o1", "settled")
    row.same("the binding at order time has it, of what is left",
             [row.has("mcn1", "agency"), row.has("mcn2", "agency"), row.has("anna", "creator")], [450, 0, 450])
    row.order("o2", "lamp", 10000, row.link("anna", "lamp"))
    row.same("the new one from then on", [row.has("mcn1", "agency"), row.has("mcn2", "agency")], [450, 900])


def budget_exhausted_in_mid_pulse(row):
    row.market(budget=5000)
    token = row.link("anna", "lamp")
    pulse = [("ATTRIBUTE", row.id(f"o{i}"), row.id("buyer"), row.id("lamp"), 10000, token, "BRIEF") for i in range(6)]
    row.same("the order that spends the last of it passes it, the next are told",
             row.client.many(pulse), [["attributed", 2000]] * 3 + [["budget_exhausted", 0]] * 3)
    row.same("charged", row.has("shop", "merchant"), -6000)
    told = row.server.get(f"orders/{row.id('o2')}:explain")["stateful"]
    row.same("the overshoot is told", [one["overshoot"] for one in told if one["line"] == "budget"], [1000])


def token_for_x_order_for_y_of_the_same_shop(row):
    row.market()
    row.goods("desk", "shop")
    row.plan("desk-plan", ["desk"], terms={**TERMS, "commission_bps": 1000})
    token = row.link("anna", "lamp")
    row.rules({"id": "r", "match": "shop", "shares": SHARES})
    row.same("where only the same goods count", row.order("o1", "desk", 10000, token)["outcome"], "goods_mismatch")
    answer = row.order("o2", "desk", 10000, token, "SCENE", row.id("scene"))
    row.same("where the shop counts, by the terms of what was bought", row.lines(answer), {"commission": 1000, "technical": 100})


def same_order_id_other_amount(row):
    row.market()
    token = row.link("anna", "lamp")
    first = row.order("o1", "lamp", 10000, token)
    row.same("other content", row.order("o1", "lamp", 10001, token).code, "CONFLICT")
    row.same("the same again", row.order("o1", "lamp", 10000, token), first)
    row.same("counted once", row.has("anna", "creator"), 1800)


def refund_that_loses_a_step_tier(row):
    row.market(step={"measure": "orders", "applies": "all", "period": "plan", "tiers": [{"from": 3, "bps": 100}]})
    token = row.link("anna", "lamp")
    for short in ("o1", "o2", "o3"):
        row.same(f"{short} as decided", row.lines(row.order(short, "lamp", 10000, token)), {"commission": 2000, "technical": 200})
        row.tell(short, "paid")
    own = [["commission", "creator", "merchant", 2000], ["technical", "platform", "creator", 200]]
    row.same("two orders count and reach no tier", row.now("o2"), (2000, own, ["counted"]))
    row.same("the third does: its line is 1 % of all three",
             row.now("o3"), (2300, own + [["step", "creator", "merchant", 300]], ["tier_reached"]))
    row.same("she has it, the shop pays it", [row.has("anna", "creator"), row.has("shop", "merchant")], [5700, -6300])
    row.same("one comes back whole: with its commission the step goes", row.refund("o1", "r1", "full", 10000), [0, 2300])
    none = [["commission", "creator", "merchant", 0], ["technical", "platform", "creator", 0]]
    row.same("the order that lost the tier bears the line back",
             row.now("o1"), (-300, none + [["step", "merchant", "creator", 300]], ["tier_lost"]))
    row.same("the order that had reached it keeps its line", row.now("o3")[1][-1], ["step", "creator", "merchant", 300])
    row.same("two commissions are left", [row.has("anna", "creator"), row.has("shop", "merchant")], [3600, -4000])
    row.same("the same refund again", row.refund("o1", "r1", "full", 10000), [0, 2300])
    row.order("o4", "lamp", 10000, token)
    row.tell("o4", "paid")
    row.same("a third order brings the tier back", row.now("o4"), (2300, own + [["step", "creator", "merchant", 300]], ["tier_reached"]))
    row.same("part of one comes back: the tier stays, its turnover falls", row.refund("o2", "r1", "partial", 5000), [5000, 1050])
    half = [["commission", "creator", "merchant", 1000], ["technical", "platform", "creator", 100]]
    row.same("by 1 % of what came back", row.now("o2"), (950, half + [["step", "merchant", "creator", 50]], ["counted"]))
    row.same("what stands", [row.has("anna", "creator"), row.has("shop", "merchant")], [4500 + 250, -5000 - 250])


ROWS = [rate_cut_between_click_and_order, rate_cut_between_order_and_payment, exclusive_plan_made_after_anothers_link,
        two_leaders_same_goods, token_of_a_in_the_live_room_of_b, creator_is_the_merchants_own_account, partial_refund_then_full,
        platform_coupon_larger_than_paid, freight_only_refund, deposit_paid_balance_not, agency_changed_between_order_and_settlement,
        budget_exhausted_in_mid_pulse, token_for_x_order_for_y_of_the_same_shop, same_order_id_other_amount,
        refund_that_loses_a_step_tier]


def main():
    with serving.fresh() as server:
        server.hold_to_description()
        server.put("registrations/app", {"channel": "app"})
        for number, test in enumerate(ROWS, 1):
            test(Row(server, f"row{number}"))
        check("debits are credits", server.get("ledger/balances")["total"] == 0)
        server.as_described()
    end()


if __name__ == "__main__":
    main()
