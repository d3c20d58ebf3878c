#!/usr/bin/env python3
"""`tributary play` from outside: the play of docs/plays.md is right, a new one is, and what is broken is named."""
import os
import re
import sys
import tempfile

import serving
from serving import check, end, equal, tributary, write


def play(*words, folder="."):
    return tributary("play", *words, folder=folder)


def documented(folder):
    """The blocks of docs/plays.md that name a file, as files."""
    with open(os.path.join(serving.ROOT, "docs", "plays.md"), encoding="utf-8") as file:
        blocks = re.findall(r"^```(?:yaml|json|lua) (\S+)\n(.*?)^```$", file.read(), re.S | re.M)
    for name, text in blocks:
        write(folder, "slot-live/" + name, text)
    return {name for name, _ in blocks}


def check_shipped():
    """Those of plays/: right, all cases hold, each can be told from the others, and the documents name them."""
    root = os.path.join(serving.ROOT, "plays")
    names = sorted(os.listdir(root))
    code, out, err = play("test", *names, folder=root)
    equal("the plays that ship hold all of their cases", (code, "not ok" in out, err), (0, False, ""))
    equal("each has cases and a checklist", [name for name in names if f" - {name}: " not in out or
                                             not os.path.exists(os.path.join(root, name, "checklist.yaml"))], [])
    with open(os.path.join(serving.ROOT, "docs", "plays.md"), encoding="utf-8") as file:
        equal("the documents name them all", set(re.findall(r"^\| `([a-z-]+)` [^|]*[\u4e00-\u9fff]", file.read(), re.M)), set(names))


def main():
    check_shipped()
    with tempfile.TemporaryDirectory() as folder:
        files = documented(folder)
        equal("the documents show every kind of file", files,
              {"play.yaml", "ext.schema.json", "flow.yaml", "rules/live.json", "hooks.lua", "cases/slot.yaml", "checklist.yaml"})
        equal("the play of the documents is right", play("check", "slot-live", folder=folder), (0, "slot-live: right, 9 cases\n", ""))
        code, out, err = play("test", "slot-live/", folder=folder)
        equal("and its cases hold", (code, out.splitlines()[0], len(re.findall(r"^ok \d+ - slot-live: ", out, re.M)), err),
              (0, "1..9", 9, ""))

        equal("a new play is made in silence", play("new", "fresh", folder=folder), (0, "", ""))
        code, out, err = play("test", "fresh", folder=folder)
        equal("it is right and its cases hold", (code, out.count("\nok "), "not ok" in out, err), (0, 4, False, ""))
        equal("a new play never overwrites", play("new", "fresh", folder=folder)[0], 1)
        equal("nor is one made of a bad name", (play("new", "Not Good", folder=folder)[0], os.path.exists(os.path.join(folder, "Not Good"))),
              (1, False))

        write(folder, "child/play.yaml", "name: child\nparent: slot-live\nwhen: request.level > 3\n")
        write(folder, "child/cases/a.yaml", "- {case: it wins, request: {scene: live, kind: targeted, level: 4}, expect: {play: child}}\n"
              "- {case: it does not, request: {scene: live, kind: targeted}, expect: {play: child}}\n"
              "- {case: a tree of the parent, rules: live, facts: {touch: true}, expect: {node: slot-live}}\n")
        code, out, err = play("test", "child", folder=folder)
        equal("a parent is found beside its child; a case that does not hold fails", (code, err), (1, ""))
        check("and says what was found", out == "1..3\nok 1 - child: it wins\nnot ok 2 - child: it does not\n"
              "# cases/a.yaml:2: play: found slot-live, expected child; the `when` of child is false\nok 3 - child: a tree of the parent\n", out)

        write(folder, "slot-live/rules/live.json", '{"root": {"id": "r",\n  "when": "order.bsae > 1"}}')
        code, out, err = play("check", "child", "fresh", folder=folder)
        equal("what is broken ends with 1", (code, out), (1, ""))
        check("with file, line and reason", re.match(r"tributary play: slot-live/rules/live\.json:2: r\.when: found .*order\.bsae", err), err)
        write(folder, "slot-live/flow.txt", "")
        check("a file that no play has is refused", "slot-live/flow.txt: found a file that no play has" in play("check", "slot-live", folder=folder)[2])
        write(folder, "other/play.yaml", "name: another\nwhen: 'true'\n")
        check("a play bears its folder's name", "expected the folder's name" in play("check", "other", folder=folder)[2])
        write(folder, "orphan/play.yaml", "name: orphan\nparent: nobody\nwhen: 'true'\n")
        check("a parent that is not there", "nobody: No such file" in play("check", "orphan", folder=folder)[2])
        write(folder, "deep/play.yaml", "name: deep\nwhen: 'true'\n")
        write(folder, "deep/cases/more/a.yaml", "")
        check("folders in folders are refused", "deep/cases/more: found no file" in play("check", "deep", folder=folder)[2])
        for words in ((), ("check",), ("new",), ("new", "a", "b"), ("install",), ("list", "x"), ("rollback",), ("diff",), ("check", "--all"), ("list", "--http")):
            equal(f"usage: {words}", play(*words, folder=folder)[0], 2)
    end()


if __name__ == "__main__":
    sys.exit(main())
