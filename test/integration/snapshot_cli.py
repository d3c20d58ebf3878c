#!/usr/bin/env python3
"""`tributary snapshot` from a running server and from a folder at rest, GET /api/v1/snapshot beside it, `tributary key export`."""
import os
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import BIN, check, end, equal, fresh


def run(*words):
    done = subprocess.run([BIN, *words], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def head(path):
    """market, since, position of a snapshot's header."""
    with open(path, "rb") as file:
        data = file.read(48)
    return data[:8], [int.from_bytes(data[i:i + 8], "little") for i in (16, 24, 32)]


def main():
    with tempfile.TemporaryDirectory(prefix="tributary-snapshot-") as folder:
        data, first, second, keys = (os.path.join(folder, name) for name in ("data", "first", "second", "keys"))
        with fresh(data=data) as server:
            server.put("parties/m1", {"roles": ["merchant"]})
            position = server.put("goods/g1", {"merchant": "m1"})["position"]
            code, out, _ = run("snapshot", "--http", f"127.0.0.1:{server.http}", "-o", first)
            equal("from a running server", (code, out.split()[-1]), (0, str(position)))
            magic, (market, since, at) = head(first)
            equal("its header", (magic, since, at), (b"TRIBSNAP", 0, position))
            reply = server.ask("GET", f"/api/v1/snapshot?since={position}")
            check("nothing since then is a small delta", reply.status == 200 and len(reply.body) < 200, reply)
            equal("a position ahead of the server is a conflict", server.ask("GET", "/api/v1/snapshot?since=99999999999").status, 409)
            equal("no number is refused", server.ask("GET", "/api/v1/snapshot?since=x").status, 400)
            equal("keys are refused where no access token is needed", server.ask("GET", "/api/v1/keys/client").status, 403)
            code, _, err = run("snapshot", "--data", data, "-o", second)
            check("a folder that is in use is refused", code == 1 and not os.path.exists(second), err)
            server.stop()
        code, out, err = run("snapshot", "--data", data, "-o", second)
        equal("from the folder at rest", (code, out.split()[-1:] or err), (0, [str(position)]))
        equal("it is of the same market", head(second)[1], [market, 0, position])
        equal("usage errors", [run("snapshot")[0], run("snapshot", "-o", "x", "--data", "a", "--http", "b")[0]], [2, 2])
        code, _, err = run("snapshot", "--data", os.path.join(folder, "none"), "-o", "x")
        check("a folder that is not there is not made", code == 1 and not os.path.exists(os.path.join(folder, "none")), err)
        code, _, err = run("key", "export", keys, "--data", data)
        with open(keys, encoding="ascii") as file:
            equal("keys go to a file", (code, file.readline()), (0, "tributary client keys 1\n"))
        equal("which nobody else may read", stat.S_IMODE(os.stat(keys).st_mode), 0o600)
        with open(first, "rb") as file:
            snapshot = file.read()
        with open(keys, encoding="ascii") as file:
            secrets = [line.split()[-1] for line in file if len(line.split()[-1]) == 32]
        check("no key is in a snapshot", secrets and not any(
            secret.encode() in snapshot or bytes.fromhex(secret) in snapshot for secret in secrets))
    end()


main()
