#!/usr/bin/env python3
"""Capabilities and flows on a server: what a play refuses, prices, and lets wait for somebody; that a run which fails at any step
leaves no trace; scripts that loop or eat memory fail their own request only; runs and approvals after kill -9 and a checkpoint."""
import json
import random

from serving import RespError, check, end, equal, fresh, seed

PLAY = """name: careful
when: request.kind == 'targeted'
capabilities:
  plan.validate:
    - {when: plan.ext.mood == 'loop', lua: loop}
    - {when: plan.ext.mood == 'eat', lua: eat}
    - {lua: check}
  plan.price: {chain: true, of: [{cel: commission_bps + 100}, {when: has(old.id), cel: commission_bps + 1}]}
  link.convert:
    - {when: creator.level < 3, cel: '"creators begin at level 3"'}
  approval.decide:
    - {when: decision == 'approve' && approval.what == 'never', cel: '"this is never approved"'}
"""
FLOW = """flows:
  plan.put:
    - do: plan.validate
    - do: plan.risk
      as: risk
    - when: has(old.id) && risk.level > 1000
      then:
        - {wait: approval, what: never, when: plan.ext.mood == 'never'}
        - {wait: approval, what: a jump, as: asked}
    - do: plan.price
    - do: plan.approve
"""
HOOKS = """function loop() while true do end end
function eat() local t = '' for i = 1, 99 do t = t .. i .. t end end
function check(x)
  if x.plan.ext and x.plan.ext.fee and x.plan.ext.fee < 10 then return nil, "a fee of at least 10" end
  if x.role ~= "admin" then return nil, "a role" end
end
"""
EXT = {"properties": {"plan": {"properties": {"fee": {"type": "integer"}, "mood": {"type": "string"}}}}}
CHECKLIST = "title: 定向\nsteps:\n  - {title: Agree, check: [The fee stands in the plan.]}\n"


def put_play(server, name, **texts):
    names = {"play": "play.yaml", "flow": "flow.yaml", "hooks": "hooks.lua", "ext": "ext.schema.json", "checklist": "checklist.yaml"}
    body = {"files": [{"name": names[key], "text": text if isinstance(text, str) else json.dumps(text)} for key, text in texts.items()]}
    reply = server.ask("PUT", f"/api/v1/plays/{name}", body)
    if reply.status in (200, 201):
        server.ask("POST", f"/api/v1/plays/{name}:activate", {"version": reply.json["version"]})
    return reply


def plan(server, name, bps=1000, kind="targeted", **more):
    return server.ask("PUT", f"/api/v1/plans/{name}",
                      {"goods": ["g"], "merchant": "shop", "kind": kind, "creators": ["anna", "ben"],
                       "terms": {"commission_bps": bps}, **more})


def bps(server, name):
    return server.get(f"plans/{name}")["terms"]["commission_bps"]


def position(server):
    return server.ask("GET", "/healthz").json["position"]


def setup(server):
    server.load("parties", [{"id": "shop", "roles": ["merchant"]}, {"id": "anna", "roles": ["creator"], "level": 5},
                            {"id": "ben", "roles": ["creator"], "level": 1}])
    server.put("goods/g", {"merchant": "shop", "price": 1000, "category": "beauty"})
    server.put("registrations/app", {"channel": "app", "play": "careful"})


def capabilities(server):
    before = server.get("capabilities")
    check("there are at least 40 capabilities, each with types and a reason to be", len(before["items"]) >= 40 and
          all(row["inputs"] and row["outputs"] and row["what"] for row in before["items"]))
    equal("the flows that this server does not run", [row["flow"] for row in before["flows"] if not row["served"]], ["shelf.offer_ended"])
    served = {row["capability"]: row["served"] for row in before["items"]}
    equal("which capabilities are asked", [served[name] for name in ("goods.enrol", "enrolment.approve", "invitation.accept", "sample.approve", "notify",
                                                                     "managed.move", "order.judge", "slot.refund")], [True] * 7 + [False])
    reply = put_play(server, "careful", play=PLAY, flow=FLOW, hooks=HOOKS, ext=EXT, checklist=CHECKLIST)
    equal("a play with capabilities and flows is put", reply.status, 201)
    rows = {row["capability"]: row for row in server.get("capabilities")["items"]}
    equal("the map says who does what", ([(way["play"], way["line"], way["kind"], way["text"], way["when"])
                                          for way in rows["plan.validate"]["implementations"]][1:], rows["plan.price"]["plays"],
                                         rows["plan.bounds"]["plays"]),
          ([("careful", 6, "lua", "eat", "plan.ext.mood == 'eat'"), ("careful", 7, "lua", "check", None)], ["careful"], []))
    equal("its checklist is served", server.get("plays/careful/checklist"),
          {"play": "careful", "checklist": {"title": "定向", "steps": [{"title": "Agree", "check": ["The fee stands in the plan."]}]}})
    equal("of no play there is none", server.ask("GET", "/api/v1/plays/nobody/checklist").status, 404)
    for texts, at in (({"play": PLAY.replace("creator.level < 3", "creator.level <"), "hooks": HOOKS}, "play.yaml:10: capabilities.link.convert[0].when:1:16"),
                      ({"play": PLAY, "flow": "flows:\n  plan.put:\n    - do: plan.valid\n", "hooks": HOOKS}, "flow.yaml:3: flows.plan.put[0].do"),
                      ({"play": PLAY.replace("cel: '\"creators", "lua: f, x: '\"creators"), "hooks": HOOKS}, "play.yaml:9: capabilities.link.convert"),
                      ({"play": PLAY}, "play.yaml:5: capabilities.plan.validate[0].lua")):
        reply = put_play(server, "careful", **texts)
        check(f"a broken play is refused by file and line: {at}", reply.status in (400, 404, 422) and at in reply.json["at"], reply)


def listed(server):
    """Runs, the newest first, in pages, before and after a checkpoint; an atomic import has one a line."""
    rows = [{"id": f"all{n}", "goods": ["g"], "merchant": "shop", "kind": "targeted", "creators": ["anna"], "terms": {"commission_bps": 1000}} for n in range(5)]
    reply = server.ask("POST", "/api/v1/plans:import?atomic=true", "".join(json.dumps(row) + "\n" for row in rows).encode())
    equal("an atomic import is taken", (reply.json["accepted"], reply.json["refused"]), (5, 0))

    def names(limit):
        found, cursor = [], ""
        while cursor is not None:
            page = server.get(f"flows?limit={limit}{cursor and '&cursor=' + cursor}")
            found += [(item["flow"], item["play"], item["entity"], item["id"]) for item in page["items"]]
            cursor = page["next_cursor"]
        return found
    first = names(1000)
    equal("each line has one run, and the newest come first", [one[2] for one in first[:5]], [f"all{n}" for n in reversed(range(5))])
    check("by their ids", [one[3] for one in first] == sorted((one[3] for one in first), reverse=True) and len(set(first)) == len(first))
    equal("in pages as well", names(2), first)
    server.stop()
    server.again()
    equal("after a stop, from the store", (names(1000), names(3)), (first, first))
    server.put("plans/all0", {**rows[0], "status": "paused"})
    equal("and one more before them", (names(2)[1:], names(2)[0][2]), (first, "all0"))
    equal("filtered", {item["entity"] for item in server.get("flows?filter=entity%20%3D%3D%20%27all3%27")["items"]}, {"all3"})
    equal("a cursor of nobody's", server.ask("GET", "/api/v1/flows?cursor=x").status, 400)


def plans(server):
    reply = plan(server, "p1")
    run = server.get(f"flows/{reply.json['flow']}")
    equal("a plan is priced by its play", (reply.status, bps(server, "p1"), server.get("plans/p1")["play"]), (201, 1100, "careful"))
    equal("its run can be read step by step", [(step.get("step") or step.get("when"), step.get("by")) for step in run["steps"]],
          [("plan.validate", "careful/play.yaml:7 lua check"), ("risk", "default"), ("has(old.id) && risk.level > 1000", None),
           ("plan.price", "careful/play.yaml:8 cel"), ("plan.approve", "default")])
    equal("with what went in and came out", (run["flow"], run["play"], run["play_version"], run["entity"], run["steps"][3]["input"]["commission_bps"],
                                             run["steps"][3]["output"], run["steps"][3]["ns"] > 0),
          ("plan.put", "careful", 1, "p1", 1000, {"commission_bps": 1100}, True))
    equal("what is no run is not found", [server.ask("GET", f"/api/v1/flows/{name}").status for name in ("1", str(reply.json["flow"] + 1), "x")],
          [404, 404, 404])
    plan(server, "p1", 1200)
    equal("a chain gives on what it was given", bps(server, "p1"), 1301)
    equal("a plan of nobody's play runs no flow", ("flow" in plan(server, "p9", kind="general").json, bps(server, "p9")), (False, 1000))
    before = position(server)
    for mood, status, text in (("loop", 422, "out of instructions"), ("eat", 422, "out of memory")):
        reply = plan(server, "p2", ext={"mood": mood})
        check(f"a script that would {mood} fails its own request", reply.status == status and reply.json["at"] == "plan.validate" and
              text in reply.json["detail"], reply)
    reply = plan(server, "p2", ext={"fee": 9})
    equal("a refusal names the step and why", (reply.status, reply.json["code"], reply.json["at"], reply.json["detail"]),
          (422, "refused", "plan.validate", "hooks.lua: a fee of at least 10"))
    equal("none of them leaves anything", (position(server), server.ask("GET", "/api/v1/plans/p2").status), (before, 404))
    lines = [json.dumps({"id": f"i{i}", "goods": ["g"], "merchant": "shop", "kind": "targeted", "creators": ["anna"], "terms": {"commission_bps": 500},
                         "ext": {"fee": 10 - (i == 2)}}) for i in range(4)]
    reply = server.ask("POST", "/api/v1/plans:import?atomic=true", "\n".join(lines).encode())
    equal("an import of all or none takes none", (reply.json["accepted"], [row["line"] for row in reply.json["errors"]],
                                              [server.ask("GET", f"/api/v1/plans/i{i}").status for i in range(4)]), (0, [3], [404] * 4))
    reply = server.ask("POST", "/api/v1/plans:import", "\n".join(lines).encode())
    equal("else those that pass, each priced", (reply.json["accepted"], bps(server, "i0")), (3, 600))


def dry(server):
    def run(name, **more):
        reply = server.ask("PUT", f"/api/v1/plans/{name}?dry_run=true", {"goods": ["g"], "merchant": "shop", "kind": "targeted", "creators": ["anna"], **more})
        return reply.status, reply.json["dry_run"]
    before = position(server)
    status, got = run("d", terms={"commission_bps": 1000})
    equal("a dry run says what it would come to", (status, got["refused"], got["waits"], got["results"]["commission_bps"], len(got["steps"])),
          (200, None, False, 1100, 5))
    status, got = run("d", terms={"commission_bps": 1000}, ext={"fee": 1})
    equal("a refusal, too, as far as it came", (status, got["refused"], [step.get("failed") for step in got["steps"]]),
          (200, {"code": "refused", "at": "plan.validate", "detail": "hooks.lua: a fee of at least 10"}, ["refused"]))
    status, got = run("p1", terms={"commission_bps": 9000})
    equal("what would wait", (status, got["waits"]), (200, True))
    status, got = run("d", terms={"commission_bps": 9990})
    equal("and what the plan's own rules refuse", (status, got["refused"]["at"]), (200, "commission_bps"))
    status, got = run("d", goods=["none"], terms={"commission_bps": 1})
    equal("or its references", (status, got["refused"]["at"][:5]), (200, "goods"))
    equal("it changes nothing", (position(server), server.ask("GET", "/api/v1/plans/d").status), (before, 404))


def approvals(server):
    plan(server, "w", 1000)
    first = plan(server, "w", 4000)
    second = plan(server, "w", 5000)
    equal("a jump waits, and nothing happens", (first.status, first.json["version"], bps(server, "w")), (202, 1, 1100))
    approval = server.get(f"approvals/{first.json['approval']}")
    equal("the approval says what, whose and where from",
          [approval[name] for name in ("status", "what", "role", "noun", "entity", "entity_version", "merchant", "run", "step", "play")],
          ["waiting", "a jump", "operator", "plan", "w", 1, "shop", first.json["flow"], "asked", "careful"])
    equal("and what would be", approval["change"]["terms"]["commission_bps"], 4000)
    reply = server.ask("POST", f"/api/v1/approvals/{first.json['approval']}:approve", {"reason": "agreed"})
    equal("approved, it happens", (reply.status, reply.json["status"], bps(server, "w"), server.get("plans/w")["version"]), (200, "approved", 4000, 2))
    reply = server.ask("POST", f"/api/v1/approvals/{first.json['approval']}:approve", {})
    equal("once", (reply.status, reply.json["code"]), (409, "refused"))
    before = position(server)
    reply = server.ask("POST", f"/api/v1/approvals/{second.json['approval']}:approve", {})
    equal("another one of the same plan no longer fits", (reply.status, reply.json["at"], position(server)), (409, "entity_version", before))
    reply = server.ask("POST", f"/api/v1/approvals/{second.json['approval']}:reject", {"reason": "too much"})
    equal("it is rejected, with who and why", (reply.status, bps(server, "w"), server.get(f"approvals/{second.json['approval']}")["history"][-1]["reason"]),
          (200, 4000, "too much"))
    never = plan(server, "w", 9000, ext={"mood": "never"})
    before = position(server)
    reply = server.ask("POST", f"/api/v1/approvals/{never.json['approval']}:approve", {})
    equal("the play has its say when it is decided", (reply.status, reply.json["at"], reply.json["detail"], position(server)),
          (409, "approval.decide", "this is never approved", before))
    reply = server.ask("PUT", "/api/v1/approvals/mine", {"what": "x", "change": {"id": "w"}})
    equal("nobody puts an approval", (reply.status, reply.json["code"]), (422, "refused"))
    return [f"approvals/{one.json['approval']}" for one in (first, second, never)] + [f"flows/{first.json['flow']}", "plans/w"]


def links(server):
    reply = server.ask("POST", "/api/v1/links", {"channel": "app", "creator": "anna", "goods": "g"})
    equal("a link that the play allows", reply.status, 201)
    reply = server.ask("POST", "/api/v1/links", {"channel": "app", "creator": "ben", "goods": "g"})
    equal("and one that it does not", (reply.status, reply.json["code"], reply.json["at"], reply.json["detail"]),
          (422, "refused", "link.convert", "creators begin at level 3"))
    reply = server.client()("LINK", "app", "ben", "g")
    check("over RESP, too", isinstance(reply, RespError) and reply == "REFUSED link.convert: creators begin at level 3", reply)


def others(server):
    put_play(server, "wary", play="""name: wary
when: request.category == 'drug' || request.region == 'far' || request.scene == 'wary'
capabilities:
  goods.validate: [{when: goods.price > 5000, cel: '"too dear"'}]
  party.validate: [{when: party.level < 2, cel: '"too low a level"'}]
  plan.act: [{when: action == 'pause' && reason == '', cel: '"say why"'}]
""", flow="""flows:
  goods.put:
    - do: goods.validate
    - {when: goods.price > 1000, wait: approval, what: dear goods}
""")
    goods = {"merchant": "shop", "category": "drug", "price": 6000}
    reply = server.ask("PUT", "/api/v1/goods/pill", goods)
    equal("goods are refused by their play", (reply.status, reply.json["at"], reply.json["detail"]), (422, "goods.validate", "too dear"))
    reply = server.ask("PUT", "/api/v1/goods/pill", {**goods, "price": 2000})
    equal("or wait", (reply.status, server.ask("GET", "/api/v1/goods/pill").status), (202, 404))
    server.ask("POST", f"/api/v1/approvals/{reply.json['approval']}:approve", {})
    equal("until they are approved", (server.get("goods/pill")["price"], server.get("goods/pill")["play"]), (2000, "wary"))
    reply = server.ask("PUT", "/api/v1/parties/zed", {"roles": ["creator"], "region": "far", "level": 1})
    equal("so are parties", (reply.status, reply.json["at"]), (422, "party.validate"))
    equal("that one may be", server.ask("PUT", "/api/v1/parties/zed", {"roles": ["creator"], "region": "far", "level": 2}).status, 201)
    plan(server, "wp", kind="general", scene="wary")
    before = position(server)
    reply = server.ask("POST", "/api/v1/plans/wp:pause", {})
    equal("and what is done with a plan", (reply.json["at"], reply.json["detail"], position(server), server.get("plans/wp")["status"]),
          ("plan.act", "say why", before, "active"))
    equal("said why, it is done", (server.ask("POST", "/api/v1/plans/wp:pause", {"reason": "rest"}).status, server.get("plans/wp")["status"]), (200, "paused"))


def recruiting(server):
    """Enrolments, samples and acceptances: refused, decided, and the plan of an acceptance bears its play."""
    put = put_play(server, "strict", play="""name: strict
when: request.category == 'wine' && request.kind != 'targeted'
capabilities:
  goods.enrol:
    - {when: commission_bps < 2500, cel: '"wine pays a quarter"'}
  enrolment.approve:
    - {when: enrolment.commission_bps >= 5000, cel: '"approved"'}
    - {when: enrolment.commission_bps == 4000, cel: '"rejected"'}
  sample.approve:
    - {when: creator.level >= 5, cel: '"approved"'}
  sample.rule:
    - {when: creator.level < 2, cel: '"not for beginners"'}
  invitation.accept:
    - {when: invitation.message == 'no', lua: never}
    - {when: invitation.message == 'more', cel: '{"commission_bps": 3300}'}
    - {when: invitation.message == 'wrong', cel: '{"commission_bps": 20000}'}
""", hooks="function never() return nil, 'not by this play' end\n")
    equal("a play of people is put", put.status if put.status == 201 else str(put), 201)
    server.load("parties", [{"id": "lena", "roles": ["leader"]}])
    server.put("goods/red", {"merchant": "shop", "price": 1000, "category": "wine"})
    server.put("activities/fair", {"leader": "lena", "min_commission_bps": 1500, "min_service_bps": 0})
    server.ask("POST", "/api/v1/activities/fair:publish", {})
    body = {"activity": "fair", "goods": "red", "service_bps": 100}
    before = position(server)
    reply = server.ask("PUT", "/api/v1/enrolments/e1", {**body, "commission_bps": 2000})
    equal("an enrolment is refused by its play, and nothing changes", (reply.status, reply.json["at"], reply.json["detail"], position(server)),
          (422, "goods.enrol", "wine pays a quarter", before))
    equal("nor is there any", server.ask("GET", "/api/v1/enrolments/e1").status, 404)
    reply = server.ask("POST", "/api/v1/activities/fair:enrol", {"items": [{"id": "e1", "goods": "red", "commission_bps": 2000, "service_bps": 100}]})
    equal("nor of many at once", [(item["code"], item["at"]) for item in reply.json["items"]], [("refused", "goods.enrol")])
    for rate, expected in ((4000, "rejected"), (3000, "submitted"), (5000, "approved")):
        reply = server.ask("PUT", "/api/v1/enrolments/e1", {**body, "commission_bps": rate})
        found = server.get("enrolments/e1")
        equal(f"at {rate} it is {expected}", (reply.status, found["status"], found["play"]), (201 if rate == 4000 else 200, expected, "strict"))
    equal("by the play, as its run says", (found["history"][-1]["by"], [step["step"] for step in server.get(f"flows/{reply.json['flow']}")["steps"]][-1]),
          ("the play strict", "enrolment.approve"))
    sample = {"goods": ["red"], "terms": {"sold": 1}}
    for creator, expected in (("anna", "approved"), ("low", "applied")):
        server.put(f"parties/{creator}", {"roles": ["creator"], "level": 5 if creator == "anna" else 2})
        server.put(f"samples/of-{creator}", {"creator": creator, **sample})
        equal(f"a sample for {creator} is {expected}", server.get(f"samples/of-{creator}")["status"], expected)
    before = position(server)
    reply = server.ask("PUT", "/api/v1/samples/of-ben", {"creator": "ben", **sample})
    equal("and one is refused", (reply.status, reply.json["at"], position(server)), (422, "sample.rule", before))
    for name, expected in (("no", (409, "invitation.accept", None)), ("wrong", (400, "commission_bps", None)), ("more", (200, None, 3400)), ("yes", (200, None, 3100))):  # and 100 by plan.price of careful
        server.put(f"invitations/{name}", {"from": "shop", "creator": "anna", "goods": ["red"], "terms": {"commission_bps": 3000}, "message": name})
        before = position(server)
        reply = server.ask("POST", f"/api/v1/invitations/{name}:accept", {})
        made = server.ask("GET", f"/api/v1/plans/{name}.plan").json
        equal(f"an invitation that says {name}", (reply.status, reply.json.get("at"), made.get("terms", {}).get("commission_bps")), expected)
        check("it is refused whole, or its plan bears the play of plans that are put",
              (made["play"], made["play_version"]) == ("careful", 1) if reply.status == 200 else position(server) == before, made)


def effects(server):
    server.put("webhooks/all", {"url": "http://127.0.0.1:9/", "kinds": ["plan.*"]})
    put_play(server, "teller", play="name: teller\nwhen: request.scene == 'tell'\n", flow="""flows:
  plan.put:
    - {do: notify, with: {to: '"anna"', kind: '"plan.priced"', body: '{"bps": commission_bps, "by": role}'}}
    - {when: commission_bps > 5000, refuse: too much}
""")
    reply = plan(server, "t1", kind="general", scene="tell")
    plan(server, "t2", 6000, kind="general", scene="tell")
    items = server.get("outbox?state=pending")["items"]
    equal("a message leaves by the outbox, of a flow that ended well", (reply.status, [(item["kind"], item["to"], item["play"], item["entity"], item["body"])
                                                                                       for item in items]),
          (201, [("plan.priced", "anna", "teller", "plan/t1", {"bps": 1000, "by": "admin"})]))


def nothing_is_left(server):
    """A flow of steps that propose messages and approvals, one of which fails: wherever it stands, nothing is left."""
    seed()
    for round_ in range(12):
        count = random.randint(1, 8)
        fails = random.randrange(count)
        steps = [random.choice(["{do: plan.price}", "{do: notify, with: {to: '\"anna\"', kind: '\"x\"'}}", "{do: plan.approve}",
                                "{do: approval.ask, with: {what: '\"x\"'}}"]) for _ in range(count)]
        steps[fails] = random.choice(["{refuse: no}", "{do: plan.bounds, with: {min_bps: '9999'}}", "{do: plan.validate}", "{do: plan.end}"])
        text = (f"name: fails{round_}\nwhen: request.scene == 's{round_}'\ncapabilities:\n"
                "  plan.validate: [{lua: loop}]\n  plan.end: [{cel: plan.nothing}]\n")
        put_play(server, f"fails{round_}", play=text, flow="flows:\n  plan.put:\n" + "".join(f"    - {step}\n" for step in steps), hooks=HOOKS)
        before = position(server), server.get("approvals?limit=1000"), server.get("plans?limit=1000")
        reply = plan(server, f"f{round_}", kind="general", scene=f"s{round_}")
        after = position(server), server.get("approvals?limit=1000"), server.get("plans?limit=1000")
        if not check(f"a flow of {count} steps that fails at {fails} leaves nothing", reply.status in (400, 422) and before == after, f"{steps}\n{reply}"):
            break


def main():
    with fresh("--outbox-allow", "http://127.0.0.1:9/") as server:
        server.hold_to_description()
        setup(server)
        capabilities(server)
        plans(server)
        dry(server)
        names = approvals(server)
        links(server)
        others(server)
        recruiting(server)
        effects(server)
        nothing_is_left(server)
        listed(server)
        before = [server.get(path) for path in names]
        server.kill()
        server.again()
        equal("all of it stands after kill -9", [server.get(path) for path in names], before)
        server.stop()
        server.again()
        equal("and after a checkpoint", [server.get(path) for path in names], before)
        equal("plans go on as they began", (plan(server, "p1", 2000).status, bps(server, "p1")), (200, 2101))
        server.as_described()
    end()


main()
