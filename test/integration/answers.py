#!/usr/bin/env python3
"""Orders and rules with everything in them: each field that /openapi.json promises of them is shown by some answer, and none
is shown that it does not tell of."""
import sys
import time

from serving import check, end, equal, fresh

DAY = 86400000
NOW = int(time.time() * 1000)
SCHEMAS = ("Order OrderAsked OrderLife OrderTold OrderEdit OrderReview OrderRefund OrderRollout OrderBlock OrderAnswer Credit Line Amounts Carrier "
           "Explanation ExplainedToken ExplainedTouch ExplainedNode ExplainedRates ExplainedChoice LedgerEntry TallyChange TallyItem "
           "TermsAnswer TermsCandidate Estimate TrackAnswer RefundAnswer OrderStatusAnswer RuleVersion RuleNode RuleShare RuleHits "
           "RuleVersionHits RuleNodeHits SimulationReport SimulationChanged SimulationOutcome SimulationMoney SimulationNode "
           "SimulationParty SimulationExample SimulationSide Step Tier Incentive NewToShop Bounds AgencyBinding Reviews ReviewItem").split()
NOT_HERE = {"AgencyBinding.from"}  # 0, which is not shown
SHARES = [{"name": "commission", "to": "creator", "from": "merchant", "of": "base", "take": "gross", "bps": "terms.commission_bps", "round": "half_even"},
          {"name": "service", "to": "leader", "from": "merchant", "bps": "terms.service_bps", "cap": 10**6},
          {"name": "service2", "to": "leader2", "from": "leader", "of": "service", "bps": "terms.service2_bps"},
          {"name": "technical", "to": "platform", "from": "creator", "of": "commission", "bps": "terms.platform_bps"},
          {"name": "agency", "to": "agency", "from": "creator", "of": "commission", "take": "rest", "bps": "terms.agency_bps"}]
RICH = {"id": "rich", "priority": 3, "when": "order.qty >= 1", "enabled": True, "from": NOW - 40 * DAY, "to": NOW + 40 * DAY, "model": "decay", "half_life": "7d",
        "window": "30d", "match": "any", "match_rates": {"goods": 2000}, "assist": "linear", "lock": "touch", "grace": "1h",
        "base": "order.paid - order.freight", "after_settlement": "claw_back_within", "claw_back_within": "15d", "deposit_counts": True,
        "priority_by": "touch.channel == 'app' ? 2 : 1", "held": True, "reason": "look at it", "shares": SHARES}
TERMS = {"commission_bps": 2000, "service_bps": 300, "service2_bps": 4000, "platform_bps": 1000, "agency_bps": 3000, "leader": "l1", "leader2": "l2"}


def market(server):
    server.load("parties", [{"id": "m1", "roles": ["merchant"]}, {"id": "l1", "roles": ["leader"]}, {"id": "l2", "roles": ["leader2"]}, {"id": "mcn", "roles": ["agency"]},
                            {"id": "c2", "roles": ["creator"]}, {"id": "c1", "roles": ["creator"], "agencies": [
                                {"agency": "mcn", "from": NOW - 50 * DAY, "to": NOW + DAY, "pay": "all_to_agency"}]}])
    server.load("goods", [{"id": "g1", "merchant": "m1", "price": 10000}, {"id": "g2", "merchant": "m1", "price": 10000}])
    server.put("plans/act", {"goods": ["g1"], "merchant": "m1", "kind": "activity", "effective_from": NOW - 40 * DAY, "terms": TERMS})
    server.put("plans/sell", {"goods": ["g1"], "merchant": "m1", "kind": "targeted", "creators": ["c1"], "effective_from": NOW - 40 * DAY,
                              "terms": {**TERMS, "commission_bps": 2500}, "budget": 10**6, "daily_cap": 10**6, "time_zone": "UTC",
                              "incentive": {"bps": 100, "amount": 5, "from": "platform", "budget": 10**6},
                              "new_to_shop": {"bps": 50, "amount": 1, "from": "merchant", "window": "30d"},
                              "step": {"measure": "orders", "counted_at": "paid", "per": "creator", "period": "month", "applies": "all",
                                       "tiers": [{"from": 1, "bps": 100}, {"from": 5, "bps": 200}]}})
    server.put("plans/keep", {"goods": ["g2"], "merchant": "m1", "kind": "exclusive", "creators": ["c2"], "grace": "1d", "effective_from": NOW - 9 * DAY,
                              "terms": {"commission_bps": 100}})
    server.put("plans/moves", {"goods": ["g2"], "merchant": "m1", "kind": "managed", "bounds": {"min_bps": 50, "max_bps": 300}, "terms": {"commission_bps": 100}})
    server.put("plans/over", {"goods": ["g1"], "merchant": "m1", "kind": "activity", "status": "ended", "effective_from": NOW - 40 * DAY, "terms": TERMS})
    server.put("plays/strict", {"files": [{"name": "play.yaml", "text": "name: strict\nwhen: 'false'\ncapabilities:\n  order.hold: [{cel: base > 0}]\n"
                                                                       "  order.judge: [{cel: '\"nothing known\"'}]\n"}]})
    server.ask("POST", "/api/v1/plays/strict:activate", {"version": 1})
    server.put("registrations/app", {"channel": "app", "scene": "rich", "play": "strict"})
    server.put("rules/rich", {"scene": "rich", "root": {"id": "root", "children": [RICH, {"id": "off", "outcome": "not_distributed"}]}})
    server.put("rules/rich", {"scene": "rich", "root": {"id": "root", "children": [RICH]}})
    server.ask("POST", "/api/v1/rules/rich:activate", {"version": 1})
    server.ask("POST", "/api/v1/rules/rich:activate", {"version": 1, "at": NOW + DAY})
    server.ask("POST", "/api/v1/rules/rich:rollout", {"version": 2, "share_bps": 10000, "when": "order.qty == 2", "steps": [{"share_bps": 5000, "at": NOW + DAY}]})


def whole_order(server):
    """Every option, every kind of message."""
    door = server.client()
    one = door("LINK", "app", "c1", "g1", "OFFER", "act", "CARRIER", "live", "room", "c1", "PAGE", "cart", "EXT", "k", "v", "AT", NOW - DAY)
    two = door("LINK", "app", "c1", "g1", "CARRIER", "video", "clip", "c1", "PAGE", "product", "AT", NOW - DAY)
    server.get(f"tracks/{one}")
    server.get("tracks/nonsense")
    door("TOUCH", "u1", two, "AT", NOW - DAY)
    reply = server.ask("POST", "/api/v1/orders", {
        "order": "o1", "user": "u1", "goods": "g1", "token": f"{one},nonsense,-", "qty": 2, "scene": "rich", "page": "cart",
        "carrier": {"kind": "live", "id": "room", "owner": "c1"}, "ext": {"a": "1"},
        "amounts": {"paid": 20000, "freight": 100, "tax": 1, "coupon_merchant": 2, "coupon_platform": 3, "coupon_creator": 4, "deposit": 5}})
    equal("it is attributed, and held", (reply.status, reply.json["outcome"], reply.json["held"]), (200, "attributed", True))
    server.ask("POST", "/api/v1/orders", {"order": "o2", "user": "u1", "goods": "g1", "token": one, "base_amount": 1000})
    server.get("reviews?limit=1")
    server.get("orders/o1")
    server.ask("POST", "/api/v1/orders/o1:release", {"reason": "fine", "by": "ops"})
    for body in ({"status": "paid", "reason": "wallet", "base_amount": 18000}, {"status": "settled"}):
        server.ask("POST", "/api/v1/orders/o1/status", body)
    server.ask("POST", "/api/v1/orders/o1/refunds", {"refund": "r1", "kind": "partial", "amount": 500, "qty": 1})
    server.get("orders/o1")
    server.get("orders/o1:explain")
    server.get("tallies")


def odd_orders(server):
    door = server.client()
    token = door("LINK", "app", "c1", "g1")
    order = {"user": "u2", "goods": "g1", "token": token, "scene": "rich"}
    server.ask("POST", "/api/v1/orders", {**order, "order": "below", "amounts": {"paid": 1, "freight": 5}})
    server.ask("POST", "/api/v1/orders", {**order, "order": "junk", "token": "junk", "base_amount": 1})
    server.put("blocks/b1", {"kind": "user", "value": "bad"})
    server.ask("POST", "/api/v1/orders", {**order, "order": "blocked", "user": "bad", "base_amount": 1000})
    for refund in ({"refund": "a", "kind": "full", "amount": 10**9}, {"refund": "b", "kind": "forfeiture", "amount": 0}):
        equal("told before the order: pending", server.ask("POST", "/api/v1/orders/early/refunds", refund).json["state"], "pending")
    server.ask("POST", "/api/v1/orders/early/status", {"status": "paid"})
    server.ask("POST", "/api/v1/orders", {**order, "order": "early", "base_amount": 1000, "scene": "default"})
    for line in (1, 2):
        server.ask("POST", "/api/v1/orders", {**order, "order": f"whole/{line}", "base_amount": 1000, "scene": "default"})
    server.ask("POST", "/api/v1/orders/whole/refunds", {"refund": "r", "kind": "partial", "amount": 100})
    for name in ("below", "junk", "blocked", "early", "whole/1"):
        server.get(f"orders/{name}")
        server.get(f"orders/{name}:explain")


def rules_and_terms(server):
    for path in ("rules/rich", "rules/rich/versions/1", "rules/rich/hits", "plans/sell", "plans/keep", "plans/moves", "parties/c1",
                 "goods/g1:estimate?creator=c1&offer=act", "goods/g1:terms?creator=c1&offer=act", "goods/g1:terms?creator=c1&offer=over",
                 "goods/g2:terms?creator=c1"):
        server.get(path)
    job = server.ask("POST", "/api/v1/rules/rich:simulate", {"root": {"id": "root", "shares": SHARES[:1]}, "examples": 5}).json["id"]
    for _ in range(600):
        if server.get(f"rules/rich/simulations/{job}")["state"] != "running":
            break
        time.sleep(0.05)
    check("a simulation has examples", server.get(f"rules/rich/simulations/{job}")["report"]["examples"])


def main():
    with fresh() as server:
        server.hold_to_description()
        market(server)
        for section in (whole_order, odd_orders, rules_and_terms):
            section(server)
        server.as_described()
        equal("and every field that it tells of was shown", [name for name in server.description.never_shown(SCHEMAS) if name not in NOT_HERE], [])
        equal("debits are credits", server.get("ledger/balances")["total"], 0)
    end()


if __name__ == "__main__":
    sys.exit(main())
