"""Runs one command with a fault at each of its calls, again until nothing is left to do, and compares the books."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from connector.session import READ_METHODS
from tests.faults import books
from tests.faults.launcher import ROOT, Launcher
from tests.faults.proxy import KILLED, LOST, Fault, Proxy, Script
from tests.sandbox.server import Database, Sandbox

SLOTS = 2
"""Runs at a time: as many as the sandbox has workers."""
AGAIN = 2
"""Undisturbed runs after a fault, until there is nothing left to do."""


@dataclass(frozen=True)
class Command:
    """A command, who runs it and on what."""

    arguments: tuple[str, ...]
    source: Database
    """The prepared database; each run gets a copy."""
    user: str
    password: str
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further environment variables."""


@dataclass(frozen=True)
class Point:
    """A fault at a call, or at several of one run."""

    fault: Fault
    at: tuple[int, ...]
    name: str


@dataclass(frozen=True)
class Run:
    """How a run ended."""

    status: int
    state: str
    errors: str


@dataclass
class Report:
    """What was run and what was found."""

    calls: list[str]
    points: Counter[str] = field(default_factory=Counter)
    known: int = 0
    """Killed runs that left, to the last record and byte, what another one left that was then finished."""
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Slot:
    """One database name, proxy, launcher and directory; runs follow each other here. A context manager."""

    def __init__(self, sandbox: Sandbox, command: Command, directory: Path) -> None:
        self.sandbox, self.command, self.directory = sandbox, command, directory
        self.out = directory / "out"
        self.database: Database | None = None
        self._registry = ""
        self._stack = ExitStack()

    def __enter__(self) -> Slot:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._launcher = self._stack.enter_context(Launcher())
        self._proxy = self._stack.enter_context(Proxy(self.sandbox.url))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._stack.close()
        if self.database is not None:
            self.sandbox.drop_database(self.database)

    def renew(self) -> None:
        """Start from the prepared database and an empty directory.

        The name stays the same and so does the number by which Odoo's workers know that their registry is still good:
        all copies have the same models. Loading it anew would take longer than the run.
        """
        name = self.database.name if self.database is not None else None
        self.database = self.sandbox.copy_database(self.command.source, name)
        if self._registry:
            self.sandbox.sql(self.database, f"select setval('base_registry_signaling', {self._registry})")
        else:
            self._registry = self.sandbox.sql(self.database, "select last_value from base_registry_signaling")
        self.out.mkdir(exist_ok=True)
        for path in self.out.iterdir():
            path.unlink()

    def run(self, script: Script) -> Run:
        """Run the command once, disturbed as scripted."""
        self._proxy.script = script
        pid = self._launcher.start(self.command.arguments, self._environment(), self.directory)
        script.pid.set_result(pid)
        status = self._launcher.wait()
        script.finish()
        return self._ended(status, (self.directory / "output").read_text(), (self.directory / "errors").read_text())

    def run_as_user(self, script: Script) -> Run:
        """Run the command undisturbed, as a user starts it: in a new interpreter."""
        self._proxy.script = script
        done = subprocess.run([sys.executable, "-m", "jobs.cli", *self.command.arguments], env=self._environment(),
                              cwd=self.directory, capture_output=True, text=True, check=False)
        script.finish()
        return self._ended(done.returncode, done.stdout, done.stderr)

    def books(self) -> dict[str, Any]:
        """Return what stands in the database and on disk now."""
        assert self.database is not None
        return books.dump(self.sandbox, self.database, self.out)

    @staticmethod
    def _ended(status: int, output: str, errors: str) -> Run:
        summary = json.loads(output) if output.startswith("{") else {}
        return Run(status, summary.get("state", ""), errors)

    def _environment(self) -> dict[str, str]:
        assert self.database is not None
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.directory), "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8",
            "WERKSTROOM_URL": self._proxy.url, "WERKSTROOM_DB": self.database.name,
            "WERKSTROOM_USER": self.command.user, "WERKSTROOM_PASSWORD": self.command.password,
            "WERKSTROOM_PAYMENTS__OUT_DIR": str(self.out), "WERKSTROOM_COMPANY__LANG": "en_US",
            "WERKSTROOM_ODOO__SERVER_CALL_LIMIT": "1", **self.command.settings}


def is_write(call: str) -> bool:
    """Whether a call may change something."""
    return "." in call and call.rpartition(".")[2] not in READ_METHODS


def points_of(calls: Sequence[str], *, every: Iterable[Fault] = ()) -> list[Point]:
    """Return what is tried.

    Each writing call is lost and kills its caller in every way; at each other call the caller is killed once, before
    or after it, which is the same for the books. `every`: further faults, at each other call.
    """
    points = []
    for number, call in enumerate(calls, 1):
        faults: Iterable[Fault] = (*LOST, *KILLED) if is_write(call) else (KILLED[number % 2], *every)
        points += [Point(fault, (number,), f"{fault}: call {number} ({call})") for fault in faults]
    return points


class Trial:
    """All faults of one command."""

    def __init__(self, sandbox: Sandbox, command: Command, directory: Path) -> None:
        self._sandbox, self._command, self._directory = sandbox, command, directory
        self._finished: set[str] = set()
        self._lock = threading.Lock()
        self._expected: dict[str, Any] = {}
        self.report = Report([])

    def __call__(self, choose: Callable[[Sequence[str]], Sequence[Point]] = points_of) -> Report:
        """Run undisturbed, then with every fault that is chosen for the calls made."""
        started = time.monotonic()
        with ExitStack() as stack:
            slots = [stack.enter_context(Slot(self._sandbox, self._command, self._directory / f"slot-{number}"))
                     for number in range(SLOTS)]
            self._undisturbed(slots[0])
            points = list(choose(self.report.calls))
            todo = iter(points)
            with ThreadPoolExecutor(SLOTS) as pool:
                for done in [pool.submit(self._work, slot, todo) for slot in slots]:
                    done.result()
        self.report.seconds = time.monotonic() - started
        return self.report

    @property
    def expected(self) -> dict[str, Any]:
        """The books after the undisturbed run."""
        return self._expected

    def _undisturbed(self, slot: Slot) -> None:
        slot.renew()
        script = Script()
        first = slot.run_as_user(script)
        assert first.state == "done", first
        assert first.status in (0, 1), first
        self.report.calls = script.calls
        self._expected = slot.books()
        second = slot.run_as_user(Script())
        assert second.state == "nothing to do", second
        assert second.status in (0, 1), second
        assert books.differences(self._expected, slot.books()) == []

    def _work(self, slot: Slot, todo: Iterable[Point]) -> None:
        while True:
            with self._lock:
                point = next(iter(todo), None)
            if point is None:
                return
            problems = self._attempt(slot, point)
            with self._lock:
                self.report.points[point.fault] += 1
                self.report.problems += [f"{point.name}: {problem}" for problem in problems]

    def _attempt(self, slot: Slot, point: Point) -> list[str]:
        slot.renew()
        script = Script(point.fault, frozenset(point.at))
        first = slot.run(script)
        problem = self._wrong_path(point, script) or _wrong_end(point, first)
        if problem:
            return [problem]
        left = ""
        if point.fault in KILLED and not is_write(self.report.calls[point.at[0] - 1]):
            left = json.dumps(slot.books(), sort_keys=True)
            with self._lock:
                if left in self._finished:
                    self.report.known += 1
                    return []
        runs = []
        for _ in range(AGAIN):
            runs.append(slot.run(Script()))
            if runs[-1].state == "nothing to do" or runs[-1].status not in (0, 1):
                break
        if runs[-1].state != "nothing to do" or runs[-1].status not in (0, 1):
            return [f"run again, it does not come to its end: {runs}"]
        problems = books.differences(self._expected, slot.books())
        if left and not problems:
            with self._lock:
                self._finished.add(left)
        return problems

    def _wrong_path(self, point: Point, script: Script) -> str:
        """A run that did not meet the call that was meant proves nothing."""
        last = max(point.at)
        if script.calls[:last] != self.report.calls[:last]:
            return f"the run took another path: {script.calls[:last][-3:]}"
        return ""


def _wrong_end(point: Point, run: Run) -> str:
    if point.fault in KILLED:
        return "" if run.status == -9 else f"it should be dead, and ended with {run}"
    # Repeated until it got through, or given up and said: unreachable (4), outcome unknown (5).
    good = run.status in (4, 5) or (run.status in (0, 1) and run.state in ("done", "unknown"))
    return "" if good and "Traceback" not in run.errors else f"it ended badly: {run}"
