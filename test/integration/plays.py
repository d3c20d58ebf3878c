#!/usr/bin/env python3
"""Plays on a server: the doors, the commands, what an entity is given and refused; and a soak of installing, activating and rolling
back under orders with kill -9, with flows that refuse and wait, and invitations and shelves on their way: each plan goes on with the version that
it began with, what was answered holds, and what was refused has left nothing."""
import http.client
import json
import os
import random
import re
import subprocess
import tempfile
import threading
import time

import serving
from serving import Closed, check, end, equal, fresh, seed, tributary, write

SOAK_SECONDS = float(os.environ.get("TRIB_SOAK_SECONDS", "12"))


def files(**texts):
    names = {"play": "play.yaml", "ext": "ext.schema.json", "cases": "cases/a.yaml", "flow": "flow.yaml", "readme": "README.md", "rules": "rules/live.json"}
    return {"files": [{"name": names[name], "text": text if isinstance(text, str) else json.dumps(text)} for name, text in texts.items()]}


def ext(fields, required=()):
    return {"properties": {"plan": {"required": list(required), "properties": fields}}}


def play(server, *words, folder="."):
    return tributary("play", *words, *(["--http", f"127.0.0.1:{server.http}"] if server else []), folder=folder)


def market(server):
    server.load("parties", [{"id": "shop", "roles": ["merchant"]}, {"id": "anna", "roles": ["creator"], "level": 5, "tags": ["mum"]}])
    server.put("goods/g", {"merchant": "shop", "price": 1000, "category": "beauty/lips"})
    server.put("registrations/app", {"channel": "app"})


def plan(server, name, **more):
    return server.ask("PUT", f"/api/v1/plans/{name}", {"goods": ["g"], "merchant": "shop", "terms": {"commission_bps": 1000}, **more})


def doors(server):
    equal("there are none at first", server.get("plays"), {"items": [], "next_cursor": None})
    equal("all is the platform's", [server.get("plays:resolve?scene=live")[name] for name in ("play", "version")], ["default", 0])
    slot = files(play="name: slot\ntitle: 坑位\npriority: 3\nwhen: request.scene == 'live'\n", ext=ext({"fee": {"type": "integer"}}, ["fee"]))
    reply = server.ask("PUT", "/api/v1/plays/slot", slot)
    equal("a play is put", (reply.status, reply.json["version"], reply.json["active"]), (201, 1, 0))
    equal("the same again is no new version", [server.put("plays/slot", slot)["version"] for _ in range(2)], [1, 1])
    equal("it takes nothing before it is active", server.get("plays:resolve?scene=live")["play"], "default")
    reply = server.ask("POST", "/api/v1/plays/slot:activate", {"version": 1})
    equal("it is activated", (reply.status, reply.json["version"]), (200, 1))
    got = server.get("plays/slot")
    equal("and shown", [got["play"][name] for name in ("name", "version", "active", "title", "priority", "entities")],
          ["slot", 1, 1, "坑位", 3, ["plan"]])
    equal("its files come back", server.get("plays/slot/versions/1")["files"], sorted(slot["files"], key=lambda file: file["name"]))
    child = files(play="name: child\nparent: slot\nwhen: request.level > 3 && 'mum' in request.tags\n")
    equal("a child is bound to its parent", server.put("plays/child", child)["parent"], "slot@1")
    server.ask("POST", "/api/v1/plays/child:activate", {"version": 1})
    got = server.get("plays:resolve?scene=live&level=4&tags=vip,mum&ext=%7B%22a%22:1%7D")
    equal("who wins, and why", [(one["play"], one["applies"], one["won"], one["why"]) for one in got["candidates"]],
          [("child", True, True, "before slot, for it has more ancestors"), ("slot", True, False, "child has more ancestors"),
           ("default", True, False, "the platform's own ways are for what is no play's")])
    equal("and who does not", [(one["play"], one["why"]) for one in server.get("plays:resolve?scene=live&level=1")["candidates"]][:2],
          [("child", "the `when` of child is false"), ("slot", "it alone says that the request is its own")])
    for query, at in (("scne=live", "scne"), ("level=x", "request.level"), ("scene=a&scene=b", "scene"), ("ext=1", "request.ext"),
                      ("scene=%zz", "scene"), ("limit=3", "limit")):
        reply = server.ask("GET", f"/api/v1/plays:resolve?{query}")
        equal(f"no request: {query}", (reply.status, reply.json["at"]), (400, at))


def refusals(server):
    before = server.ask("GET", "/healthz").json["position"]
    for body, status, at in (
            (files(play="name: broken\n\nwhen: request.scne == 1\n"), 400, "play.yaml:3: when:1:1"),
            (files(play="name: other\nwhen: 'true'\n"), 400, "play.yaml: name"),
            (files(play="name: broken\nwhen: 'true'\nparent: nobody\n"), 422, "play.yaml:3: parent"),
            (files(play="name: broken\nwhen: 'true'\n", ext='{"properties": {"plan": {\n"typ": 1}}}'), 400, "ext.schema.json:2: properties.plan.typ"),
            (files(play="name: broken\nwhen: 'true'\n", rules='{"root": {"id": "r",\n"when": "order.bsae > 1"}}'), 400, "rules/live.json:2: r.when"),
            ({"files": []}, 400, "play.yaml"), ({}, 400, "play.yaml"), ({"files": [{"text": "x"}]}, 400, "files[0].name")):
        reply = server.ask("PUT", "/api/v1/plays/broken", body)
        equal(f"refused at {at}", (reply.status, reply.json["at"]), (status, at))
    equal("and nothing is there", server.ask("GET", "/api/v1/plays/broken").status, 404)
    equal("nor in the journal", server.ask("GET", "/healthz").json["position"], before)
    for method, path, body, status in (("POST", "slot:activate", {"version": 9}, 404), ("POST", "slot:activate", {}, 400), ("POST", "slot:rollback", None, 422),
                                       ("POST", "nobody:rollback", None, 404), ("DELETE", "nobody", None, 404), ("GET", "slot/versions/9", None, 404)):
        equal(f"{method} {path}", server.ask(method, f"/api/v1/plays/{path}", body).status, status)


def entities(server):
    reply = plan(server, "p", scene="live")
    equal("what the play asks is missing", (reply.status, reply.json["at"], reply.json["code"]), (400, "ext.fee", "invalid"))
    reply = plan(server, "p", scene="live", ext={"fee": "much"})
    equal("or wrong", (reply.status, reply.json["at"]), (400, "ext.fee"))
    equal("a good one is taken", plan(server, "p", scene="live", ext={"fee": 1}).status, 201)
    got = server.get("plans/p")
    equal("and says whose it is", (got["play"], got["play_version"], got["ext"]), ("slot", 1, {"fee": 1}))
    equal("what was read can be put back", (server.ask("PUT", "/api/v1/plans/p", got).status, server.get("plans/p")["play_version"]), (200, 1))
    equal("of its creator it is the child's", plan(server, "c", scene="live", kind="targeted", creators=["anna"], ext={"fee": 1}).status, 201)
    equal("so it is", server.get("plans/c")["play"], "child")
    equal("one may choose", plan(server, "d", scene="live", play="default", ext={"x": 1}).status, 201)
    equal("but not what does not apply", plan(server, "e", play="slot", ext={"fee": 1}).status, 422)
    rows = [{"id": f"i{n}", "goods": ["g"], "merchant": "shop", "scene": "live", "ext": {"fee": n if n % 2 else "x"}} for n in range(4)]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    got = server.ask("POST", "/api/v1/plans:import", lines).json
    equal("an import says which lines", (got["accepted"], got["refused"], [(one["line"], one["at"]) for one in got["errors"]]), (2, 2, [(1, "ext.fee"), (3, "ext.fee")]))
    got = server.ask("POST", "/api/v1/plans:import?atomic=true", lines.replace(b'"i', b'"j')).json
    equal("or takes none", (got["accepted"], got["refused"], server.ask("GET", "/api/v1/plans/j1").status), (0, 4, 404))
    equal("parties have ext", server.put("parties/anna", {"roles": ["creator"], "ext": {"a": 1}}) and server.get("parties/anna")["ext"], {"a": 1})


def versions(server):
    two = files(play="name: slot\npriority: 3\nwhen: request.scene == 'live'\n", ext=ext({"fee": {"type": "string"}}))
    equal("a second version", server.put("plays/slot", two)["version"], 2)
    server.ask("POST", "/api/v1/plays/slot:activate", {"version": 2})
    equal("takes what is new", plan(server, "q", scene="live", ext={"fee": "a"}).status, 201)
    equal("what began before goes on", (plan(server, "p", scene="live", ext={"fee": 2}).status, plan(server, "p", ext={"fee": "a"}).status), (200, 400))
    equal("or moves", plan(server, "p", scene="live", ext={"fee": "a"}, play="slot", play_version=2).status, 200)
    child = files(play="name: child\nparent: slot\nwhen: request.level > 3 && 'mum' in request.tags\n")
    first, again = ({**server.put("plays/child", child), "position": None} for _ in range(2))
    equal("the child with the same files is another, its parent being", first, {**again, "version": 2, "parent": "slot@2"})
    equal("back in one call", server.ask("POST", "/api/v1/plays/slot:rollback").json["version"], 1)
    equal("and no further", server.ask("POST", "/api/v1/plays/slot:rollback").status, 422)
    server.kill()
    server.again()
    equal("after kill -9 all is as it was", [(one["version"], one["active"]) for one in server.get("plays")["items"]], [(2, 1), (2, 1)])
    equal("closed", server.ask("DELETE", "/api/v1/plays/slot").json["version"], 0)
    equal("nothing new is its", (plan(server, "r", scene="live", ext={"z": 1}).status, server.get("plans/r")["play"]), (201, None))
    equal("what began goes on", (plan(server, "q", scene="live", ext={"fee": "b"}).status, plan(server, "q", scene="live", ext={"fee": 1}).status), (200, 400))
    server.stop()
    server.again()
    equal("after a stop, too", [(one["name"], one["active"]) for one in server.get("plays")["items"]], [("slot", 0), ("child", 1)])
    equal("open again", server.ask("POST", "/api/v1/plays/slot:rollback").json["version"], 1)


def commands(server):
    root = os.path.join(serving.ROOT, "plays")
    names = sorted(os.listdir(root))
    code, out, err = play(server, "install", *names, folder=root)
    equal("all that ship are installed, parents first", (code, sorted(line.split(":")[0] for line in out.splitlines() if line[0] != " "), err), (0, names, ""))
    code, out, _ = play(server, "install", *names, folder=root)
    equal("again: as before", (code, all(line.endswith("version 1 is active, as before") for line in out.splitlines())), (0, True))
    code, out, _ = play(server, "list")
    equal("they are listed", (code, {line.split()[0] for line in out.splitlines()[1:]} >= set(names)), (0, True))
    code, out, _ = play(server, "list", "--json")
    equal("as JSON, too", (code, json.loads(out)), (0, server.get("plays")))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["cp", "-r", os.path.join(root, "general"), folder], check=True)
        equal("no difference", play(server, "diff", "general", folder=folder), (0, "from general@1 to general\nthe same\n", ""))
        write(folder, "general/README.md", "One.\nTwo.\n")
        write(folder, "general/cases/general.yaml", "- {case: ours, request: {kind: general}, expect: {play: general}}\n")
        code, out, _ = play(server, "diff", "general", "--json", folder=folder)
        equal("what a folder changes", (code, [(one["name"], one["change"], one["added"]) for one in json.loads(out)["files"]]),
              (0, [("README.md", "added", 2), ("cases/general.yaml", "changed", 1)]))
        code, out, _ = play(server, "diff", "general@1", "general", folder=folder)
        check("line by line", code == 0 and "README.md: added\n@@ line 1 @@\n+One.\n+Two.\n" in out, out)
        equal("installed", play(server, "install", "general", folder=folder), (0, "general: version 2 is active\n", ""))
        equal("between versions", play(server, "diff", "general@2", "general", folder=folder)[1], "from general@2 to general\nthe same\n")
        equal("rolled back", play(server, "rollback", "general"), (0, "general: version 1 is active\n", ""))
        code, _, err = play(server, "rollback", "general")
        check("no further", code == 1 and "active before" in err, err)
        write(folder, "general/cases/general.yaml", "- {case: not so, request: {kind: general}, expect: {play: default}}\n")
        code, out, err = play(server, "install", "general", folder=folder)
        check("one whose cases do not hold is not installed", code == 1 and out == "" and "cases/general.yaml:1" in err, (out, err))
        write(folder, "general/play.yaml", "name: general\nwhen: request.kid\n")
        code, _, err = play(server, "install", "general", folder=folder)
        check("nor one that is broken", code == 1 and "general/play.yaml:2: when:1:1" in err, err)
    code, _, err = play(None, "list", "--http", "127.0.0.1:1")
    check("a server that is not there", code == 1 and "127.0.0.1:1" in err, err)


def forms(server):
    """A form by a child: its parent's fields come first; the schema holds what the doors hold."""
    got = server.get("forms/plan?play=slot-live")
    equal("the fields of parent and child", [(one["name"], one.get("title"), one.get("widget"), one["required"], one["play"]) for one in got["fields"]],
          [("slot_fee", "坑位费", "money", False, "targeted"), ("guarantee", "保量", None, False, "targeted"), ("slots", "坑位", None, True, "slot-live")])
    equal("the schema of ext is that of both", [row["$ref"] for row in got["ext"]["allOf"]],
          ["play:targeted#/properties/plan", "play:slot-live#/properties/plan"])
    check("the entity's own is whole", "commission_bps" in json.dumps(got["schema"]["$defs"]["Terms"]), got["schema"])
    equal("a version may be asked for", server.get("forms/plans?play=general@2")["version"], 2)
    equal("without a play any object will do", [server.get("forms/goods")[name] for name in ("play", "fields")], ["default", []])
    for path in ("forms/plan?play=nobody", "forms/plan?play=general@9", "forms/plan?play=general@x", "forms/nothing"):
        equal(f"nothing of that name: {path}", server.ask("GET", f"/api/v1/{path}").status, 404)


def described(server):
    """/openapi.json shows what active plays add, in named schemas, and changes with them."""
    reply = server.ask("GET", "/openapi.json")
    schemas, tag = reply.json["components"]["schemas"], reply.headers["ETag"]
    equal("a plan's ext is a schema of its own", schemas["Plan"]["properties"]["ext"], {"$ref": "#/components/schemas/Plan.ext"})
    names = {row.get("$ref", "").rsplit("/", 1)[-1] for row in schemas["Plan.ext"]["anyOf"]}
    check("one of each play, or none's", {"Plan.ext.default", "Plan.ext.slot-live", "Plan.ext.targeted"} <= names, names)

    def properties(schema):
        found = dict(schema.get("properties", {}))
        for part in schema.get("allOf", []):
            node = reply.json
            for step in part["$ref"][2:].split("/"):
                node = node[step]
            found.update(node["properties"])
        return found
    equal("with the fields of the play and of its parent", sorted(properties(schemas["Plan.ext.slot-live"])), ["guarantee", "slot_fee", "slots"])
    check("the titles of which forms show", properties(schemas["Plan.ext.slot-live"])["slots"]["title"] == "坑位")
    equal("every reference leads somewhere", sorted({ref for ref in re.findall(r'"\$ref": ?"#/components/schemas/([^"/]+)', reply.body.decode())} - set(schemas)), [])
    same = server.ask("GET", "/openapi.json", None, {"If-None-Match": tag})
    equal("unchanged, it is not sent again", (same.status, same.body), (304, b""))
    server.put("plays/mark", files(play="name: mark\nwhen: request.scene == 'mark'\n", ext={"properties": {"goods": {"properties": {"mark": {"type": "string"}}}}}))
    equal("a play that is not active adds nothing", server.ask("GET", "/openapi.json").headers["ETag"], tag)
    server.ask("POST", "/api/v1/plays/mark:activate", {"version": 1})
    later = server.ask("GET", "/openapi.json", None, {"If-None-Match": tag})
    equal("once it is, it does", (later.status, "Goods.ext.mark" in later.json["components"]["schemas"]), (200, True))
    server.ask("DELETE", "/api/v1/plays/mark")
    equal("until it is closed", server.ask("GET", "/openapi.json").headers["ETag"], tag)


def first_play(server):
    """docs/first-play.md: its files are the play, its commands are run, and what it says of the money is so."""
    with open(os.path.join(serving.ROOT, "docs", "first-play.md"), encoding="utf-8") as file:
        text = file.read()
    blocks = dict(re.findall(r"^```(?:yaml|json) (tasting/\S+)\n(.*?)^```$", text, re.S | re.M))
    lines = sum(len(block.splitlines()) for block in blocks.values())
    equal("the page counts its lines", f"{lines} lines of data" in text and lines < 80, True)
    with tempfile.TemporaryDirectory() as folder:
        for name, block in blocks.items():
            write(folder, name, block)
        code, out, err = play(None, "test", "tasting", folder=folder)
        equal("its cases hold", (code, "not ok" in out, err), (0, False, ""))
        equal("it is installed", play(server, "install", "tasting", folder=folder), (0, "tasting: version 1 is active\n  rules tasting: version 1\n", ""))
        commands = [line for block in re.findall(r"^```sh\n(.*?)^```$", text, re.S | re.M) for line in block.splitlines() if line.startswith("curl")]
        answers, token = [], None
        for command in commands:
            method = re.search(r"-X (\w+)", command)
            path = re.search(r"localhost:7380(\S+)", command).group(1)
            body = re.search(r" -d (?:'(.*)'|@(\S+))$", command)
            data = None if not body else json.loads(body.group(1) or open(os.path.join(folder, body.group(2)), encoding="utf-8").read())
            if data and data.get("token") == "…":
                data["token"] = token
            answers.append(server.ask(method.group(1) if method else "GET", path, data))
            token = answers[-1].json.get("token", token)
    equal("what the page asks is answered as it says", [(answer.status, answer.json.get("at") if answer.status >= 400 else None) for answer in answers],
          [(201, None), (201, None), (200, None), (201, None), (201, None), (400, "ext.picked"), (201, None), (200, None), (201, None),
           (200, None), (200, None), (200, None)])
    plan_now, _, got, _, metrics = (answer.json for answer in answers[-5:])
    equal("the plan is a tasting", (plan_now["play"], plan_now["play_version"]), ("tasting", 1))
    equal("the play's figures have the order", [item["commission"] for item in metrics["items"] if "commission" in item], [1600])
    equal("the creator and the scout are paid", (got["outcome"], got["charged"], [(line["to"], line["amount"]) for line in got["credits"][0]["lines"]]),
          ("attributed", 2000, [("creator", 2000), ("scout", 400)]))
    books = {row["party"]: row["balance"] for row in server.get("ledger/balances")["items"] if row["party"] in ("anna", "scout")}
    equal("sixteen and four", (books.get("anna"), books.get("scout")), (1600, 400))


def trees(server):
    """A play's rule trees: put, active, and back with it; what a person changed stays."""
    def ours(days):
        body = files(play="name: ruled\nwhen: request.scene == 'ruled'\n", rules={"scene": "ruled", "root": {"id": "ruled", "window": f"{days}d"}})
        body["files"][-1]["name"] = "rules/ruled.json"
        return body
    def active():
        return server.get("rules/ruled")["active"]
    before = server.ask("GET", "/healthz").json["position"]
    broken = ours(1)
    broken["files"][-1]["text"] = '{"root": {"id": "x", "when": "1 +"}}'
    reply = server.ask("PUT", "/api/v1/plays/ruled", broken)
    equal("a broken tree is refused with its play", (reply.status, "rules/ruled.json" in reply.json["at"], server.ask("GET", "/healthz").json["position"]), (400, True, before))
    equal("a tree is put with its play", server.put("plays/ruled", ours(1))["trees"], [{"tree": "ruled", "version": 1, "active": False}])
    def activate(version):
        return server.ask("POST", "/api/v1/plays/ruled:activate", {"version": version}).json["trees"]
    equal("and active with it", (activate(1), active()), ([{"tree": "ruled", "version": 1, "active": True}], 1))
    equal("the same again is no new version", (server.put("plays/ruled", ours(1))["version"], server.get("rules/ruled")["version"]), (1, 1))
    equal("another is", (server.put("plays/ruled", ours(2))["trees"][0]["version"], activate(2), active()), (2, [{"tree": "ruled", "version": 2, "active": True}], 2))
    equal("back in one call", (server.ask("POST", "/api/v1/plays/ruled:rollback").json["trees"], active()), ([{"tree": "ruled", "version": 1, "active": True}], 1))
    server.put("rules/ruled", {"scene": "ruled", "root": {"id": "mine"}})
    server.ask("POST", "/api/v1/rules/ruled:activate", {"version": 3})
    why = "version 3, which is active, did not come with the play"
    equal("what a person changed stays", (activate(2), active()), ([{"tree": "ruled", "version": 2, "active": False, "why": why}], 3))
    server.kill()
    server.again()
    equal("after kill -9, too", (server.get("plays/ruled/versions/2")["trees"], active()), ([{"tree": "ruled", "version": 2, "active": False, "why": why}], 3))
    with tempfile.TemporaryDirectory() as folder:
        for file in ours(2)["files"]:
            write(folder, f"ruled/{file['name']}", file["text"])
        code, out, _ = play(server, "diff", "ruled", folder=folder)
        equal("diff says so", (code, out), (0, f"from ruled@2 to ruled\nthe same\nrules/ruled.json of ruled@2: on the server {why}\n"))
        write(folder, "ruled/rules/ruled.json", json.dumps({"scene": "ruled", "root": {"id": "ruled", "window": "3d"}}))
        _, out, _ = play(server, "diff", "ruled", folder=folder)
        equal("and what the folder changes", ("rules/ruled.json: changed" in out, '"window": "3d"' in out), (True, True))
    server.ask("POST", "/api/v1/rules/ruled:activate", {"version": 2})
    equal("by hand it is the play's again", (server.ask("POST", "/api/v1/plays/ruled:rollback").json["trees"], active()), ([{"tree": "ruled", "version": 1, "active": True}], 1))
    server.put("rules/thief", {"scene": "ruled", "root": {"id": "thief"}})
    server.ask("POST", "/api/v1/rules/thief:activate", {"version": 1})
    equal("a scene that somebody serves otherwise stays, too", activate(2), [{"tree": "ruled", "version": 2, "active": False, "why": "the scene is that of the tree thief"}])


# ---- Soak ----

SOAK_FLOW = """flows:
  plan.put:
    - do: plan.validate
    - {do: notify, with: {kind: '"soak.told"', body: '{"bps": commission_bps}'}}
    - {when: commission_bps > 5000, refuse: too much}
    - {when: commission_bps > 4000, wait: approval, what: much}
"""


class Soak:
    """Orders without a pause; plays that come, go and come back, with flows; plans that are put, refused and approved; invitations and shelves;
    and kills. What was answered must hold, and of what was on its way when the server was killed one hears by asking again."""
    FEE, GOODS = 100, ("g", "k0", "k1", "k2")

    def __init__(self, server):
        self.server, self.stop, self.lock = server, threading.Event(), threading.Lock()
        self.orders = self.refused = self.installs = self.rollbacks = self.kills = self.flows_refused = self.approved = self.again = 0
        self.plans = {}  # id → play_version, as it was answered
        self.rates = {}  # id → the rate that somebody has approved
        self.invited, self.shelf = {}, []
        self.alive = threading.Event()
        self.alive.set()
        self.wrong = []

    def attribute(self, number):
        token = self.server.ask("POST", "/api/v1/links", {"channel": "app", "creator": "anna", "goods": "g"}).json["token"]
        sent = 0
        while not self.stop.is_set():
            try:
                door = self.server.client()
                while not self.stop.is_set():
                    for reply in door.many([("ATTRIBUTE", f"s{number}-{sent + n}", "buyer", "g", 1000, token, "BRIEF") for n in range(64)]):
                        if reply != ["attributed", 100]:
                            self.wrong.append(f"order: {reply}")
                    sent += 64
            except (Closed, OSError):
                self.alive.wait(60)
        with self.lock:
            self.orders += sent

    def surely(self, method, path, body=None):
        """(reply, whether it was asked more than once): until there is an answer."""
        asked = 0
        while True:
            try:
                asked += 1
                reply = self.server.ask(method, f"/api/v1/{path}", body)
                if reply.status != 503:
                    self.again += asked > 1
                    return reply, asked > 1
            except (OSError, http.client.HTTPException):
                self.alive.wait(60)

    def invite(self):
        """Invitations to bea: each is accepted, declined, withdrawn, or left open; a repeat of an action that was done is refused."""
        number = 0
        while not self.stop.is_set():
            name, action = f"v{number}", random.choice(("accept", "accept", "decline", "withdraw", None))
            reply, _ = self.surely("PUT", f"invitations/{name}", {"from": "shop", "creator": "bea", "goods": ["h"], "terms": {"commission_bps": 2000},
                                                                  "sample": {}, "slot_fee": {"amount": self.FEE}})
            if reply.status not in (200, 201):
                self.wrong.append(f"invitation {name}: {reply}")
            if action:
                reply, again = self.surely("POST", f"invitations/{name}:{action}", {})
                if reply.status != 200 and not (again and reply.status == 409):
                    self.wrong.append(f"{action} {name}: {reply}")
            self.invited[name] = {"accept": "accepted", "decline": "declined", "withdraw": "withdrawn", None: "sent"}[action]
            number += 1

    def list_goods(self):
        """Bea's shelf, whole, again and again."""
        while not self.stop.is_set():
            goods = random.sample(self.GOODS, random.randrange(len(self.GOODS) + 1))
            reply, _ = self.surely("PUT", "shelves/bea/showcase", {"entries": [{"goods": one} for one in goods]})
            if reply.status not in (200, 201):
                self.wrong.append(f"shelf {goods}: {reply}")
            self.shelf = goods

    def body(self, fee):
        return files(play="name: soak\nwhen: request.scene == 'soak'\n", ext=ext({"fee": {"const": fee}}, ["fee"]), flow=SOAK_FLOW,
                     readme="x" * random.randrange(200000))

    def install(self):
        """A version that asks for its own number as the fee; now and then one that is broken."""
        newest = self.server.get("plays/soak")["play"]["version"]
        if random.random() < 0.3:
            reply = self.server.ask("PUT", "/api/v1/plays/soak", files(play="name: soak\nwhen: request.scne\n"))
            self.refused += reply.status == 400
            if reply.status == 400 and self.server.get("plays/soak")["play"]["version"] != newest:
                self.wrong.append("a refused play has changed something")
            return
        reply = self.server.ask("PUT", "/api/v1/plays/soak", self.body(newest + 1))
        if reply.status == 200 and reply.json["version"] != newest + 1:
            self.wrong.append(f"put: {reply}")
        if reply.status == 200:
            self.server.ask("POST", "/api/v1/plays/soak:activate", {"version": newest + 1})
            self.installs += 1

    def put_plan(self):
        name = f"soak{len(self.plans)}"
        active = self.server.get("plays/soak")["play"]["active"]
        reply = plan(self.server, name, scene="soak", status="paused", ext={"fee": active})
        if reply.status != 201:
            self.wrong.append(f"plan for version {active}: {reply}")
            return
        self.plans[name] = active
        for old, version in random.sample(sorted(self.plans.items()), min(3, len(self.plans))):
            self.rates.pop(old, None)
            good, bad = (plan(self.server, old, scene="soak", status="paused", ext={"fee": fee}).status for fee in (version, version + 1))
            if (good, bad) != (200, 400):
                self.wrong.append(f"{old} of version {version}: {good}, {bad}")

    def run_flow(self):
        """One that the flow refuses leaves nothing; one that waits is approved later, if nothing has changed meanwhile."""
        name, version = random.choice(sorted(self.plans.items()))
        before = self.server.get(f"plans/{name}")
        reply = plan(self.server, name, scene="soak", status="paused", ext={"fee": version}, terms={"commission_bps": 6000})
        if (reply.status, reply.json["at"]) != (422, "refuse") or self.server.get(f"plans/{name}") != before:
            self.wrong.append(f"a refused {name}: {reply}")
        self.flows_refused += 1
        reply = plan(self.server, name, scene="soak", status="paused", ext={"fee": version}, terms={"commission_bps": 4500})
        if reply.status != 202 or self.server.get(f"plans/{name}") != before:
            self.wrong.append(f"{name} should wait: {reply}")
            return
        approval = reply.json["approval"]
        if random.random() < 0.3:
            self.put_plan()
        same = self.server.get(f"plans/{name}")["version"] == before["version"]
        reply = self.server.ask("POST", f"/api/v1/approvals/{approval}:approve", {})
        if reply.status != (200 if same else 409):
            self.wrong.append(f"approving {name}: {reply}")
        if same:
            self.rates[name] = 4500
            self.approved += 1

    def restart(self):
        self.alive.clear()
        self.server.kill()
        self.server.again()
        self.kills += 1
        known = random.sample(sorted(self.invited.items()), min(10, len(self.invited)))
        found = [(name, self.server.get(f"invitations/{name}")["status"]) for name, _ in known]
        if found != known:
            self.wrong.append(f"after kill -9: {found}, expected {known}")
        self.alive.set()

    def operate(self):
        until = time.monotonic() + SOAK_SECONDS
        killed = time.monotonic()
        while time.monotonic() < until and not self.wrong:
            dice = random.random()
            if dice < 0.35:
                self.install()
            elif dice < 0.55:
                self.rollbacks += self.server.ask("POST", "/api/v1/plays/soak:rollback").status == 200
            elif dice < 0.75 or not self.plans:
                self.put_plan()
            else:
                self.run_flow()
            if time.monotonic() - killed > SOAK_SECONDS / 4:
                self.restart()
                killed = time.monotonic()

    def expect(self):
        """Everything that was answered is there, and nothing beside it."""
        get = self.server.get
        equal("soak: all that was answered holds", self.wrong[:5], [])
        equal("every plan has the version that it began with", {name: get(f"plans/{name}")["play_version"] for name in self.plans}, self.plans)
        equal("and the rate that was approved", {name: get(f"plans/{name}")["terms"]["commission_bps"] for name in self.rates}, self.rates)
        equal("invitations are what they were led to", {name: get(f"invitations/{name}")["status"] for name in self.invited}, self.invited)
        accepted = [name for name, status in self.invited.items() if status == "accepted"]
        made = {name: tuple(self.server.ask("GET", f"/api/v1/{path}").status for path in (f"plans/{name}.plan", f"samples/{name}.sample"))
                for name in self.invited}
        equal("with plan and sample where accepted, and none else", made, {name: (200, 200) if name in accepted else (404, 404) for name in self.invited})
        fees = sum(row["balance"] for row in get("ledger/balances?party=bea")["items"])
        equal("each fee stands in the books once", fees, self.FEE * len(accepted))
        equal("the shelf is the one put last", [row["goods"] for row in get("shelves/bea/showcase")["items"]], self.shelf)

    def run(self):
        self.server.load("parties", [{"id": "bea", "roles": ["creator"]}])
        self.server.load("goods", [{"id": name, "merchant": "shop", "price": 500} for name in ("h", "k0", "k1", "k2")])
        plan(self.server, "general", play="default", goods=list(self.GOODS))
        self.server.put("plays/soak", self.body(1))
        self.server.ask("POST", "/api/v1/plays/soak:activate", {"version": 1})
        threads = [threading.Thread(target=self.attribute, args=(number,)) for number in range(2)]
        threads += [threading.Thread(target=self.invite), threading.Thread(target=self.list_goods)]
        for thread in threads:
            thread.start()
        try:
            self.operate()
        finally:
            self.stop.set()
            self.alive.set()
            for thread in threads:
                thread.join()
        self.expect()
        check("there was something to soak", min(self.orders, self.installs, self.refused, self.kills, self.flows_refused, self.approved,
                                                 len(self.invited)) > 0 and len(self.plans) > 3, vars(self))
        print(f"# {self.orders} orders, {self.installs} versions, {self.refused} refused, {self.rollbacks} rollbacks, {len(self.plans)} plans, "
              f"{self.flows_refused} refused by flows, {self.approved} approved, {len(self.invited)} invitations, {self.again} asked again, {self.kills} kills")


def main():
    seed()
    serving.BIN = os.path.abspath(serving.BIN)
    with fresh() as server:
        market(server)
        server.hold_to_description()
        doors(server)
        refusals(server)
        entities(server)
        versions(server)
        commands(server)
        forms(server)
        first_play(server)
        trees(server)
        server.as_described()
        server.description = None
        described(server)
    with fresh() as server:
        market(server)
        Soak(server).run()
    end()


if __name__ == "__main__":
    main()
