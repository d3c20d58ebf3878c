#!/usr/bin/env python3
"""The conformance tests of the cel-spec itself, through `tributary eval`.

They are published as a Go module, which `go mod download` fetches; TRIB_CEL_SPEC names a folder that has it already.
Skipped where neither is to be had. Cases that name a protobuf message are left out; of the others each must pass but
those that docs/cel.md lists, and those must fail: the list is neither longer nor shorter than the truth.

    cel_conformance.py [--list]     --list prints every case that fails
"""
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import serving
from serving import check, end, skip_all

MODULE = "cel.dev/expr@v0.24.0"
FILES = ("basic comparisons conversions fields fp_math integer_math lists logic macros namespace parse plumbing string "
         "string_ext math_ext timestamps").split()
MESSAGES = re.compile(r"google\.protobuf|TestAllTypes|NestedTestAllTypes|cel\.expr\.conformance|object_value|enum_value")
TOKEN = re.compile(r"""\s+|\#[^\n]*|(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<word>[A-Za-z0-9_.+\-]+)|"""
                   r"""(?P<any>\[[^\]"']*\])|(?P<mark>[{}:<>\[\],;])""")
ESCAPES = {"n": 10, "t": 9, "r": 13, "a": 7, "b": 8, "f": 12, "v": 11, "\\": 92, "'": 39, '"': 34, "?": 63}


# --- Reading the text format: a message is a list of (name, value), a value a message, bytes or a word ------------------

def unescape(quoted):
    out, i, body = bytearray(), 0, quoted[1:-1]
    while i < len(body):
        if body[i] != "\\":
            out += body[i].encode()
            i += 1
            continue
        c = body[i + 1]
        if c in ESCAPES:
            out.append(ESCAPES[c])
            i += 2
        elif c in "xX":
            digits = re.match(r"[0-9a-fA-F]{1,2}", body[i + 2:]).group()
            out.append(int(digits, 16))
            i += 2 + len(digits)
        elif c in "uU":
            size = 4 if c == "u" else 8
            out += chr(int(body[i + 2:i + 2 + size], 16)).encode()
            i += 2 + size
        else:
            digits = re.match(r"[0-7]{1,3}", body[i + 1:]).group()
            out.append(int(digits, 8) & 255)
            i += 1 + len(digits)
    return bytes(out)


def tokens(text):
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise ValueError(f"no text format at {text[at:at + 40]!r}")
        at = match.end()
        if match.lastgroup:
            yield match.lastgroup, match.group()


def parse(stream, closing=None):
    """Until the closing mark; stream is a list, taken from its end."""
    message = []
    while stream:
        kind, name = stream.pop()
        if kind == "mark" and name in ",;":
            continue
        if kind == "mark":
            if name != closing:
                raise ValueError(f"found {name!r}")
            return message
        if stream[-1] == ("mark", ":"):
            stream.pop()
        message += [(name, value) for value in values(stream)]
    if closing:
        raise ValueError("the end came early")
    return message


def values(stream):
    kind, text = stream.pop()
    if kind == "mark" and text in "{<":
        return [parse(stream, "}" if text == "{" else ">")]
    if kind == "any" or (kind == "mark" and text == "["):
        if kind == "any":  # a list of words or numbers
            return [word for word in re.split(r"[\s,]+", text[1:-1]) if word]
        found = []
        while stream[-1] != ("mark", "]"):
            if stream[-1] == ("mark", ","):
                stream.pop()
            else:
                found += values(stream)
        stream.pop()
        return found
    if kind != "text":
        return [text]
    out = unescape(text)
    while stream and stream[-1][0] == "text":
        out += unescape(stream.pop()[1])
    return [out]


def get(message, name, default=None):
    return next((value for key, value in message if key == name), default)


def every(message, name):
    return [value for key, value in message if key == name]


# --- From the spec's values and types to those of `tributary eval` -----------------------------------------------------

def number(word):
    lower = word.lower()
    if lower in ("nan", "-nan"):
        return "NaN"
    if lower.lstrip("-") in ("inf", "infinity"):
        return "-Infinity" if lower.startswith("-") else "Infinity"
    return float(word)


def typed(value):
    kind, content = value[0]
    if kind == "null_value":
        return {"null": None}
    if kind == "bool_value":
        return {"bool": content == "true"}
    if kind in ("int64_value", "uint64_value"):
        return {kind[:-8]: int(content, 0)}
    if kind == "double_value":
        return {"double": number(content)}
    if kind == "string_value":
        return {"string": content.decode()}
    if kind == "bytes_value":
        return {"bytes": base64.b64encode(content).decode()}
    if kind == "type_value":
        return {"type": content.decode()}
    if kind == "list_value":
        return {"list": [typed(item) for item in every(content, "values")]}
    if kind == "map_value":
        return {"map": [[typed(get(entry, "key")), typed(get(entry, "value"))] for entry in every(content, "entries")]}
    raise LookupError(kind)


PRIMITIVES = {"BOOL": "bool", "INT64": "int", "UINT64": "uint", "DOUBLE": "double", "STRING": "string", "BYTES": "bytes"}


def type_name(message):
    kind, content = message[0]
    if kind == "primitive":
        return PRIMITIVES[content]
    if kind == "wrapper":
        return f"wrapper({PRIMITIVES[content]})"
    if kind == "list_type":
        return f"list({type_name(get(content, 'elem_type'))})"
    if kind == "map_type":
        return f"map({type_name(get(content, 'key_type'))}, {type_name(get(content, 'value_type'))})"
    if kind == "well_known":
        return {"TIMESTAMP": "timestamp", "DURATION": "duration", "ANY": "dyn"}[content]
    if kind in ("dyn", "null"):
        return {"dyn": "dyn", "null": "null_type"}[kind]
    if kind == "type":
        return "type"
    raise LookupError(kind)


def same(want, got):
    """Values of one kind and content; doubles by value, NaN equals itself, maps in any order."""
    if want.keys() != got.keys():
        return False
    kind = next(iter(want))
    a, b = want[kind], got[kind]
    if kind == "list":
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if kind == "map":
        return len(a) == len(b) and all(any(same(k, l) and same(v, w) for l, w in b) for k, v in a)
    if kind == "double":
        return a == b if isinstance(a, str) or isinstance(b, str) else float(a) == float(b)
    return int(a) == int(b) if kind in ("int", "uint") else a == b


# --- Cases -------------------------------------------------------------------------------------------------------------

def request_of(case):
    request = {"expr": get(case, "expr").decode(),
               "vars": {get(b, "key").decode(): typed(get(get(b, "value"), "value")) for b in every(case, "bindings")}}
    types = {get(d, "name").decode(): type_name(get(get(d, "ident"), "type")) for d in every(case, "type_env")
             if get(d, "ident")}
    if types:
        request["types"] = types
    if get(case, "container"):
        request["container"] = get(case, "container").decode()
    if get(case, "disable_check") == "true":
        request["check"] = False
    return request


def passes(case, answer):
    if get(case, "eval_error") is not None or get(case, "any_eval_errors") is not None:
        return "error" in answer
    want = get(case, "value")
    if want is None and get(case, "typed_result"):
        want = get(get(case, "typed_result"), "result")
    return "value" in answer and same(typed(want) if want else {"bool": True}, answer["value"])


def cases(folder):
    """(name, case, request) of every case that names no message."""
    for file in FILES:
        with open(os.path.join(folder, file + ".textproto"), encoding="utf-8") as source:
            message = parse(list(tokens(source.read()))[::-1])
        for section in every(message, "section"):
            for case in every(section, "test"):
                name = "/".join([file, get(section, "name").decode(), get(case, "name").decode()])
                if MESSAGES.search(repr(case)) or get(case, "unknown") is not None:
                    continue
                if get(case, "check_only") == "true" or get(case, "disable_macros") == "true":
                    continue
                yield name, case, request_of(case)


def find_spec(temp):
    folder = os.environ.get("TRIB_CEL_SPEC")
    if not folder and shutil.which("go"):
        with open(os.path.join(temp, "go.mod"), "w", encoding="utf-8") as file:
            file.write("module conformance\n")
        try:
            done = subprocess.run(["go", "mod", "download", "-json", MODULE], cwd=temp, capture_output=True, text=True,
                                  timeout=60, check=False)
            folder = json.loads(done.stdout or "{}").get("Dir")
        except (subprocess.TimeoutExpired, ValueError):
            folder = None
    folder = folder and os.path.join(folder, "tests", "simple", "testdata")
    return folder if folder and os.path.isdir(folder) else None


def known_failures():
    with open(os.path.join(serving.ROOT, "docs", "cel.md"), encoding="utf-8") as file:
        return set(re.findall(r"^\| `(\w+/\w+/\w+)` \|", file.read(), re.M))


def main():
    with tempfile.TemporaryDirectory(prefix="tributary-cel-") as temp:
        folder = find_spec(temp)
        if not folder:
            skip_all("the cel-spec's tests are not here, nor a Go that fetches them")
        all_cases = list(cases(folder))
    lines = "".join(json.dumps(request) + "\n" for _, _, request in all_cases)
    done = subprocess.run([serving.BIN, "eval"], input=lines, capture_output=True, text=True, timeout=300, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    check("every case is answered", len(answers) == len(all_cases), f"{len(answers)} of {len(all_cases)}")
    failed = {name: (request, answer) for (name, case, request), answer in zip(all_cases, answers)
              if not passes(case, answer)}
    if "--list" in sys.argv:
        for name, (request, answer) in failed.items():
            print(name, json.dumps(request, ensure_ascii=False), "→", json.dumps(answer, ensure_ascii=False))
    print(f"# {len(all_cases) - len(failed)} of {len(all_cases)} cases pass")
    check("at least 98 % pass", len(failed) <= 0.02 * len(all_cases), f"{len(failed)} of {len(all_cases)} fail")
    check("docs/cel.md lists those that fail, and no others", set(failed) == known_failures(),
          sorted(set(failed) ^ known_failures())[:20])
    end()


if __name__ == "__main__":
    main()
