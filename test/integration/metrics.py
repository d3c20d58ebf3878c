#!/usr/bin/env python3
"""What plays come to, from outside: whose an order is by its registration or its plan, over payments and refunds; the same from
the API and /metrics, by every step, and after kill -9 and a graceful restart."""
import time

from serving import check, end, equal, fresh


def market(server):
    server.put("parties/shop", {"roles": ["merchant"]})
    for name in ("anna", "ben"):
        server.put(f"parties/{name}", {"roles": ["creator"]})
    for name in ("lamp", "cup"):
        server.put(f"goods/{name}", {"merchant": "shop", "price": 10000})
    reply = server.ask("PUT", "/api/v1/plays/deal", {"files": [{"name": "play.yaml", "text": "name: deal\nwhen: request.kind == 'targeted'\n"}]})
    check("a play is put", reply.status in (200, 201), reply)
    equal("and takes what is new", server.ask("POST", "/api/v1/plays/deal:activate", {"version": 1}).status, 200)
    server.put("plans/open", {"goods": ["lamp", "cup"], "merchant": "shop", "terms": {"commission_bps": 1000}})
    server.put("plans/own", {"goods": ["cup"], "merchant": "shop", "kind": "targeted", "creators": ["anna"], "terms": {"commission_bps": 2000}})
    equal("the plan is of that play", server.get("plans/own")["play"], "deal")
    server.put("registrations/app", {"channel": "app"})
    server.put("registrations/live", {"channel": "live", "play": "show"})


def orders(server):
    door = server.client(3)
    links = {(channel, creator, goods): door("LINK", channel, creator, goods)
             for channel, creator, goods in [("app", "ben", "lamp"), ("app", "anna", "cup"), ("live", "anna", "cup")]}
    for i, place in enumerate([("app", "ben", "lamp"), ("app", "anna", "cup"), ("app", "anna", "cup"), ("live", "anna", "cup")]):
        equal(f"order {i}", door("ATTRIBUTE", f"o{i}", "u", place[2], 10000, links[place])["outcome"], "attributed")
    door("ATTRIBUTE", "o9", "nobody", "lamp", 500, "-")
    door("ORDER", "o1", "paid")
    door("ORDER", "o3", "paid")
    door("REFUND", "o1", "r1", "partial", 2500)


def totals(server):
    return {(row["play"], row.get("currency")): row for row in server.get("metrics")["items"]}


def figures(server):
    rows = totals(server)
    equal("plays and currencies", sorted(rows, key=str), [("deal", "CNY"), ("deal", None), ("default", "CNY"), ("default", None),
                                                          ("show", "CNY"), ("show", None)])
    equal("an order without registration's or plan's play", (rows["default", "CNY"]["outcomes"], rows["default", "CNY"]["commission"]),
          ({"attributed": 1, "no_touch": 1}, 1000))
    deal = rows["deal", "CNY"]
    equal("orders of the plan's play", (deal["outcomes"], deal["base_amount"], deal["charged"], deal["commission"]), ({"attributed": 2}, 20000, 4000, 4000))
    equal("paid, and net of refunds", (deal["paid_orders"], deal["paid_base_amount"], deal["net_commission"], deal["refunded_amount"], deal["refund_rate_bps"]),
          (1, 10000, 1500, 2500, 10000))
    equal("a registration's play comes before its plan's", (rows["show", "CNY"]["outcomes"], rows["show", "CNY"]["net_commission"]), ({"attributed": 1}, 2000))
    equal("plans and links", [(rows[play, None]["plans"], rows[play, None]["links"]) for play in ("default", "deal", "show")], [(1, 1), (1, 1), (0, 1)])
    return rows


def everywhere(server):
    """By each step, and at /metrics."""
    whole = totals(server)
    for step in ("minute", "hour", "day"):
        rows = server.get(f"plays/deal/metrics?step={step}")["items"]
        equal(f"by {step}: the same sum", sum(row.get("charged", 0) for row in rows), whole["deal", "CNY"]["charged"])
        check("periods have a beginning and an end", all(row["to"] - row["from"] == {"minute": 60000, "hour": 3600000, "day": 86400000}[step] for row in rows), rows)
        equal("none before they began", server.get(f"plays/deal/metrics?step={step}&to={rows[0]['from']}")["items"], [])
    for query, at in [("step=day&from=2&to=1", "to"), ("step=day&from=5&to=5", "to"), ("from=1", "step"), ("to=5", "step"), ("step=week", "step"), ("step=", None)]:
        for path in ("metrics", "plays/deal/metrics"):
            reply = server.ask("GET", f"/api/v1/{path}?{query}")
            check(f"{path}?{query}", reply.status == 200 if at is None else reply.status == 400 and reply.json["at"] == at and "expected" in reply.json["detail"], reply)
    pages, cursor = [], ""
    while cursor is not None:
        page = server.get(f"metrics?limit=1{cursor and '&cursor=' + cursor}")
        pages, cursor = pages + page["items"], page["next_cursor"]
    equal("page by page", pages, server.get("metrics")["items"])
    line, until = 'tributary_play_net_commission{play="deal",currency="CNY"} 1500\n', time.monotonic() + 20
    while line not in (text := server.ask("GET", "/metrics").body.decode()) and time.monotonic() < until:
        time.sleep(0.05)
    check("/metrics tells the same", line in text and 'tributary_play_orders_total{play="default",outcome="no_touch",currency="CNY"} 1\n' in text, text)


def main():
    with fresh() as server:
        server.hold_to_description()
        market(server)
        orders(server)
        before = figures(server)
        everywhere(server)
        server.kill()
        server.again()
        equal("the same after kill -9", totals(server), before)
        equal("it stops", server.stop(), 0)
        server.again()
        equal("the same after a restart", totals(server), before)
        server.put("plans/more", {"goods": ["cup"], "merchant": "shop", "kind": "targeted", "creators": ["ben"], "terms": {"commission_bps": 2500}})
        equal("and they go on", totals(server)["deal", None]["plans"], before["deal", None]["plans"] + 1)
        server.as_described()
    end()


main()
