"""A transport that dies, or loses an answer, at a chosen call: what every effect must survive.

This interrupts inside one process, call by call; `tests/faults` does the same to whole commands, with a real SIGKILL.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from connector.errors import OutcomeUnknown
from connector.session import READ_METHODS, Session
from connector.transports.base import Transport
from connector.transports.xmlrpc import XmlRpc

Fault = Literal["killed before", "killed after", "answer lost"]
FAULTS: tuple[Fault, ...] = ("killed before", "killed after", "answer lost")


class Killed(BaseException):
    """The process is gone; no handler of ours may catch it."""


class Interrupting:
    """Passes calls on to the real transport, until the chosen writing call."""

    def __init__(self, inner: Transport, at: int = 0, fault: Fault = "killed before") -> None:
        self.inner = inner
        self.traffic = inner.traffic
        self.at = at
        self.fault = fault
        self.writes: list[str] = []

    def version(self) -> dict[str, Any]:
        return self.inner.version()

    def authenticate(self, db: str, login: str, secret: str) -> int | None:
        return self.inner.authenticate(db, login, secret)

    def execute(self, db: str, uid: int, secret: str, model: str, method: str,
                args: list[Any], kwargs: dict[str, Any]) -> Any:
        if method in READ_METHODS:
            return self.inner.execute(db, uid, secret, model, method, args, kwargs)
        self.writes.append(f"{model}.{method}")
        hit = len(self.writes) == self.at
        if hit and self.fault == "killed before":
            raise Killed
        answer = self.inner.execute(db, uid, secret, model, method, args, kwargs)
        if hit and self.fault == "killed after":
            raise Killed
        if hit:
            raise OutcomeUnknown("The answer was dropped.")
        return answer

    def close(self) -> None:
        self.inner.close()


def twin(session: Session, *, at: int = 0, fault: Fault = "killed before") -> Session:
    """The same user in another process: a transport of its own, which may die at its `at`-th writing call."""
    return replace(session, transport=Interrupting(XmlRpc(session.server.url), at, fault))


def at_every_write(run: Callable[[Session], Any], fresh: Callable[[], Session],
                   check: Callable[[Session, str], None]) -> int:
    """Run undisturbed; then, on a fresh copy each, interrupt at every writing call in every way and run again.

    Args:
        run: the job, to its end.
        fresh: a session on a database as it was before the job.
        check: compares the end state with the undisturbed one (called first with that, fault "").

    Returns:
        the number of writing calls of the undisturbed run.
    """
    undisturbed = twin(fresh())
    run(undisturbed)
    check(undisturbed, "")
    transport = undisturbed.transport
    assert isinstance(transport, Interrupting)
    for at in range(1, len(transport.writes) + 1):
        for fault in FAULTS:
            session = fresh()
            with contextlib.suppress(Killed):
                run(twin(session, at=at, fault=fault))
            run(twin(session))
            check(session, f"{fault} at write {at} ({transport.writes[at - 1]})")
    return len(transport.writes)
