"""What the tests of a running `tributary serve` share: starting it, speaking RESP and HTTP, printing TAP."""
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time

ROOT = os.environ.get("TRIB_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("TRIB_BIN", os.path.join(ROOT, "build", "tributary"))
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


def end():
    print(f"1..{done}", flush=True)
    sys.exit(1 if failed else 0)


def skip_all(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


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
        self.left = b""
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
        self.left += got

    def line(self):
        while b"\r\n" not in self.left:
            self.more()
        text, self.left = self.left.split(b"\r\n", 1)
        return text

    def exactly(self, size):
        while len(self.left) < size:
            self.more()
        got, self.left = self.left[:size], self.left[size:]
        return got

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

    def many(self, commands):
        self.socket.sendall(b"".join(self.packed(*words) for words in commands))
        return [self.read() for _ in commands]

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
    def __init__(self, data, *words, small=SMALL, prefix=(), **options):
        self.data = data
        self.resp, self.http = free_port(), free_port()
        self.log_path = f"{data.rstrip('/')}.log" if "log" not in options else options.pop("log")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*prefix, BIN, "serve", "--data", data, "--resp", f"127.0.0.1:{self.resp}",
                 "--http", f"127.0.0.1:{self.http}", *small, *words], stdout=log, stderr=subprocess.STDOUT, **options)

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
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def put(self, path, body):
        reply = self.ask("PUT", f"/api/v1/{path}", body)
        if reply.status not in (200, 201):
            raise RuntimeError(f"PUT {path}: {reply}")
        return reply.json

    def get(self, path):
        return self.ask("GET", f"/api/v1/{path}").json

    def kill(self):
        self.process.kill()
        return self.process.wait(60)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120)
