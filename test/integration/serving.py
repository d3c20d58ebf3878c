"""What the tests of a running `tributary serve` share: starting it, speaking RESP and HTTP, printing TAP."""
import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

from description import Description

ROOT = os.environ.get("TRIB_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("TRIB_BIN", os.path.join(ROOT, "build", "tributary"))
DATA = os.environ.get("TRIB_SHARED_DATA", os.path.join(ROOT, "..", "shared", "data"))
SMALL = ("--order-index", "64MiB", "--touches", "64MiB", "--segment", "16MiB")
done = failed = 0


def check(name, good, detail=""):
    global done, failed
    done += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {done} - {name}", flush=True)
    if not good:
        for line in str(detail).splitlines()[:20]:
            print(f"# {line[:2000]}", flush=True)
    return good


def equal(name, found, expected):
    return check(name, found == expected, f"found    {found!r}\nexpected {expected!r}")


def skip(name, why):
    global done
    done += 1
    print(f"ok {done} - {name} # SKIP {why}", flush=True)


def end():
    print(f"1..{done}", flush=True)
    sys.exit(1 if failed else 0)


def skip_all(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def seed():
    """TRIB_SEED, else a new one; printed, so that a failure can be run again."""
    value = int(os.environ.get("TRIB_SEED") or time.time_ns() % 1_000_000_007)
    print(f"# TRIB_SEED={value}", flush=True)
    random.seed(value)
    return value


def tributary(*words, folder="."):
    """(exit code, output, errors) of the program, run in a folder."""
    ran = subprocess.run([os.path.abspath(BIN), *words], capture_output=True, text=True, timeout=60, check=False, cwd=folder)
    return ran.returncode, ran.stdout, ran.stderr


def write(folder, name, text):
    """A file in a folder, and the folders on the way to it."""
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class RespError(str):
    """An error reply; its first word is the code."""

    @property
    def code(self):
        return self.split(" ", 1)[0]


class Closed(Exception):
    """The server has closed the connection."""


class Resp:
    def __init__(self, port, version=2, timeout=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.left, self.at = b"", 0  # what has come and is not read begins at `at`
        if version == 3:
            self("HELLO", "3")

    @staticmethod
    def packed(*words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            word = word if isinstance(word, bytes) else str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
        return b"".join(parts)

    def more(self):
        try:
            got = self.socket.recv(1 << 18)
        except ConnectionError as error:
            raise Closed from error
        if not got:
            raise Closed
        self.left, self.at = self.left[self.at:] + got, 0

    def line(self):
        while (stop := self.left.find(b"\r\n", self.at)) < 0:
            self.more()
        text, self.at = self.left[self.at:stop], stop + 2
        return text

    def exactly(self, size):
        while len(self.left) - self.at < size:
            self.more()
        self.at += size
        return self.left[self.at - size:self.at]

    def read(self):
        text = self.line()
        kind, rest = text[:1], text[1:]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return RespError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b",":
            return float(rest)
        if kind == b"#":
            return rest == b"t"
        if kind == b"_":
            return None
        if kind in b"$=":
            if int(rest) < 0:
                return None
            return self.exactly(int(rest) + 2)[:-2].decode(errors="replace")
        if kind in b"*~>":
            return None if int(rest) < 0 else [self.read() for _ in range(int(rest))]
        if kind == b"%":
            return {self.read(): self.read() for _ in range(int(rest))}
        raise ValueError(f"no RESP: {text[:80]!r}")

    def send(self, *words):
        self.socket.sendall(self.packed(*words))

    def __call__(self, *words):
        self.send(*words)
        return self.read()

    def many(self, commands, window=512):
        """The replies, in order; at most so many commands are under way."""
        commands, replies, sent = list(commands), [], 0
        while len(replies) < len(commands):
            batch = commands[sent:len(replies) + window]
            sent += len(batch)
            self.socket.sendall(b"".join(self.packed(*words) for words in batch))
            replies += [self.read() for _ in range(max((sent - len(replies)) // 2, 1))]
        return replies

    def close(self):
        self.socket.close()


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.position = int(headers.get("Tributary-Position") or -1)

    @property
    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.body[:1500]!r}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, data, *words, small=SMALL, prefix=(), log=None, **options):
        self.data = data
        self.log_path = log or f"{data.rstrip('/')}.log"
        self.words, self.prefix, self.options = (*small, *words), prefix, options
        self.description = None
        self.start()

    def start(self):
        """Again, after stop() or kill(), on other ports."""
        self.resp, self.http = free_port(), free_port()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, BIN, "serve", "--data", self.data, "--resp", f"127.0.0.1:{self.resp}",
                 "--http", f"127.0.0.1:{self.http}", *self.words], stdout=log, stderr=subprocess.STDOUT, **self.options)

    def again(self):
        self.start()
        if not self.wait():
            raise RuntimeError("the server has ended")

    @property
    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait(self, seconds=120):
        """True once both doors are open; False if it has ended."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process.poll() is not None:
                return False
            with socket.socket() as one, socket.socket() as two:
                if one.connect_ex(("127.0.0.1", self.resp)) == 0 and two.connect_ex(("127.0.0.1", self.http)) == 0:
                    return True
            time.sleep(0.05)
        raise TimeoutError("the server does not open its doors")

    def client(self, version=2, timeout=60):
        return Resp(self.resp, version, timeout)

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=60)
        if isinstance(body, (dict, list)):
            body, headers = json.dumps(body), {"Content-Type": "application/json", **(headers or {})}
        elif body is not None:
            headers = {"Content-Type": "application/x-ndjson", **(headers or {})}
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            reply = Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()
        if self.description:
            self.description.hold(method, path, reply)
        return reply

    def hold_to_description(self):
        """From now on every reply to ask() is held to /openapi.json; see as_described()."""
        self.description = Description(self.ask("GET", "/openapi.json").json)

    def as_described(self):
        """A check of its own, at the end of a test."""
        wrong = self.description.wrong
        check("every reply is as /openapi.json describes it", self.description.seen and not wrong, "\n".join(wrong[:20]))

    def put(self, path, body):
        reply = self.ask("PUT", f"/api/v1/{path}", body)
        if reply.status not in (200, 201):
            raise RuntimeError(f"PUT {path}: {reply}")
        return reply.json

    def get(self, path):
        return self.ask("GET", f"/api/v1/{path}").json

    def load(self, noun, rows):
        """Bulk import; every row must be taken."""
        reply = self.ask("POST", f"/api/v1/{noun}:import", "".join(json.dumps(row) + "\n" for row in rows).encode())
        if reply.status != 200 or reply.json["accepted"] != len(rows):
            raise RuntimeError(f"{noun}:import: {reply}")

    def kill(self):
        self.process.kill()
        return self.process.wait(60)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120)


@contextlib.contextmanager
def fresh(*words, data=None, **options):
    """A server with both doors open, on a folder of its own unless one is given; nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="tributary-test-") as folder:
        server = Server(data or os.path.join(folder, "data"), *words, log=os.path.join(folder, "log"), **options)
        try:
            if not server.wait():
                raise RuntimeError("the server has ended")
            yield server
        except BaseException:
            print("\n".join(f"# {line}" for line in server.log.splitlines()[-40:]), flush=True)
            raise
        finally:
            if server.process.poll() is None:
                server.kill()
