"""A proxy between Werkstroom and Odoo that does harm at chosen calls: it loses them, or kills the caller.

HTTP/1.0, one request a connection, as Odoo 14 itself speaks.
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal
from urllib.parse import urlsplit

from connector.session import READ_METHODS

Lost = Literal["lost before", "lost after", "lost, then done"]
"""The request never arrives; the answer is lost of a call that is committed; or of one that commits only later."""
Killed = Literal["killed before", "killed after"]
Kind = Literal["sign-in", "read", "write"]
LOST: tuple[Lost, ...] = ("lost before", "lost after", "lost, then done")
KILLED: tuple[Killed, ...] = ("killed before", "killed after")

VICTIM = "X-Victim"
"""Header of a call whose caller is killed: one of KILLED, and the process id; see :mod:`tests.faults.launcher`."""

LATE = 1.0
"""Seconds after which a call is done that was "lost, then done": in between it is sent again."""
_PATIENCE = 120
# Of execute_kw: database, password, model, method; the user's id between them is an <int>.
_STRINGS = re.compile(rb"<value><string>([^<]*)</string></value>")
_SERVICE = re.compile(rb"<methodName>(\w+)</methodName>")


@dataclass
class Script:
    """What happens during one run, and the calls that it made."""

    fault: Lost | None = None
    kind: Kind = "write"
    at: frozenset[int] = frozenset()
    """Which calls of that kind are lost, counted from 1; one that is sent again is not counted again."""
    witness: Callable[[Killed, int, str], None] = lambda fault, number, call: None
    """Is told of each death while everything stands still: how, at the how-manieth call, and its name."""
    calls: list[str] = field(default_factory=list)
    """All but those that were sent again."""
    errors: list[BaseException] = field(default_factory=list)
    late: list[threading.Thread] = field(default_factory=list)
    struck: int = 0
    """How many calls were lost."""
    lost: set[bytes] = field(default_factory=set)
    previous: bytes = b""

    def strikes(self, body: bytes) -> bool:
        """Count a call; whether it is one that is lost."""
        again = body in self.lost and (kind_of(name_of(body)) != "read" or body == self.previous)
        self.previous = body
        if again:
            if kind_of(name_of(body)) == "read":
                # It is repeated once; the next one with this body is a look of its own.
                self.lost.discard(body)
            return False
        self.calls.append(name_of(body))
        number = Counter(map(kind_of, self.calls))[self.kind]
        struck = kind_of(self.calls[-1]) == self.kind and number in self.at
        if struck:
            self.struck += 1
            self.lost.add(body)
        return struck

    def finish(self) -> None:
        """Wait for calls that Odoo still works on.

        Raises:
            RuntimeError: the proxy itself failed, so the run proves nothing.
        """
        for thread in self.late:
            thread.join()
        if self.errors:
            raise RuntimeError("the proxy failed") from self.errors[0]


class Proxy:
    """Forwards to Odoo at `upstream`, following the script of the current run; a context manager."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.script = Script()
        self._kept: tuple[bytes, bytes] | None = None
        self._one_at_a_time = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """The address that Werkstroom is told."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str, body: bytes, victim: str | None) -> bytes | None:
        """Return Odoo's answer, whole, or None when the client gets none."""
        with self._one_at_a_time:
            if victim is not None:
                self._let_die(path, body, victim)
                return None
            lost = self.script.fault if self.script.strikes(body) else None
            if lost == "lost before":
                return None
            if lost == "lost, then done":
                self._do_later(path, body)
                return None
            content = self._kept[1] if self._kept and self._kept[0] == body else self.forward(path, body)
            self._kept = None
            return None if lost else content

    def forward(self, path: str, body: bytes) -> bytes:
        """Send a request to Odoo and read the whole answer: by then the call is committed."""
        connection = http.client.HTTPConnection(*self._upstream, timeout=_PATIENCE)
        try:
            connection.request("POST", path, body, {"Content-Type": "text/xml; charset=utf-8"})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise RuntimeError(f"Odoo answers HTTP {response.status}")
        return content

    def _let_die(self, path: str, body: bytes, victim: str) -> None:
        """Kill the caller before or after his call; Odoo's answer is kept for his heir, who makes the same call."""
        fault = next(each for each in KILLED if victim.startswith(each))
        if fault == "killed after":
            self._kept = (body, self.forward(path, body))
        os.kill(int(victim.removeprefix(fault)), signal.SIGKILL)
        self.script.witness(fault, len(self.script.calls) + 1, name_of(body))

    def _do_later(self, path: str, body: bytes) -> None:
        script = self.script

        def work() -> None:
            time.sleep(LATE)
            try:
                self.forward(path, body)
            except (OSError, RuntimeError, http.client.HTTPException) as error:
                script.errors.append(error)

        script.late.append(threading.Thread(target=work))
        script.late[-1].start()


def name_of(body: bytes) -> str:
    """Return `model.method` of a call, or the method of another service."""
    service = _SERVICE.search(body)
    if service is not None and service[1] != b"execute_kw":
        return service[1].decode()
    strings = _STRINGS.findall(body[:4096])
    return ".".join(each.decode() for each in strings[2:4])


def kind_of(call: str) -> Kind:
    """Whether a call signs in, only reads, or may change something."""
    if "." not in call:
        return "sign-in"
    return "read" if call.rpartition(".")[2] in READ_METHODS else "write"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what went wrong for the runner, instead of printing it between the tests."""
        error = sys.exc_info()[1]
        if error is not None:
            self.proxy.script.errors.append(error)


class _Handler(BaseHTTPRequestHandler):
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        content = self.server.proxy.answer(self.path, body, self.headers[VICTIM])
        if content is not None:
            head = f"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(content)}\r\n\r\n"
            self.wfile.write(head.encode() + content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what was called is in the script."""
