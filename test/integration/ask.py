#!/usr/bin/env python3
"""`tributary ask`: words as a filter, by the grammar, and by a model that a stub plays."""
import http.server
import json
import os
import subprocess
import threading
import time

import serving
from serving import check, end, equal

TEXT = "cheap lipsticks, nothing strange"


def ask(*words, key=None):
    env = {**os.environ, **({"TRIBUTARY_ASK_KEY": key} if key else {})}
    return subprocess.run([serving.BIN, "ask", *words], capture_output=True, text=True, timeout=60, check=False, env=env)


def selection(**fields):
    return {"filter": "price < 5000", "order_by": "", "descending": False, "limit": 0, "understood": [], "not_understood": [], **fields}


class Model(http.server.BaseHTTPRequestHandler):
    """Gives the answers it was given, one after the other; an answer is a selection, text, or (status, bytes, seconds)."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers.get("Authorization"), json.loads(body)))
        answer = self.server.answers.pop(0)
        status, seconds = 200, 0
        if isinstance(answer, tuple):
            status, data, seconds = answer
        else:
            content = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
            data = json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()
        time.sleep(seconds)
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            pass  # the asker has gone

    def log_message(self, *_):
        pass


def main():
    done = ask("--creator", "c1", "适合宝妈的夏季防晒, 佣金20%以上, 百元以内, 卖得好的, 还没上架的")
    answer = json.loads(done.stdout)
    equal("the grammar's filter", answer["filter"], '"宝妈" in audience && "summer" in season && category.startsWith("beauty/skincare/sunscreen")'
          ' && commission_bps >= 2000 && price <= 10000 && !on_shelf("c1")')
    equal("its order", (answer["order_by"], answer["descending"]), ("orders_30d", True))
    equal("a part of it", [part for part in answer["understood"] if part["cel"].startswith("price")],
          [{"text": "百元以内", "from": 20, "to": 24, "cel": "price <= 10000"}])
    equal("nothing was not understood", answer["not_understood"], [])
    equal("who asks is not known", [part["why"] for part in json.loads(ask("还没上架的").stdout)["not_understood"]],
          ["the request names no creator"])
    equal("too long", (ask("a" * 2001).returncode, "at most 2000" in ask("a" * 2001).stderr), (1, True))
    equal("no text", ask().returncode, 2)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
    server.asked, server.answers = [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    model = ("--model", f"http://127.0.0.1:{server.server_address[1]}/v1", "--model-name", "stub")

    def asked(*answers, words=(TEXT,), key=None):
        server.asked, server.answers = [], list(answers)
        return ask(*model, *words, key=key)

    good = selection(filter='category.startsWith("beauty/makeup/lipstick")', order_by="price", limit=7,
                     understood=[{"text": "lipsticks", "cel": 'category.startsWith("beauty/makeup/lipstick")'},
                                 {"text": "not there", "cel": "true"}], not_understood=["strange"])
    answer = json.loads(asked(good, words=("--creator", "c9", TEXT), key="k1").stdout)
    path, bearer, body = server.asked[0]
    equal("where and as whom it is asked", (path, bearer, body["model"]), ("/v1/chat/completions", "Bearer k1", "stub"))
    equal("it is told the text, the fields, the functions and who asks", (body["messages"][1], [word in body["messages"][0]["content"] for word in
          ("commission_bps: int", "orders_30d", "in_pool", "c9")]), ({"role": "user", "content": TEXT}, [True] * 4))
    equal("it must answer by a schema", body["response_format"]["json_schema"]["strict"], True)
    equal("its filter, order and limit", (answer["filter"], answer["order_by"], answer["descending"], answer["limit"]),
          (good["filter"], "price", False, 7))
    equal("its parts stand in the text", [(part["text"], part["from"], part["to"]) for part in answer["understood"]], [("lipsticks", 6, 15)])
    equal("what it left out is told", [part["text"] for part in answer["not_understood"]], ["strange", "cheap", "nothing"])

    answer = json.loads(asked(selection(filter="prise < 5000"), selection()).stdout)
    equal("a wrong answer is repaired once", (answer["filter"], len(server.asked)), ("price < 5000", 2))
    repair = server.asked[1][2]["messages"]
    equal("it is told its answer and the fault", ([message["role"] for message in repair], "prise" in repair[3]["content"]),
          (["system", "user", "assistant", "user"], True))
    for name, wrong, word in (
            ("a field that is not there", selection(filter="prise < 5000"), "prise"),
            ("a type that does not fit", selection(filter="price"), "expected a bool"),
            ("a function that is not there", selection(filter="drop(price)"), "drop"),
            ("an order that is text", selection(order_by="title"), "expected a number or a time"),
            ("JSON of another form", {"filter": 1}, "the schema"),
            ("no JSON", "I would filter by price.", "line 1"),
            ("a limit below zero", selection(limit=-1), "the schema")):
        done = asked(wrong, wrong)
        equal(f"{name}: refused after two answers", (done.returncode, done.stdout, word in done.stderr, len(server.asked)), (1, "", True, 2))
    for name, wrong, word in (
            ("a status", (500, b"", 0), "500"), ("a redirection", (302, b"", 0), "302"), ("no choices", (200, b"{}", 0), "choices"),
            ("broken JSON", (200, b"{", 0), "model"), ("an answer without end", (200, b"x" * 300000, 0), "262144")):
        done = asked(wrong)
        equal(f"{name}: refused at once", (done.returncode, word in done.stderr, len(server.asked)), (1, True, 1))
    done = asked((200, b"{}", 3), words=("--timeout-ms", "200", TEXT))
    equal("no answer in time", (done.returncode, "no answer" in done.stderr), (1, True))
    check("the key is never printed", "k1" not in asked((500, b"", 0), key="k1").stderr)
    server.shutdown()
    end()


if __name__ == "__main__":
    main()
