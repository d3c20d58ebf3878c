"""Answers of the HTTP door against /openapi.json, both ways: nothing that it does not say, nothing missing that it promises."""
import re

FREE = ("body", "change", "checklist", "ext", "facts", "input", "outcomes", "output", "results", "schema")  # objects whose members are somebody's own


def conforms(document, schema, value, at="$", shown=None):
    """The first thing wrong with an answer by the part of JSON Schema that the description uses, or None. What the
    description does not tell of is wrong, too: only maps and JSON of somebody's own may hold anything."""
    if "$ref" in schema:
        node, name = document, schema["$ref"].rsplit("/", 1)[1]
        for step in schema["$ref"][2:].split("/"):
            node = node[step]
        if shown is not None and isinstance(value, dict):
            shown.update((name, key) for key, member in value.items() if member is not None)
        return conforms(document, node, value, at, shown)
    if "oneOf" in schema:
        wrong = [conforms(document, one, value, at, shown) for one in schema["oneOf"]]
        return None if wrong.count(None) == 1 else f"{at}: {wrong}"
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    name = ("null" if value is None else "boolean" if isinstance(value, bool) else "integer" if isinstance(value, int)
            else "number" if isinstance(value, float) else "string" if isinstance(value, str)
            else "array" if isinstance(value, list) else "object")
    if types and name not in types and not (name == "integer" and "number" in types):
        return f"{at}: found {name}, expected {types}"
    if value is not None and "enum" in schema and value not in schema["enum"]:
        return f"{at}: found {value}, expected {schema['enum']}"
    if name == "integer" and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        return f"{at}: {value} is out of bounds"
    if name == "object":
        if "properties" not in schema and "additionalProperties" not in schema and at.rsplit(".", 1)[-1] not in FREE:
            return f"{at}: the description does not say what is in it"
        for required in schema.get("required", []):
            if required not in value:
                return f"{at}: no {required}"
        for key, member in value.items():
            if key in schema.get("properties", {}):
                wrong = conforms(document, schema["properties"][key], member, f"{at}.{key}", shown)
                if wrong:
                    return wrong
            elif isinstance(schema.get("additionalProperties"), dict):
                wrong = conforms(document, schema["additionalProperties"], member, f"{at}.{key}", shown)
                if wrong:
                    return wrong
            elif "properties" in schema:
                return f"{at}: {key} is not in the description"
    if name == "array":
        for i, member in enumerate(value):
            wrong = conforms(document, schema.get("items", {}), member, f"{at}[{i}]", shown)
            if wrong:
                return wrong
    return None


def described(document, method, pattern, reply, shown=None):
    operation = document["paths"][pattern][method.lower()]
    answer = operation["responses"].get(str(reply.status)) or (operation["responses"]["default"] if reply.status >= 300 else None)
    if not answer:
        return f"{reply.status} is not in the description"
    media = reply.headers["Content-Type"].split(";")[0]
    if media not in answer["content"]:
        return f"{media} is not in the description"
    return conforms(document, answer["content"][media]["schema"], reply.json, "$", shown)


class Description:
    """Holds every reply of a server to its description: what does not conform is kept in `wrong`."""

    def __init__(self, document):
        self.document, self.wrong, self.seen, self.shown = document, [], set(), set()
        self.patterns = []
        for pattern in sorted(document["paths"], key=lambda text: (-len(re.sub(r"{[^}]*}", "", text)), text)):
            expression = re.sub(r"{(order|category)}", "(.+)", re.sub(r"{(?!order|category)[^}]*}", "([^/]+)", re.sub(r"([.:])", r"\\\1", pattern)))
            self.patterns.append((re.compile(expression + "$"), pattern))

    def hold(self, method, path, reply):
        path = path.split("?")[0]
        pattern = next((pattern for expression, pattern in self.patterns
                        if method.lower() in self.document["paths"][pattern] and expression.match(path)), None)
        if not pattern or not reply.headers["Content-Type"].split(";")[0].endswith("json"):
            return
        self.seen.add((method, pattern))
        wrong = described(self.document, method, pattern, reply, self.shown)
        if wrong:
            self.wrong.append(f"{method} {path}: {reply.status} {wrong}")

    def never_shown(self, names):
        """Fields of these schemas that no answer has had so far."""
        return sorted(f"{name}.{key}" for name in names for key in self.document["components"]["schemas"][name]["properties"]
                      if (name, key) not in self.shown)
