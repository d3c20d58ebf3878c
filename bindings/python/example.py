"""Ten lines: resolve one order here, or ask the server. example.py SNAPSHOT HTTP RESP ACCESS_TOKEN ORDER USER GOODS AMOUNT TOKEN"""
import sys
import time

import tributary

snapshot, http, resp, access, order, user, goods, amount, token = sys.argv[1:]
with tributary.Client(snapshot, http=http, resp=resp, access_token=access) as client:
    client.wait()
    line = tributary.Order(order, user, goods, int(amount), token, at_ms=int(time.time() * 1000))
    answer = client.resolver().resolve(line)
    answer = client.ask(line) if answer.needs_server else (client.record(line, answer), answer)[1]
    print(answer.outcome, answer.charged)
