"""redis-py, over RESP2: single commands, a pipeline, errors as exceptions."""
import json
import os
import sys

import redis

failed = False


def expect(what, found, good):
    global failed
    if not good:
        failed = True
        print(f"{what}: found {found!r}")


def error_of(call, *words):
    try:
        return f"no error but {call(*words)!r}"
    except redis.ResponseError as error:
        return str(error)


def as_map(flat):
    return dict(zip(flat[0::2], flat[1::2]))


def main():
    client = redis.Redis(port=int(os.environ["TRIB_RESP_PORT"]), decode_responses=True, client_name="redis-py")
    do = client.execute_command
    expect("ping", client.ping(), client.ping() is True)
    expect("info", client.info(), isinstance(client.info(), dict) and client.info())
    expect("client name", client.client_getname(), client.client_getname() == "redis-py")
    token = do("LINK", "live", "c1", "g1", "CARRIER", "live", "room-1", "c1", "EXT", "k", "v")
    expect("LINK", token, isinstance(token, str) and len(token) <= 120)
    track = do("TRACK", token)
    expect("TRACK", track, track[:2] == ["outcome", "ok"])
    track = as_map(track)
    expect("TRACK fields", track, track["creator"] == "c1" and track["plan"] == "p1@1" and
           isinstance(track["issued_at"], int) and track["expires_at"] > track["issued_at"])
    expect("TRACK rubbish", do("TRACK", "rubbish"), do("TRACK", "rubbish") == ["outcome", "bad_token", "reason", "malformed"])
    expect("TOUCH", None, do("TOUCH", "py-user", token) == "recorded")
    order = do("ATTRIBUTE", "py-1", "py-user", "g1", 1999, token)
    expect("ATTRIBUTE keys", order, order[0::2] == ["outcome", "rules", "node", "charged", "currency", "credits"])
    answer = as_map(order)
    expect("ATTRIBUTE", answer, answer["outcome"] == "attributed" and answer["charged"] == 199)
    touch, plan, base, lines = answer["credits"][0]
    expect("credits", answer["credits"], len(answer["credits"]) == 1 and str(touch) == str(track["link"]) and
           plan == "p1@1" and base == 1999 and lines == [["commission", "creator", "merchant", 199]])
    expect("repeat", None, do("ATTRIBUTE", "py-1", "py-user", "g1", "1999", token) == order)
    text = error_of(do, "ATTRIBUTE", "py-1", "py-user", "g1", 2000, token)
    expect("conflict", text, text.startswith("CONFLICT"))
    text = error_of(do, "ATTRIBUTE", "py-2", "py-user", "g1", "much", token)
    expect("bad amount", text, "much" in text)
    text = error_of(do, "NOSUCH")
    expect("unknown command", text, "unknown command" in text)
    pipe = client.pipeline(transaction=False)
    for i in range(5000):
        pipe.execute_command("ATTRIBUTE", f"py-pipe-{i}", "py-user", "g1", 1000 + i, "-", "BRIEF")
    replies = pipe.execute()
    expect("pipeline", replies[:3], replies == [["attributed", (1000 + i) // 10] for i in range(5000)])
    explained = json.loads(do("EXPLAIN", "py-1"))
    expect("EXPLAIN", explained, explained["order"] == "py-1" and explained["outcome"] == "attributed")
    # Many connections, as a web application has.
    pool = [redis.Redis(port=int(os.environ["TRIB_RESP_PORT"]), decode_responses=True) for _ in range(50)]
    expect("connections", None, all(one.execute_command("TRACK", token)[1] == "ok" for one in pool))
    return failed


sys.exit(main())
