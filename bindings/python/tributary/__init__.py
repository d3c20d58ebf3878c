"""Tributary inside a Python service: a thin layer over libtributary (include/tributary/tributary.h, docs/client.md).

    with tributary.Client("market.snapshot", http="127.0.0.1:7380", resp="127.0.0.1:7390", access_token=token) as client:
        client.wait()
        resolver = client.resolver()                    # one a thread
        order = tributary.Order(order="o1", user="u1", goods="g1", token=token, base_amount=9900, at_ms=now)
        answer = resolver.resolve(order)
        if answer.needs_server:
            answer = client.ask(order)
        else:
            client.record(order, answer)
"""
import ctypes.util
import os
import re
from dataclasses import dataclass, field

import cffi

AMOUNTS = ("paid", "freight", "tax", "coupon_merchant", "coupon_platform", "coupon_creator", "deposit")
REASONS = ("no_token", "engine_facts", "unknown_goods", "newer_token", "unknown_key", "no_keys", "unknown_party",
           "too_large", "several_tokens")
PENDING = ("step", "budget", "incentive", "new_to_shop")
BATCH_MAX = 256


def _header():
    """The C header is the definition: the packaged copy, else the one of the source tree."""
    here = os.path.dirname(os.path.abspath(__file__))
    for path in (os.path.join(here, "tributary.h"), os.path.join(here, "..", "..", "..", "include", "tributary", "tributary.h")):
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return file.read()
    raise ImportError("tributary.h is not where it should be")


def _declarations(text):
    """What cffi understands of a header: no comments, no preprocessor, no linkage."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r'^\s*#.*?(?<!\\)$', "", text, flags=re.M | re.S)
    text = re.sub(r'extern "C" \{(.*)\}\s*$', r"\1", text.strip(), flags=re.S)
    return text.replace("TRIB_API ", "")


_ffi = cffi.FFI()
_ffi.cdef(_declarations(_header()))
_lib = _ffi.dlopen(os.environ.get("TRIBUTARY_LIBRARY") or ctypes.util.find_library("tributary") or "libtributary.so.0")


class Error(Exception):
    """A call that failed; `status` is its word: invalid, no_snapshot, busy, io, refused."""

    def __init__(self, status, text=""):
        self.status = _ffi.string(_lib.trib_client_status_word(status)).decode()
        super().__init__(f"{self.status}: {text}" if text else self.status)


@dataclass
class Order:
    """One order line; what is not stated stays at its default."""
    order: str
    user: str
    goods: str
    base_amount: int = None  # None: computed from amounts
    token: str = "-"
    at_ms: int = 0
    now_ms: int = 0
    qty: int = 0
    scene: str = ""
    page: str = ""
    carrier: tuple = ("", "", "")  # kind, id, owner
    amounts: dict = None
    ext: dict = field(default_factory=dict)


@dataclass
class Answer:
    needs_server: bool
    reasons: tuple
    outcome: str
    charged: int
    complete: bool
    pending: tuple
    position: int
    resolution: bytes  # a serialised Resolution


def _bits(value, words):
    return tuple(word for i, word in enumerate(words) if value >> i & 1)


def _fill(order, place, keep):
    """The C struct of an order; what it points to is put into `keep`."""
    def text(target, value):
        data = _ffi.from_buffer(value.encode())
        keep.append(data)
        target.data, target.size = data, len(data)

    place.size = _ffi.sizeof("struct trib_client_order")
    for name in ("order", "user", "goods", "token", "scene", "page"):
        text(getattr(place, name), getattr(order, name))
    for name, value in zip(("carrier_kind", "carrier_id", "carrier_owner"), order.carrier):
        text(getattr(place, name), value)
    place.at_ms, place.now_ms, place.qty = order.at_ms, order.now_ms, order.qty
    if order.base_amount is None:
        place.flags |= _lib.TRIB_CLIENT_NO_BASE
    else:
        place.base_amount = order.base_amount
    if order.amounts is not None:
        place.flags |= _lib.TRIB_CLIENT_HAS_AMOUNTS
        for i, name in enumerate(AMOUNTS):
            place.amounts[i] = order.amounts.get(name, 0)
    if order.ext:
        pairs = _ffi.new("struct trib_client_pair[]", len(order.ext))
        keep.append(pairs)
        for pair, (key, value) in zip(pairs, order.ext.items()):
            text(pair.key, key)
            text(pair.value, value)
        place.ext, place.n_ext = pairs, len(order.ext)


def _answer(made):
    outcome = _ffi.string(made.outcome_word).decode() if made.outcome_word else ""
    resolution = bytes(_ffi.buffer(made.resolution, made.resolution_size)) if made.resolution else b""
    return Answer(bool(made.needs_server), _bits(made.reasons, REASONS), outcome, made.charged, bool(made.complete),
                  _bits(made.pending, PENDING), made.position, resolution)


class Resolver:
    """A place to resolve in. One thread at a time."""

    def __init__(self, client):
        self._client = client  # lives as long as we do
        self._resolver = _ffi.gc(_lib.trib_resolver_new(client._client), _lib.trib_resolver_free)
        self._orders = _ffi.new("struct trib_client_order[]", BATCH_MAX)
        self._answers = _ffi.new("struct trib_client_answer[]", BATCH_MAX)
        self._statuses = _ffi.new("int[]", BATCH_MAX)

    def resolve(self, order):
        answer = self.resolve_batch([order])[0]
        if isinstance(answer, Error):
            raise answer
        return answer

    def resolve_batch(self, orders):
        """An Answer or an Error an order, all over one position."""
        keep = []
        _ffi.memmove(self._orders, bytes(_ffi.sizeof("struct trib_client_order") * len(orders)),
                     _ffi.sizeof("struct trib_client_order") * len(orders))
        for i, order in enumerate(orders):
            _fill(order, self._orders[i], keep)
            self._answers[i].size = _ffi.sizeof("struct trib_client_answer")
        _lib.trib_resolve_batch(self._resolver, self._orders, len(orders), self._answers, self._statuses)
        return [Error(self._statuses[i]) if self._statuses[i] else _answer(self._answers[i]) for i in range(len(orders))]


class Client:
    def __init__(self, snapshot_file, http=None, resp=None, access_token=None, keys_file=None, poll_ms=0, queue_bytes=0, log=None):
        def text(value):
            return _ffi.new("char[]", value.encode()) if value else _ffi.NULL

        self._log = _ffi.callback("void(void *, int, const char *)",
                                  lambda _, level, line: log(level, _ffi.string(line).decode(errors="replace"))) if log else None
        keep = [text(value) for value in (snapshot_file, http, resp, access_token, keys_file)]
        options = _ffi.new("struct trib_client_options *", {
            "size": _ffi.sizeof("struct trib_client_options"), "snapshot_file": keep[0], "http": keep[1], "resp": keep[2],
            "access_token": keep[3], "keys_file": keep[4], "poll_ms": poll_ms, "queue_bytes": queue_bytes})
        if self._log:
            options.log = self._log
        error, place = _ffi.new("struct trib_client_error *"), _ffi.new("struct trib_client **")
        status = _lib.trib_client_open(options, place, error)
        if status:
            raise Error(status, _ffi.string(error.text).decode())
        self._client = place[0]

    def close(self, flush_ms=0):
        if self._client:
            _lib.trib_client_close(self._client, flush_ms)
        self._client = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close(5000)

    def resolver(self):
        return Resolver(self)

    def state(self):
        state = _ffi.new("struct trib_client_state *")
        state.size = _ffi.sizeof("struct trib_client_state")
        _lib.trib_client_state(self._client, state)
        return {name: getattr(state, name) for name, _ in _ffi.typeof("struct trib_client_state").fields if name != "size"}

    def wait(self, position=0, timeout_ms=5000):
        status = _lib.trib_client_wait(self._client, position, timeout_ms)
        if status:
            raise Error(status)

    def record(self, order, answer=None):
        keep, place = [], _ffi.new("struct trib_client_order *")
        made = _ffi.NULL
        _fill(order, place, keep)
        if answer is not None:
            data = _ffi.from_buffer(answer.resolution)
            keep.append(data)
            made = _ffi.new("struct trib_client_answer *", {"size": _ffi.sizeof("struct trib_client_answer"),
                                                            "resolution": data, "resolution_size": len(data)})
        status = _lib.trib_client_record(self._client, place, made)
        if status:
            raise Error(status)

    def flush(self, timeout_ms=5000):
        status = _lib.trib_client_flush(self._client, timeout_ms)
        if status:
            raise Error(status)

    def ask(self, order, timeout_ms=1000):
        keep, place = [], _ffi.new("struct trib_client_order *")
        made = _ffi.new("struct trib_client_answer *")
        made.size = _ffi.sizeof("struct trib_client_answer")
        _fill(order, place, keep)
        status = _lib.trib_client_ask(self._client, place, made, timeout_ms)
        if status:
            raise Error(status)
        return _answer(made)


def version():
    return _ffi.string(_lib.trib_client_version()).decode()
