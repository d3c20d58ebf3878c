"""The house as a test: reads src/ and prints TAP, one line a room.

A room may include its own headers and the doors of the rooms before it in meson.build. A room's door is
src/<room>/<room>.h and the headers of the same room that the door includes; `base` has no door, all its
headers are public. Every source stands in its room's meson.build, and a function over 70 lines has a
comment before it (a warning only).
"""
import os
import re
import sys

ROOT = os.environ.get("TRIB_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SRC = os.path.join(ROOT, "src")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
SOURCES = (".c", ".cc")
LINES_MAX = 70


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def rooms():
    """The order of the house, from meson.build; cli comes last."""
    listed = re.search(r"foreach room : \[(.*?)\]\s*subdir\('src' / room\)", read(os.path.join(ROOT, "meson.build")), re.S)
    return re.findall(r"'([a-z]+)'", listed.group(1)) + ["cli"]


def files_of(room):
    """Paths below the room's folder, relative to src/."""
    found = []
    for folder, _, names in os.walk(os.path.join(SRC, room)):
        found += [os.path.relpath(os.path.join(folder, name), SRC) for name in names]
    return sorted(found)


def public_headers(room):
    """What others may include of a room: the door, and what the door includes of its own room."""
    if room == "base":
        return {path for path in files_of(room) if path.endswith(".h")}
    public, waiting = set(), [f"{room}/{room}.h"]
    while waiting:
        path = waiting.pop()
        if path in public or not os.path.exists(os.path.join(SRC, path)):
            continue
        public.add(path)
        waiting += [name for name in INCLUDE.findall(read(os.path.join(SRC, path))) if name.startswith(room + "/")]
    return public


def arrow_problem(room, target, order, public):
    """Why `room` may not include `target`, or None."""
    other = target.split("/")[0]
    if other == room or other not in order:  # a generated or outside header has no room
        return None
    if order.index(other) > order.index(room):
        return f"points up: {room} comes before {other}"
    if target not in public[other]:
        return f"goes past the door of {other} (src/{other}/{other}.h)"
    return None


def long_functions(path):
    """(line, length, name) of functions over LINES_MAX lines without a comment right before them."""
    lines = read(path).split("\n")
    start = None
    for number, line in enumerate(lines):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            head = start
            while head > 0 and lines[head - 1] and not lines[head - 1].endswith(("*/", "}", ";")):
                head -= 1
            commented = head > 0 and lines[head - 1].endswith("*/")
            if number - head > LINES_MAX and not commented:
                yield head + 1, number - head + 1, lines[head]
            start = None


def check(room, order, public):
    problems = []
    build = os.path.join(SRC, room, "meson.build")
    listed = set(re.findall(r"'([^']+)'", read(build))) if os.path.exists(build) else set()
    for path in files_of(room):
        full = os.path.join(SRC, path)
        inside = os.path.relpath(path, room)
        if not path.endswith(SOURCES + (".h",)):
            continue
        if path.endswith(SOURCES) and inside not in listed:
            problems.append(f"src/{path}: not listed in src/{room}/meson.build, so nothing builds it")
        for target in INCLUDE.findall(read(full)):
            why = arrow_problem(room, target, order, public)
            if why:
                problems.append(f'src/{path}: #include "{target}" {why}')
        for line, length, name in long_functions(full):
            print(f"# warning: src/{path}:{line}: {length} lines, {LINES_MAX} wanted: {name[:70]}")
    return problems


def unlisted_tests():
    """Tests and fuzz targets that are there but that nothing runs."""
    for folder, _, names in os.walk(os.path.join(ROOT, "test", "unit")):
        build = os.path.join(folder, "meson.build")
        listed = read(build) if os.path.exists(build) else ""
        for name in sorted(names):
            if name.endswith("_test.c") and f"'{name[:-len('_test.c')]}'" not in listed:
                yield f"{os.path.relpath(os.path.join(folder, name), ROOT)}: not in its meson.build, so nothing runs it"
    fuzz = os.path.join(ROOT, "fuzz")
    listed = read(os.path.join(fuzz, "meson.build"))
    for name in sorted(os.listdir(fuzz)):
        if name.endswith(".c") and name != "replay.c" and f"'{name[:-2]}'" not in listed:
            yield f"fuzz/{name}: not in fuzz/meson.build, so nothing runs it"


def main():
    order = rooms()
    public = {room: public_headers(room) for room in order}
    failed = False
    print(f"1..{len(order) + 2}")
    for number, room in enumerate(order, 1):
        problems = check(room, order, public)
        for problem in problems:
            print(f"# {problem}")
        print(f"{'not ok' if problems else 'ok'} {number} - {room}")
        failed = failed or bool(problems)
    strangers = sorted(set(os.listdir(SRC)) - set(order))
    for name in strangers:
        print(f"# src/{name}: not a room of meson.build")
    print(f"{'not ok' if strangers else 'ok'} {len(order) + 1} - every folder is a room")
    unlisted = list(unlisted_tests())
    for problem in unlisted:
        print(f"# {problem}")
    print(f"{'not ok' if unlisted else 'ok'} {len(order) + 2} - every test is run")
    return 1 if failed or strangers or unlisted else 0


if __name__ == "__main__":
    sys.exit(main())
