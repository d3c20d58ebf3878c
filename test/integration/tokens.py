#!/usr/bin/env python3
"""Tokens at a running server's doors: whatever was changed is refused, and keys rotate while it runs."""
import base64
import json
import os
import re
import signal
import subprocess
import time

import serving
from serving import BIN, RespError, check, end, equal

WAIT_SECONDS_MAX = 60
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def make_market(server):
    server.put("parties/m1", {"roles": ["merchant"]})
    server.put("parties/c1", {"roles": ["creator"]})
    server.put("goods/g1", {"merchant": "m1", "price": 1999})
    server.put("plans/p1", {"goods": ["g1"], "merchant": "m1", "terms": {"commission_bps": 1000}})
    server.put("registrations/r1", {"channel": "live"})
    server.put("registrations/r2", {"channel": "video"})


def key_command(server, *words):
    return json.loads(subprocess.run([BIN, "key", *words, "--data", server.data, "--json"], check=True,
                                     stdout=subprocess.PIPE, timeout=60).stdout)


def key_of(token):
    """The second byte: key ids up to 127 take one."""
    return base64.urlsafe_b64decode(token[:4])[1]


def track(client, token):
    reply = client("TRACK", token)
    return dict(zip(reply[0::2], reply[1::2]))


def wait_until(question):
    until = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < until:
        if question():
            return True
        time.sleep(0.02)
    return False


def changed_tokens(token):
    """Every character another, every cut, some extensions, some other spellings."""
    for i, right in enumerate(token):
        for wrong in (ALPHABET[ALPHABET.index(right) ^ 1], ALPHABET[ALPHABET.index(right) ^ 32], "=", "é"):
            yield token[:i] + wrong + token[i + 1:]
    for size in range(len(token)):
        yield token[:size]
        yield token[size + 1:]
    for more in ("A", "=", "==", " ", "\n", "\0", token, "A" * 200):
        yield token + more
        yield more + token
    yield token.swapcase()
    yield token[::-1]


def check_changes(client, token):
    texts = list(changed_tokens(token))
    replies = client.many([("TRACK", text) for text in texts])
    accepted = [text for text, reply in zip(texts, replies)
                if isinstance(reply, RespError) or reply[:2] != ["outcome", "bad_token"]]
    check(f"{len(texts)} changed tokens are refused", not accepted, accepted[:5])
    reasons = {reply[3] for reply in replies if not isinstance(reply, RespError) and len(reply) == 4}
    check("each with a reason", reasons <= {"malformed", "unknown_key", "key_not_valid", "mac"}, reasons)
    touches = client.many([("TOUCH", "u1", text) for text in texts if text.isascii() and text.isprintable()])
    check("none is a touch", all(reply == "bad_token" for reply in touches), touches[:5])
    orders = client.many([("ATTRIBUTE", f"bad-{i}", "u1", "g1", 1999, text, "BRIEF")
                              for i, text in enumerate(texts[:500]) if text not in ("", "-")])
    check("none attributes an order", all(reply == ["bad_token", 0] for reply in orders), orders[:5])


def check_rotation(server, client, old):
    added = key_command(server, "add")
    equal("the new key has the next id", added["id"], 2)
    check("the running server signs with it", wait_until(lambda: key_of(client("LINK", "live", "c1", "g1")) == 2))
    new = client("LINK", "live", "c1", "g1")
    equal("the old key still verifies", track(client, old)["outcome"], "ok")
    equal("so does the new one", track(client, new)["outcome"], "ok")
    key_command(server, "add", "--scope", "r2")
    server.process.send_signal(signal.SIGHUP)
    check("a scoped key signs for its registration", wait_until(lambda: key_of(client("LINK", "video", "c1", "g1")) == 3))
    equal("and for no other", key_of(client("LINK", "live", "c1", "g1")), 2)
    key_command(server, "retire", "1")
    check("a retired key verifies no more", wait_until(lambda: track(client, old)["outcome"] == "bad_token"))
    equal("and says so", track(client, old), {"outcome": "bad_token", "reason": "key_not_valid"})
    equal("over HTTP too", server.get(f"tracks/{old}")["reason"], "key_not_valid")
    return new


def check_broken_file(server, client, token):
    path = os.path.join(server.data, "keys", "token.keys")
    with open(path, "rb") as file:
        good = file.read()
    with open(path, "r+b") as file:
        file.write(b"rubbish")
    check("a broken file is logged", wait_until(lambda: "token.keys" in server.log), server.log)
    equal("the last good keys stay", track(client, token)["outcome"], "ok")
    equal("and sign", key_of(client("LINK", "live", "c1", "g1")), 2)
    with open(path, "wb") as file:
        file.write(good)
    key_command(server, "add")
    check("the repaired file is taken up", wait_until(lambda: key_of(client("LINK", "live", "c1", "g1")) == 4))
    return set(re.findall(rb"\b[0-9a-f]{32}\b", good))


def main():
    with serving.fresh() as server:
        make_market(server)
        client = server.client()
        token = client("LINK", "live", "c1", "g1", "CARRIER", "live", "room-1", "c1", "PAGE", "live_cart", "EXT", "k", "v")
        said = track(client, token)
        check("a token says what the link said", said["outcome"] == "ok" and said["creator"] == "c1" and said["goods"] == "g1" and
              said["plan"] == "p1@1" and said["channel"] == "live" and said["page"] == "live_cart", said)
        equal("times in order", said["expires_at"] - said["issued_at"], 30 * 86400000)
        check_changes(client, token)
        with serving.fresh() as other:
            make_market(other)
            foreign = other.client()("LINK", "live", "c1", "g1")
        equal("another server's token is refused", track(client, foreign), {"outcome": "bad_token", "reason": "mac"})
        new = check_rotation(server, client, token)
        secrets = check_broken_file(server, client, new)
        log = server.log
        check("no secret is in the log", secrets and not any(secret.decode() in log for secret in secrets))
        equal("it stops", server.stop(), 0)
        os.chmod(os.path.join(server.data, "keys", "token.keys"), 0o644)
        started = subprocess.run([BIN, "serve", "--data", server.data, "--resp", "off", "--http", "127.0.0.1:0"],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        check("it does not start with keys that others may read",
              started.returncode == 1 and "0644" in started.stdout, started.stdout[-500:])
    end()


main()
