#!/usr/bin/env python3
"""Every list of /openapi.json takes filter, limit and cursor, and says what is wrong with them; whatever can be read and changed
has an ETag, which a change may hold on to. Both are walked by the description, so that a new door cannot forget it."""
import json
import tempfile
import urllib.parse

import serving
from serving import check, end, equal

# Lists that are tables of the release, the same for everybody: they come whole.
WHOLE = {"/api/v1/facts": "what conditions may ask", "/api/v1/lines": "the usual money lines", "/api/v1/life-cycles": "what may be done",
         "/api/v1/expr:complete": "an answer about one text; its cursor is a place in it"}
NAMES = {"activities": "a1", "goods": "g1", "parties": "m1", "plans": "p1", "plays": "default", "shelves": "c1", "sites": "jd"}
DAY_MS = 86_400_000
HELD = {"id": "root", "held": True, "reason": "look", "shares": [
    {"name": "commission", "to": "creator", "from": "merchant", "bps": "terms.commission_bps"}]}


def quoted(text):
    return urllib.parse.quote(text, safe="")


def make_market(ask):
    """Two and more of everything that is listed."""
    def put(path, body, status=201, method="PUT"):
        reply = ask(method, f"/api/v1/{path}", body)
        if reply.status != status:
            raise RuntimeError(f"{path}: {reply}")
        return reply.json

    for name, role in [("m1", "merchant"), ("m2", "merchant"), ("l1", "leader"), ("l2", "leader"), ("l3", "leader"), ("c1", "creator"), ("c2", "creator")]:
        put(f"parties/{name}", {"roles": [role], "name": name.upper()})
    for i in range(1, 6):
        put(f"goods/g{i}", {"merchant": "m1", "price": 1000 * i, "category": "toys"})
        put(f"plans/p{i}", {"goods": [f"g{i}"], "merchant": "m1", "terms": {"commission_bps": 100 * i}, "budget": 100000})
    put("plans/p1", {"goods": ["g1"], "merchant": "m1", "terms": {"commission_bps": 500}, "effective_from": 4102444800000}, 200)
    for name, channel in [("r1", "live"), ("r2", "video")]:
        put(f"registrations/{name}", {"channel": channel})
        put(f"blocks/{name}", {"kind": "user", "value": name})
        put(f"webhooks/{name}", {"url": "http://127.0.0.1:1/x", "kinds": ["*"], "status": "paused"})
        put(f"bounds/{channel}", {"min_bps": 0, "max_bps": 5000})
        put(f"users/{name}", {"role": "operator", "password": "a good password"})
        put(f"rules/{name}", {"scene": name, "root": HELD})
        put(f"rules/{name}:activate", {"version": 1}, 200, "POST")
        put("access-tokens", {"role": "operator"}, 201, "POST")
        put(f"plays/{name}", {"files": [{"name": "play.yaml", "text": f"name: {name}\nwhen: request.scene == '{name}'\n"}]})
        put(f"bulks/{name}", {"filter": "id == 'none'", "change": {"action": "pause"}, "dry_run": True})
        put("parties/m1/status", {"status": "active", "from": 4102444800000 + len(channel)}, 200)
    put("plays/tagged", {"files": [{"name": "play.yaml", "text": "name: tagged\nwhen: '\"asked\" in request.tags'\ncapabilities:\n  party.validate: [{use: default}]\n"}]})
    put("plays/tagged:activate", {"version": 1}, 200, "POST")
    for name in ("x1", "x2"):
        put(f"parties/{name}", {"roles": ["creator"], "tags": ["asked"]})
    for i in (1, 2):
        put(f"activities/a{i}", {"leader": "l1", "leader2": {"min_service_bps": 100}})
        put(f"activities/a{i}:publish", {}, 200, "POST")
    for i in range(1, 4):
        put(f"enrolments/e{i}", {"activity": "a1", "goods": f"g{i}", "commission_bps": 1500, "service_bps": 300})
    put("enrolments/e4", {"activity": "a2", "goods": "g1", "commission_bps": 1500, "service_bps": 300})
    for i in (2, 3):
        put(f"cooperations/co{i}", {"activity": "a1", "leader2": f"l{i}", "service2_bps": 150})
    for i in (1, 2):
        put(f"invitations/i{i}", {"from": "m1", "creator": f"c{i}", "goods": [f"g{i + 1}"], "terms": {"commission_bps": 900}})
        put(f"invitations/i{i}:accept", {}, 200, "POST")
        put(f"samples/s{i}", {"creator": f"c{i}", "goods": [f"g{i}"]})
    for name in ("jd", "taobao"):
        put(f"sites/{name}", {})
        put(f"pids/{name}-{'mm_1_2_3' if name == 'taobao' else '5001'}", {"site": name})
    rows = [{"order": f"s{i}", "status": "paid", "at": i, "paid": i, "estimated": 0} for i in range(1, 4)]  # no pid: to be looked at
    put("sites/jd/orders:import", "".join(json.dumps(row) + "\n" for row in rows).encode(), 200, "POST")
    put("shelves/c1/showcase", {"entries": [{"goods": f"g{i}"} for i in range(1, 6)]})
    for i in range(1, 5):
        token = put("links", {"channel": "live", "creator": f"c{1 + i % 2}", "goods": f"g{i}"}, 201, "POST")["token"]
        put("orders", {"order": f"o{i}", "user": f"u{i}", "goods": f"g{i}", "base_amount": 1000 * i, "token": token}, 200, "POST")
        put("orders", {"order": f"h{i}", "user": f"u{i}", "goods": f"g{i}", "base_amount": 1000 * i, "token": token, "scene": "r1"}, 200, "POST")
    for i in range(2):
        put("webhooks/r1:test", {}, 201, "POST")
    for path in ("goods/g1", "plans/p1"):
        put(f"{path}/status", {"status": "active", "from": 4102444800000}, 200)
    files = {"play.yaml": "name: asking\nwhen: request.kind == 'exclusive'\n",
             "flow.yaml": "flows:\n  plan.put:\n    - {wait: approval, what: an exclusive plan, as: asked}\n"}
    put("plays/asking", {"files": [{"name": name, "text": text} for name, text in files.items()]})
    put("plays/asking:activate", {"version": 1}, 200, "POST")
    for i in (6, 7):
        put(f"plans/p{i}", {"goods": ["g1"], "merchant": "m1", "kind": "exclusive", "creators": ["c1"], "terms": {"commission_bps": 100}}, 202)


def filled(path):
    """A path of the description with the names of what is there."""
    parts = path.split("/")
    for i, part in enumerate(parts):
        name = NAMES.get(parts[i - 1], "default" if parts[i - 1] == "rules" else "r1")
        parts[i] = part.replace("{id}", name).replace("{creator}", "c1").replace("{kind}", "showcase").replace("{version}", "1")
    return "/".join(parts) + ("?party=m1&role=merchant" if path.endswith("statements") else "?step=day" if path.endswith("metrics") else "")


def lists_of(document):
    """(path, the name of the list in the answer): of GET whose answer has items."""
    for path, item in document["paths"].items():
        schema = item.get("get", {}).get("responses", {}).get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        for name in ("items", "entries"):
            if schema.get("properties", {}).get(name, {}).get("type") == "array":
                yield path, name
                break


def walk_list(ask, path, name):
    """All items of a list, page by page."""
    items, cursor, pages = [], "", 0
    while cursor is not None and pages < 1000:
        page = ask("GET", path + ("&cursor=" + quoted(cursor) if cursor else ""))
        if page.status != 200:
            return page
        items += page.json[name]
        cursor, pages = page.json["next_cursor"], pages + 1
    return items


def without_moving(items):
    return [{key: value for key, value in item.items() if key not in ("due_at", "position")} for item in items]


def document_fields(document, path, name):
    """The fields of a list's items, as the description has them."""
    schemas = document["components"]["schemas"]
    schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    return schemas[schema["properties"][name]["items"]["$ref"].rsplit("/", 1)[1]]["properties"]


def check_list(ask, document, path, name):
    params = {param["name"] for param in document["paths"][path]["get"]["parameters"]}
    if not check(f"{path} takes filter, limit and cursor", {"filter", "limit", "cursor"} <= params, params):
        return
    at = filled(path)
    at += "&" if "?" in at else "?"
    items = walk_list(ask, at + "limit=1000", name)
    if not check(f"{path} lists something", isinstance(items, list) and items, items):
        return
    for limit in (1, 2):
        found = walk_list(ask, f"{at}limit={limit}", name)
        equal(f"{path} by {limit}", without_moving(found), without_moving(items))
        found = walk_list(ask, f"{at}limit={limit}&filter=true", name)
        equal(f"{path} by {limit} for which true", without_moving(found), without_moving(items))
    equal(f"{path} for which false", walk_list(ask, at + "filter=false", name), [])
    whole, part = ask("GET", at).json, ask("GET", at + "filter=true").json
    equal(f"{path} says the same beside its items, filter or not", sorted(part), sorted(whole))
    field, value = min(((field, value) for field, value in items[0].items() if isinstance(value, (str, int))), key=lambda pair: isinstance(pair[1], int))
    found = walk_list(ask, at + "filter=" + quoted(f"{field} == {json.dumps(value)}"), name)
    equal(f"{path} by {field}", without_moving(found), without_moving([item for item in items if item.get(field) == value]))
    for text in ("1 +", "no_such_field == 1", f"{field} == [1]", "1 + 1"):
        reply = ask("GET", at + "filter=" + quoted(text))
        check(f"{path}: {text} is refused by its place", reply.status == 400 and reply.json["at"].startswith("filter")
              and reply.json["code"] in ("invalid", "syntax", "unsupported") and len(reply.json["detail"]) > 10
              and "found found" not in reply.json["detail"], reply)
    reply = ask("GET", at + "filter=no_such_field%20%3D%3D%201")
    check(f"{path}: and told which fields there are", "expected one of " in reply.json["detail"] and next(iter(document_fields(document, path, name))) in reply.json["detail"], reply)
    reply = ask("GET", at + "fliter=true")
    check(f"{path}: and which parameters", reply.status == 400 and "filter" in reply.json["detail"], reply)
    for query, at_name in [("limit=0", "limit"), ("limit=1001", "limit"), ("cursor=%01x", "cursor"), ("cursor=" + "9" * 80, "cursor")]:
        reply = ask("GET", at + query)
        check(f"{path}?{query} is refused", reply.status == 400 and reply.json["at"] == at_name and "expected" in reply.json["detail"], reply)


def check_lists(ask, document):
    lists = dict(lists_of(document))
    check("there are lists", len(lists) > 30, sorted(lists))
    equal("what comes whole is still there", sorted(set(WHOLE) - set(lists)), [])
    for path, name in lists.items():
        if path not in WHOLE:
            check_list(ask, document, path, name)
    for path in ("/api/v1/orders/o1", "/api/v1/goods/g1", "/healthz"):
        equal(f"{path} is no list", ask("GET", path + "?filter=true").status, 400)


# ---- Tags


def changes():
    """What is read, and how it is changed: (GET, [(method, path, body)]). Each change is refused first, then done."""
    goods = {"merchant": "m1", "price": 7}
    rule = {"scene": "r2", "root": {**HELD, "reason": "again"}}
    play = {"files": [{"name": "play.yaml", "text": "name: r2\nwhen: request.scene == 'r2'\ntitle: two\n"}]}
    webhook = {"url": "http://127.0.0.1:1/y", "kinds": ["sample.*"]}
    return [
        ("goods/g5", [("PUT", "goods/g5", goods), ("DELETE", "goods/g5", None)]),
        ("goods/g4/status", [("PUT", "goods/g4/status", {"status": "withdrawn"})]),
        ("plans/p4", [("POST", "plans/p4:pause", {})]),
        ("plans/p1/versions", [("DELETE", "plans/p1/versions/2", None)]),
        ("bounds/live", [("PUT", "bounds/live", {"min_bps": 1, "max_bps": 4000}), ("DELETE", "bounds/live", None)]),
        ("shelves/c1/showcase", [("PUT", "shelves/c1/showcase", {"entries": [{"goods": "g1"}]}), ("POST", "shelves/c1/showcase", {"groups": ["x"]}),
                                 ("DELETE", "shelves/c1/showcase", None)]),
        ("rules/r2", [("PUT", "rules/r2", rule), ("PATCH", "rules/r2/nodes/root", {"reason": "third"}),
                      ("POST", "rules/r2:activate", {"version": 2}), ("POST", "rules/r2:rollout", {"version": 1, "share_bps": 500})]),
        ("plays/r2", [("PUT", "plays/r2", play), ("POST", "plays/r2:activate", {"version": 2}), ("DELETE", "plays/r2", None)]),
        ("plays/r1", [("POST", "plays/r1:activate", {"version": 1})]),
        ("webhooks/r2", [("PUT", "webhooks/r2", webhook), ("DELETE", "webhooks/r2", None)]),
        ("access-tokens/t1", [("POST", "access-tokens/t1:rotate", {}), ("DELETE", "access-tokens/t1", None)]),
        ("users/r2", [("PUT", "users/r2", {"role": "operator", "name": "R"}), ("DELETE", "users/r2", None)]),
        ("enrolments/e1", [("POST", "enrolments/e1:approve", {})]),
    ]


def check_tag(ask, read, method, path, body):
    def send(condition, value):
        return ask(method, f"/api/v1/{path}", body, {"Content-Type": "application/json", condition: value} if body is not None else {condition: value})

    name = f"{method} {path}"
    body = json.dumps(body) if body is not None else None
    tag = ask("GET", f"/api/v1/{read}").headers["ETag"]
    if not check(f"{read} has an ETag", tag, tag):
        return
    same = ask("GET", f"/api/v1/{read}", None, {"If-None-Match": tag})
    equal(f"{read} is not sent again", (same.status, same.body, same.headers["ETag"]), (304, b"", tag))
    late = send("If-Match", '"0000000000000000"')
    check(f"{name}: 412 for what it was not", late.status == 412 and late.json["code"] == "precondition_failed" and late.json["at"] == "If-Match", late)
    none = send("If-None-Match", "*")
    check(f"{name}: 412 for what must not be there", none.status == 412 and none.json["at"] == "If-None-Match", none)
    equal(f"{name}: nothing has changed", ask("GET", f"/api/v1/{read}").headers["ETag"], tag)
    done = send("If-Match", f'"x", {tag}')
    if not check(f"{name}: done for what it is", done.status in (200, 201), done):
        return
    now = ask("GET", f"/api/v1/{read}").headers["ETag"]
    check(f"{name}: another tag, which the answer has told", now != tag and done.headers["ETag"] in (now, None if now else ""), (tag, now, done.headers["ETag"]))
    if now:
        equal(f"{name}: sent again, for it has changed", ask("GET", f"/api/v1/{read}", None, {"If-None-Match": tag}).status, 200)
        equal(f"{name}: 412 for what it was", send("If-Match", tag).status, 412)


def check_tags(ask, document):
    described = set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            headers = {param["name"] for param in operation["parameters"] if param["in"] == "header"}
            if method != "get" and "If-Match" in headers:
                described.add((method.upper(), path))
            if method == "get" and headers:
                check(f"{path} says what it does with them", headers == {"If-None-Match"} and "304" in operation["responses"]
                      and "ETag" in operation["responses"]["200"]["headers"], operation)
    asked = {(method, path) for read, rows in changes() for method, path, body in rows}
    check("what can be changed says so", len(described) > 40, sorted(described))
    for read, rows in changes():
        for row in rows:
            check_tag(ask, read, *row)
    # Whoever puts a condition where none is looked at would believe it held.
    for method, path, body in [("POST", "orders", {}), ("POST", "links", {}), ("POST", "goods:import", None), ("POST", "ledger/payouts", {})]:
        reply = ask(method, f"/api/v1/{path}", json.dumps(body) if body is not None else b"", {"If-Match": '"x"', "Content-Type":
                    "application/json" if body is not None else "application/x-ndjson"})
        check(f"{method} {path} knows no conditions and says so", reply.status == 400 and reply.json["at"] == "If-Match", reply)
    return asked


def main():
    with serving.fresh("--outbox-allow", "http://127.0.0.1:1/") as server:
        document = server.ask("GET", "/openapi.json").json
        make_market(server.ask)
        check_lists(server.ask, document)
        check_tags(server.ask, document)
    end()


if __name__ == "__main__":
    main()
