"""A proxy between Werkstroom and Odoo that does harm at one chosen call: it loses it, or kills the caller.

HTTP/1.0, one request a connection, as Odoo 14 itself speaks. Calls are counted from 1 over all services, so that
signing in is disturbed as well.
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal
from urllib.parse import urlsplit

Fault = Literal["lost before", "lost after", "lost, then done", "killed before", "killed after"]
LOST: tuple[Fault, ...] = ("lost before", "lost after", "lost, then done")
KILLED: tuple[Fault, ...] = ("killed before", "killed after")

LATE = 1.0
"""Seconds after which a call is done whose answer was lost before ("lost, then done"): in between it is sent again."""
_PATIENCE = 120
# Of execute_kw: database, password, model, method; the user's id between them is an <int>.
_STRINGS = re.compile(rb"<value><string>([^<]*)</string></value>")
_SERVICE = re.compile(rb"<methodName>(\w+)</methodName>")


@dataclass
class Script:
    """What happens during one run: the calls it made, and the fault at one of them (or at several)."""

    fault: Fault | None = None
    at: frozenset[int] = frozenset()
    pid: Future[int] = field(default_factory=Future)
    """Of the process that is killed; its starter sets it."""
    calls: list[str] = field(default_factory=list)
    late: list[threading.Thread] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

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
        self._counting = threading.Lock()
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

    def answer(self, path: str, body: bytes) -> bytes | None:
        """Return Odoo's answer, whole, or None when the client gets none."""
        script = self.script
        with self._counting:
            script.calls.append(name_of(body))
            fault = script.fault if len(script.calls) in script.at else None
        if fault == "lost before":
            return None
        if fault == "killed before":
            _kill(script)
            return None
        if fault == "lost, then done":
            self._do_later(script, path, body)
            return None
        content = self.forward(path, body)
        if fault == "lost after":
            return None
        if fault == "killed after":
            _kill(script)
            return None
        return content

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

    def _do_later(self, script: Script, path: str, body: bytes) -> None:
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


def _kill(script: Script) -> None:
    os.kill(script.pid.result(timeout=10), signal.SIGKILL)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what went wrong for the runner, instead of printing it between the tests."""
        import sys
        error = sys.exc_info()[1]
        if error is not None:
            self.proxy.script.errors.append(error)


class _Handler(BaseHTTPRequestHandler):
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        content = self.server.proxy.answer(self.path, body)
        if content is not None:
            head = f"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(content)}\r\n\r\n"
            self.wfile.write(head.encode() + content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what was called is in the script."""
