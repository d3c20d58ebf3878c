#!/usr/bin/env python3
"""The outbox against a target that fails, stalls, hangs up and dies, while the server is killed: nothing is lost, what comes
twice has the same id and content; signatures, dead letters, what an operator does, and what is not allowed."""
import hashlib
import hmac
import http.server
import json
import os
import random
import signal
import tempfile
import threading
import time

import serving
from serving import Server, check, end, equal, fresh

SECRET = "a secret of some length"


class Sink:
    """A target. `mood` says what it does; `got` is what it took: id → contents."""

    def __init__(self, port=0):
        self.mood, self.got, self.seen, self.asked = "good", {}, [], 0
        self.lock = threading.Condition()
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                sink.answer(self)

            def log_message(self, *_):
                pass

        class Target(http.server.ThreadingHTTPServer):
            daemon_threads, allow_reuse_address, request_queue_size = True, True, 256

            def handle_error(self, *_):
                pass

        self.server = Target(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def answer(self, request):
        content = request.rfile.read(int(request.headers["Content-Length"]))
        mood = random.choice(["good", "fail", "stall", "hang up", "late"]) if self.mood == "moody" else self.mood
        with self.lock:
            self.asked += 1
            self.seen.append((request.path, dict(request.headers), content))
            self.lock.notify_all()
        if mood == "stall":
            time.sleep(0.5)
        if mood in ("hang up", "stall"):
            request.close_connection = True
            return
        if mood in ("good", "late"):  # taken; "late": the sender does not learn of it
            with self.lock:
                self.got.setdefault(int(request.headers["Idempotency-Key"]), []).append(content)
                self.lock.notify_all()
        if mood == "late":
            request.close_connection = True
            return
        request.send_response({"good": 204, "gone": 410, "moved": 302, "busy": 503}.get(mood, 500))
        request.send_header("Location", f"http://127.0.0.1:{self.port}/elsewhere")
        if mood == "busy":
            request.send_header("Retry-After", "3600")
        request.send_header("Content-Length", "0")
        request.end_headers()

    def wait(self, until, seconds=60):
        with self.lock:
            return self.lock.wait_for(until, seconds)

    def die(self):
        self.server.shutdown()
        self.server.server_close()


def wait(what, until, seconds=60):
    end_at = time.monotonic() + seconds
    while time.monotonic() < end_at:
        if until():
            return check(what, True)
        time.sleep(0.02)
    return check(what, False, "it has not come to it in time")


def listed(server, state):
    rows, cursor = [], ""
    while cursor is not None:
        page = server.get(f"outbox?state={state}&limit=100{cursor and '&cursor=' + cursor}")
        rows, cursor = rows + page["items"], page["next_cursor"]
    return rows


def metric(server, name):
    for line in server.ask("GET", "/metrics").body.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    return None


def deliveries(server, sink):
    equal("a webhook is made", server.ask("PUT", "/api/v1/webhooks/w", {
        "url": f"http://127.0.0.1:{sink.port}/in/w", "kinds": ["sample.*"], "secret": "main"}).status, 201)
    shown = server.get("webhooks/w")
    equal("and shown", (shown["kinds"], shown["secret"], shown["status"], shown["version"]), (["sample.*"], "main", "active", 1))
    reply = server.ask("POST", "/api/v1/webhooks/w:test")
    equal("a delivery to try it", (reply.status, reply.json["state"], reply.json["kind"]), (201, "pending", "webhook.test"))
    check("comes", sink.wait(lambda: reply.json["id"] in sink.got))
    path, headers, content = sink.seen[0]
    stamp = dict(part.split("=") for part in headers["Tributary-Signature"].split(","))
    equal("signed over time and content", stamp["v1"],
          hmac.new(SECRET.encode(), stamp["t"].encode() + b"." + content, hashlib.sha256).hexdigest())
    equal("with its headers", (path, headers["Idempotency-Key"], headers["Tributary-Event"], headers["Tributary-Attempt"], headers["Content-Type"]),
          ("/in/w", str(reply.json["id"]), "webhook.test", "1", "application/json"))
    equal("and content", {k: v for k, v in json.loads(content).items() if k != "at"}, {"id": reply.json["id"], "kind": "webhook.test", "body": {}})
    wait("it is done", lambda: [row["id"] for row in listed(server, "done")] == [reply.json["id"]])


def refused(server, sink):
    for what, body, status in [
            ("another port", {"url": "http://127.0.0.1:1/", "kinds": ["*"]}, 403), ("no kinds", {"url": f"http://127.0.0.1:{sink.port}/in/", "kinds": []}, 400),
            ("no url", {"kinds": ["*"]}, 400), ("a file", {"url": "file:///etc/passwd", "kinds": ["*"]}, 400),
            ("a way out", {"url": f"http://127.0.0.1:{sink.port}/in/../x", "kinds": ["*"]}, 400),
            ("a bad condition", {"url": f"http://127.0.0.1:{sink.port}/in/", "kinds": ["*"], "when": "1 +"}, 400),
            ("a secret that is not there", {"url": f"http://127.0.0.1:{sink.port}/in/", "kinds": ["*"], "secret": "nobody"}, 400),
            ("a status that is none", {"url": f"http://127.0.0.1:{sink.port}/in/", "kinds": ["*"], "status": "off"}, 400)]:
        reply = server.ask("PUT", "/api/v1/webhooks/bad", body)
        equal(f"refused: {what}", reply.status, status)
    for method, path, status in [("GET", "webhooks/none", 404), ("POST", "webhooks/none:test", 404), ("POST", "outbox/1:retry", 404),
                                 ("POST", "outbox/x:drop", 404), ("GET", "outbox?state=lost", 400), ("GET", "outbox?cursor=x", 400)]:
        equal(f"refused: {method} {path}", server.ask(method, f"/api/v1/{path}").status, status)


def dead_letters(server, sink, secrets):
    sink.mood = "moved"
    asked = sink.asked
    lost = server.ask("POST", "/api/v1/webhooks/w:test").json["id"]
    wait("what fails for too long is dead", lambda: [row["id"] for row in listed(server, "dead")] == [lost])
    (row,) = listed(server, "dead")
    check("after several attempts", row["attempts"] > 1 and sink.asked == asked + row["attempts"], row)
    equal("and says why", (row["code"], row["reason"]), (302, "HTTP 302: redirects are not followed"))
    sink.mood = "gone"
    gone = server.ask("POST", "/api/v1/webhooks/w:test").json["id"]
    wait("410 is never tried again", lambda: {row["id"]: row["attempts"] for row in listed(server, "dead")}.get(gone) == 1)
    sink.mood = "good"
    equal("an operator says again", server.ask("POST", f"/api/v1/outbox/{lost}:retry").json["state"], "pending")
    check("and it comes", sink.wait(lambda: lost in sink.got))
    equal("or never", server.ask("POST", f"/api/v1/outbox/{gone}:drop").status, 200)
    equal("and it is gone", (listed(server, "dead"), server.ask("POST", f"/api/v1/outbox/{gone}:retry").status), ([], 404))
    sink.mood = "busy"
    server.ask("POST", "/api/v1/webhooks/w:test")
    wait("who asks for more time than there is gets no second call", lambda: [row["attempts"] for row in listed(server, "dead")] == [1])
    sink.mood = "good"
    server.put("webhooks/unsigned", {"url": f"http://127.0.0.1:{sink.port}/in/", "kinds": ["*"], "secret": "other"})
    with open(secrets, "w", encoding="utf-8") as file:
        file.write(f"main {SECRET}\n")
    server.process.send_signal(signal.SIGHUP)
    wait("a secret is taken away", lambda: server.ask("PUT", "/api/v1/webhooks/none", {"url": f"http://127.0.0.1:{sink.port}/in/", "kinds": ["*"],
                                                      "secret": "other"}).json.get("at") == "secret")
    server.ask("POST", "/api/v1/webhooks/unsigned:test")
    wait("without its secret nothing is sent", lambda: "the secret is not in --outbox-secrets" in [row["reason"] for row in listed(server, "dead")])
    equal("a webhook closes", server.ask("DELETE", "/api/v1/webhooks/unsigned").status, 200)
    equal("and takes nothing more", server.ask("POST", "/api/v1/webhooks/unsigned:test").status, 422)
    wait("metrics tell", lambda: metric(server, "tributary_outbox_dead") == 2 and metric(server, "tributary_outbox_pending") == 0)


def chaos(server, sink):
    """Deliveries are added while the target is moody and dies, and the server is killed."""
    accepted, rounds = set(), 4
    server.put("webhooks/chaos", {"url": f"http://127.0.0.1:{sink.port}/in/chaos", "kinds": ["*"]})
    sink.mood, sink.got = "moody", {}  # ids are those of one server
    for number in range(rounds):
        for _ in range(40):
            reply = server.ask("POST", "/api/v1/webhooks/chaos:test")
            if reply.status == 201:
                accepted.add(reply.json["id"])
        sink.wait(lambda count=sink.asked + 10: sink.asked >= count, 5)
        if number == 1:
            sink.die()
        server.kill()
        if number == 1:
            got, seen = sink.got, sink.seen
            sink = Sink(sink.port)
            sink.mood, sink.got, sink.seen = "moody", got, seen
        server.again()
    sink.mood = "good"
    wait("all is delivered in the end", lambda: not listed(server, "pending"))
    equal("nothing that was accepted is lost", accepted - set(sink.got), set())
    equal("nothing is dead", [row["id"] for row in listed(server, "dead") if row["webhook"] == "chaos"], [])
    check("some came twice", any(len(contents) > 1 for contents in sink.got.values()))
    equal("with the same content", [contents for contents in sink.got.values() if len(set(contents)) > 1], [])
    check("and all have the id that they were sent by", all(json.loads(contents[0])["id"] == id for id, contents in sink.got.items()))
    return sink


def main():
    serving.seed()
    with tempfile.TemporaryDirectory(prefix="tributary-test-") as folder:
        secrets = os.path.join(folder, "secrets")
        with open(secrets, "w", encoding="utf-8") as file:
            file.write(f"# names and secrets\nother x\nmain {SECRET}\n")
        sink = Sink()
        words = ("--outbox-allow", f"http://127.0.0.1:{sink.port}/in/", "--outbox-secrets", secrets, "--outbox-retry", "20ms",
                 "--outbox-timeout", "300ms")
        with fresh(*words, "--outbox-give-up", "1s") as server:
            server.hold_to_description()
            deliveries(server, sink)
            refused(server, sink)
            dead_letters(server, sink, secrets)
            server.as_described()
            equal("it stops", server.stop(), 0)
        with fresh(*words) as server:
            chaos(server, sink)
            equal("it stops", server.stop(), 0)
        server = Server(os.path.join(folder, "none"), "--outbox-allow", "nonsense")
        equal("a list that is none is refused", server.wait(), False)
        check("by name", "--outbox-allow" in server.log, server.log)
    end()


main()
