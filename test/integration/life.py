#!/usr/bin/env python3
"""Life cycles over the HTTP door: every status and action of /api/v1/life-cycles does what the table says, and nothing
else; imports of nouns without an array of their own; the same after kill -9 and a restart."""
import json

from serving import check, end, equal, fresh

BODIES = {"activities": {"leader": "lena"}, "plans": {"merchant": "shop", "goods": ["lamp"], "terms": {"commission_bps": 1000}}}  # of nouns that need no other entity beside parties


def ways(cycle):
    """status → (how it begins, the actions that lead there), shortest first."""
    first = cycle["statuses"][0]
    known, todo = {first: (None, [])}, [first]
    if "draft" in cycle["statuses"]:
        known["draft"] = ("draft", [])
        todo.append("draft")
    while todo:
        status = todo.pop(0)
        for row in cycle["actions"]:
            if status in row["from"] and row["to"] not in known:
                known[row["to"]] = (known[status][0], known[status][1] + [row["action"]])
                todo.append(row["to"])
    return known


def act(server, noun, name, action, **body):
    return server.ask("POST", f"/api/v1/{noun}/{name}:{action}", body)


def walk(server, cycle):
    """Every status that actions lead to × every action."""
    noun, wrong, done = cycle["noun"], [], 0
    actions = sorted({row["action"] for row in cycle["actions"]})
    for status, (first, way) in ways(cycle).items():
        for action in actions:
            done += 1
            name = f"{noun}-{done}"
            server.put(f"{noun}/{name}", {**BODIES[noun], "status": first})
            for step in way:
                act(server, noun, name, step, reason="on the way")
            row = next((row for row in cycle["actions"] if row["action"] == action and status in row["from"]), None)
            reply = act(server, noun, name, action, reason="because")
            now = server.get(f"{noun}/{name}")
            want = (200, row["to"], way + [action]) if row else (409, status, way)
            got = (reply.status, now["status"], [item["action"] for item in now["history"][1:]])
            if got != want:
                wrong.append(f"{status} {action}: {got}, expected {want}: {reply}")
    check(f"{noun}: {done} times a status and an action", done and not wrong, "\n".join(wrong))


def main():
    with fresh() as server:
        server.hold_to_description()
        server.put("parties/lena", {"roles": ["leader"]})
        server.put("parties/shop", {"roles": ["merchant"]})
        server.put("goods/lamp", {"merchant": "shop", "price": 10000})
        cycles = server.get("life-cycles")["items"]
        for cycle in cycles:
            if cycle["noun"] in BODIES:
                walk(server, cycle)
        server.put("activities/twice", BODIES["activities"])
        act(server, "activities", "twice", "publish")
        reply = act(server, "activities", "twice", "publish")
        check("a refusal names the status found and those expected", (reply.json["code"], reply.json["at"]) == ("refused", "status")
              and "found \"" in reply.json["detail"] and "expected draft" in reply.json["detail"], reply)
        lines = [{"id": f"many{i}", "leader": "lena"} for i in range(3)] + [{"id": "lost", "leader": "nobody"}, {"id": "many9", "leader": "lena", "status": "published"}]
        reply = server.ask("POST", "/api/v1/activities:import", "".join(json.dumps(line) + "\n" for line in lines).encode())
        equal("an import takes what it can", (reply.json["accepted"], [(row["line"], row["code"]) for row in reply.json["errors"]]),
              (3, [(4, "invalid"), (5, "refused")]))
        equal("DELETE closes", (server.ask("DELETE", "/api/v1/activities/many0").status, server.get("activities/many0")["status"]), (200, "closed"))
        page = server.get("activities?limit=2")
        equal("a list has pages", (len(page["items"]), len(server.get(f"activities?limit=1&cursor={page['next_cursor']}")["items"])), (2, 1))
        before = [server.get(path) for path in ("activities/activities-1", "activities/many0", "activities?limit=1000", "plans?limit=1000")]
        server.kill()
        server.again()
        server.hold_to_description()
        names = ("activities/activities-1", "activities/many0", "activities?limit=1000", "plans?limit=1000")
        equal("the same after kill -9", [server.get(path) for path in names], before)
        server.stop()
        server.again()
        server.hold_to_description()
        equal("and from a checkpoint", [server.get(path) for path in names], before)
        equal("where it goes on", act(server, "activities", "many1", "publish").json["version"], 2)
        server.as_described()
    end()


main()
