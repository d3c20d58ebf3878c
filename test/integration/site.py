#!/usr/bin/env python3
"""Third-party sites from outside: their goods imported, their orders compared with ours, and what is refused."""
import json
import os
import subprocess
import sys
import tempfile

import serving
from serving import check, end, equal

SITES = os.path.join(serving.ROOT, "examples", "sites")


def site(*words, code=0, text=None):
    result = subprocess.run([serving.BIN, "site", *words], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, timeout=60)
    check(f"site {' '.join(os.path.basename(word) for word in words)[:60]} ends with {code}", result.returncode == code, repr(result))
    return result.stdout if code == 0 else result.stderr


def file(name):
    return os.path.join(SITES, name)


def rows(text):
    return [json.loads(line) for line in text.splitlines()]


def orders(name, *words):
    form = {"taobao": "csv", "jd": "ndjson"}[name]
    *lines, last = rows(site("orders", "--site", name, "--pids", file("pids.csv"), "--json", *words, file(f"{name}-orders.{form}")))
    return {line["order"]: line for line in lines}, last["sums"]


def ask_the_server(server):
    """Both feeds as goods; an order that we left to the site, one that we paid for ourselves, one that the site does not know."""
    for merchant in ("taobao-s801", "jd-9001"):
        server.put(f"parties/{merchant}", {"roles": ["merchant"]})
    for name, form, count in (("taobao", "csv", 3), ("jd", "ndjson", 2)):
        feed = site("feed", "--site", name, file(f"{name}-feed.{form}"))
        answer = server.ask("POST", "/api/v1/goods:import", feed.encode(), {"Content-Type": "application/x-ndjson"})
        equal(f"goods of {name} are imported", (answer.status, answer.json.get("refused"), len(feed.splitlines())), (200, 0, count))
    goods = server.get("goods/taobao-610000002")
    equal("with price, stock, status and site", [goods[key] for key in ("title", "price", "stock", "status", "site")],
          ["抱枕, 一对", 3900, 12, "active", "taobao"])
    equal("what is not on sale there is withdrawn", server.get("goods/jd-70000002")["status"], "withdrawn")
    order = {"order": "2002", "user": "u1", "goods": "taobao-610000001", "base_amount": 5990}
    equal("an order of theirs", server.ask("POST", "/api/v1/orders", order).status, 200)
    with tempfile.NamedTemporaryFile("wb", suffix=".ndjson") as ours:
        ours.write(server.ask("GET", "/api/v1/orders/2002").body + b"\n")
        ours.flush()
        lines, sums = orders("taobao", "--ours", ours.name)
    equal("what the server answers is compared", (lines["2002"]["look_at"], lines["2002"]["our_base"], sums["not_here"]), ([], 5990, 4))


def lines_of(*items):
    return "".join(json.dumps(item) + "\n" for item in items).encode()


def imported(server, path, body):
    answer = server.ask("POST", f"/api/v1/{path}", body, {"Content-Type": "application/x-ndjson"})
    return answer.status, answer.json.get("accepted"), answer.json.get("refused")


def link(server, creator, goods="taobao-610000001", **headers):
    reply = server.ask("POST", "/api/v1/links", {"channel": "app", "creator": creator, "goods": goods}, headers)
    return reply.status, reply.json.get("pid") or reply.json.get("code"), reply.json.get("url")


def links_and_pids(server):
    """What docs/sites.md shows: a site, its pool, links that lease from it."""
    for creator in ("c1", "c2", "c3"):
        server.put(f"parties/{creator}", {"roles": ["creator"]})
    server.put("plans/t", {"merchant": "taobao-s801", "goods": ["taobao-610000001"], "terms": {"commission_bps": 1000}})
    server.put("registrations/app", {"channel": "app"})
    server.put("goods/taobao-1", {"merchant": "taobao-s801", "site": "taobao", "ext": {"site_goods": "1", "seen_at": 1000}})  # long ago, whatever the clock says
    equal("goods of a site that nobody has put", link(server, "c1"), (201, None, None))
    server.put("sites/taobao", {"link": "https://s.click.example/t?id={goods}&pid={pid}&ext={link}", "pids_low": 1, "price_age": "6h"})
    server.put("sites/jd", {})
    equal("a site shows where its links lead", server.get("sites/jd")["link"].startswith("https://"), True)
    equal("no pid yet", link(server, "c1")[:2], (422, "no_pid"))
    equal("pids", imported(server, "pids:import", lines_of({"id": "taobao-mm_1_2_101", "site": "taobao"}, {"id": "taobao-mm_1_2_102", "site": "taobao"},
                                                            {"id": "taobao-mm_1", "site": "taobao"})), (200, 2, 1))
    first = link(server, "c1")
    equal("the first that was imported", first[:2], (201, "mm_1_2_101"))
    check("in the site's link", first[2].startswith("https://s.click.example/t?id=610000001&pid=mm_1_2_101&ext="), first)
    equal("the same again", link(server, "c1")[:2], (201, "mm_1_2_101"))
    equal("another creator's", link(server, "c2")[:2], (201, "mm_1_2_102"))
    equal("none is left", link(server, "c3")[:2], (422, "no_pid"))
    state = server.get("sites/taobao/state")
    equal("as its state says", [state[key] for key in ("pids_free", "pids_leased", "pids_resting")], [0, 2, 0])
    equal("and its alarms", [alarm["alarm"] for alarm in state["alarms"]], ["price_stale", "stock_stale", "status_stale", "pids_low"])
    told = [(item["kind"], item["body"]["alarm"]) for item in server.get("outbox")["items"]]
    check("each was told once", sorted(set(told)) == sorted(told) and ("site.alarm", "pids_low") in told, told)
    check("which stand in /healthz", "taobao: pids_low" in server.ask("GET", "/healthz").json["alarms"], server.ask("GET", "/healthz").json)
    token = server.ask("POST", "/api/v1/access-tokens", {"role": "creator", "party": "c1"}).json["token"]
    own = server.ask("GET", "/api/v1/pids", None, {"Authorization": f"Bearer {token}"}).json["items"]
    equal("a creator sees its own", [pid["pid"] for pid in own], ["mm_1_2_101"])
    equal("and no other", server.ask("GET", "/api/v1/pids/taobao-mm_1_2_102", None, {"Authorization": f"Bearer {token}"}).status, 404)
    equal("nor may it give it away", server.ask("POST", "/api/v1/pids/taobao-mm_1_2_101:release", {},
                                                {"Authorization": f"Bearer {token}"}).status, 403)


def orders_of_the_site(server):
    """What the site reports is kept, compared, and mapped to creators, by the rows that `tributary site rows` prints."""
    rows_ = site("rows", "--site", "taobao", file("taobao-orders.csv"))
    equal("rows", imported(server, "sites/taobao/orders:import", rows_.encode()), (200, 5, 0))
    equal("again: the same", imported(server, "sites/taobao/orders:import", rows_.encode()), (200, 5, 0))
    waiting = server.get("sites/taobao/reviews")
    equal("who is to be looked at", {item["order"]: item["look_at"] for item in waiting["items"]},
          {"2001/1": ["pid_unmapped"], "2001/2": ["pid_unmapped", "final_differs"], "2002": ["pid_unmapped"], "2003": ["pid_unmapped"],
           "2004": ["pid_unmapped", "final_differs"]})
    unknown = server.ask("GET", "/api/v1/pids?filter=status%20==%20'unknown'").json["items"]
    some = server.ask("GET", "/api/v1/sites/taobao/reviews?filter='final_differs'%20in%20look_at").json["items"]
    equal("filtered", [item["order"] for item in some], ["2001/2", "2004"])
    equal("a pid that nobody knows", [pid["pid"] for pid in unknown], ["mm_1_2_999"])
    # Leases began today: those orders were made before. The operator says whose the pids were.
    for pid, creator in (("101", "c1"), ("102", "c2"), ("999", "c3")):
        equal(f"{pid} was {creator}'s", server.ask("POST", f"/api/v1/pids/taobao-mm_1_2_{pid}:assign", {"creator": creator, "at": 1}).status, 200)
    equal("the rest of the queue", {item["order"]: item["look_at"] for item in server.get("sites/taobao/reviews")["items"]},
          {"2001/2": ["final_differs"], "2004": ["final_differs"]})
    order = server.get("sites/taobao/orders/2003")
    equal("an order", (order["creator"], order["outcome"], order["status"]), ("c3", "external", order["status"]))
    equal("a line", server.get("sites/taobao/orders/2001/2")["creator"], "c1")
    equal("looked at", server.ask("POST", "/api/v1/sites/taobao/orders/2001/2:resolve", {"reason": "the site's mistake"}).json["look_at"], [])
    equal("once", server.ask("POST", "/api/v1/sites/taobao/orders/2001/2:resolve", {}).status, 422)
    equal("one is left", server.get("sites/taobao/reviews")["total"], 1)
    equal("lines by their number", server.ask("POST", "/api/v1/sites/taobao/orders:import", b'{"order":"1"}\n').json["errors"][0]["line"], 1)
    equal("a site that is not there", server.ask("GET", "/api/v1/sites/pdd/reviews").status, 404)


def compare(folder):
    lines, sums = orders("taobao")
    equal("a pid tells the creator", (lines["2001/1"]["creator"], lines["2002"]["creator"]), ("c1", "c2"))
    equal("every order is the site's", {line["outcome"] for line in lines.values()}, {"external"})
    equal("goods are called as they are here", lines["2002"]["goods"], "taobao-610000001")
    equal("a pid that is nobody's is to be looked at", (lines["2003"]["creator"], lines["2003"]["look_at"]), (None, ["pid_unmapped"]))
    equal("as are final amounts that differ", lines["2001/2"]["look_at"], ["final_differs"])
    equal("the sums", (sums["lines"], sums["estimated"], sums["final"], sums["pid_unmapped"], sums["pid_unmapped_estimated"]),
          (5, 5934, 1978, 1, 780))
    equal("the lines make the sums", sum(line["paid"] for line in lines.values()), sums["paid"])
    ours = os.path.join(folder, "ours.ndjson")
    with open(ours, "w", encoding="utf-8") as out:
        for order, outcome, base in (("2001/1", "external", 5990), ("2001/2", "attributed", 7800), ("2002", "external", 5000),
                                     ("2003", "external", 3900), ("9999", "external", 1)):
            out.write(json.dumps({"order": order, "outcome": outcome, "base_amount": base}) + "\n")
    lines, sums = orders("taobao", "--ours", ours)
    equal("what is the same is not looked at", lines["2001/1"]["look_at"], [])
    equal("we would have paid, too", lines["2001/2"]["look_at"], ["final_differs", "attributed_here"])
    equal("another base", (lines["2002"]["look_at"], lines["2002"]["our_base"]), (["base_differs"], 5000))
    equal("the site has it, we have not", lines["2004"]["look_at"], ["final_differs", "not_here"])
    equal("we have it, the site has not", lines["9999"], {"order": "9999", "look_at": ["not_there"]})
    equal("their number", [sums[key] for key in ("not_here", "not_there", "attributed_here", "base_differs")], [1, 1, 1, 1])
    lines, sums = orders("jd")
    equal("another site by the same words", ([line["creator"] for line in lines.values()], sums["final"]), (["c1", "c2"], 790))


def refusals(folder):
    def refused(name, text, *words, at):
        check(name, at in site(*words, "-", code=1, text=text), at)

    head = "trade_id,item_id,pid,status,paid,estimated,settled,created\n"
    row = "1,2,p,已付款,1,1,,2026-11-22 20:00:03\n"
    refused("an order twice", head + row + row, "orders", "--site", "taobao", at="-: line 3: found order 1 again")
    refused("a status of another site", head + row.replace("已付款", "17"), "orders", "--site", "taobao",
            at="-: line 2, column status: found \"17\", expected one of 已付款")
    refused("a file of another site", head, "feed", "--site", "taobao", at="-: line 1, column title: found no such column")
    refused("a line that is no JSON", "{}\n{", "feed", "--site", "jd", at="-: line 1, column skuId: found nothing")
    pids = os.path.join(folder, "pids.csv")
    for name, text, at in (("a pid of two creators", "pid,creator\np,c1\np,c2\n", "line 3, column pid: found it twice"),
                           ("no creator", "pid\np\n", "line 1: found other columns"),
                           ("no id", "pid,creator\np,a b\n", "line 2, column creator")):
        with open(pids, "w", encoding="utf-8") as out:
            out.write(text)
        refused(name, head, "orders", "--site", "taobao", "--pids", pids, at=at)
    refused("ours by line and field", head, "orders", "--site", "taobao", "--ours", file("jd-orders.ndjson"), at="line 1.order")
    site("feed", "--site", "tmall", "-", code=2, text="")
    site("feed", "--site", "jd", "--json", "-", code=2, text="")
    site("orders", "--site", "jd", code=2)
    site("feed", "--site", "jd", "/nowhere", code=1)


def main():
    with serving.fresh("--outbox-allow", "http://127.0.0.1:9/") as server:  # where nobody listens: what is told waits
        server.put("webhooks/warn", {"url": "http://127.0.0.1:9/", "kinds": ["site.*"]})
        ask_the_server(server)
        links_and_pids(server)
        orders_of_the_site(server)
    with tempfile.TemporaryDirectory() as folder:
        compare(folder)
        refusals(folder)
    end()


if __name__ == "__main__":
    sys.exit(main())
