#!/usr/bin/env python3
"""The HTTP door of a running `tributary serve`, from outside: every path, its answers against /openapi.json, problem
details, imports, waiting for a position, many clients at once, odd clients, the access token, a graceful end."""
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time

from description import described

ROOT = os.environ.get("TRIB_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("TRIB_BIN", os.path.join(ROOT, "build", "tributary"))
JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/x-ndjson"}
done = 0


def check(name, good, detail=""):
    global done
    done += 1
    print(f"{'ok' if good else 'not ok'} {done} - {name}", flush=True)
    if not good:
        for line in str(detail).splitlines()[:20]:
            print(f"# {line[:2000]}", flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.position = int(headers.get("Tributary-Position") or -1)

    @property
    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.body[:1500]!r}"


class Server:
    def __init__(self, folder, *words, host="127.0.0.1"):
        self.port, self.cookie = free_port(), {}
        self.log = open(os.path.join(folder, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [BIN, "serve", "--data", os.path.join(folder, "data"), "--resp", "off", "--http", f"{host}:{self.port}",
             "--order-index", "64MiB", "--touches", "64MiB", "--segment", "16MiB", *words],
            stdout=self.log, stderr=subprocess.STDOUT)

    def wait(self):
        for _ in range(1200):
            if self.process.poll() is not None:
                return False
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return True
            time.sleep(0.05)
        return False

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def ask(self, method, path, body=None, headers=None, connection=None):
        own = connection is None
        headers = {**self.cookie, **(headers or {})}
        connection = connection or self.connect()
        if isinstance(body, dict):
            body, headers = json.dumps(body), {**JSON, **(headers or {})}
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        reply = Reply(answer.status, answer.headers, answer.read())
        if own:
            connection.close()
        return reply

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(120)
        self.log.seek(0)
        text = self.log.read()
        self.log.close()
        return code, text


def ask_about_limits(step):
    """Statuses by time, bounds, block lists, terms."""
    for plural, name, word in [("parties", "c1", "restricted"), ("goods", "g1", "withdrawn"), ("plans", "p1", "paused")]:
        step("PUT", f"/api/v1/{plural}/{{id}}/status", f"/api/v1/{plural}/{name}/status", {"status": word, "from": 4102444800000})
        step("GET", f"/api/v1/{plural}/{{id}}/status", f"/api/v1/{plural}/{name}/status",
             want=lambda answer, word=word: answer["status"] == "active" and answer["items"][-1]["status"] == word)
    step("PUT", "/api/v1/bounds/{category}", "/api/v1/bounds/toys", {"min_bps": 100, "max_bps": 3000}, 201)
    step("GET", "/api/v1/bounds/{category}", "/api/v1/bounds/toys", want=lambda answer: answer["max_bps"] == 3000)
    step("GET", "/api/v1/bounds", "/api/v1/bounds", want=lambda answer: len(answer["items"]) == 1)
    step("DELETE", "/api/v1/bounds/{category}", "/api/v1/bounds/toys")
    step("PUT", "/api/v1/blocks/{id}", "/api/v1/blocks/b1", {"kind": "user", "value": "u9", "reason": "fraud"}, 201)
    step("GET", "/api/v1/blocks/{id}", "/api/v1/blocks/b1", want=lambda answer: not answer["value"] and answer["value_hash"])
    step("GET", "/api/v1/blocks", "/api/v1/blocks", want=lambda answer: len(answer["items"]) == 1)
    step("GET", "/api/v1/goods/{id}:terms", "/api/v1/goods/g1:terms?creator=c1")
    shelf = "/api/v1/shelves/{creator}/{kind}", "/api/v1/shelves/c1/live_cart"
    step("PUT", *shelf, {"entries": [{"goods": "g1"}]}, 201, want=lambda answer: answer["added"] == 1)
    step("POST", *shelf, {"groups": ["new"]}, want=lambda answer: answer["version"] == 2)
    step("GET", *shelf, want=lambda answer: answer["items"][0]["goods"] == "g1" and answer["groups"] == ["new"])
    step("GET", "/api/v1/goods/{id}:shelves", "/api/v1/goods/g1:shelves", want=lambda answer: answer["shelves"] == 1)
    step("DELETE", *shelf, want=lambda answer: answer["total"] == 0)


def ask_about_actions(step):
    """Nouns with life cycles."""
    step("GET", "/api/v1/life-cycles", "/api/v1/life-cycles", want=lambda answer: any(
        row["noun"] == "activities" and row["statuses"][0] == "draft" for row in answer["items"]))
    step("PUT", "/api/v1/activities/{id}", "/api/v1/activities/a1", {"leader": "c1", "title": "May"}, 201)
    step("POST", "/api/v1/activities/{id}:{action}", "/api/v1/activities/a1:publish", {"reason": "ready"},
         want=lambda answer: (answer["id"], answer["status"], answer["version"]) == ("a1", "published", 2))
    step("GET", "/api/v1/activities/{id}", "/api/v1/activities/a1",
         want=lambda answer: answer["status"] == "published" and answer["history"][1]["reason"] == "ready")
    step("PUT", "/api/v1/plans/{id}", "/api/v1/plans/p8", {"goods": ["g1"], "merchant": "m1", "status": "draft", "terms": {"commission_bps": 900}}, 201)
    for action, status in (("submit", "review"), ("approve", "active"), ("pause", "paused"), ("resume", "active")):
        step("POST", "/api/v1/plans/{id}:{action}", f"/api/v1/plans/p8:{action}", {"reason": "because"},
             want=lambda answer, status=status: answer["status"] == status)
    step("PUT", "/api/v1/plans/{id}", "/api/v1/plans/p8", {"goods": ["g1"], "merchant": "m1", "terms": {"commission_bps": 700}, "effective_from": 4102444800000})
    step("GET", "/api/v1/plans/{id}/versions", "/api/v1/plans/p8/versions",
         want=lambda answer: [(row["in_force"], row["plan"]["terms"]["commission_bps"]) for row in answer["items"]] == [(True, 900), (False, 700)])
    step("DELETE", "/api/v1/plans/{id}/versions/{version}", "/api/v1/plans/p8/versions/6")
    step("GET", "/api/v1/plans/{id}", "/api/v1/plans/p8",
         want=lambda answer: [row["action"] for row in answer["history"]] == ["create", "submit", "approve", "pause", "resume", "unschedule"])
    step("DELETE", "/api/v1/plans/{id}", "/api/v1/plans/p8")
    step("POST", "/api/v1/plans:bulk", "/api/v1/plans:bulk", {"filter": "id == 'p8'", "change": {"add_commission_bps": 1}, "dry_run": True}, 202,
         want=lambda answer: (answer["id"], answer["status"]) == ("bulk-1", "previewing"))
    step("PUT", "/api/v1/bulks/{id}", "/api/v1/bulks/b2", {"filter": "id == 'p8'", "change": {"action": "pause"}, "dry_run": True}, 201)
    step("POST", "/api/v1/bulks/{id}:{action}", "/api/v1/bulks/b2:cancel", {}, want=lambda answer: answer["status"] == "cancelled")
    step("GET", "/api/v1/bulks/{id}", "/api/v1/bulks/b2", want=lambda answer: answer["status"] == "cancelled")
    step("GET", "/api/v1/bulks", "/api/v1/bulks", want=lambda answer: len(answer["items"]) == 2)
    step("DELETE", "/api/v1/bulks/{id}", "/api/v1/bulks/b2")
    step("GET", "/api/v1/activities", "/api/v1/activities", want=lambda answer: answer["items"][0]["id"] == "a1")


def ask_about_enrolments(step, seen):
    """Activities, what is enrolled in them, second-level leaders."""
    for name, role in [("l1", "leader"), ("l2", "leader"), ("shop", "merchant")]:
        step("PUT", "/api/v1/parties/{id}", f"/api/v1/parties/{name}", {"roles": [role]}, 201)
    step("PUT", "/api/v1/goods/{id}", "/api/v1/goods/lamp", {"merchant": "shop", "price": 2000}, 201)
    step("PUT", "/api/v1/activities/{id}", "/api/v1/activities/a2", {"leader": "l1", "leader2": {"min_service_bps": 100}}, 201)
    step("POST", "/api/v1/activities/{id}:{action}", "/api/v1/activities/a2:publish", {})
    step("PUT", "/api/v1/enrolments/{id}", "/api/v1/enrolments/e1",
         {"activity": "a2", "goods": "lamp", "commission_bps": 1500, "service_bps": 300}, 201)
    step("POST", "/api/v1/enrolments/{id}:{action}", "/api/v1/enrolments/e1:reject", {"reason": "too dear"},
         want=lambda answer: answer["status"] == "rejected")
    item = {"id": "e1", "goods": "lamp", "commission_bps": 2000, "service_bps": 300}
    step("POST", "/api/v1/activities/{id}:enrol", "/api/v1/activities/a2:enrol", {"items": [item, {**item, "id": "e2"}]},
         want=lambda answer: [row.get("status") or row["code"] for row in answer["items"]] == ["submitted", "refused"])
    step("POST", "/api/v1/enrolments:act", "/api/v1/enrolments:act", {"action": "approve", "items": [{"id": "e1"}, {"id": "e9"}]},
         want=lambda answer: [row.get("status") or row["code"] for row in answer["items"]] == ["approved", "not_found"])
    step("GET", "/api/v1/enrolments/{id}", "/api/v1/enrolments/e1",
         want=lambda answer: answer["offers"][0]["plan"] == "e1" and answer["history"][1]["reason"] == "too dear")
    step("PUT", "/api/v1/cooperations/{id}", "/api/v1/cooperations/co1",
         {"activity": "a2", "leader2": "l2", "service2_bps": 150}, 201)
    step("POST", "/api/v1/cooperations/{id}:{action}", "/api/v1/cooperations/co1:accept", {},
         want=lambda answer: answer["status"] == "active")
    step("GET", "/api/v1/cooperations/{id}", "/api/v1/cooperations/co1", want=lambda answer: answer["leader1"] == "l1")
    step("POST", "/api/v1/cooperations/{id}:offer", "/api/v1/cooperations/co1:offer", {"enrolments": ["e1"]},
         want=lambda answer: answer["accepted"] == 1)
    step("GET", "/api/v1/activities/{id}/cooperations", "/api/v1/activities/a2/cooperations",
         want=lambda answer: [item["id"] for item in answer["items"]] == ["co1"])
    for path, name in [("activities", "a2"), ("goods", "lamp"), ("parties", "shop")]:
        step("GET", f"/api/v1/{path}/{{id}}/enrolments", f"/api/v1/{path}/{name}/enrolments?status=approved",
             want=lambda answer: [item["id"] for item in answer["items"]] == ["e1"])
    for plural in ("enrolments", "cooperations"):
        step("GET", f"/api/v1/{plural}", f"/api/v1/{plural}", want=lambda answer: len(answer["items"]) == 1)
    step("POST", "/api/v1/cooperations/{id}:{action}", "/api/v1/cooperations/co1:cancel", {})
    step("POST", "/api/v1/cooperations/{id}:{action}", "/api/v1/cooperations/co1:consent", {},
         want=lambda answer: answer["status"] == "cancelled")
    step("POST", "/api/v1/activities/{id}:{action}", "/api/v1/activities/a2:stop", {"reason": "the test is over"},
         want=lambda answer: answer["status"] == "delisted")


def ask_about_people(step):
    """Invitations, samples, experience."""
    step("PUT", "/api/v1/parties/{id}", "/api/v1/parties/bella", {"roles": ["creator"]}, 201)
    step("PUT", "/api/v1/invitations/{id}", "/api/v1/invitations/in1", {"from": "shop", "creator": "bella", "goods": ["lamp"]}, 201)
    step("POST", "/api/v1/invitations/{id}:{action}", "/api/v1/invitations/in1:counter", {"offer": {"terms": {"commission_bps": 3000}}},
         want=lambda answer: answer["status"] == "countered")
    step("POST", "/api/v1/invitations/{id}:{action}", "/api/v1/invitations/in1:accept", {}, want=lambda answer: answer["status"] == "accepted")
    step("GET", "/api/v1/invitations/{id}", "/api/v1/invitations/in1", want=lambda answer: answer["plan"] == "in1.plan")
    step("PUT", "/api/v1/samples/{id}", "/api/v1/samples/sa1", {"creator": "bella", "goods": ["lamp"]}, 201)
    step("POST", "/api/v1/samples/{id}:{action}", "/api/v1/samples/sa1:approve", {}, want=lambda answer: answer["status"] == "approved")
    step("GET", "/api/v1/samples/{id}", "/api/v1/samples/sa1", want=lambda answer: answer["merchant"] == "shop")
    for plural in ("invitations", "samples"):
        step("GET", f"/api/v1/{plural}", f"/api/v1/{plural}", want=lambda answer: len(answer["items"]) == 1)
    step("GET", "/api/v1/experience", "/api/v1/experience?merchant=shop&creator=bella",
         want=lambda answer: [(row["accepted"], row["samples"]) for row in answer["items"]] == [(1, 1)])


def ask_about_metrics(step, server):
    """What plays came to: the same by the API and at /metrics."""
    totals = step("GET", "/api/v1/metrics", "/api/v1/metrics")["items"]
    money = next(row for row in totals if row.get("currency") == "CNY")
    check("orders are in the figures of their play", (money["play"], money["outcomes"]["attributed"] > 0, money["net_commission"] > 0) ==
          ("default", True, True), money)
    for level in ("minute", "hour", "day"):
        rows = step("GET", "/api/v1/plays/{id}/metrics", f"/api/v1/plays/default/metrics?step={level}")["items"]
        check(f"{level} by {level} they add up", sum(row["charged"] for row in rows if "currency" in row) == money["charged"], rows)
    line = f'tributary_play_charged_total{{play="default",currency="CNY"}} {money["charged"]}'
    until = time.monotonic() + 20
    while line not in server.ask("GET", "/metrics").body.decode() and time.monotonic() < until:
        time.sleep(0.05)
    check("/metrics tells the same", line in server.ask("GET", "/metrics").body.decode(), line)
    for path, status in [("plays/none/metrics", 404), ("metrics?step=week", 400), ("metrics?cursor=x", 400)]:
        check(f"refused: {path}", server.ask("GET", f"/api/v1/{path}").status == status)


def ask_about_outbox(step):
    """A webhook that is paused, so that what it is to be told waits."""
    step("PUT", "/api/v1/webhooks/{id}", "/api/v1/webhooks/w1", {"url": "http://127.0.0.1:1/w1", "kinds": ["*"], "status": "paused"}, 201)
    step("GET", "/api/v1/webhooks/{id}", "/api/v1/webhooks/w1", want=lambda answer: answer["kinds"] == ["*"])
    step("GET", "/api/v1/webhooks", "/api/v1/webhooks", want=lambda answer: len(answer["items"]) == 1)
    one = step("POST", "/api/v1/webhooks/{id}:test", "/api/v1/webhooks/w1:test", status=201)["id"]
    step("GET", "/api/v1/outbox", "/api/v1/outbox?state=pending", want=lambda answer: [row["id"] for row in answer["items"]] == [one])
    step("POST", "/api/v1/outbox/{id}:retry", f"/api/v1/outbox/{one}:retry", want=lambda answer: answer["state"] == "pending")
    step("POST", "/api/v1/outbox/{id}:drop", f"/api/v1/outbox/{one}:drop")
    step("DELETE", "/api/v1/webhooks/{id}", "/api/v1/webhooks/w1")


def ask_about_plays(step):
    """A play that nothing here is of."""
    body = {"files": [{"name": "play.yaml", "text": "name: none\nwhen: request.scene == 'nowhere'\n"}]}
    step("PUT", "/api/v1/plays/{id}", "/api/v1/plays/none", body, 201)
    step("POST", "/api/v1/plays/{id}:activate", "/api/v1/plays/none:activate", {"version": 1})
    body["files"][0]["text"] += "title: two\n"
    step("PUT", "/api/v1/plays/{id}", "/api/v1/plays/none", body, want=lambda answer: (answer["version"], answer["active"]) == (2, 1))
    step("POST", "/api/v1/plays/{id}:activate", "/api/v1/plays/none:activate", {"version": 2})
    step("POST", "/api/v1/plays/{id}:rollback", "/api/v1/plays/none:rollback", want=lambda answer: answer["version"] == 1)
    step("GET", "/api/v1/plays/{id}", "/api/v1/plays/none", want=lambda answer: len(answer["versions"]) == 2)
    step("GET", "/api/v1/plays/{id}/versions/{version}", "/api/v1/plays/none/versions/2", want=lambda answer: answer["files"] == body["files"])
    step("GET", "/api/v1/plays", "/api/v1/plays", want=lambda answer: [row["name"] for row in answer["items"]] == ["none"])
    step("GET", "/api/v1/plays:resolve", "/api/v1/plays:resolve?scene=nowhere", want=lambda answer: answer["play"] == "none")
    step("GET", "/api/v1/forms/{id}", "/api/v1/forms/plan?play=none", want=lambda answer: (answer["play"], answer["fields"]) == ("none", []))
    step("DELETE", "/api/v1/plays/{id}", "/api/v1/plays/none", want=lambda answer: answer["version"] == 0)


def ask_about_life(step, seen, server):
    """What is told of an order later, and what the books say."""
    step("POST", "/api/v1/orders/{order}/status", "/api/v1/orders/o1%2F1/status", {"status": "paid"},
         want=lambda answer: (answer["state"], answer["code"]) == ("paid", 30))
    step("POST", "/api/v1/orders/{order}/refunds", "/api/v1/orders/o1%2F1/refunds", {"refund": "f1", "kind": "freight_only", "amount": 1},
         want=lambda answer: answer["reversed"] == 0)
    step("GET", "/api/v1/ledger/statements", "/api/v1/ledger/statements?party=c1&role=creator",
         want=lambda answer: answer["accounts"][0]["closing"] == 299)
    step("POST", "/api/v1/orders/{order}/status", "/api/v1/orders/o1/1/status", {"status": "settled"})
    step("POST", "/api/v1/ledger/payouts", "/api/v1/ledger/payouts",
         {"id": "pay1", "party": "c1", "role": "creator", "currency": "CNY", "amount": 100}, 201,
         want=lambda answer: answer["balance"] == 199)
    held = {"scene": "held", "root": {"id": "root", "held": True, "reason": "look", "shares": [
        {"name": "commission", "to": "creator", "from": "merchant", "bps": "terms.commission_bps"}]}}
    server.ask("PUT", "/api/v1/rules/held", held)
    server.ask("POST", "/api/v1/rules/held:activate", {"version": 1})
    token = server.ask("POST", "/api/v1/links", {"channel": "live", "creator": "c1", "goods": "g1"}).json["token"]
    for order, verb in [("h1", "release"), ("h2/1", "reject")]:
        server.ask("POST", "/api/v1/orders", {"order": order, "user": "u3", "goods": "g1", "base_amount": 1000, "token": token,
                                              "scene": "held"})
        step("GET", "/api/v1/reviews", "/api/v1/reviews", want=lambda answer, order=order: order in str(answer["items"]))
        step("POST", f"/api/v1/orders/{{order}}:{verb}", f"/api/v1/orders/{order}:{verb}", {"reason": "seen", "by": "ops"})
    step("GET", "/api/v1/lines", "/api/v1/lines", want=lambda answer: answer["items"])
    step("POST", "/api/v1/orders:record", "/api/v1/orders:record", {"records": []},
         want=lambda answer: answer.get("accepted", 0) == 0)
    check("a snapshot comes as bytes", server.ask("GET", "/api/v1/snapshot").status == 200)
    check("keys need an access token", server.ask("GET", "/api/v1/keys/client").status == 403)
    seen |= {("GET", "/api/v1/snapshot"), ("GET", "/api/v1/keys/client")}
    step("GET", "/api/v1/snapshot:position", "/api/v1/snapshot:position", want=lambda answer: answer["position"] > 0)
    step("GET", "/api/v1/tallies", "/api/v1/tallies", want=lambda answer: answer == {"items": [], "next_cursor": None})


def journey(server):
    """Every path once, in the order a shop would."""
    document = server.ask("GET", "/openapi.json").json
    check("/openapi.json is OpenAPI 3.1", document["openapi"].startswith("3.1."))
    seen = set()

    def step(method, pattern, path, body=None, status=200, want=None):
        reply = server.ask(method, path, body)
        seen.add((method, pattern))
        wrong = described(document, method, pattern, reply)
        good = reply.status == status and not wrong and reply.position > 0
        check(f"{method} {path}", good and (want is None or want(reply.json)), f"{reply}\n{wrong}")
        return reply.json

    for plural, name, body in [
            ("parties", "m1", {"roles": ["merchant"], "name": "Mill"}),
            ("parties", "c1", {"roles": ["creator"], "user_ids": ["u9"], "followers": 12, "score": 4.5}),
            ("goods", "g1", {"title": "Lamp \"L\" 灯", "merchant": "m1", "price": 1999, "currency": "CNY",
                             "ext": {"b": [1, 2.5], "a": None}}),
            ("plans", "p1", {"goods": ["g1"], "merchant": "m1", "terms": {"commission_bps": 1000}}),
            ("registrations", "r1", {"channel": "live", "priority": 1})]:
        step("PUT", f"/api/v1/{plural}/{{id}}", f"/api/v1/{plural}/{name}", body, 201,
             lambda answer, name=name: answer["id"] == name and answer["version"] == 1 and answer["number"] > 0)
        step("GET", f"/api/v1/{plural}/{{id}}", f"/api/v1/{plural}/{name}",
             want=lambda answer, body=body: all(answer[key] == value for key, value in body.items()
                                                if key not in ("user_ids", "terms")))
        step("GET", f"/api/v1/{plural}", f"/api/v1/{plural}?limit=1",
             want=lambda answer: len(answer["items"]) == 1 and "next_cursor" in answer)
    step("GET", "/api/v1/parties/{id}", "/api/v1/parties/c1",
         want=lambda answer: "user_ids" not in answer and len(answer["user_hashes"]) == 1)
    tree = {"root": {"id": "root", "model": "last", "window": "30d", "match": "goods", "shares": [
        {"name": "commission", "to": "creator", "from": "merchant", "bps": "terms.commission_bps"}]}}
    step("PUT", "/api/v1/rules/{id}", "/api/v1/rules/default", tree)
    version = step("PUT", "/api/v1/rules/{id}", "/api/v1/rules/default", tree)["version"]
    step("GET", "/api/v1/rules/{id}/versions/{version}", f"/api/v1/rules/default/versions/{version}")
    step("POST", "/api/v1/rules/{id}:activate", "/api/v1/rules/default:activate", {"version": version})
    step("GET", "/api/v1/rules/{id}", "/api/v1/rules/default")
    step("GET", "/api/v1/rules", "/api/v1/rules", want=lambda answer: [(row["name"], row["active"]) for row in answer["items"]] == [("default", version)])
    token = step("POST", "/api/v1/links", "/api/v1/links", {"channel": "live", "creator": "c1", "goods": "g1"},
                 201)["token"]
    step("GET", "/api/v1/tracks/{id}", f"/api/v1/tracks/{token}",
         want=lambda answer: answer["outcome"] == "ok" and answer["creator"] == "c1" and answer["goods"] == "g1")
    step("GET", "/api/v1/tracks/{id}", "/api/v1/tracks/nonsense",
         want=lambda answer: answer == {"outcome": "bad_token", "reason": answer["reason"]})
    step("POST", "/api/v1/touches", "/api/v1/touches", {"user": "u1", "token": token},
         want=lambda answer: answer == {"outcome": "recorded"})
    order = {"order": "o1/1", "user": "u1", "goods": "g1", "base_amount": "2990", "token": "-"}
    first = step("POST", "/api/v1/orders", "/api/v1/orders", order, want=lambda answer: (
        answer["outcome"] == "attributed" and answer["charged"] == 299
        and answer["credits"][0]["lines"][0] == {"name": "commission", "to": "creator", "from": "merchant", "amount": 299}))
    check("a repeat has the same answer", server.ask("POST", "/api/v1/orders", order).json == first)
    conflict = server.ask("POST", "/api/v1/orders", {**order, "base_amount": 1})
    check("other content is a conflict", conflict.status == 409 and conflict.json["code"] == "conflict", conflict)
    amounts = {"paid": 3000, "freight": 300, "coupon_platform": 290}
    step("POST", "/api/v1/orders", "/api/v1/orders", {"order": "o2", "user": "u2", "goods": "g1", "token": "-", "amounts": amounts},
         want=lambda answer: answer["outcome"] == "no_touch")
    step("GET", "/api/v1/orders/{order}", "/api/v1/orders/o2", want=lambda answer: (
        answer["base_amount"] == 2990 and not answer["base_stated"] and answer["trade_amount"] == 3000
        and answer["base_formula"] == f"default@{version}/{answer['node']}"))
    step("GET", "/api/v1/goods/{id}:estimate", "/api/v1/goods/g1:estimate?creator=c1",
         want=lambda answer: answer["commission_bps"] == 1000 and answer["amount"] == (answer["price"] + 5) // 10)
    step("GET", "/api/v1/orders/{order}", "/api/v1/orders/o1/1")
    step("GET", "/api/v1/orders/{order}", "/api/v1/orders/o1%2F1")
    step("GET", "/api/v1/orders/{order}:explain", "/api/v1/orders/o1/1:explain",
         want=lambda answer: answer["order"] == "o1/1" and answer["outcome"] == "attributed")
    step("GET", "/api/v1/ledger/balances", "/api/v1/ledger/balances",
         want=lambda answer: answer["total"] == 0 and len(answer["items"]) == 2)
    step("GET", "/api/v1/ledger/balances", "/api/v1/ledger/balances?party=c1&role=creator&currency=CNY",
         want=lambda answer: [row["balance"] for row in answer["items"]] == [299])
    job = step("POST", "/api/v1/rules/{id}:simulate", "/api/v1/rules/default:simulate", {"version": 1}, 202)
    for _ in range(600):
        answer = server.ask("GET", f"/api/v1/rules/default/simulations/{job['id']}").json
        if answer["state"] != "running":
            break
        time.sleep(0.05)
    step("GET", "/api/v1/rules/{id}/simulations/{version}", f"/api/v1/rules/default/simulations/{job['id']}",
         want=lambda answer: answer["state"] == "done" and answer["percent"] == 100 and answer["report"]["orders"] >= 1
         and sum(row["after"] for row in answer["report"]["parties"]) == 0)
    step("PATCH", "/api/v1/rules/{id}/nodes/{node}", "/api/v1/rules/default/nodes/root", {"to": 4102444800000},
         want=lambda answer: answer["version"] >= 2)
    step("POST", "/api/v1/rules/{id}:rollout", "/api/v1/rules/default:rollout", {"version": 1, "share_bps": 500},
         want=lambda answer: answer["version"] == 1)
    check("a roll-out is shown", server.ask("GET", "/api/v1/rules/default").json["rollouts"][0]["share_bps"] == 500)
    step("GET", "/api/v1/rules/{id}/hits", "/api/v1/rules/default/hits")
    step("GET", "/api/v1/facts", "/api/v1/facts",
         want=lambda answer: {"order.base", "counter.user_clicks_1h"} <= {row["name"] for row in answer["items"]})
    step("GET", "/api/v1/expr:complete", "/api/v1/expr:complete?text=touch.kind%20%3D%3D%20'v&cursor=16",
         want=lambda answer: [row["label"] for row in answer["items"]] == ["view"])
    ask_about_outbox(step)
    ask_about_limits(step)
    ask_about_plays(step)
    ask_about_life(step, seen, server)
    ask_about_metrics(step, server)
    ask_about_actions(step)
    ask_about_enrolments(step, seen)
    ask_about_people(step)
    for plural, name in [("registrations", "r1"), ("plans", "p1"), ("goods", "g1"), ("parties", "c1"), ("blocks", "b1"), ("activities", "a1"), ("enrolments", "e1"),
                         ("cooperations", "co1"), ("invitations", "in1"), ("samples", "sa1")]:
        step("DELETE", f"/api/v1/{plural}/{{id}}", f"/api/v1/{plural}/{name}")
        step("GET", f"/api/v1/{plural}/{{id}}", f"/api/v1/{plural}/{name}",
             want=lambda answer: answer["status"] == "closed")
    for plural in ("parties", "goods", "plans", "registrations", "blocks", "bulks", "activities", "enrolments", "cooperations", "invitations",
                   "samples", "sites", "pids"):
        reply = server.ask("POST", f"/api/v1/{plural}:import", b"", LINES)
        seen.add(("POST", f"/api/v1/{plural}:import"))
        check(f"an empty import of {plural}", reply.json == {"accepted": 0, "refused": 0, "errors": []}, reply)
    seen.add(("POST", "/api/v1/sites/{id}/orders:import"))
    ask_about_sites(step, server)
    for plural, last in (("pids", "jd-5001"), ("sites", "jd")):
        step("DELETE", "/api/v1/" + plural + "/{id}", f"/api/v1/{plural}/{last}")
    ask_about_access(step, server)
    step("GET", "/healthz", "/healthz")
    metrics = server.ask("GET", "/metrics")
    check("/metrics tells of the order", b"\ntributary_http_requests_total{status=\"409\"} 1\n" in metrics.body,
          metrics.body)
    seen |= {("GET", "/metrics"), ("GET", "/openapi.json")}
    own = ("/api/v1/approvals", "/api/v1/flows", "/api/v1/capabilities", "/api/v1/plays/{id}/checklist")  # asked by flows.py
    missing = {(method.upper(), path) for path, item in document["paths"].items() for method in item if not path.startswith(own)} - seen
    check("every path of the description was asked", not missing, missing)


def ask_about_sites(step, server):
    """Third-party sites and their pids."""
    step("PUT", "/api/v1/sites/{id}", "/api/v1/sites/jd", {"pids_low": 3}, 201)
    step("GET", "/api/v1/sites/{id}", "/api/v1/sites/jd", want=lambda answer: answer["adapter"] == "jd" and "{pid}" in answer["link"])
    step("GET", "/api/v1/sites", "/api/v1/sites", want=lambda answer: len(answer["items"]) == 1)
    step("PUT", "/api/v1/pids/{id}", "/api/v1/pids/jd-5001", {"site": "jd"}, 201)
    step("POST", "/api/v1/pids/{id}:{action}", "/api/v1/pids/jd-5001:assign", {"creator": "bella"}, want=lambda answer: answer["status"] == "leased")
    step("GET", "/api/v1/pids/{id}", "/api/v1/pids/jd-5001", want=lambda answer: (answer["pid"], answer["creator"]) == ("5001", "bella"))
    step("GET", "/api/v1/pids", "/api/v1/pids", want=lambda answer: len(answer["items"]) == 1)
    reply = server.ask("POST", "/api/v1/sites/jd/orders:import", b'{"order":"o1/1","status":"paid","at":1,"paid":1,"estimated":0}', LINES)
    check("rows of orders", reply.json == {"accepted": 1, "refused": 0, "errors": []}, reply)
    step("GET", "/api/v1/sites/{id}/reviews", "/api/v1/sites/jd/reviews", want=lambda answer: answer["total"] == 1)
    step("GET", "/api/v1/sites/{id}/orders/{line}", "/api/v1/sites/jd/orders/o1/1", want=lambda answer: answer["outcome"] == "external")
    step("POST", "/api/v1/sites/{id}/orders/{line}:resolve", "/api/v1/sites/jd/orders/o1/1:resolve", {}, want=lambda answer: answer["look_at"] == [])
    step("GET", "/api/v1/sites/{id}/state", "/api/v1/sites/jd/state", want=lambda answer: answer["pids_leased"] == 1)


def ask_about_access(step, server):
    """Tokens, users, sessions, the audit log; no admin among them, so that the server goes on asking nobody who they are."""
    made = step("POST", "/api/v1/access-tokens", "/api/v1/access-tokens", {"role": "auditor", "expires_at": 4102444800000, "rate": 100}, 201)
    name = f"/api/v1/access-tokens/{made['id']}"
    step("GET", "/api/v1/access-tokens", "/api/v1/access-tokens", want=lambda answer: len(answer["items"]) == 1)
    step("POST", "/api/v1/access-tokens/{id}:rotate", f"{name}:rotate", {"grace": "1h"}, want=lambda answer: answer["token"] != made["token"])
    step("GET", "/api/v1/access-tokens/{id}", name, want=lambda answer: answer["status"] == "active")
    step("DELETE", "/api/v1/access-tokens/{id}", name, want=lambda answer: answer["status"] == "revoked")
    step("PUT", "/api/v1/users/{id}", "/api/v1/users/ann", {"role": "operator", "password": "a good password"}, 201)
    step("GET", "/api/v1/users/{id}", "/api/v1/users/ann", want=lambda answer: answer["role"] == "operator")
    step("GET", "/api/v1/users", "/api/v1/users", want=lambda answer: len(answer["items"]) == 1)
    signed = step("POST", "/api/v1/sessions", "/api/v1/sessions", {"user": "ann", "password": "a good password"}, 201)
    step("GET", "/api/v1/sessions/current", "/api/v1/sessions/current", want=lambda answer: answer == {"role": "admin"})
    for method, path, pattern, body, last in [
            ("POST", "/api/v1/users/ann:password", "/api/v1/users/{id}:password", {"old_password": "a good password", "password": "another good one"}, False),
            ("DELETE", "/api/v1/sessions/current", "/api/v1/sessions/current", None, True)]:
        if last:
            signed = server.ask("POST", "/api/v1/sessions", {"user": "ann", "password": "another good one"})
            server.cookie = {"Cookie": signed.headers["Set-Cookie"].split(";")[0], "X-CSRF-Token": signed.json["csrf_token"]}
        else:
            reply = server.ask("POST", "/api/v1/sessions", {"user": "ann", "password": "a good password"})
            server.cookie = {"Cookie": reply.headers["Set-Cookie"].split(";")[0], "X-CSRF-Token": reply.json["csrf_token"]}
        step(method, pattern, path, body)
        server.cookie = {}
    step("DELETE", "/api/v1/users/{id}", "/api/v1/users/ann", want=lambda answer: answer["status"] == "disabled")
    step("GET", "/api/v1/audit", "/api/v1/audit?filter=outcome%20%3D%3D%20'changed'",
         want=lambda answer: answer["items"][0]["action"] == "DELETE /api/v1/users/ann")


def refusals(server):
    rows = [
        ("GET", "/api/v1/goods/none", None, 404, "not_found"),
        ("GET", "/api/v1/orders/none", None, 404, "not_found"),
        ("GET", "/api/v1/orders/none:explain", None, 404, "not_found"),
        ("GET", "/api/v1/rules/none", None, 404, "not_found"),
        ("GET", "/api/v1/rules/default/versions/999", None, 404, "not_found"),
        ("GET", "/api/v1/rules/none/hits", None, 404, "not_found"),
        ("POST", "/api/v1/rules/default:activate", {"version": 999}, 404, "not_found"),
        ("DELETE", "/api/v1/goods/none", None, 404, "not_found"),
        ("PUT", "/api/v1/goods/x", {"merchant": "nobody"}, 400, "invalid"),
        ("PUT", "/api/v1/activities/x", {"leader": "nobody"}, 400, "invalid"),
        ("POST", "/api/v1/activities/none:publish", {}, 404, "not_found"),
        ("POST", "/api/v1/activities/a1:dance", {}, 404, "not_found"),
        ("POST", "/api/v1/activities/a1:publish", {}, 409, "refused"),
        ("POST", "/api/v1/parties/c1:publish", {}, 405, "method_not_allowed"),
        ("PUT", "/api/v1/goods/x", {"merchant": "m1", "price": -1}, 400, "invalid"),
        ("PUT", "/api/v1/goods/x", {"merchant": "m1", "price": 2**63}, 400, "invalid"),
        ("PUT", "/api/v1/rules/bad", {"root": {"when": "no_such_fact == 1"}}, 400, None),
        ("PUT", "/api/v1/rules/bad", {"root": 1}, 400, None),
        ("POST", "/api/v1/orders", {"order": "o9", "user": "u", "goods": "none", "base_amount": 1}, None, None),
        ("POST", "/api/v1/links", {"channel": "none", "creator": "c1", "goods": "g1"}, None, None),
        ("GET", "/api/v1/goods?cursor=%FF%00", None, None, None),
        ("GET", "/api/v1/nothing", None, 404, "not_found"),
        ("GET", "/api/v1/goods/g1:estimate", None, 400, "invalid"),
        ("GET", "/api/v1/goods/none:estimate?creator=c1", None, 404, "not_found"),
        ("GET", "/api/v1/goods/g1:estimate?creator=c1", None, 422, "plan_ended"),
        ("POST", "/api/v1/orders", {"order": "o9", "user": "u", "goods": "g1"}, 400, "invalid"),
        ("POST", "/api/v1/orders", {"order": "o9", "user": "u", "goods": "g1", "amounts": {"freight": 1}}, 400, "invalid"),
        ("PATCH", "/api/v1/goods/g1", {}, 405, "method_not_allowed"),
    ]
    for method, path, body, status, code in rows:
        reply = server.ask(method, path, body)
        problem = reply.json
        good = (status is None and 400 <= reply.status < 500) or reply.status == status
        good = good and reply.headers["Content-Type"] == "application/problem+json" and problem["status"] == reply.status
        good = good and (code is None or problem["code"] == code) and problem["detail"] and "at" in problem
        check(f"{method} {path} {json.dumps(body) if body else ''} is refused", good and reply.position > 0, reply)


def imports(server):
    count = 30000
    lines = [json.dumps({"id": f"i{n}", "merchant": "m1" if n % 100 else "nobody", "price": n}) for n in range(count)]

    def pieces(text, size):
        for at in range(0, len(text), size):
            yield text[at:at + size]

    text = "\n".join(lines).encode()
    reply = server.ask("POST", "/api/v1/goods:import", pieces(text, 50021), LINES)
    answer = reply.json
    check("a streamed import takes what is right",
          (answer["accepted"], answer["refused"], len(answer["errors"])) == (count - count // 100, count // 100, count // 100)
          and answer["errors"][1]["line"] == 101 and answer["errors"][1]["at"] == "merchant", reply)
    read = server.ask("GET", f"/api/v1/goods/i{count - 1}?at_least={reply.position}")
    check("and its position can be waited for", read.status == 200 and read.json["price"] == count - 1, read)
    names, cursor = set(), ""
    while cursor is not None:
        page = server.ask("GET", f"/api/v1/goods?limit=1000{cursor and '&cursor=' + cursor}").json
        names |= {item["id"] for item in page["items"]}
        cursor = page["next_cursor"]
    check("pages list each of them once", len([name for name in names if name.startswith("i")]) == count - count // 100,
          len(names))
    atomic = "\n".join(json.dumps({"id": f"a{n}", "merchant": "m1"}) for n in range(2000)).encode()
    reply = server.ask("POST", "/api/v1/goods:import?atomic=true", atomic + b'\n{"id":"bad","merchant":"nobody"}\n', LINES)
    check("an atomic import with one bad line takes none",
          reply.json["accepted"] == 0 and reply.json["errors"][0]["line"] == 2001
          and server.ask("GET", "/api/v1/goods/a7").status == 404, reply)
    reply = server.ask("POST", "/api/v1/goods:import?atomic=true", atomic, LINES)
    check("without it, all", reply.json == {"accepted": 2000, "refused": 0, "errors": []}
          and server.ask("GET", "/api/v1/goods/a7").status == 200, reply)
    reply = server.ask("POST", "/api/v1/plans:import", "".join(
        json.dumps({"id": f"l{n}", "merchant": "m1", "goods": [f"i{n}"], "terms": {"commission_bps": n}}) + "\n"
        for n in range(1, 50)).encode(), LINES)
    check("plans too", reply.json["accepted"] == 49, reply)


def positions(server):
    put = server.ask("PUT", "/api/v1/goods/pos", {"merchant": "m1"})
    check("an answer's header and body tell the same position", put.position == put.json["position"], put)
    reply = server.ask("GET", f"/api/v1/goods/pos?at_least={put.position}")
    check("a position that is reached", reply.status == 200 and reply.position >= put.position, reply)
    started, reached = [], server.ask("GET", "/healthz").position  # a batch ends behind what is in it
    waiter = threading.Thread(target=lambda: started.append(
        server.ask("GET", f"/api/v1/goods/pos2?at_least={reached + 1}")))
    waiter.start()
    server.ask("PUT", "/api/v1/goods/pos2", {"merchant": "m1"})
    waiter.join()
    check("one that somebody reaches", started[0].status == 200, started[0])
    reply = server.ask("GET", "/api/v1/goods/pos?at_least=99999999999999999")
    check("one that nobody reaches", reply.status == 503 and reply.json["at"] == "at_least", reply)


def many_clients(server):
    wrong = []

    def work(worker):
        connection = server.connect()
        for n in range(200):
            reply = server.ask("PUT", f"/api/v1/goods/w{worker}-{n}", {"merchant": "m1", "price": n}, connection=connection)
            back = server.ask("GET", f"/api/v1/goods/w{worker}-{n}", connection=connection)
            if reply.status != 201 or back.status != 200 or back.json["price"] != n:
                wrong.append((worker, n, str(reply), str(back)))
        connection.close()

    workers = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    check("16 clients, each reads what it wrote", not wrong, wrong[:3])


def raw(server, text, parts=1):
    """What comes back on one connection until it ends or `parts` answers have been read."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        try:
            connection.sendall(text)
        except OSError:
            pass
        got = b""
        while got.count(b"HTTP/1.1 ") < parts or not got.rstrip().endswith((b"}", b"html>")):
            try:
                more = connection.recv(65536)
            except OSError:
                break
            if not more:
                break
            got += more
        return got


def odd_clients(server):
    get = b"GET /api/v1/goods/pos HTTP/1.1\r\nHost: localhost\r\n\r\n"
    got = raw(server, get * 100, 100)
    check("100 requests in one breath", got.count(b"HTTP/1.1 200 OK") == 100, got[-300:])
    for name, text, want in [
            ("no HTTP at all", b"hello\r\n\r\n", b""),
            ("a binary beginning", bytes(range(256)) + b"\r\n\r\n", b""),
            ("a header without end", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200000 + b"\r\n\r\n", b""),
            ("an endless path", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b""),
            ("a foreign Host", b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", b" 403 "),
            ("a foreign Origin", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n", b" 403 "),
            ("a broken chunk", b"PUT /api/v1/goods/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b""),
            ("a negative length", b"PUT /api/v1/goods/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n{}", b""),
            ("a body that is too large", b"PUT /api/v1/goods/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n",
             b" 413 "),
            ("a form", b"POST /api/v1/links HTTP/1.1\r\nHost: localhost\r\n"
             b"Content-Type: multipart/form-data\r\nContent-Length: 3\r\n\r\na=b", b" 415 ")]:
        got = raw(server, text)
        check(f"{name}: {got[9:12].decode() or 'closed'}", want in got[:20] and b" 200 " not in got[:20], got[:300])
    for _ in range(50):  # clients that leave in the middle
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"POST /api/v1/goods:import HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
                               b'{"id":"gone","merchant":"m1"}\n{"id":')
    check("clients that leave do no harm", server.ask("GET", "/healthz").status == 200)


def graceful_end(server):
    """Requests that have been read when the signal comes are answered."""
    connections = [server.connect() for _ in range(20)]
    for connection in connections:  # each is known to the server
        server.ask("GET", "/healthz", connection=connection)
    for n, connection in enumerate(connections):
        connection.request("PUT", f"/api/v1/goods/end{n}", json.dumps({"merchant": "m1"}), JSON)
    server.process.send_signal(signal.SIGTERM)
    statuses = []
    for connection in connections:
        try:
            statuses.append(connection.getresponse().status)
        except (OSError, http.client.HTTPException):
            statuses.append(None)
    code, log = server.stop()
    check("the end is graceful", code == 0 and "error" not in log, f"{code}\n{log}")
    check("each request was answered, or not taken", all(status in (201, 503, None) for status in statuses), statuses)
    return statuses


def token(folder):
    path = os.path.join(folder, "token")
    with open(path, "w", encoding="utf-8") as file:
        file.write("correct-horse-battery\n")
    refused = subprocess.run([BIN, "serve", "--data", os.path.join(folder, "none"), "--resp", "off", "--http", "0.0.0.0:0"],
                             capture_output=True, text=True, timeout=120)
    check("no door to the world without a token", refused.returncode == 1 and "--token-file" in refused.stderr, refused)
    server = Server(folder, "--token-file", path, host="0.0.0.0")
    check("with one it starts", server.wait())
    bare = server.ask("GET", "/healthz")
    check("a request must bring it", bare.status == 401 and bare.headers["WWW-Authenticate"] == "Bearer", bare)
    wrong = server.ask("GET", "/healthz", headers={"Authorization": "Bearer correct-horse-batterx"})
    right = server.ask("GET", "/healthz", headers={"Authorization": "Bearer correct-horse-battery"})
    check("the right one", wrong.status == 401 and right.status == 200, f"{wrong}\n{right}")
    code, log = server.stop()
    check("and it stays out of the log", code == 0 and "horse" not in log, log)


def main():
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder, "--outbox-allow", "http://127.0.0.1:1/")
        check("it starts", server.wait())
        try:
            journey(server)
            refusals(server)
            imports(server)
            positions(server)
            many_clients(server)
            odd_clients(server)
            statuses = graceful_end(server)
        finally:
            if server.process.poll() is None:
                server.process.kill()
        again = Server(folder)
        check("it starts again", again.wait())
        kept = [again.ask("GET", f"/api/v1/goods/end{n}").status for n in range(len(statuses))]
        lost = [n for n, status in enumerate(statuses) if status == 201 and kept[n] != 200]
        check("what was answered is there", not lost, lost)
        again.stop()
    with tempfile.TemporaryDirectory() as folder:
        token(folder)
    print(f"1..{done}")


main()
