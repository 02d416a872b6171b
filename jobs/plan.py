"""What a job is about to do, and what it did: printable, saved as JSON, compared before it is applied.

A job is three functions: `plan(session, options) -> Planned` reads and writes nothing, `apply(session, planned)` sends
the changes through the connector's effects, `exists(session, change)` tells whether a change of a saved plan is done.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError

from connector.errors import Changed, InputError, MalformedFile, OutcomeUnknown, Refused, WerkstroomError
from connector.session import ReadSession, Session

CENT = Decimal("0.01")


def _decimal(value: object) -> Decimal:
    # A JSON number has been through a float before we see it.
    if not isinstance(value, (str, Decimal)):
        raise ValueError("an amount is a string such as \"12.50\", never a JSON number")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise ValueError("this is no amount") from None
    if not amount.is_finite() or amount != amount.quantize(CENT):
        raise ValueError("an amount has two decimals")
    return amount.quantize(CENT)


Amount = Annotated[Decimal, BeforeValidator(_decimal), PlainSerializer(lambda value: f"{value:.2f}", return_type=str)]
Outcome = Literal["planned", "done", "unchanged", "refused", "unknown"]
Action = Literal["create", "bill", "post", "attach", "send", "pay", "approve", "export", "import", "reconcile", "undo",
                 "cancel"]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ref(_Shape):
    """A record of Odoo's."""

    model: str
    id: int
    name: str = ""


class Database(_Shape):
    """Which database a plan was made for; `tag` tells two of one name apart."""

    url: str
    name: str
    tag: str


class Change(_Shape):
    """One effect: on what, why, and from which facts it was decided."""

    key: str | None = None
    action: Action
    target: Ref | None = None
    model: str
    what: str
    why: str
    date: dt.date | None = None
    amount: Amount | None = None
    currency: str = "EUR"
    facts: str
    outcome: Outcome = "planned"
    records: tuple[Ref, ...] = ()

    @property
    def identity(self) -> str:
        """What the change is about, the same in every plan."""
        about = self.key or (f"{self.target.model},{self.target.id}" if self.target else self.what)
        return f"{self.action}:{about}"

    def ended(self, outcome: Outcome, *records: Ref, why: str | None = None) -> Change:
        """Return the change with its outcome."""
        return self.model_copy(update={"outcome": outcome, "records": (*self.records, *records),
                                       "why": self.why if why is None else why})


class Skipped(_Shape):
    """What was not done, why, and what a person can do about it."""

    code: str
    target: Ref | None = None
    what: str
    why: str
    remedy: str = ""
    needs_person: bool
    amount: Amount | None = None
    currency: str = "EUR"


class Plan(_Shape):
    """What a job will do."""

    kind: Literal["plan"] = "plan"
    schema_version: Literal[1] = 1
    job: str
    options: dict[str, Any]
    database: Database
    company: Ref
    created: dt.datetime
    changes: tuple[Change, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    totals: dict[str, Amount] = {}

    @property
    def exit_code(self) -> int:
        """1 when a row needs a person, else 0."""
        return int(any(row.needs_person for row in self.skipped))


class File(_Shape):
    """A file that was written."""

    path: str
    sha256: str
    bytes: int
    total: Amount
    count: int


class Summary(_Shape):
    """What a job did."""

    kind: Literal["summary"] = "summary"
    schema_version: Literal[1] = 1
    job: str
    options: dict[str, Any]
    database: Database
    company: Ref
    created: dt.datetime
    changes: tuple[Change, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    totals: dict[str, Amount] = {}
    state: Literal["done", "nothing to do", "unknown", "refused"]
    counts: dict[str, int]
    files: tuple[File, ...] = ()
    api_calls: int = 0
    seconds: float = 0.0
    exit_code: int = 0
    children: tuple[Summary, ...] = ()


Options = TypeVar("Options", bound="JobOptions")


class JobOptions(_Shape):
    """The options of a job, as saved with its plan."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and per change what `apply` needs that a printed plan does not show (change identity → the job's)."""

    plan: Plan
    work: Mapping[str, Any]

    def only(self, identities: Iterable[str]) -> Planned:
        """Return the plan without the changes that are not named."""
        wanted = set(identities)
        changes = tuple(change for change in self.plan.changes if change.identity in wanted)
        return Planned(self.plan.model_copy(update={"changes": changes, "totals": totals(changes)}),
                       {name: work for name, work in self.work.items() if name in wanted})


@dataclass(frozen=True, slots=True)
class Applied:
    """What came out of the changes, and what turned up on the way."""

    changes: tuple[Change, ...]
    skipped: tuple[Skipped, ...] = ()
    files: tuple[File, ...] = ()


@dataclass(frozen=True)
class Job(Generic[Options]):
    """A job, as the command line and `werkstroom apply` see it."""

    name: str
    options: type[Options]
    plan: Callable[[ReadSession, Options], Planned]
    apply: Callable[[Session, Options, Planned], Applied]
    exists: Callable[[ReadSession, Options, Change], bool]
    pays_or_mails: Callable[[Options], bool]


def facts(*values: object) -> str:
    """Return the digest of all that was read to decide a change."""
    text = json.dumps(values, default=str, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def totals(changes: Iterable[Change]) -> dict[str, Decimal]:
    """Add up the amounts per currency."""
    sums: dict[str, Decimal] = {}
    for change in changes:
        if change.amount is not None:
            sums[change.currency] = sums.get(change.currency, Decimal("0.00")) + change.amount
    return sums


def make_plan(s: ReadSession, job: str, options: JobOptions, changes: Iterable[Change],
              skipped: Iterable[Skipped]) -> Plan:
    """Put a plan together with where and when it was made."""
    changes = tuple(changes)
    return Plan(job=job, options=options.model_dump(mode="json"), changes=changes, skipped=tuple(skipped),
                database=Database(url=s.server.url, name=s.server.db, tag=s.server.tag), totals=totals(changes),
                company=Ref(model="res.company", id=s.company_id, name=s.company_name),
                created=s.clock().replace(microsecond=0))


def summarize(plan: Plan, applied: Applied, *, api_calls: int, seconds: float,
              children: tuple[Summary, ...] = ()) -> Summary:
    """Turn a plan and what came out of it into a summary."""
    skipped = _merged(plan.skipped, applied.skipped)
    outcomes = Counter(change.outcome for change in applied.changes)
    codes = [5] * bool(outcomes["unknown"]) + [6] * bool(outcomes["refused"])
    codes += [1] * any(row.needs_person for row in skipped) + [child.exit_code for child in children]
    state: Literal["done", "nothing to do", "unknown", "refused"] = (
        "unknown" if outcomes["unknown"] else "refused" if outcomes["refused"] else
        "done" if outcomes["done"] else "nothing to do")
    shared = {name: getattr(plan, name) for name in ("job", "options", "database", "company", "created")}
    return Summary(**shared, changes=applied.changes, skipped=skipped, state=state,
                   totals=totals(change for change in applied.changes if change.outcome == "done"),
                   counts={**outcomes, "skipped": len(skipped)}, files=applied.files, api_calls=api_calls,
                   seconds=round(seconds, 2), exit_code=strongest(codes), children=children)


def _merged(planned: tuple[Skipped, ...], applied: tuple[Skipped, ...]) -> tuple[Skipped, ...]:
    """A row that was planned and turned up again is one row."""
    return tuple(dict.fromkeys((*planned, *applied)))


def strongest(codes: Iterable[int]) -> int:
    """Return the exit code that tells most: 5 before 4 before 6 before 1 before 0."""
    order = (5, 4, 6, 1, 0)
    return min(codes, key=order.index, default=0)


def outcome_of(change: Change, error: Refused | OutcomeUnknown) -> Change:
    """Return the change as ended by an error, with the error as its reason."""
    return change.ended("unknown" if isinstance(error, OutcomeUnknown) else "refused", why=str(error))


def matching(s: ReadSession, job: Job[Options], options: Options, saved: Plan,
             fresh: Planned) -> tuple[Planned, tuple[Change, ...]]:
    """Compare a plan that a person saw with the facts as they are now, before the first write.

    Returns:
        the fresh plan, without what the saved one did not hold, and the saved changes whose effect exists by now.

    Raises:
        Changed: it was made for another database or company, or a fact changed.
    """
    if (saved.database.name, saved.database.tag) != (fresh.plan.database.name, fresh.plan.database.tag):
        raise Changed(f"The plan was made for database {saved.database.name} ({saved.database.tag}), this is "
                      f"{fresh.plan.database.name} ({fresh.plan.database.tag}).", remedy="Make a new plan.")
    if saved.company.id != fresh.plan.company.id:
        raise Changed(f"The plan was made for company {saved.company.name}.", remedy="Make a new plan.")
    now = {change.identity: change for change in fresh.plan.changes}
    done = []
    for change in saved.changes:
        current = now.get(change.identity)
        if current is not None and current.facts == change.facts:
            continue
        if job.exists(s, options, change):
            done.append(change.ended("unchanged"))
            continue
        raise Changed(f"What was planned no longer holds: {change.what}.", remedy="Make a new plan and look at it.")
    kept = {change.identity for change in saved.changes} - {change.identity for change in done}
    return fresh.only(kept), tuple(done)


def save(plan: Plan, path: Path) -> None:
    """Write a plan as JSON, for the owner only: it holds IBANs."""
    write_private(path, (plan.model_dump_json(indent=1) + "\n").encode())


def load(path: Path) -> Plan:
    """Read a saved plan.

    Raises:
        InputError: the file cannot be read, or is no plan.
    """
    try:
        return Plan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}).", source=str(path)) from error
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(map(str, problem["loc"]))
        raise MalformedFile(problem["msg"], source=str(path), field=field, remedy="Make a new plan.") from error


def write_private(path: Path, content: bytes) -> None:
    """Write a file with mode 0600, whole or not at all.

    Raises:
        WerkstroomError: it cannot be written.
    """
    part = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp's files are their owner's alone, and no other run, on this machine or another, has the same name.
        handle, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(part).replace(path)
    except OSError as error:
        if part:
            Path(part).unlink(missing_ok=True)
        raise WerkstroomError(f"{path} cannot be written ({error.strerror}).",
                              remedy="Check the directory and its rights, then run the command again.") from error


def with_children(summary: Summary, children: tuple[Summary, ...]) -> Summary:
    """Return a summary with the runs it started."""
    code = strongest([summary.exit_code, *(child.exit_code for child in children)])
    return summary.model_copy(update={"children": children, "exit_code": code})


