#!/usr/bin/env python3
"""What merchants, leaders and creators see and do of what is theirs, and never of what is another's: approvals, bulk edits,
what lies ahead of plans, offers; and the attempts of one who wants more. The matrix itself is access.py's."""
import json
import os
import re
import tempfile
import time

from access import ADMIN, As, wait_until
from serving import check, end, equal, fresh

PLAY = """name: asking
when: request.category == 'asks'
"""
FLOW = """flows:
  plan.put:
    - when: plan.terms.commission_bps > 3000
      then:
        - {wait: approval, ask: leader, what: a high rate, as: asked}
    - when: plan.terms.commission_bps > 2000
      then:
        - {wait: approval, ask: operator, what: a rate, as: asked_platform}
    - do: plan.approve
"""
ROLES = {"m1": "merchant", "m2": "merchant", "l1": "leader", "l2": "leader", "c1": "creator", "c2": "creator"}


def make(admin):
    for name, role in ROLES.items():
        admin("PUT", f"parties/{name}", {"roles": [role], "followers": 7 if name == "c1" else 1})
    for name, merchant, category in (("g1", "m1", "asks"), ("g2", "m2", "toys"), ("g3", "m1", "toys")):
        admin("PUT", f"goods/{name}", {"merchant": merchant, "price": 1000, "category": category})
    return {name: As(admin.server, admin("POST", "access-tokens", {"role": role, "party": name}).json["token"])
            for name, role in ROLES.items()}


def put_play(admin, name, play, flow=None):
    files = [{"name": "play.yaml", "text": play}] + ([{"name": "flow.yaml", "text": flow}] if flow else [])
    reply = admin("PUT", f"plays/{name}", {"files": files})
    return admin("POST", f"plays/{name}:activate", {"version": reply.json["version"]}) if reply.status in (200, 201) else reply


def rows(admin, ask_of, table):
    for who, method, path, body, want in table:
        reply = ask_of[who](method, path, body)
        status, code = want if isinstance(want, tuple) else (want, None)
        check(f"{who}: {method} {path} {json.dumps(body) if body else ''} is {want}",
              reply.status == status and code in (None, reply.json.get("code")), reply)


def ids(ask, path):
    return [row["id"] for row in ask("GET", path).json["items"]]


# ---- Approvals


def approvals(admin, ask):
    reply = put_play(admin, "asking", PLAY, FLOW)
    check("a play that asks", reply.status in (200, 201), reply)
    terms = lambda bps: {"goods": ["g1"], "merchant": "m1", "terms": {"commission_bps": bps, "leader": "l1", "service_bps": 100}}
    equal("below its limit nobody is asked", ask["m1"]("PUT", "plans/p1", terms(1000)).status, 201)
    high, middle = ask["m1"]("PUT", "plans/p1", terms(4000)), ask["m1"]("PUT", "plans/p1", terms(2500))
    check("above it, the leader is; or the platform", high.status == middle.status == 202, f"{high}\n{middle}")
    high, middle = high.json["approval"], middle.json["approval"]
    shown = ask["m1"]("GET", f"approvals/{high}").json
    equal("the approval names who asked, and whom", [shown["requester"], shown["role"], shown["leader"], shown["history"][0]["action"]],
          ["m1", "leader", "l1", "create"])
    for who, want in {"m1": [high, middle], "l1": [high], "m2": [], "l2": [], "c1": [], "c2": []}.items():
        equal(f"{who} lists what it has asked for or is asked", ids(ask[who], "approvals"), want)
    rows(admin, ask, [
        ("l1", "GET", f"approvals/{high}", None, 200), ("l1", "GET", f"approvals/{middle}", None, (404, "not_found")),
        ("l2", "GET", f"approvals/{high}", None, (404, "not_found")), ("m2", "GET", f"approvals/{high}", None, (404, "not_found")),
        ("c1", "GET", f"approvals/{high}", None, (404, "not_found")),
        ("m1", "POST", f"approvals/{high}:approve", {}, (403, "noperm")), ("m1", "POST", f"approvals/{middle}:approve", {}, (403, "noperm")),
        ("l2", "POST", f"approvals/{high}:approve", {}, (404, "not_found")), ("m2", "POST", f"approvals/{high}:reject", {}, (404, "not_found")),
        ("l1", "POST", f"approvals/{middle}:approve", {}, (404, "not_found")), ("l1", "POST", "approvals/9:approve", {}, (404, "not_found")),
        ("l1", "PUT", f"approvals/{high}", {"what": "mine"}, (403, "noperm")), ("l1", "DELETE", f"approvals/{high}", None, (403, "noperm")),
        ("l1", "POST", f"approvals/{high}:approve", {"reason": "fine"}, 200)])
    equal("approved by the leader, it happens", ask["m1"]("GET", "plans/p1").json["terms"]["commission_bps"], 4000)
    last = ask["m1"]("GET", f"approvals/{high}").json["history"][-1]
    equal("and the requester sees who and why", [last["role"], last["reason"]], ["leader", "fine"])
    for body in ({**terms(9000), "play": "default"}, {**terms(9000), "play": "other"}):
        reply = ask["m1"]("PUT", "plans/p9", body)
        check(f"it cannot leave its play for {body['play']}", reply.status == 400 and reply.json["at"] == "play", reply)
    equal("to state the one it has is fine", ask["m1"]("PUT", "plans/p8", {**terms(1000), "play": "asking"}).status, 201)
    equal("the platform's people may", admin("PUT", "plans/p7", {**terms(9000), "play": "default"}).status, 201)
    equal("a dry run tells a party results, not how", [name in ask["m1"]("PUT", "plans/p1?dry_run=true", terms(1500)).json["dry_run"]
                                                        for name in ("results", "steps")], [True, False])


# ---- Bulk edits, and what lies ahead


def done(ask, job, *statuses):
    return wait_until(lambda: ask("GET", f"bulks/{job}").json["status"] in (statuses or ("done", "previewed")))


def bulks(admin, ask):
    for name in ("q1", "q2", "q3"):
        ask["m1"]("PUT", f"plans/{name}", {"goods": ["g3"], "merchant": "m1", "terms": {"commission_bps": 1000}})
    ask["m2"]("PUT", "plans/z1", {"goods": ["g2"], "merchant": "m2", "terms": {"commission_bps": 1000}})
    change = {"filter": "terms.commission_bps == 1000", "change": {"add_commission_bps": 50}}
    made = ask["m1"]("POST", "plans:bulk", {**change, "id": "mine", "dry_run": True})
    check("a merchant previews a bulk edit", made.status == 202 and done(ask["m1"], "mine"), made)
    shown = ask["m1"]("GET", "bulks/mine").json
    equal("of its own plans and no others", [shown["merchant"], shown["matched"], shown["changed"]], ["m1", 4, 4])
    rows(admin, ask, [
        ("m2", "GET", "bulks/mine", None, (404, "not_found")), ("m2", "POST", "bulks/mine:apply", {}, (404, "not_found")),
        ("m2", "POST", "plans:bulk", {**change, "id": "mine"}, (403, "noperm")),
        ("m2", "POST", "plans:bulk", {**change, "merchant": "m1"}, (403, "noperm")),
        ("m2", "POST", "plans:bulk", {**change, "merchant": "nobody"}, (403, "noperm")),
        ("m2", "PUT", "bulks/mine", change, (403, "noperm")), ("l1", "POST", "plans:bulk", change, (403, "noperm")),
        ("c1", "GET", "bulks", None, (403, "noperm")), ("m1", "POST", "bulks/mine:apply", {}, 200)])
    check("it applies it", done(ask["m1"], "mine", "done"))
    equal("its plans are changed", [ask["m1"]("GET", f"plans/{name}").json["terms"]["commission_bps"] for name in ("q1", "q2", "q3")], [1050] * 3)
    equal("another's are not", ask["m2"]("GET", "plans/z1").json["terms"]["commission_bps"], 1000)
    equal("others list none", ids(ask["m2"], "bulks"), [])
    ask["m2"]("POST", "plans:bulk", {"id": "all", "filter": "true", "change": {"add_commission_bps": 1}})
    check("everything is everything of one's own", done(ask["m2"], "all", "done") and ask["m2"]("GET", "bulks/all").json["matched"] == 1)
    ask["m2"]("POST", "plans:bulk", {"id": "let", "filter": "true", "change": {"action": "approve"}})
    check("nor does it do what a merchant may not", done(ask["m2"], "let", "done") and
          ask["m2"]("GET", "bulks/let").json["refused"] == 1, ask["m2"]("GET", "bulks/let"))
    before = len(ids(ask["m1"], "approvals"))
    ask["m1"]("POST", "plans:bulk", {"id": "high", "filter": "id == 'p8'", "change": {"terms": {"commission_bps": 2600}}})
    check("a plan's play has its say", done(ask["m1"], "high", "done") and ask["m1"]("GET", "bulks/high").json["waiting"] == 1,
          ask["m1"]("GET", "bulks/high"))
    equal("it waits for who is asked", [ask["m1"]("GET", "plans/p8").json["terms"]["commission_bps"], len(ids(ask["m1"], "approvals")) - before], [1050, 1])
    admin("POST", f"approvals/{ids(ask['m1'], 'approvals')[-1]}:approve", {})
    equal("and happens then", ask["m1"]("GET", "plans/p8").json["terms"]["commission_bps"], 2600)


def ahead(admin, ask):
    when = 4102444800000
    ask["m1"]("PUT", "plans/q1", {"goods": ["g3"], "merchant": "m1", "terms": {"commission_bps": 2000}, "effective_from": when})
    items = ask["m1"]("GET", "plans/q1/versions").json["items"]
    equal("what lies ahead of one's plan", [row["plan"]["terms"]["commission_bps"] for row in items], [1050, 2000])
    path = f"plans/q1/versions/{items[1]['version']}"
    rows(admin, ask, [
        ("m2", "GET", "plans/q1/versions", None, (404, "not_found")), ("m2", "DELETE", path, None, (404, "not_found")),
        ("l1", "GET", "plans/q1/versions", None, (403, "noperm")), ("c1", "GET", "plans/q1/versions", None, (403, "noperm")),
        ("m2", "GET", "plans/none/versions", None, (404, "not_found")), ("m1", "DELETE", path, None, 200), ("m1", "DELETE", path, None, 409)])


# ---- What creators may sell from


def offers(admin, ask):
    admin("PUT", "plans/open", {"goods": ["g2"], "merchant": "m2", "budget": 777, "creators_when": "creator.followers > 5",
                                "terms": {"commission_bps": 900, "service_bps": 300, "leader": "l2", "platform_bps": 50}})
    admin("PUT", "plans/secret", {"goods": ["g2"], "merchant": "m2", "kind": "targeted", "creators": ["c2"], "terms": {"commission_bps": 4321},
                                  "samples": {"auto": True, "terms": {"sold": 99}}})
    admin("PUT", "plans/open", {"goods": ["g2"], "merchant": "m2", "effective_from": 4102444800000, "creators_when": "creator.followers > 5",
                                "terms": {"commission_bps": 100}})
    admin("PUT", "plans/rough", {"goods": ["g2"], "merchant": "m2", "status": "draft", "terms": {"commission_bps": 4322}})
    seen = {who: set(ids(ask[who], "plans?limit=1000")) & {"open", "secret", "rough"} for who in ("c1", "c2")}
    equal("a creator lists the plans that speak to it", seen, {"c1": {"open"}, "c2": {"secret"}})
    shown = ask["c1"]("GET", "plans/open").json
    equal("as they are in force, and of their terms its own", [shown["terms"]["commission_bps"], shown["version"]] + [
        shown["terms"][name] for name in ("service_bps", "leader", "platform_bps")] + [shown[name] for name in (
            "budget", "creators", "creators_when", "history", "bounds", "ext")], [900, 1, None, None, None, None, [], None, [], None, None])
    page = ask["c1"]("GET", "plans?filter=terms.commission_bps%20%3E%204000").json["items"]
    check("no filter finds what is not shown", "secret" not in [row["id"] for row in page] and
          ask["c1"]("GET", "plans?filter=budget%20%3D%3D%20777").json["items"] == [], page)
    rows(admin, ask, [
        ("c1", "GET", "plans/secret", None, (404, "not_found")), ("c2", "GET", "plans/secret", None, 200),
        ("c1", "GET", "plans/rough", None, (404, "not_found")), ("c2", "GET", "plans/open", None, (404, "not_found")),
        ("c1", "GET", "plans/open/status", None, (403, "noperm")), ("c1", "DELETE", "plans/open", None, (403, "noperm")),
        ("c1", "GET", "goods/g2:estimate?offer=secret", None, (404, "not_found")),
        ("c1", "POST", "links", {"channel": "live", "creator": "c1", "goods": "g2", "offer": "secret"}, (404, "not_found")),
        ("c1", "PUT", "samples/s1", {"creator": "c1", "goods": ["g2"], "plan": "secret"}, (400, "invalid")),
        ("c1", "PUT", "samples/s1", {"creator": "c1", "goods": ["g2"], "plan": "nothing"}, (400, "invalid")),
        ("c1", "PUT", "samples/s1", {"creator": "c2", "goods": ["g2"]}, (403, "noperm")),
        ("c2", "PUT", "samples/s2", {"creator": "c2", "goods": ["g2"], "plan": "secret"}, 201),
        ("c1", "GET", "samples/s2", None, (404, "not_found"))])
    words = [ask["c1"]("POST", "shelves/c1/showcase", {"list": [{"goods": "g2", "offer": name}]}) for name in ("secret", "nothing")]
    equal("on a shelf, too, it is as one that is not there", [(reply.status, reply.json["detail"]) for reply in words],
          [(404, f'found "{name}", expected the id of a known plan') for name in ("secret", "nothing")])
    equal("what it knows of goes on it", ask["c1"]("POST", "shelves/c1/showcase", {"list": [{"goods": "g2", "offer": "open"}]}).status, 201)


def recruited(admin, ask):
    for name, leader in (("a1", "l1"), ("a2", "l2"), ("draft", "l2")):
        ask[leader]("PUT", f"activities/{name}", {"leader": leader, "title": name, "requirements_when": "goods.price > 5"})
        if name != "draft":
            ask[leader]("POST", f"activities/{name}:publish", {})
    made = ask["m1"]("POST", "activities/a1:enrol", {"items": [
        {"id": "e1", "goods": "g3", "commission_bps": 2000, "service_bps": 500}, {"id": "e2", "goods": "g2", "commission_bps": 2000, "service_bps": 500},
        {"id": "e3", "goods": "none", "commission_bps": 2000, "service_bps": 500}]}).json["items"]
    equal("another's goods are as unknown", [(row.get("code"), row.get("detail", "")[:12]) for row in made],
          [(None, ""), ("invalid", 'found "g2", '), ("invalid", 'found "none"')])
    ask["m2"]("POST", "activities/a2:enrol", {"items": [{"id": "z9", "goods": "g2", "commission_bps": 2000, "service_bps": 500}]})
    equal("before it is approved a creator sees nothing", ids(ask["c1"], "enrolments"), [])
    many = ask["l1"]("POST", "enrolments:act", {"action": "approve", "items": [{"id": "e1"}, {"id": "z9"}, {"id": "none"}]}).json["items"]
    equal("another leader's enrolment is as unknown, whatever its status", [(row.get("status"), row.get("code"), row.get("at")) for row in many],
          [("approved", None, None), (None, "not_found", "id"), (None, "not_found", "id")])
    shown = ask["c1"]("GET", "enrolments/e1").json
    equal("then it does, and what concerns it", [ids(ask["c1"], "enrolments"), shown["commission_bps"], shown["service_bps"], shown["price"], shown["history"]],
          [["e1"], 2000, None, None, []])
    equal("with the plan that it may name", ask["c1"]("GET", f"plans/{shown['offers'][0]['plan']}").json["activity"], "a1")
    shown = ask["c1"]("GET", "activities/a1").json
    equal("so of activities", [ids(ask["c1"], "activities"), shown["title"], shown["requirements_when"], shown["history"]], [["a1", "a2"], "a1", None, []])
    counts = [("counts" in ask[who]("GET", "activities/a1/enrolments").json and ask[who]("GET", "activities/a1/enrolments").json["counts"] is not None)
              for who in ("l1", "l2", "m2", "c1")]
    equal("how many there are is the leader's to know", counts, [True, False, False, False])
    equal("lists beside it show the same", [ids(ask[who], path) for who, path in (
        ("c1", "activities/a1/enrolments"), ("c1", "goods/g3/enrolments"), ("c1", "activities/a2/enrolments"), ("m2", "activities/a1/enrolments"),
        ("l2", "activities/a1/enrolments"), ("l1", "parties/m1/enrolments"), ("l2", "parties/m1/enrolments"))],
        [["e1"], ["e1"], [], [], [], ["e1"], []])
    rows(admin, ask, [
        ("m1", "GET", "activities/draft/enrolments", None, (404, "not_found")), ("l1", "GET", "activities/draft/enrolments", None, (404, "not_found")),
        ("l1", "GET", "activities/draft/cooperations", None, (404, "not_found")), ("m1", "POST", "activities/draft:enrol", {"items": []}, (404, "not_found")),
        ("m1", "GET", "parties/m2/enrolments", None, (404, "not_found")), ("m1", "GET", "parties/none/enrolments", None, (404, "not_found")),
        ("m1", "GET", "goods/g2/enrolments", None, (404, "not_found")), ("c1", "GET", "activities/draft", None, (404, "not_found")),
        ("l1", "POST", "cooperations/none:offer", {"enrolments": ["z9"]}, (404, "not_found"))])


def resolve(admin, ask):
    put_play(admin, "theirs", "name: theirs\nwhen: request.merchant == 'm2'\n")
    found = ask["m1"]("GET", "plays:resolve?category=asks").json
    equal("a merchant learns whose its requests are", [found["play"], [row["play"] for row in found["candidates"]]], ["asking", ["asking", "default"]])
    equal("as its own", ask["m2"]("GET", "plays:resolve").json["play"], "theirs")
    rows(admin, ask, [
        ("m1", "GET", "plays:resolve?merchant=m2", None, (403, "noperm")), ("m1", "GET", "plays:resolve?role=admin", None, (403, "noperm")),
        ("m1", "GET", "plays:resolve?merchant=m1&role=merchant", None, 200), ("c1", "GET", "plays:resolve", None, (403, "noperm"))])
    equal("health tells a party no counts", sorted(admin.server.ask("GET", "/healthz", None, {"Authorization": f"Bearer {ask['m1'].token}"}).json),
          ["position", "state", "sync"])


def pids(admin, ask):
    admin("PUT", "sites/jd", {})
    admin("PUT", "pids/jd-5001", {"site": "jd"})
    now = int(time.time() * 1000)
    for name, at in (("c2", now - 60_000), ("c1", now - 30_000)):  # of two from the same moment the later one would be the only one
        reply = admin("POST", "pids/jd-5001:assign", {"creator": name, "at": at})
        check(f"a pid is {name}'s", reply.status == 200, reply)
    shown = ask["c1"]("GET", "pids/jd-5001").json
    check("its creator sees it, and not who had it before", shown["creator"] == "c1" and "c2" not in json.dumps(shown), shown)
    equal("in a list, too", [("c2" in json.dumps(row), row["creator"]) for row in ask["c1"]("GET", "pids").json["items"]], [(False, "c1")])
    rows(admin, ask, [("c2", "GET", "pids/jd-5001", None, (404, "not_found")), ("m1", "GET", "pids/jd-5001", None, (403, "noperm")),
                      ("c1", "POST", "pids/jd-5001:release", {}, (403, "noperm"))])
    equal("the platform's people do", [lease["creator"] for lease in admin("GET", "pids/jd-5001").json["leases"]], ["c2", "c1"])


# ---- An asker who tries


UNKNOWN = {  # what each must not know of; approvals are named by main()
    "m1": {"plans": ["z1", "secret"], "goods": ["g2"], "parties": ["m2", "c1"], "bulks": ["all"], "activities": ["draft"], "enrolments": ["z9"],
           "invitations": ["i2"], "samples": ["s2"], "cooperations": ["co1"], "approvals": []},
    "c1": {"plans": ["secret", "rough"], "parties": ["m2", "c2"], "activities": ["draft"], "enrolments": ["z9"], "invitations": ["i2"],
           "samples": ["s2"], "cooperations": ["co1"], "approvals": []},
    "l1": {"plans": ["z1", "secret"], "parties": ["m2"], "activities": ["draft"], "enrolments": ["z9"], "invitations": ["i2"],
           "cooperations": ["co1"], "approvals": []}}
NAMED = [  # who, method, path, body or None, id of what is another's
    ("m1", "PUT", "plans/n", {"goods": ["?"], "merchant": "m1", "terms": {"commission_bps": 1}}, "g2"),
    ("m1", "PUT", "enrolments/n", {"activity": "a1", "goods": "?", "commission_bps": 3000, "service_bps": 900}, "g2"),
    ("m1", "PUT", "enrolments/n", {"activity": "?", "goods": "g3", "commission_bps": 3000, "service_bps": 900}, "draft"),
    ("m1", "PUT", "invitations/n", {"from": "m1", "creator": "c1", "goods": ["?"]}, "g2"),
    ("l1", "PUT", "cooperations/n", {"activity": "?", "leader2": "l1", "service2_bps": 10}, "draft"),
    ("c1", "PUT", "samples/n", {"creator": "c1", "goods": ["g2"], "plan": "?"}, "secret"),
    ("m1", "POST", "enrolments:act", {"action": "withdraw", "items": [{"id": "?"}]}, "z9"),
    ("l1", "POST", "enrolments:act", {"action": "approve", "items": [{"id": "?"}]}, "z9"),
    ("c1", "PUT", "shelves/c1/live_cart", {"entries": [{"goods": "g2", "offer": "?"}]}, "secret"),
    ("c1", "POST", "links", {"channel": "live", "creator": "c1", "goods": "g2", "offer": "?"}, "secret"),
    ("c1", "GET", "goods/g2:estimate?offer=?", None, "secret"), ("m1", "GET", "goods/g3:terms?creator=c1&offer=?", None, "z1"),
    ("m1", "GET", "tallies?plan=?", None, "z1"), ("m1", "GET", "ledger/statements?party=?", None, "m2"), ("c1", "GET", "tallies?creator=?", None, "c2")]


def attempts(admin, ask):
    """What is another's is told in the very words of what is not there, at every door that takes an id."""
    admin("PUT", "activities/a3", {"leader": "l2", "title": "x", "leader2": {}})
    admin("POST", "activities/a3:publish", {})
    admin("PUT", "parties/l3", {"roles": ["leader"]})
    for path, body in (("cooperations/co1", {"activity": "a3", "leader2": "l3", "service2_bps": 1}),
                       ("invitations/i2", {"from": "m2", "creator": "c2", "goods": ["g2"], "terms": {"commission_bps": 1000}})):
        reply = admin("PUT", path, body)
        check(f"there is {path}", reply.status == 201, reply)
    document = admin.server.ask("GET", "/openapi.json", None, {"Authorization": f"Bearer {ADMIN}"}).json
    actions = {cycle["noun"]: sorted({row["action"] for row in cycle["actions"]}) for cycle in admin("GET", "life-cycles").json["items"]}
    tried, told = 0, []

    def same(who, method, path, body, name):
        nonlocal tried
        replies = [ask[who](method, path.replace("?", word) if "=?" not in path else path.replace("=?", "=" + word),
                            json.loads(json.dumps(body).replace('"?"', json.dumps(word))) if body is not None else None) for word in (name, "zz")]
        texts = [(reply.status, re.sub(r'"position":\d+', "", reply.body.decode().replace(word, "?"))) for reply, word in zip(replies, (name, "zz"))]
        tried += 1
        if texts[0] != texts[1]:
            told.append(f"{who} {method} {path} {name}: {replies[0]}\n{replies[1]}")

    for path, item in document["paths"].items():
        match = re.fullmatch(r"/api/v1/([a-z]+)/\{id\}([^{]*|:\{action\}|/versions/\{version\})", path)
        for method in (set(item) & {"get", "post", "delete"}) if match else ():
            noun, rest = match.groups()
            for who, nouns in UNKNOWN.items():
                if ROLES[who] in item[method]["x-roles"]:
                    for action in actions.get(noun, []) if "{action}" in rest else [""]:
                        for name in nouns.get(noun, []):
                            same(who, method.upper(), f"{noun}/?" + rest.replace("{action}", action).replace("{version}", "2"),
                                 {} if method == "post" else None, name)
    check(f"{tried} ids of others are as unknown as none", tried > 100 and not told, "\n".join(told))
    for row in NAMED:
        same(*row)
    check("so they are in bodies and parameters", not told, "\n".join(told))


# ---- Who did it


def history(admin, ask):
    first = ask["m1"]("GET", "plans/q2").json["history"][0]
    equal("a plan says who made it", [first["action"], first["role"], first["by"] is not None], ["create", "merchant", True])
    admin("PUT", "goods/g3", {"merchant": "m1", "price": 5000, "category": "toys"})
    last = ask["m1"]("GET", "enrolments/e1").json["history"][-1]
    equal("what the engine watches it notes in a role of its own", [last["action"], last["role"], last["by"]], ["price_raised", "engine", "price_watch"])
    soon = int(time.time() * 1000) + 1000
    reply = ask["m1"]("PUT", "invitations/i1", {"from": "m1", "creator": "c1", "goods": ["g3"], "terms": {"commission_bps": 1000}, "expires_at": soon})
    check("an invitation", reply.status == 201, reply)
    check("is not shown how far it has been gone through", "looked_at" not in ask["m1"]("GET", "invitations/i1").json)
    check("it expires by itself", wait_until(lambda: ask["c1"]("GET", "invitations/i1").json["status"] == "expired"))
    last = ask["c1"]("GET", "invitations/i1").json["history"][-1]
    equal("which is an act of the engine's", [last["action"], last["role"], last["by"]], ["expire", "engine", "deadline"])
    own = [(row["actor"], row["action"], row["outcome"]) for row in admin("GET", "audit?limit=1000").json["items"] if row.get("role") == "engine"]
    equal("so the log says", own, [("deadline", "expire invitations/i1", "changed"), ("price_watch", "price_raised enrolments/e1", "changed"),
                                ("sample_rule", "approve samples/s2", "changed")])
    admin("PUT", "users/anna", {"role": "operator", "password": "a good password"})
    for user in ("anna", "my-secret-pass"):
        admin.server.ask("POST", "/api/v1/sessions", {"user": user, "password": "not the password"})
    tried = lambda: [(row.get("actor"), row["detail"]) for row in admin("GET", "audit").json["items"]
                     if row["action"] == "POST /api/v1/sessions" and row["outcome"] == "refused"]
    check("a sign-in that failed names whom it tried, and no name that nobody has",
          wait_until(lambda: {("anna", "password"), (None, "user")} <= set(tried())), tried())
    equal("no user is called like a token", [admin("PUT", f"users/{name}", {"role": "operator", "password": "a good password"}).status
                                             for name in ("t3", "token-file")], [400, 400])


def main():
    with tempfile.TemporaryDirectory(prefix="tributary-test-") as folder:
        path = os.path.join(folder, "token")
        with open(path, "w", encoding="utf-8") as file:
            file.write(ADMIN + "\n")
        with fresh("--token-file", path) as server:
            admin = As(server, ADMIN)
            ask = make(admin)
            approvals(admin, ask)
            bulks(admin, ask)
            ahead(admin, ask)
            offers(admin, ask)
            recruited(admin, ask)
            resolve(admin, ask)
            pids(admin, ask)
            own = ids(ask["m1"], "approvals")
            other = admin("PUT", "plans/of_m2", {"goods": ["g1"], "merchant": "m2", "play": "asking", "terms": {"commission_bps": 2500}})
            check("an approval of others", other.status == 202, other)
            UNKNOWN["m1"]["approvals"], UNKNOWN["c1"]["approvals"], UNKNOWN["l1"]["approvals"] = [other.json["approval"]], own[:1], own[1:2]
            attempts(admin, ask)
            history(admin, ask)
            server.kill()
            server.again()
            equal("after kill -9, too: what one has asked for", len(ids(ask["m1"], "approvals")), 3)
            equal("and nobody else's", ids(ask["l2"], "approvals"), [])
    end()


if __name__ == "__main__":
    main()
