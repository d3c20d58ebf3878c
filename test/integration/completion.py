#!/usr/bin/env python3
"""Shell completion, as bash asks for it: commands, a command's options, file names."""
import os
import shutil
import subprocess

import serving
from serving import check, end, equal, skip_all


def completed(*words):
    script = ('source <("$TRIB" completion bash); COMP_WORDS=("$TRIB" "$@"); COMP_CWORD=$#; _tributary; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", *words], env={**os.environ, "TRIB": serving.BIN},
                          capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.split()


def main():
    if not shutil.which("bash"):
        skip_all("no bash")
    equal("a command by its beginning", completed("serv"), ["serve"])
    check("all commands", {"serve", "eval", "credit", "completion", "help"} <= set(completed("")))
    equal("an option of a command", completed("credit", "--half"), ["--half-life"])
    check("the options of serve", {"--data", "--resp", "--http", "--sync"} <= set(completed("serve", "--")))
    equal("what can be done with plays", completed("play", ""), ["check", "diff", "install", "list", "new", "rollback", "test"])
    equal("by its beginning", completed("play", "in"), ["install"])
    check("then files", "README.md" in completed("play", "check", os.path.join(serving.ROOT, "READ"))[0])
    check("files", "README.md" in completed("credit", os.path.join(serving.ROOT, "READ"))[0])
    done = subprocess.run([serving.BIN, "completion", "fish"], capture_output=True, text=True, check=False, timeout=60)
    equal("another shell is refused", (done.returncode, "expected bash or zsh" in done.stderr), (2, True))
    end()


if __name__ == "__main__":
    main()
