"""Runs one command with a fault at each of its calls, again until nothing is left to do, and compares the books.

**Killed.** A process that is killed leaves what stands in Odoo and on disk, nothing else. One run dies before and after
each of its calls (see :mod:`tests.faults.launcher`), and after each death the books are looked at; the first death that
leaves a state new to us is copied, and the command is run again on the copy. Deaths between two writes leave the same.

**Lost.** Each call is lost in a run that goes on; several calls of a run, far apart, so that it takes fewer runs.
"""

from __future__ import annotations

import json
import queue
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults import books
from tests.faults.proxy import LOST, Killed, Kind, Lost, Script, kind_of
from tests.faults.slots import Command, Run, Slot
from tests.sandbox.server import Database, Sandbox

SLOTS = 3
"""Runs at a time; the sandbox has two workers, and a client whose call was lost sleeps most of the time."""
AGAIN = 2
"""Undisturbed runs after a fault, until there is nothing left to do."""
APART: dict[Kind, int] = {"sign-in": 100, "read": 4, "write": 8}
"""One of so many calls of a kind is lost in a run; by the next one it has long got through. A lost sign-in ends it."""


@dataclass
class State:
    """What a death left, and which deaths left it."""

    deaths: list[str]
    first: int
    """The call at which it was left first."""
    database: Database
    files: Path


@dataclass(frozen=True)
class Loss:
    """Calls that are lost in one run: the numbers among the calls of their kind."""

    fault: Lost
    kind: Kind
    at: tuple[int, ...]


@dataclass
class Report:
    """What was run and what was found."""

    calls: list[str]
    points: Counter[str] = field(default_factory=Counter)
    """Fault → calls that it was done to."""
    runs: int = 0
    states: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        kinds = dict(Counter(map(kind_of, self.calls)))
        return "\n".join([f"{len(self.calls)} calls {kinds}; faults {dict(self.points)}; deaths left {self.states} "
                          f"different states; {self.runs} runs in {self.seconds:.0f} s", *self.problems])


class Trial:
    """All faults of one command."""

    def __init__(self, sandbox: Sandbox, command: Command, directory: Path) -> None:
        self._sandbox, self._command, self._directory = sandbox, command, directory
        self._lock = threading.Lock()
        self._todo: queue.SimpleQueue[State | Loss | None] = queue.SimpleQueue()
        self.expected: dict[str, Any] = {}
        """The books after the undisturbed run."""
        self.report = Report([])

    def __call__(self, losses: Callable[[Sequence[str]], Iterator[Loss]] | None = None) -> Report:
        """Run undisturbed, then with every fault."""
        started = time.monotonic()
        with ExitStack() as stack:
            slots = [stack.enter_context(Slot(self._sandbox, self._command, self._directory / f"slot-{number}"))
                     for number in range(SLOTS)]
            self._undisturbed(slots[0])
            self._notes = near_notes(self.report.calls)
            with ThreadPoolExecutor(SLOTS) as pool:
                others = [pool.submit(self._work, slot) for slot in slots[1:]]
                try:
                    self._die(slots[0])
                    for loss in (losses or losses_of)(self.report.calls):
                        self._todo.put(loss)
                finally:
                    for _ in slots:
                        self._todo.put(None)
                self._work(slots[0])
                for done in others:
                    done.result()
        self.report.seconds = time.monotonic() - started
        return self.report

    def _undisturbed(self, slot: Slot) -> None:
        slot.renew()
        script = Script()
        first = slot.run_as_user(script)
        assert first.well and first.state == "done", first  # noqa: PT018
        self.report.calls = script.calls
        self.expected = slot.books()
        second = slot.run_as_user(Script())
        assert second.well and second.state == "nothing to do", second  # noqa: PT018
        assert books.differences(self.expected, slot.books()) == []

    def _die(self, slot: Slot) -> None:
        """One run with all its deaths; new states go to the others as they turn up."""
        slot.renew()
        states: dict[str, State] = {}
        last: State | None = None

        def witness(fault: Killed, number: int, call: str) -> None:
            nonlocal last
            self.report.points[fault] += 1
            if fault == "killed before" and last is not None and _listing(slot.out) == _listing(last.files):
                # Nobody but this run works here: since the last call only files may have changed.
                last.deaths.append(f"{fault} call {number} ({call})")
                return
            left = json.dumps(slot.books(), sort_keys=True)
            if left not in states:
                files = self._directory / f"state-{len(states)}"
                shutil.copytree(slot.out, files)
                states[left] = State([], number, self._sandbox.copy_database(slot.database), files)
                self._todo.put(states[left])
            last = states[left]
            last.deaths.append(f"{fault} call {number} ({call})")

        script = Script(witness=witness)
        run = slot.run(script, dying=True)
        self.report.states = len(states)
        if not run.well or script.calls != self.report.calls:
            self.report.problems.append(f"the run with all deaths took another path: {run}, {script.calls[-3:]}")

    def _work(self, slot: Slot) -> None:
        while (item := self._todo.get()) is not None:
            problems = self._after(slot, item) if isinstance(item, State) else self._lose(slot, item)
            with self._lock:
                self.report.runs += 1
                self.report.problems += problems

    def _after(self, slot: Slot, state: State) -> list[str]:
        """Run again what a death left."""
        slot.renew(state.database, state.files)
        self._sandbox.drop_database(state.database)
        problems = self._again(slot, notes_may_be_lost=state.first in self._notes)
        return [f"{state.deaths[0]}: {problem}" for problem in problems]

    def _lose(self, slot: Slot, loss: Loss) -> list[str]:
        """Run with lost calls, and again."""
        slot.renew()
        script = Script(loss.fault, loss.kind, frozenset(loss.at))
        run = slot.run(script)
        calls = [call for call in self.report.calls if kind_of(call) == loss.kind]
        names = [calls[number - 1] for number in loss.at]
        with self._lock:
            self.report.points[loss.fault] += len(loss.at)
        problems = [] if _ended_well(run) else [f"it ended badly: {run}"]
        if script.struck != len(loss.at):
            problems.append(f"only {script.struck} calls were lost")
        if run.well and [call for call in script.calls if kind_of(call) == loss.kind] != calls:
            problems.append("the run took another path")
        problems += self._again(slot, notes_may_be_lost=any(name.endswith("message_post") for name in names))
        return [f"{loss.fault}: {loss.kind}s {loss.at} ({', '.join(names)}): {problem}" for problem in problems]

    def _again(self, slot: Slot, *, notes_may_be_lost: bool) -> list[str]:
        """Run until nothing is left to do, and compare."""
        run = slot.run()
        for _ in range(AGAIN - 1):
            if run.well and run.state != "nothing to do":
                run = slot.run()
        if not run.well or run.state != "nothing to do":
            return [f"run again, it does not come to its end: {run}"]
        return books.differences(self.expected, slot.books(), notes_may_be_lost=notes_may_be_lost)


def losses_of(calls: Sequence[str]) -> Iterator[Loss]:
    """Yield runs in which, together, each writing call is lost in every way and each other call once."""
    for kind, apart in APART.items():
        count = sum(kind_of(call) == kind for call in calls)
        for fault in LOST if kind == "write" else LOST[1:2]:
            for first in range(1, min(apart, count) + 1):
                yield Loss(fault, kind, tuple(range(first, count + 1, apart)))


def near_notes(calls: Sequence[str]) -> set[int]:
    """Return the calls at which a process that dies may lose notes on what was paid, which is no error (effects.md).

    From the marker "handed out", which ends the work on an order, over the notes' own markers to the last note.
    """
    found: set[int] = set()
    for number, call in enumerate(calls, 1):
        if call.endswith("message_post"):
            loads = [each for each in range(1, number) if calls[each - 1] == "ir.attachment.load"]
            found.update(range(loads[-2], number + 1))
    return found


def _ended_well(run: Run) -> bool:
    """Whether it got through, or gave up and said so: unreachable (4), outcome unknown (5)."""
    return "Traceback" not in run.errors and (run.well or run.status in (4, 5))


def _listing(directory: Path) -> list[tuple[str, bytes]]:
    return sorted((path.name, path.read_bytes()) for path in directory.iterdir())
