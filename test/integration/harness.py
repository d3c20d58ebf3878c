"""What the integration tests share: a server of their own, a RESP client, HTTP, and TAP. Not a test itself."""
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

BIN = os.environ.get("TRIB_BIN", "build/tributary")
SOURCE = os.environ.get("TRIB_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.environ.get("TRIB_SHARED_DATA", os.path.join(SOURCE, "..", "shared", "data"))
START_SECONDS_MAX = 120


class Tap:
    """Counts test cases; the plan comes last."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, name, good, detail=""):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}", flush=True)
        if not good and detail != "":
            print(f"# {str(detail)[:2000]}", flush=True)
        return good

    def equal(self, name, found, expected):
        return self.check(name, found == expected, f"found {found!r}, expected {expected!r}")

    def skip(self, name, why):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {why}", flush=True)

    def end(self):
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failed else 0)


def seed():
    """TRIB_SEED, else a new one; printed, so that a failure can be run again."""
    value = int(os.environ.get("TRIB_SEED") or time.time_ns() % 1_000_000_007)
    print(f"# TRIB_SEED={value}", flush=True)
    random.seed(value)
    return value


class RespError(Exception):
    """An error reply; its first word is the code."""

    @property
    def code(self):
        return str(self).split(" ", 1)[0]


class Resp:
    """A pipelining RESP2 client on one socket."""

    def __init__(self, port, timeout=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", 1 << 16)

    @staticmethod
    def encode(*arguments):
        parts = [b"*%d\r\n" % len(arguments)]
        for argument in arguments:
            data = argument if isinstance(argument, bytes) else str(argument).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        return b"".join(parts)

    def send(self, *arguments):
        self.socket.sendall(self.encode(*arguments))

    def read(self):
        """One reply: str, int, None, list, or a RespError as a value."""
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("closed in mid-reply")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return RespError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            size = int(rest)
            if size < 0:
                return None
            data = self.file.read(size + 2)
            if len(data) != size + 2:
                raise ConnectionError("closed in mid-reply")
            return data[:-2].decode()
        if kind == b"*":
            return None if int(rest) < 0 else [self.read() for _ in range(int(rest))]
        raise ValueError(f"no RESP: {line!r}")

    def call(self, *arguments):
        self.send(*arguments)
        reply = self.read()
        if isinstance(reply, RespError):
            raise reply
        return reply

    def pipeline(self, commands, window=512):
        """Replies in order, errors as values."""
        replies, waiting = [], 0
        batch = []
        for command in commands:
            batch.append(self.encode(*command))
            waiting += 1
            if waiting >= window:
                self.socket.sendall(b"".join(batch))
                batch = []
                while waiting > window // 2:
                    replies.append(self.read())
                    waiting -= 1
        self.socket.sendall(b"".join(batch))
        while waiting:
            replies.append(self.read())
            waiting -= 1
        return replies

    def close(self):
        self.file.close()
        self.socket.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`tributary serve` on free ports of loopback, over a folder that lives as long as this object."""

    def __init__(self, *options, data=None):
        self.folder = tempfile.TemporaryDirectory(prefix="tributary-test-")
        self.data = data or os.path.join(self.folder.name, "data")
        self.options = options
        self.process = None
        self.log = open(os.path.join(self.folder.name, "log"), "ab")
        self.start()

    def start(self):
        self.resp_port, self.http_port = free_port(), free_port()
        self.process = subprocess.Popen(
            [BIN, "serve", "--data", self.data, "--resp", f"127.0.0.1:{self.resp_port}",
             "--http", f"127.0.0.1:{self.http_port}", *self.options],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        until = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise RuntimeError(f"serve ended with {self.process.returncode}:\n{self.log_text()}")
            try:
                if self.http("GET", "/healthz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise RuntimeError(f"serve was not ready in {START_SECONDS_MAX} s:\n{self.log_text()}")

    def log_text(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            return file.read()[-4000:]

    def resp(self):
        return Resp(self.resp_port)

    def http(self, method, path, body=None, headers=None):
        """(status, headers, parsed JSON or text)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=120)
        try:
            data = json.dumps(body) if isinstance(body, (dict, list)) else body
            connection.request(method, path, data.encode() if isinstance(data, str) else data, headers or {})
            answer = connection.getresponse()
            text = answer.read().decode()
            try:
                return answer.status, dict(answer.getheaders()), json.loads(text)
            except ValueError:
                return answer.status, dict(answer.getheaders()), text
        finally:
            connection.close()

    def put(self, noun, name, **value):
        status, _, answer = self.http("PUT", f"/api/v1/{noun}/{name}", value)
        if status not in (200, 201):
            raise RuntimeError(f"PUT {noun}/{name}: {status} {answer}")
        return answer

    def load(self, noun, rows):
        """Bulk import; every row must be taken."""
        body = "".join(json.dumps(row) + "\n" for row in rows)
        status, _, answer = self.http("POST", f"/api/v1/{noun}:import", body, {"Content-Type": "application/x-ndjson"})
        if status != 200 or answer["accepted"] != len(rows):
            raise RuntimeError(f"{noun}:import: {status} {str(answer)[:500]}")

    def stop(self):
        """Asks it to stop; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if kind is not None:
            print("# the server's last words:")
            for line in self.log_text().splitlines()[-40:]:
                print(f"# {line}")
        self.log.close()
        self.folder.cleanup()
