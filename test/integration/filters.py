#!/usr/bin/env python3
"""?filter= of every list, from outside: filters that are drawn, well-formed and not, among them what costs much. Each is answered by a list or refused with a
reason, never by a failure; a comparison of one field gives what a look at each item gives; and the server goes on."""
import json
import os
import random
import urllib.parse

from serving import check, end, equal, fresh, seed

COUNT = int(os.environ.get("TRIB_FILTERS", "400"))
WORDS = ("true", "false", "null", "0", "-1", "9223372036854775807", "9223372036854775808", "1.5e308", "''", "'a'", "\"中\"", "b'\\xff'", "[]", "[1, 'a']", "{}",
         "{'a': 1}", "1u", "duration('1h')", "timestamp('2026-01-01T00:00:00Z')", "nothing", "in", "")
BINARY = ("==", "!=", "<", ">=", "&&", "||", "+", "-", "*", "/", "%", "in", "?", ":")
CALLS = ("size({0})", "has({0}.a)", "string({0})", "int({0})", "{0}.startsWith({1})", "{0}.matches({1})", "{0}.contains({1})", "!({0})", "-({0})", "{0}[{1}]",
         "{0}.exists(x, x == {1})", "{0}.all(x, {0}.exists(y, x == y))", "{0}.map(x, x)", "type({0})", "{0} ? {1} : {0}", "{0}.{1}")
DEAR = ("(" * 3000, "!" * 5000 + "true", "'" + "a" * 60000 + "' == id", "'aaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches('(a*)*$')", "[" * 400 + "]" * 400,
        "[1,2,3,4,5,6,7,8].all(a, [1,2,3,4,5,6,7,8].all(b, [1,2,3,4,5,6,7,8].all(c, [1,2,3,4,5,6,7,8].all(d, [1,2,3,4,5,6,7,8].all(e, a + b + c + d + e > 0)))))",
        " || ".join(f"id == 'x{n}'" for n in range(2000)), "id" + ".a" * 500, "\0", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"))


def lists(server):
    """Path → names of its items' fields, of all lists without a part in their path that is to be filled in."""
    described = server.ask("GET", "/openapi.json").json
    schemas, found = described["components"]["schemas"], {}
    for path, methods in described["paths"].items():
        names = {row.get("name") for row in methods.get("get", {}).get("parameters", [])}
        if "filter" not in names or "{" in path:
            continue
        answer = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        answer = schemas[answer["$ref"].rsplit("/", 1)[-1]] if "$ref" in answer else answer
        item = answer.get("properties", {}).get("items", {}).get("items", {})
        found[path] = sorted(schemas[item["$ref"].rsplit("/", 1)[-1]]["properties"]) if "$ref" in item else []
    return found


def drawn(fields, depth=0):
    dice = random.random()
    if depth > 3 or dice < 0.35:
        return random.choice(fields) if fields and random.random() < 0.7 else random.choice(WORDS)
    if dice < 0.7:
        return f"{drawn(fields, depth + 1)} {random.choice(BINARY)} {drawn(fields, depth + 1)}"
    if dice < 0.95:
        return random.choice(CALLS).format(drawn(fields, depth + 1), drawn(fields, depth + 1))
    return f"({drawn(fields, depth + 1)})"


def sensible(fields, depth=0):
    """Of the right types, for most values."""
    field, dice = random.choice(fields or ["id"]), random.random()
    if depth < 4 and dice < 0.4:
        return f"({sensible(fields, depth + 1)} {random.choice(('&&', '||'))} {sensible(fields, depth + 1)})"
    if dice < 0.5:
        return f"!{sensible(fields, depth + 1)}" if depth < 4 else "true"
    return random.choice(("{0} == null", "{0} != null", "dyn({0}) == 'a'", "dyn({0}) == 3", "string(dyn({0})).matches('^[a-m]+$')", "size(string(dyn({0}))) > 2",
                          "id.startsWith('p')", "true", "dyn({0}) in [1, 'active', null]", "has(ext.n) && ext.n > 3")).format(field)


def spoilt(text):
    """Some letters are others, or gone, or there twice."""
    letters = list(text)
    for _ in range(random.randrange(3)):
        at = random.randrange(len(letters) + 1)
        letters[at:at + random.randrange(2)] = random.choice(("", "(", ")", "'", "\\", "\n", "é", chr(random.randrange(1, 0x300))))
    return "".join(letters)


def ask(server, path, text, rest=""):
    return server.ask("GET", f"{path}?filter={urllib.parse.quote(text)}{rest}")


def fill(server):
    server.load("parties", [{"id": f"m{n}", "roles": ["merchant"], "level": n % 4, "region": random.choice(("zj", "gd", None)), "tags": ["a"] * (n % 3)} for n in range(40)]
                + [{"id": "l1", "roles": ["leader"]}, {"id": "c1", "roles": ["creator"]}])
    server.load("goods", [{"id": f"g{n}", "merchant": f"m{n % 40}", "price": n * 100, "ext": {"n": n}} for n in range(60)])
    server.load("plans", [{"id": f"p{n}", "merchant": f"m{n}", "goods": [f"g{n}"], "terms": {"commission_bps": 100 * n}} for n in range(40)])
    server.put("activities/a1", {"leader": "l1", "title": "t"})
    server.put("invitations/i1", {"from": "m1", "creator": "c1", "goods": ["g1"]})
    server.put("samples/s1", {"creator": "c1", "goods": ["g1"]})


def storm(server, paths):
    """Answered or refused: a list, or a place and a reason."""
    taken, refused, wrong = 0, 0, []
    for number in range(COUNT + len(DEAR)):
        path, fields = random.choice(sorted(paths.items()))
        text = DEAR[number] if number < len(DEAR) else random.choice((spoilt(drawn(fields)), drawn(fields), sensible(fields), sensible(fields)))
        reply = ask(server, path, text, random.choice(("", "&limit=3", "&cursor=x")))
        good = reply.status == 200 and isinstance(reply.json["items"], list) or reply.status in (400, 414, 422, 431) and (reply.status in (414, 431) or reply.json["code"])
        taken, refused = taken + (reply.status == 200), refused + (reply.status != 200)
        if not good:
            wrong.append((path, text[:200], str(reply)[:300]))
    equal("every filter is answered or refused", wrong[:5], [])
    check("some of each", taken > COUNT // 50 and refused > COUNT // 10, (taken, refused))
    print(f"# {taken} lists, {refused} refused")


def twin(server):
    """What one comparison of a field gives, beside a look at each item."""
    wrong = []
    for path, fields in (("/api/v1/parties", ("level", "region")), ("/api/v1/goods", ("price", "merchant")), ("/api/v1/plans", ("merchant", "status"))):
        items = server.ask("GET", f"{path}?limit=1000").json["items"]
        for _ in range(12):
            field = random.choice(fields)
            value = random.choice([item[field] for item in items if item[field] is not None])
            sign = random.choice(("==", "<", ">="))
            expected = [item["id"] for item in items if item[field] is not None and
                        {"==": item[field] == value, "<": item[field] < value, ">=": item[field] >= value}[sign]]
            text = f"{field} != null && {field} {sign} {json.dumps(value)}"
            found, cursor = [], ""
            while cursor is not None:
                page = ask(server, path, text, f"&limit=7{cursor and '&cursor=' + cursor}").json
                found, cursor = found + [item["id"] for item in page["items"]], page["next_cursor"]
            if found != expected:
                wrong.append((path, text, found, expected))
    equal("a comparison gives what a look at each item gives", wrong[:3], [])


def main():
    seed()
    with fresh() as server:
        fill(server)
        paths = lists(server)
        check("lists that take a filter are described", len(paths) > 8, sorted(paths))
        storm(server, paths)
        twin(server)
        equal("and the server goes on", server.ask("GET", "/healthz").status, 200)
    end()


if __name__ == "__main__":
    main()
