#!/usr/bin/env python3
"""Access at both doors of a running server: tokens, roles, whose an entity is, users, sessions, the audit log, rates, TLS,
conditions, idempotency, filters. The matrix of routes and roles is read from /openapi.json (x-roles)."""
import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.parse

import serving
from serving import RespError, check, end, equal

ADMIN = "0123456789abcdef-admin"
PARTY_ROLES = {"merchant": "m1", "leader": "l1", "creator": "c1"}
WAIT_SECONDS_MAX = 60


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def wait_until(question):
    until = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < until:
        if question():
            return True
        time.sleep(0.02)
    return False


class As:
    """A server, asked by somebody."""

    def __init__(self, server, token):
        self.server, self.token = server, token

    def __call__(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.server.ask(method, "/api/v1/" + path, body, {**(bearer(self.token) if self.token else {}), **headers})


def make_market(admin):
    for path, body in [
            ("parties/m1", {"roles": ["merchant"]}), ("parties/m2", {"roles": ["merchant"]}),
            ("parties/l1", {"roles": ["leader"]}), ("parties/l2", {"roles": ["leader"]}),
            ("parties/c1", {"roles": ["creator"]}), ("parties/c2", {"roles": ["creator"]}),
            ("goods/g1", {"merchant": "m1", "price": 1000}), ("goods/g2", {"merchant": "m2", "price": 2000}),
            ("plans/p1", {"goods": ["g1"], "merchant": "m1", "terms": {"commission_bps": 1000, "leader": "l1", "service_bps": 100}}),
            ("plans/p2", {"goods": ["g2"], "merchant": "m2", "kind": "targeted", "creators": ["c2"], "terms": {"commission_bps": 2000}}),
            ("registrations/r1", {"channel": "live"})]:
        reply = admin("PUT", path, body)
        if reply.status != 201:
            raise RuntimeError(f"{path}: {reply}")


def make_tokens(admin, document):
    roles = document["components"]["schemas"]["AccessTokenRequest"]["properties"]["role"]["enum"]
    tokens = {}
    for role in roles:
        body = {"role": role, "name": f"test of {role}"}
        if role in PARTY_ROLES:
            body["party"] = PARTY_ROLES[role]
        reply = admin("POST", "access-tokens", body)
        check(f"a token for {role}", reply.status == 201 and reply.json["role"] == role, reply)
        tokens[role] = reply.json["token"]
    return tokens


# ---- Tokens


def check_tokens(server, admin):
    made = admin("POST", "access-tokens", {"role": "operator", "name": "console"}).json
    token, at = made["token"], f"access-tokens/{made['id']}"
    check("a secret begins with trib_", re.fullmatch(r"trib_[A-Za-z0-9_-]{44}", token), token)
    operator = As(server, token)
    equal("it lets in", operator("GET", "parties/m1").status, 200)
    shown = admin("GET", at)
    check("it is shown without its secret", shown.status == 200 and shown.json["status"] == "active" and token not in shown.body.decode()
          and shown.json["created_by"] == "token-file", shown)
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), token + "A", token[:-1], "trib_", token.replace("trib_", "tribs_"),
                  "trib_" + "A" * 44, token.swapcase()):
        equal(f"a changed one does not: {wrong[:12]}…", As(server, wrong)("GET", "parties/m1").status, 401)
    again = admin("POST", at + ":rotate", {"grace": "1h"}).json
    equal("rotated, the new secret lets in", As(server, again["token"])("GET", "parties/m1").status, 200)
    equal("and the old one, in its grace", operator("GET", "parties/m1").status, 200)
    third = admin("POST", at + ":rotate").json["token"]
    equal("rotated without grace, the one before does not", As(server, again["token"])("GET", "parties/m1").status, 401)
    equal("nor the first", operator("GET", "parties/m1").status, 401)
    revoked = admin("DELETE", at)
    check("revoked", revoked.status == 200 and revoked.json["status"] == "revoked", revoked)
    equal("it lets in no more", As(server, third)("GET", "parties/m1").status, 401)
    equal("nor can it be rotated", admin("POST", at + ":rotate").status, 422)
    soon = admin("POST", "access-tokens", {"role": "auditor", "expires_at": int(time.time() * 1000) + 1500}).json
    auditor = As(server, soon["token"])
    check("one that expires lets in until then", auditor("GET", "goods/g1").status == 200)
    check("and then no more", wait_until(lambda: auditor("GET", "goods/g1").status == 401))
    equal("as its state says", admin("GET", f"access-tokens/{soon['id']}").json["status"], "expired")
    for body, at in [({"role": "king"}, "role"), ({"role": "merchant"}, "party"), ({"role": "merchant", "party": "nobody"}, "party"),
                     ({"role": "operator", "party": "m1"}, "party"), ({"role": "operator", "expires_at": 1}, "expires_at")]:
        reply = admin("POST", "access-tokens", body)
        check(f"no token of {body}", reply.status == 400 and reply.json["at"] == at, reply)
    with open(os.path.join(server.data, "..", "log"), encoding="utf-8", errors="replace") as log:
        text = log.read()
    found = [secret for secret in (token, third, again["token"]) if secret in text or any(
        secret.encode() in open(os.path.join(folder, name), "rb").read()
        for folder, _, names in os.walk(server.data) for name in names)]
    check("no secret stands in the log or the data", not found, found)
    return third


# ---- The matrix


def filled(method, path):
    """A path of the description with ids that are there, of the asker's own where there is such a thing."""
    if method == "delete" or path.endswith(":rotate"):
        return re.sub(r"\{[a-z]+\}", "none", path)
    names = {"parties": "m1", "goods": "g1", "plans": "p1", "registrations": "r1", "rules": "default", "tracks": "x",
             "access-tokens": "t1", "users": "alice", "blocks": "b1"}
    parts = path.split("/")
    for i, part in enumerate(parts):
        parts[i] = (part.replace("{id}", names.get(parts[i - 1], "x1")).replace("{order}", "o1").replace("{version}", "1")
                    .replace("{node}", "root").replace("{category}", "toys").replace("{action}", "close"))
    return "/".join(parts)


def check_matrix(server, document, tokens):
    """Each role at each route: who may is never told 403 for its role, who may not always is. Nothing is changed: bodies are empty."""
    wrong, asked = [], 0
    for path, item in document["paths"].items():
        for method, operation in item.items():
            allowed = set(operation["x-roles"])
            if path in ("/api/v1/sessions", "/api/v1/sessions/current"):
                continue
            for role, token in tokens.items():
                headers = bearer(token)
                body = b"" if path.endswith(":import") else {} if method in ("put", "post", "patch") else None
                reply = server.ask(method.upper(), filled(method, path), body, headers)
                asked += 1
                refused = reply.status == 403 and reply.json["at"] == "role"
                if refused == (role in allowed):
                    wrong.append(f"{method} {path} {role}: {reply}")
                if role not in allowed and reply.status != 403:
                    wrong.append(f"{method} {path} {role} passed: {reply}")
            reply = server.ask(method.upper(), filled(method, path), None)
            if reply.status != 401:
                wrong.append(f"{method} {path} without a token: {reply}")
    check(f"{asked} questions of {len(tokens)} roles are answered as x-roles says", not wrong, "\n".join(wrong[:20]))


def check_documented(document):
    """docs/access.md has the same matrix: a row for each operation that is not as most are."""
    with open(os.path.join(serving.ROOT, "docs", "access.md"), encoding="utf-8") as file:
        table = dict(re.findall(r"^\| `([A-Z]+ [^`]+)` \| ([^|]*) \|$", file.read(), re.M))
    there = {f"{method.upper()} {path}": " ".join(operation["x-roles"]) for path, item in document["paths"].items()
             for method, operation in item.items()
             if operation["x-roles"] != (["admin", "operator", "auditor", "read_only"] if method == "get" else ["admin", "operator"])}
    told = {name: " ".join(roles.split()) for name, roles in table.items()}
    wrong = [f"{name}: {roles}" for name, roles in there.items() if told.get(name) != roles] + sorted(told.keys() - there.keys())
    check("docs/access.md tells the same of each", not wrong, "\n".join(f"| `{name}` | {roles} |" for name, roles in there.items()
                                                                      if told.get(name) != roles) or wrong)


# ---- Whose it is


def check_merchant(ask):
    equal("its own plan", ask("GET", "plans/p1").status, 200)
    foreign, missing = ask("GET", "plans/p2"), ask("GET", "plans/p9")
    check("another's plan is as one that is not there",
          foreign.status == missing.status == 404 and foreign.json["at"] == missing.json["at"]
          and foreign.json["detail"].replace("p2", "p9") == missing.json["detail"], f"{foreign}\n{missing}")
    equal("its list has its own", [row["id"] for row in ask("GET", "plans").json["items"]], ["p1"])
    equal("so has that of goods", [row["id"] for row in ask("GET", "goods").json["items"]], ["g1"])
    equal("of parties it sees itself", [row["id"] for row in ask("GET", "parties").json["items"]], ["m1"])
    rows = [
        ("PUT", "plans/p2", {"goods": ["g1"], "merchant": "m1"}, 403), ("PUT", "plans/p3", {"goods": ["g2"], "merchant": "m2"}, 403),
        ("PUT", "plans/p3", {"goods": ["g2"], "merchant": "m1"}, 400), ("PUT", "goods/g2", {"merchant": "m1"}, 403),
        ("PUT", "goods/g3", {"merchant": "m2"}, 403), ("PUT", "parties/m1", {"roles": ["platform"]}, 403),
        ("DELETE", "plans/p2", None, 404), ("DELETE", "goods/g2", None, 404), ("GET", "plans/p2/status", None, 404),
        ("PUT", "plans/p1/status", {"status": "paused"}, 403), ("GET", "goods/g2:terms?creator=c1", None, 404),
        ("GET", "goods/g1:terms?creator=c1&offer=p2", None, 404), ("GET", "goods/g1:terms?creator=c1", None, 200),
        ("GET", "goods/g2:estimate?creator=c1", None, 404), ("GET", "ledger/balances?party=m2", None, 403),
        ("GET", "ledger/balances?party=c1", None, 403), ("GET", "ledger/statements?party=c1", None, 403),
        ("GET", "ledger/statements?party=nobody", None, 403), ("GET", "tallies?plan=p2", None, 404),
        ("GET", "tallies?plan=p1", None, 200), ("GET", "tallies", None, 400), ("GET", "parties/c1", None, 404),
        ("GET", "parties/m2", None, 404), ("GET", "orders/o1", None, 403), ("POST", "links", {"channel": "live", "creator": "c1", "goods": "g1"}, 403)]
    for method, path, body, status in rows:
        reply = ask(method, path, body)
        check(f"merchant: {method} {path} {json.dumps(body) if body else ''} is {status}", reply.status == status, reply)
    reply = ask("PUT", "plans/p4", {"goods": ["g1"], "merchant": "m1", "terms": {"commission_bps": 500}})
    equal("it makes a plan of its own", reply.status, 201)
    lines = "".join(json.dumps(row) + "\n" for row in [
        {"id": "p5", "goods": ["g1"], "merchant": "m1"}, {"id": "p2", "goods": ["g1"], "merchant": "m1"},
        {"id": "p6", "goods": ["g2"], "merchant": "m2"}, {"id": "p7", "goods": ["g2"], "merchant": "m1"}])
    reply = ask("POST", "plans:import", lines.encode())
    check("of an import, its own lines pass", reply.json["accepted"] == 1 and
          [row["line"] for row in reply.json["errors"]] == [2, 3, 4], reply)
    reply = ask("POST", "plans:import?atomic=true", lines.replace("p5", "p8").encode())
    check("or, of all or none, none", reply.json["accepted"] == 0 and ask("GET", "plans/p8").status == 404, reply)


def check_creator(ask, other):
    token = ask("POST", "links", {"channel": "live", "creator": "c1", "goods": "g1"})
    equal("a link of its own", token.status, 201)
    rows = [
        ("POST", "links", {"channel": "live", "creator": "c2", "goods": "g1"}, 403),
        ("POST", "links", {"channel": "live", "creator": "nobody", "goods": "g1"}, 403),
        ("POST", "links", {"channel": "live", "creator": "c1", "goods": "g1", "offer": "p2"}, 404),
        ("GET", "goods/g1:estimate", None, 200), ("GET", "goods/g1:estimate?creator=c1", None, 200),
        ("GET", "goods/g1:estimate?creator=c2", None, 403), ("GET", "goods/g1:estimate?creator=nobody", None, 403),
        ("GET", "goods/g1:estimate?offer=p2", None, 404), ("GET", "goods/g1:terms?creator=c1", None, 403),
        ("GET", "plans/p1", None, 200), ("GET", "plans/p2", None, 404), ("GET", "plans/p1/status", None, 403),
        ("GET", "plans", None, 200), ("GET", "goods/g2", None, 200),
        ("PUT", "goods/g1", {"merchant": "m1"}, 403), ("GET", "parties/c2", None, 404), ("GET", "parties/c1", None, 200),
        ("GET", "ledger/statements?party=c2", None, 403), ("GET", "ledger/statements", None, 200),
        ("GET", "ledger/balances?party=c2", None, 403), ("GET", "ledger/balances", None, 200),
        ("GET", "tallies?creator=c2", None, 403), ("GET", "tallies", None, 200), ("GET", "registrations", None, 403),
        ("GET", "blocks", None, 403), ("GET", "rules/default", None, 403), ("GET", "snapshot", None, 403),
        ("GET", "keys/client", None, 403), ("GET", "audit", None, 403), ("GET", "access-tokens", None, 403)]
    for method, path, body, status in rows:
        reply = ask(method, path, body)
        check(f"creator: {method} {path} {json.dumps(body) if body else ''} is {status}", reply.status == status, reply)
    order = {"order": "o1", "user": "u1", "goods": "g1", "base_amount": 1000, "token": token.json["token"]}
    other("POST", "orders", order)
    mine = ask("GET", "ledger/balances").json["items"]
    check("its balances are its own", mine and {row["party"] for row in mine} == {"c1"}, mine)
    equal("its statement, too", ask("GET", "ledger/statements").json["party"], "c1")


def check_leader(ask):
    equal("the plans that pay it", [row["id"] for row in ask("GET", "plans").json["items"]], ["p1"])
    for method, path, body, status in [("PUT", "plans/p1", {"goods": ["g1"], "merchant": "m1"}, 403), ("GET", "plans/p2", None, 404),
                                       ("DELETE", "plans/p1", None, 403), ("GET", "ledger/statements?party=l2", None, 403),
                                       ("GET", "ledger/statements", None, 200)]:
        reply = ask(method, path, body)
        check(f"leader: {method} {path} is {status}", reply.status == status, reply)


PARTY_PARAMETERS = ("party", "creator", "plan", "offer", "registration", "role", "currency", "line", "kind", "stage")


def check_attack(server, document, tokens):
    """Foreign ids in every parameter that a route takes and in its path, by whoever acts for a party: no answer tells of them."""
    foreign = {"parties": ["m2", "c2", "l2"], "goods": ["g2"], "plans": ["p2"], "orders": ["o1"], "access-tokens": ["t1"], "users": ["alice"]}
    leaks, asked = [], 0
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method not in ("get",) or "{" in path and not path.count("{") == 1:
                continue
            noun = path.split("/")[3].split(":")[0] if path.startswith("/api/v1/") else ""
            for target in foreign.get(noun, ["x1"]) if "{" in path else [""]:
                base = re.sub(r"\{[a-z]+\}", target, path)
                names = [row["name"] for row in operation["parameters"] if row["in"] == "query" and row["name"] in PARTY_PARAMETERS]
                for name in names or [None]:
                    for value in ("m2", "c2", "l2", "p2"):
                        url = base + (f"?{name}={value}" if name else "")
                        for role in PARTY_ROLES:
                            reply = server.ask("GET", url, None, bearer(tokens[role]))
                            asked += 1
                            text = reply.body.decode(errors="replace")
                            if reply.status == 200 and re.search(r'"(merchant|party|creator|leader)":"(m2|c2|l2)"', text) and not (
                                    noun == "goods" and role in ("leader", "creator")) and not (
                                    path == "/api/v1/plays:resolve" and re.search(r'"merchant":"m2"', text) is None):
                                leaks.append(f"{role} {url}: {reply}")
    check(f"{asked} attempts at what is another's show nothing", not leaks, "\n".join(leaks[:10]))


# ---- RESP


def check_resp(server, admin, tokens):
    client = server.client()
    equal("RESP wants to know who", client("PING").code, "NOAUTH")
    equal("and no other word", client("AUTH", "trib_" + "A" * 44).code, "WRONGPASS")
    equal("a token of a service", client("AUTH", tokens["order_service"]), "OK")
    equal("attributes", client("ATTRIBUTE", "r1", "u", "g1", 100, "-", "BRIEF"), ["no_touch", 0])
    equal("but does not review", client("REVIEW", "r1", "release").code, "NOPERM")
    made = admin("POST", "access-tokens", {"role": "order_service"}).json
    short = server.client()
    equal("another", short("AUTH", "default", made["token"]), "OK")
    admin("DELETE", f"access-tokens/{made['id']}")
    equal("revoked, an open connection may no more", short("ATTRIBUTE", "r2", "u", "g1", 100, "-", "BRIEF").code, "NOAUTH")
    for role in tokens:
        client = server.client()
        client("AUTH", tokens[role])
        answers = {name: isinstance(client(*words), RespError) and client(*words).code == "NOPERM" for name, words in {
            "ATTRIBUTE": ("ATTRIBUTE", "r1", "u", "g1", 100, "-", "BRIEF"), "LINK": ("LINK", "live", "c1", "g1"),
            "EXPLAIN": ("EXPLAIN", "r1"), "REVIEW": ("REVIEW", "none", "release"), "PING": ("PING",)}.items()}
        staff, service, reader = role in ("admin", "operator"), role == "order_service", role in ("auditor", "read_only")
        equal(f"RESP refuses {role} what it may not", answers, {
            "ATTRIBUTE": not (staff or service), "LINK": not (staff or service), "EXPLAIN": not (staff or service or reader),
            "REVIEW": not staff, "PING": False})


# ---- Users and sessions


def cookie_of(reply):
    return (reply.headers["Set-Cookie"] or "").split(";")[0]


def sign_in(server, user, password, **headers):
    return server.ask("POST", "/api/v1/sessions", {"user": user, "password": password}, headers)


def check_users(server, admin):
    password = "correct horse battery"
    reply = admin("PUT", "users/alice", {"role": "operator", "password": password, "name": "Alice"})
    check("a user", reply.status == 201 and password not in reply.body.decode() and "password_hash" not in reply.json, reply)
    equal("a short password is refused", admin("PUT", "users/bob", {"role": "operator", "password": "short"}).status, 400)
    equal("none, too", admin("PUT", "users/bob", {"role": "operator"}).status, 400)
    signed = sign_in(server, "alice", password)
    cookie, csrf = cookie_of(signed), signed.json["csrf_token"]
    attributes = signed.headers["Set-Cookie"]
    check("signing in gives a cookie", signed.status == 201 and cookie.startswith("tributary_session=tribs_") and
          "HttpOnly" in attributes and "SameSite=Strict" in attributes and "Secure" not in attributes, attributes)
    ask = lambda method, path, body=None, **headers: server.ask(
        method, "/api/v1/" + path, body, {"Cookie": cookie, **{name.replace("_", "-"): value for name, value in headers.items()}})
    equal("who", ask("GET", "sessions/current").json, {"user": "alice", "role": "operator", "csrf_token": csrf,
                                                       "expires_at": signed.json["expires_at"]})
    equal("it reads", ask("GET", "parties/m1").status, 200)
    refused = ask("PUT", "parties/m3", {"roles": ["merchant"]})
    check("it writes with the CSRF token only", refused.status == 403 and refused.json["at"] == "X-CSRF-Token", refused)
    equal("not with another", ask("PUT", "parties/m3", {"roles": ["merchant"]}, X_CSRF_Token="A" * 43).status, 403)
    equal("but with it", ask("PUT", "parties/m3", {"roles": ["merchant"]}, X_CSRF_Token=csrf).status, 201)
    equal("its role holds", ask("GET", "access-tokens").status, 403)
    again = sign_in(server, "alice", password, Cookie=cookie)
    check("signing in again gives another", cookie_of(again) != cookie and again.json["csrf_token"] != csrf, again)
    equal("and ends the one before", ask("GET", "parties/m1").status, 401)
    cookie, csrf = cookie_of(again), again.json["csrf_token"]
    equal("a wrong old password", ask("POST", "users/alice:password", {"old_password": "nonsense!!", "password": "next password"},
                                      X_CSRF_Token=csrf).status, 401)
    changed = ask("POST", "users/alice:password", {"old_password": password, "password": "next password"}, X_CSRF_Token=csrf)
    check("a new password", changed.status == 200, changed)
    equal("ends the session", ask("GET", "parties/m1").status, 401)
    equal("the old one is good no more", sign_in(server, "alice", password).status, 401)
    signed = sign_in(server, "alice", "next password")
    cookie, csrf = cookie_of(signed), signed.json["csrf_token"]
    equal("nobody changes another's", ask("POST", "users/bob:password", {"old_password": "x" * 10, "password": "y" * 10}, X_CSRF_Token=csrf).status, 401)
    admin("PUT", "users/alice", {"role": "read_only"})
    equal("another role ends it", ask("GET", "parties/m1").status, 401)
    signed = sign_in(server, "alice", "next password")
    cookie, csrf = cookie_of(signed), signed.json["csrf_token"]
    equal("and holds at the next", ask("PUT", "parties/m4", {"roles": ["merchant"]}, X_CSRF_Token=csrf).status, 403)
    out = ask("DELETE", "sessions/current", X_CSRF_Token=csrf)
    check("signing out", out.status == 200 and "Max-Age=0" in out.headers["Set-Cookie"], out)
    equal("ends it", ask("GET", "parties/m1").status, 401)
    signed = sign_in(server, "alice", "next password")
    cookie = cookie_of(signed)
    admin("DELETE", "users/alice")
    equal("who is disabled is out", ask("GET", "parties/m1").status, 401)
    equal("and stays out", sign_in(server, "alice", "next password").status, 401)
    admin("PUT", "users/alice", {"role": "operator", "status": "active"})
    return "next password"


def check_lockout(server, admin):
    admin("PUT", "users/eve", {"role": "operator", "password": "the right password"})
    replies = [sign_in(server, "eve", f"a wrong password {i}").status for i in range(6)]
    equal("five failures, then wait", replies, [401] * 5 + [429])
    late = sign_in(server, "eve", "the right password")
    check("with the right password, too", late.status == 429 and int(late.headers["Retry-After"]) > 600, late)
    equal("others do not wait", sign_in(server, "alice", "next password").status, 201)


# ---- The rest


def check_audit(server, admin, tokens):
    page, cursor = [], ""
    while cursor is not None:
        answer = admin("GET", f"audit?limit=1000{cursor and '&cursor=' + cursor}").json
        page, cursor = page + answer["items"], answer["next_cursor"]
    made = [row for row in page if row["action"] == "PUT /api/v1/plans/p4"]
    check("the log knows who changed what, from where", made and made[0]["actor"] and made[0]["role"] == "merchant" and
          made[0]["party"] == "m1" and made[0]["from"] == "127.0.0.1" and made[0]["outcome"] == "changed" and made[0]["position"] > 0, made)
    actions = {(row["action"], row["outcome"], row.get("code")) for row in page}
    client = server.client()
    client("AUTH", tokens["order_service"])

    def listed(ask, want):
        """Refusals beyond a rate are counted only: it is refused again until it is listed."""
        ask()
        found = admin("GET", "audit").json["items"]
        return want in {(row["action"], row.get("code")) for row in found}

    check("RESP's refusals are listed", wait_until(lambda: listed(lambda: client("REVIEW", "r1", "release"), ("REVIEW", "noperm"))))
    check("so is who has to wait", wait_until(lambda: listed(
        lambda: sign_in(server, "eve", "the right password"), ("POST /api/v1/sessions", "rate_limited"))))
    check("what is not listed is counted", any(row.get("left_out", 0) > 0 for row in page))
    for want in [("PUT /api/v1/plans/p2", "refused", "noperm"), ("DELETE /api/v1/plans/p2", "refused", "not_found"),
                 ("POST /api/v1/sessions", "changed", None), ("POST /api/v1/sessions", "refused", "noauth")]:
        check(f"the log has {want}", want in actions)
    check("it has no passwords or secrets", not any(word in json.dumps(page) for word in ("next password", "trib_", "tribs_")))
    numbers = [row["number"] for row in page]
    equal("newest first, without gaps", numbers, sorted(numbers, reverse=True))
    found = admin("GET", "audit?filter=" + urllib.parse.quote("outcome == 'refused' && role == 'merchant'")).json["items"]
    check("it can be filtered", found and all(row["outcome"] == "refused" and row["role"] == "merchant" for row in found), found[:3])
    equal("an auditor reads it", As(server, tokens["auditor"])("GET", "audit").status, 200)
    reply = As(server, tokens["operator"])("GET", "audit")
    equal("an operator does not", reply.status, 403)
    return max(numbers)


def check_own(server, tokens):
    """Whose it is need not be said by who acts for a party."""
    rows = [("merchant", "goods/own", {"price": 1}, "merchant", "m1"), ("merchant", "plans/own", {"goods": ["own"], "merchant": None}, "merchant", "m1"),
            ("leader", "activities/own", {"title": "own"}, "leader", "l1"), ("merchant", "invitations/own", {"creator": "c1", "goods": ["own"]}, "from", "m1"),
            ("creator", "samples/own", {"goods": ["own"]}, "creator", "c1")]
    for role, path, body, field, party in rows:
        ask = As(server, tokens[role])
        reply = ask("PUT", path, body)
        check(f"{role}: {path} without {field}", reply.status == 201 and ask("GET", path).json[field] == party, reply)
    merchant, creator = As(server, tokens["merchant"]), As(server, tokens["creator"])
    reply = merchant("POST", "goods:import", b'{"id":"own2","price":2}\n{"id":"own3","merchant":"m2"}\n', Content_Type="application/x-ndjson")
    check("in an import, too", (reply.json["accepted"], reply.json["refused"]) == (1, 1) and merchant("GET", "goods/own2").json["merchant"] == "m1", reply)
    equal("a link is the creator's own", creator("POST", "links", {"channel": "live", "goods": "g1"}).status, 201)
    equal("what is another's stays so", merchant("PUT", "goods/g2", {"price": 1}).status, 403)
    for ask, path, body in [(As(server, ADMIN), "goods/own4", {"price": 1}), (creator, "goods/own4", {"price": 1})]:
        check(f"who acts for nobody, or for another role, says it", ask("PUT", path, body).status in (400, 403))


def check_conditions(admin):
    admin("PUT", "goods/e1", {"merchant": "m1", "price": 1})
    first = admin("GET", "goods/e1").headers["ETag"]
    equal("304 for what one has", admin("GET", "goods/e1", If_None_Match=first).status, 304)
    put = admin("PUT", "goods/e1", {"merchant": "m1", "price": 2}, If_Match=first)
    check("a change of what one has read", put.status == 200 and put.headers["ETag"] != first, put)
    equal("its tag is the entity's", admin("GET", "goods/e1").headers["ETag"], put.headers["ETag"])
    late = admin("PUT", "goods/e1", {"merchant": "m1", "price": 3}, If_Match=first)
    check("412 for what has changed since", late.status == 412 and late.json["code"] == "precondition_failed", late)
    equal("nothing is changed then", admin("GET", "goods/e1").json["price"], 2)
    equal("200 for what has changed", admin("GET", "goods/e1", If_None_Match=first).status, 200)
    equal("412 to make what is there", admin("PUT", "goods/e1", {"merchant": "m1"}, If_None_Match="*").status, 412)
    equal("201 to make what is not", admin("PUT", "goods/e2", {"merchant": "m1"}, If_None_Match="*").status, 201)
    equal("412 to change what is not", admin("PUT", "goods/e3", {"merchant": "m1"}, If_Match="*").status, 412)
    equal("412 to close it", admin("DELETE", "goods/e1", If_Match=first).status, 412)
    equal("one of several tags", admin("DELETE", "goods/e1", If_Match=f'"x", {put.headers["ETag"]}').status, 200)


def check_idempotency(server, admin, tokens):
    order = {"order": "i1", "user": "u9", "goods": "g1", "base_amount": 500, "token": "-"}
    link = {"channel": "live", "creator": "c1", "goods": "g1"}
    first = admin("POST", "links", link, Idempotency_Key="k1")
    again = admin("POST", "links", link, Idempotency_Key="k1")
    check("a link is made once", (first.status, first.body) == (again.status, again.body) and again.headers["Idempotent-Replayed"] == "true",
          f"{first}\n{again}")
    check("without a key, twice", admin("POST", "links", link).json != first.json)
    equal("another body is a conflict", admin("POST", "links", {**link, "creator": "c2"}, Idempotency_Key="k1").status, 409)
    equal("another route, too", admin("POST", "orders", order, Idempotency_Key="k1").status, 409)
    mine = As(server, tokens["operator"])("POST", "links", link, Idempotency_Key="k1")
    check("another asker has keys of its own", mine.status == 201 and mine.json != first.json, mine)
    bad = admin("POST", "links", {**link, "goods": "none"}, Idempotency_Key="k2")
    check("a refusal is not kept", bad.status == 404 and admin("POST", "links", link, Idempotency_Key="k2").status == 201, bad)
    secret = admin("POST", "access-tokens", {"role": "operator"}, Idempotency_Key="k3").json["token"]
    check("a secret is never told again", admin("POST", "access-tokens", {"role": "operator"}, Idempotency_Key="k3").json["token"] != secret)
    equal("a key has a size", admin("POST", "links", link, Idempotency_Key="k" * 256).status, 400)
    return first


def check_filters(server, admin, tokens):
    rows = [{"id": f"f{i}", "merchant": "m1" if i % 2 else "m2", "price": i, "title": f"Lamp {i}", "brand": "b" if i % 10 == 0 else None,
             "ext": {"size": i}} for i in range(1, 3001)]
    reply = admin("POST", "goods:import", "".join(json.dumps(row) + "\n" for row in rows).encode())
    equal("goods to look at", reply.json["accepted"], 3000)

    def listed(ask, text, limit=100):
        names, cursor = [], ""
        while cursor is not None:
            page = ask("GET", f"goods?limit={limit}&filter={urllib.parse.quote(text)}{cursor and '&cursor=' + cursor}")
            if page.status != 200:
                return page
            if len(page.json["items"]) > limit:
                return "a page over its limit"
            names += [row["id"] for row in page.json["items"]]
            cursor = page.json["next_cursor"]
        return names

    for text, python in [("price > 2990", lambda row: row["price"] > 2990), ("brand == 'b'", lambda row: row["brand"] == "b"),
                         ("merchant == 'm1' && price % 100 == 7", lambda row: row["merchant"] == "m1" and row["price"] % 100 == 7),
                         ("id.startsWith('f') && ext.size == 17", lambda row: row["price"] == 17),
                         ("title.matches('^Lamp 29..$')", lambda row: re.match("^Lamp 29..$", row["title"])),
                         ("false", lambda row: False), ("id.startsWith('f')", lambda row: True)]:
        for limit in (7, 1000):
            equal(f"goods for which {text}, {limit} a page", [name for name in listed(admin, text, limit) if name[0] == "f"],
                  [row["id"] for row in rows if python(row)])
    merchant = As(server, tokens["merchant"])
    equal("a merchant's filter finds its own", [name for name in listed(merchant, "price in [1, 2, 3, 4]") if name[0] == "f"], ["f1", "f3"])
    for text in ("price >", "price == 'x'", "nothing == 1", "price", "1 +"):
        page = admin("GET", "goods?filter=" + urllib.parse.quote(text))
        check(f"no filter: {text}", page.status == 400 and page.json["at"].startswith("filter"), page)
    equal("an order is no list", admin("GET", "orders/o1?filter=true").status, 400)


def check_rates(server, admin):
    made = admin("POST", "access-tokens", {"role": "operator", "rate": 5}).json
    replies = [As(server, made["token"])("GET", "goods/g1") for _ in range(40)]
    slow = [reply for reply in replies if reply.status == 429]
    check("a token's rate holds", slow and replies[0].status == 200 and slow[0].headers["Retry-After"] and
          slow[0].json["code"] == "rate_limited", [reply.status for reply in replies])
    check("it may again later", wait_until(lambda: As(server, made["token"])("GET", "goods/g1").status == 200))
    made = admin("POST", "access-tokens", {"role": "order_service", "rate": 5}).json
    clients = [server.client(), server.client()]
    for client in clients:
        client("AUTH", made["token"])
    replies = [reply for client in clients for reply in client.many([("PING",)] * 20 + [("ATTRIBUTE", "r1", "u", "g1", 100, "-", "BRIEF")])]
    slow = [reply for reply in replies if isinstance(reply, RespError)]
    check("and at RESP, over all connections of the token", slow and replies[0] == "PONG" and {reply.code for reply in slow} == {"RATE_LIMITED"}
          and len(replies) - len(slow) < 30, replies)
    check("each at its place", isinstance(replies[-1], RespError) and len(replies) == 42, replies)
    check("it may again later there", wait_until(lambda: clients[0]("PING") == "PONG"))
    equal("others have rates of their own", [server.client()("AUTH", ADMIN)] * 30, ["OK"] * 30)


def check_restart(server, admin, tokens, last, kept):
    """All of it again after kill -9 with what the journal has, and after a checkpoint."""
    signed = sign_in(server, "alice", "next password")
    for how in (server.kill, server.stop):
        how()
        server.again()
        for role in tokens:
            equal(f"after {how.__name__}, {role} is let in", As(server, tokens[role])("GET", "lines").status, 200)
        equal("a session, too", server.ask("GET", "/api/v1/sessions/current", None, {"Cookie": cookie_of(signed)}).json["user"], "alice")
        again = admin("POST", "links", {"channel": "live", "creator": "c1", "goods": "g1"}, Idempotency_Key="k1")
        equal("kept answers are kept", again.body, kept.body)
        numbers, cursor = [], ""
        while cursor is not None:
            page = admin("GET", f"audit?limit=300{cursor and '&cursor=' + cursor}").json
            numbers += [row["number"] for row in page["items"]]
            cursor = page["next_cursor"]
        check("the log has every entry", numbers[0] >= last and numbers == list(range(numbers[0], 0, -1)), numbers[:5])


class SealedResp(serving.Resp):
    """A RESP client over TLS."""

    def __init__(self, server, context):
        super().__init__(server.resp)
        self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")


def check_resp_tls(server, context, cert):
    client = SealedResp(server, context)
    equal("RESP over TLS", client("PING"), "PONG")
    equal("a thousand at once", client.many([("ECHO", f"word {i}") for i in range(1000)]), [f"word {i}" for i in range(1000)])
    long = [("%06d" % i) * 170000 for i in range(3)]
    equal("long ones, too, in pieces", client.many([("ECHO", word) for word in long]), long)
    for row in (("parties/m1", {"roles": ["merchant"]}), ("parties/c1", {"roles": ["creator"]}), ("goods/g1", {"merchant": "m1", "price": 1000})):
        connection = http.client.HTTPSConnection("127.0.0.1", server.http, timeout=60, context=context)
        connection.request("PUT", f"/api/v1/{row[0]}", json.dumps(row[1]))
        connection.getresponse().read()
        connection.close()
    equal("orders wait until they are durable, as ever", client.many([("ATTRIBUTE", f"o{i}", "u", "g1", 100, "-", "BRIEF") for i in range(500)]),
          [["no_touch", 0]] * 500)
    refused = []
    for words in (b"*1\r\n$4\r\nPING\r\n", b"\x16\x03\x01\xff\xff" + b"\x00" * 70000):
        plain = serving.Resp(server.resp)
        plain.socket.sendall(words)
        try:
            refused.append(plain.read())
        except (serving.Closed, ValueError):
            refused.append(None)
    check("who does not speak TLS is not answered", "PONG" not in refused, refused)
    half = serving.Resp(server.resp)
    half.socket.sendall(b"\x16\x03\x01\x02\x00\x01")
    equal("nor does a half handshake keep others waiting", client("PING"), "PONG")
    equal("QUIT ends it as it should", [client("QUIT"), client.socket.recv(1)], ["OK", b""])
    if shutil.which("redis-cli"):
        done = subprocess.run(["redis-cli", "--tls", "--cacert", cert, "-p", str(server.resp), "PING"], capture_output=True, timeout=60, check=False)
        equal("redis-cli --tls", done.stdout, b"PONG\n")
    else:
        serving.skip("redis-cli --tls", "it is not installed")


def check_tls():
    with tempfile.TemporaryDirectory(prefix="tributary-test-") as folder:
        cert, key = os.path.join(folder, "cert"), os.path.join(folder, "key")

        def certify(name):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
                            "-out", cert, "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"],
                           check=True, capture_output=True, timeout=60)
            return ssl.create_default_context(cafile=cert)

        context = certify("first")
        with serving.fresh("--tls-cert", cert, "--tls-key", key, "--resp-tls", "on") as server:
            check_resp_tls(server, context, cert)

            def ask(tls, method="GET", path="/healthz", body=None):
                connection = http.client.HTTPSConnection("127.0.0.1", server.http, timeout=60, context=tls)
                connection.request(method, path, json.dumps(body) if body else None)
                reply = connection.getresponse()
                reply.read()
                connection.close()
                return reply

            equal("HTTP over TLS", ask(context).status, 200)
            ask(context, "PUT", "/api/v1/users/alice", {"role": "admin", "password": "a good password"})
            signed = ask(context, "POST", "/api/v1/sessions", {"user": "alice", "password": "a good password"})
            check("its cookie is Secure", signed.status == 201 and "; Secure" in signed.headers["Set-Cookie"], signed.headers["Set-Cookie"])
            second = certify("second")
            server.process.send_signal(signal.SIGHUP)

            def taken():
                try:
                    return ask(second, path="/healthz").status in (200, 401)
                except ssl.SSLError:
                    return False

            check("another certificate is taken up", wait_until(taken))
            equal("by RESP, too, where there is an admin by now", SealedResp(server, second)("PING").code, "NOAUTH")
            with open(cert, "w", encoding="utf-8") as file:
                file.write("rubbish")
            server.process.send_signal(signal.SIGHUP)
            check("a broken one is logged", wait_until(lambda: "certificate not read" in server.log))
            check("and the last good one stays", taken())


def check_open():
    """A server that nobody has told who may: everybody may, until there is an admin."""
    with serving.fresh() as server:
        admin = As(server, None)
        make_market(admin)
        merchant = As(server, admin("POST", "access-tokens", {"role": "merchant", "party": "m1"}).json["token"])
        equal("who brings a token is held to it", merchant("GET", "plans/p2").status, 404)
        equal("who brings none may all", admin("GET", "plans/p2").status, 200)
        equal("another word is nobody's", As(server, "something")("GET", "plans/p2").status, 200)
        equal("a wrong token is refused", As(server, "trib_" + "A" * 44)("GET", "plans/p2").status, 401)
        token = admin("POST", "access-tokens", {"role": "admin"}).json["token"]
        equal("from the first admin on everybody has to say who they are", admin("GET", "plans/p2").status, 401)
        equal("RESP, too", server.client()("PING").code, "NOAUTH")
        equal("the admin may", As(server, token)("GET", "plans/p2").status, 200)
        server.kill()
        server.again()
        equal("after a restart, too", (admin("GET", "plans/p2").status, As(server, token)("GET", "plans/p2").status), (401, 200))


def main():
    with tempfile.TemporaryDirectory(prefix="tributary-test-") as folder:
        path = os.path.join(folder, "token")
        with open(path, "w", encoding="utf-8") as file:
            file.write(ADMIN + "\n")
        with serving.fresh("--token-file", path) as server:
            admin = As(server, ADMIN)
            document = server.ask("GET", "/openapi.json", None, bearer(ADMIN)).json
            make_market(admin)
            tokens = make_tokens(admin, document)
            check_tokens(server, admin)
            check_merchant(As(server, tokens["merchant"]))
            check_creator(As(server, tokens["creator"]), As(server, tokens["order_service"]))
            check_leader(As(server, tokens["leader"]))
            check_matrix(server, document, tokens)
            check_attack(server, document, tokens)
            check_documented(document)
            check_resp(server, admin, tokens)
            check_users(server, admin)
            check_lockout(server, admin)
            check_own(server, tokens)
            check_conditions(admin)
            kept = check_idempotency(server, admin, tokens)
            last = check_audit(server, admin, tokens)
            check_filters(server, admin, tokens)
            check_rates(server, admin)
            check_restart(server, admin, tokens, last, kept)
    check_open()
    check_tls()
    end()


if __name__ == "__main__":
    main()
