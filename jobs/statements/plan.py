"""Plan of `bank import`: reads files and Odoo, writes nothing."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from connector.errors import AccessDenied, BalanceMismatch, InputError
from connector.session import ReadSession
from connector.stock import ledger, statements
from connector.stock.statements import BankJournal, Batch
from jobs.plan import Change, JobOptions, Planned, Ref, Skipped, facts, make_plan
from jobs.statements.files import BankFile, place, read_files
from jobs.statements.rules import LOOSE_DAYS, ZERO, Books, Keyed, Verdict, chain, decide, describe
from mappings.money import display
from mappings.odoo.statement_line import NO_BALANCE, BankLine, OdooStatement, label, line_values

NAME = "bank import"
PAUSES = (0.3, 1.0)
"""Seconds before the journal is looked at again, when something in the files does not fit it."""


class ImportOptions(JobOptions):
    """Which files, and into which bank journal where the account does not say it."""

    files: tuple[Path, ...]
    journal: str | None = None


@dataclass(slots=True)
class Work:
    """What `apply` needs of a change: lines to add, statements that a dead run left open, a balance to start from."""

    journal: int
    batch: Batch | None = None
    known: Sequence[OdooStatement] = ()
    unfinished: list[OdooStatement] = field(default_factory=list)
    first: OdooStatement | None = None
    opening: Decimal | None = None
    broken: OdooStatement | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A file, and what becomes of its entries."""

    file: BankFile
    journal: BankJournal
    verdict: Verdict
    opening: Decimal | None


def plan(s: ReadSession, options: ImportOptions) -> Planned:
    """Plan the import of files.

    Raises:
        InputError: a file cannot be read, does not add up or follow on Odoo's balance, or falls in a locked period.
        ConfigError: no journal has the account of a file.
        AccessDenied: the user may not write bank statements.
    """
    files = read_files(options.files)
    try:
        placed = list(place(files, statements.bank_journals(s), options.journal))
    except AccessDenied:
        s.require_groups(NAME, statements.RIGHTS)  # says which right, and who grants it
        raise
    changes: list[Change] = []
    skipped: list[Skipped] = []
    work: dict[str, Work] = {}
    for journal in dict.fromkeys(journal for _, journal in placed):
        desk = _desk(s, journal, [file for file, to in placed if to == journal])
        for change, item in desk.changes():
            changes.append(change)
            work[change.identity] = item
        skipped += desk.skipped()
    if changes:
        s.require_groups(NAME, statements.RIGHTS)
    return Planned(make_plan(s, NAME, options, changes, skipped), work)


def _desk(s: ReadSession, journal: BankJournal, files: Sequence[BankFile]) -> Desk:
    """Lay the files beside the journal; look again before anything is refused or held.

    The journal is read in several calls, and another import may be writing in between: what does not fit then, fits a
    moment later.
    """
    for pause in PAUSES:
        try:
            desk = Desk(s, journal, files)
            if not desk.doubtful:
                return desk
        except BalanceMismatch as error:
            logging.getLogger("werkstroom.statements").debug("%s; looking again", error.message)
        s.sleep(pause)
    return Desk(s, journal, files)


def exists(s: ReadSession, options: ImportOptions, change: Change) -> bool:
    """Whether a change of a saved plan is done: it is planned no more."""
    return change.identity not in {now.identity for now in plan(s, options).plan.changes}


class Desk:
    """The files of one journal, one after the other, each laid beside what Odoo will have after the ones before."""

    def __init__(self, s: ReadSession, journal: BankJournal, files: Sequence[BankFile]) -> None:
        self._s = s
        self._journal = journal
        self._origin: tuple[OdooStatement, Decimal] | None = None
        since = min(file.statement.from_date or s.today() for file in files) - LOOSE_DAYS
        self._known = statements.read(s, journal.id, since)
        self._books = Books(self._known, statements.read_lines(s, journal.id, since) if self._known else [])
        self._found = [self._look(file) for file in files]
        self._require_unlocked()

    @property
    def doubtful(self) -> bool:
        """Something in the files does not fit what Odoo has."""
        return any(found.verdict.held or found.verdict.strangers or found.verdict.came_back for found in self._found)

    def _look(self, file: BankFile) -> Found:
        link = chain(file.statement, self._books)
        if link.gap is not None:
            self._learn_origin(file, link.gap, link.balance or ZERO)
            link = chain(file.statement, self._books)
        verdict = decide(file.statement, self._journal.id, self._books, link, self._s.today())
        opening = self._opening(file, verdict)
        found = Found(file, self._journal, verdict, opening)
        if verdict.new:
            self._books = _with(self._books, verdict.new, opening)
        return found

    def _learn_origin(self, file: BankFile, gap: Decimal, balance: Decimal) -> None:
        """Take the balance that the journal starts from out of this file, if no file before could tell it."""
        first = statements.first(self._s, self._journal.id)
        if first is None or not first.reference.endswith(NO_BALANCE) or first.start != ZERO or self._origin:
            statement = file.statement
            assert statement.from_date is not None and statement.opening is not None  # noqa: PT018
            day = statement.from_date - dt.timedelta(days=1)
            raise BalanceMismatch(
                f"journal {self._journal.code} stands at {display(balance)} at the end of {day}, the file begins on "
                f"{statement.from_date} with {display(statement.opening)}: {display(gap)} is missing.",
                source=file.name, remedy="Import the period in between too, or correct what Odoo has; nothing was "
                                         "written.")
        self._origin = first, gap
        self._books = Books([replace(statement, start=statement.start + gap, end=statement.end + gap)
                             for statement in self._books.statements], self._books.lines)

    def _opening(self, file: BankFile, verdict: Verdict) -> Decimal | None:
        """Return the balance before the new entries, where no statement before them has it."""
        if not verdict.new:
            return None
        last = max(entry.booking_date for _, entry in verdict.new)
        if any(statement.date <= last for statement in self._books.statements):
            return None
        if file.statement.opening is not None:
            return file.statement.opening
        later = self._books.statements[:1]
        return later[0].start - _sum(verdict.new) if later else None

    def _require_unlocked(self) -> None:
        if not any(found.verdict.new for found in self._found):
            return
        lock = ledger.lock_date(self._s)
        for found in self._found:
            early = [entry for _, entry in found.verdict.new if lock and entry.booking_date <= lock]
            if early:
                raise InputError(
                    f"{len(early)} new {_entries(len(early))} in a locked period, the first on "
                    f"{early[0].booking_date}; the books are locked up to {lock}.", source=found.file.name,
                    remedy="Unlock the period in Odoo, or download the days after it; nothing was written.")

    def changes(self) -> Iterator[tuple[Change, Work]]:
        """Yield what is to be done, with what it takes."""
        unfinished = self._unfinished()
        if self._origin:
            yield self._origin_change(*self._origin)
        accounts = statements.holders(self._s, (
            entry.counterparty.iban or entry.counterparty.account for found in self._found
            for _, entry in found.verdict.new))
        for found in self._found:
            prefix = f"stm-j{self._journal.id}-{found.file.digest}"
            left = [unfinished.pop(key) for key in list(unfinished) if key.startswith(f"{prefix}-")]
            if found.verdict.new or left:
                yield self._import_change(found, prefix, left, accounts)
        for key, statement in unfinished.items():
            yield Change(key=key, action="post", model=statements.STATEMENT,
                         target=Ref(model=statements.STATEMENT, id=statement.id, name=statement.name),
                         what=f"statement {statement.name} ({statement.reference})",
                         why="an import that was broken off left it open", date=statement.date, facts=facts(key)), \
                Work(self._journal.id, unfinished=[statement])
        yield from self._link_changes()

    def _unfinished(self) -> dict[str, OdooStatement]:
        """Return our statements that have lines and are not posted, by key."""
        left = {statement.id: statement for statement in self._known if statement.open and statement.lines}
        keys = statements.own_keys(self._s, statements.STATEMENT, left)
        return {keys[record]: statement for record, statement in left.items() if record in keys}

    def _origin_change(self, first: OdooStatement, gap: Decimal) -> tuple[Change, Work]:
        change = Change(
            action="import", target=Ref(model=statements.STATEMENT, id=first.id, name=first.name),
            model=statements.STATEMENT, what=f"opening balance of journal {self._journal.code}: {display(gap)}",
            why="the files imported so far had no balances, this one has", date=first.date, facts=facts(str(gap)))
        return change, Work(self._journal.id, first=first, opening=gap)

    def _import_change(self, found: Found, prefix: str, left: list[OdooStatement],
                       accounts: dict[str, tuple[int, int]]) -> tuple[Change, Work]:
        new, verdict, file = found.verdict.new, found.verdict, found.file
        days = [entry.booking_date for _, entry in new] or [statement.date for statement in left]
        others = len(file.statement.entries) - len(new)
        balance = f"balance {display(file.statement.closing)}" if file.statement.closing is not None else "no balance"
        change = Change(
            key=prefix, action="import", model=statements.STATEMENT,
            target=Ref(model="account.journal", id=self._journal.id, name=self._journal.code),
            what=f"{len(new)} {_entries(len(new))}, {min(days)} – {max(days)}, into {self._journal.code}" if new else
            f"statement {left[0].name}, left open by an import that was broken off",
            why=f"{file.name}: {len(file.statement.entries)} {_entries(len(file.statement.entries))}, {balance}"
            + (f", {others} not new" if others else ""),
            date=max(days), amount=_sum(new), currency=file.statement.currency,
            facts=facts(file.digest, self._journal.id, sorted(describe(entry) for entry, _ in verdict.held),
                        sorted(line.id for _, line in verdict.by_content)))
        return change, Work(self._journal.id, self._batch(found, prefix, max(days), accounts) if new else None,
                            self._known, left)

    def _batch(self, found: Found, prefix: str, last: dt.date, accounts: dict[str, tuple[int, int]]) -> Batch:
        lines = {}
        for key, entry in found.verdict.new:
            partner, account = accounts.get(entry.counterparty.iban or entry.counterparty.account, (0, 0))
            lines[key] = line_values(entry, sequence=entry.position, partner=partner, bank_account=account)
        return Batch(self._journal, prefix, lines, last,
                     found.file.name + ("" if found.file.has_balance else NO_BALANCE), found.opening)

    def _link_changes(self) -> Iterator[tuple[Change, Work]]:
        broken = [this for _, this in statements.broken_links(self._known)]
        keys = statements.own_keys(self._s, statements.STATEMENT, [statement.id for statement in broken])
        ours = next((statement for statement in broken if statement.id in keys), None)
        if ours is not None:
            change = Change(
                action="post", target=Ref(model=statements.STATEMENT, id=ours.id, name=ours.name),
                model=statements.STATEMENT, what=f"balances of journal {self._journal.code} from {ours.date} on",
                why="a statement does not start where the one before ended", date=ours.date,
                facts=facts(str(ours.start)))
            yield change, Work(self._journal.id, broken=ours)

    def skipped(self) -> Iterator[Skipped]:
        """Yield what is not done, and why."""
        for found in self._found:
            yield from _skipped(found)


def _with(books: Books, new: Sequence[Keyed], opening: Decimal | None) -> Books:
    """Return the books as they will be with these entries in a statement of their own."""
    lowest = min((0, *(line.id for line in books.lines), *(each.id for each in books.statements)))
    lines = [BankLine(id=lowest - number, date=entry.booking_date, amount=entry.amount, text=label(entry),
                      name=entry.counterparty.name, account=entry.counterparty.iban or entry.counterparty.account,
                      code=entry.code, reference="", statement=0, journal=0, move=0, partner=0, reconciled=False,
                      key=key)
             for number, (key, entry) in enumerate(new, 1)]
    day, total = max(line.date for line in lines), _sum(new)
    earlier = [statement for statement in books.statements if statement.date <= day]
    later = [statement for statement in books.statements if statement.date > day]
    start = earlier[-1].closing if earlier else opening or ZERO
    shift = start + total - later[0].start if later else ZERO
    made = OdooStatement(id=lines[-1].id - 1, name="", date=day, open=False, reference="", start=start,
                         end=start + total, total=total, previous=0, lines=tuple(line.id for line in lines))
    moved = [replace(statement, start=statement.start + shift, end=statement.end + shift) for statement in later]
    return Books([*earlier, made, *moved], [*books.lines, *lines])


def _skipped(found: Found) -> Iterator[Skipped]:
    verdict, name = found.verdict, found.file.name
    if not found.file.has_balance:
        yield Skipped(code="no_balance", what=name, why="the file has no balance column: its balance is not checked",
                      remedy="Triodos has offered 9 columns, with the balance, since 2021.", needs_person=False)
    if verdict.there:
        yield Skipped(code="there", what=f"{len(verdict.there)} {_entries(len(verdict.there))} of {name}",
                      why="in Odoo already", needs_person=False, amount=_sum(verdict.there))
    if verdict.by_content:
        count = len(verdict.by_content)
        yield Skipped(code="there_by_hand", what=f"{count} {_entries(count)} of {name}", needs_person=False,
                      why="in Odoo already, entered by hand or by another program",
                      amount=sum((entry.amount for entry, _ in verdict.by_content), ZERO))
    for entry in verdict.came_back:
        yield Skipped(code="came_back", what=describe(entry), needs_person=False, amount=entry.amount,
                      why="Odoo has the entries before and after it: it was deleted there, and comes back",
                      remedy="What the bank booked belongs in the books; undo its match instead of deleting it.")
    for entry, line in verdict.held:
        yield Skipped(
            code="look_alike" if line else "partial_day", what=describe(entry), needs_person=True, amount=entry.amount,
            target=Ref(model=statements.LINE, id=line.id, name=line.text) if line and line.id > 0 else None,
            why=f"it may be the line of {line.date} in Odoo" if line else
            f"{entry.booking_date} is not complete in this file or in Odoo, so equal entries cannot be told apart",
            remedy="If it is the same, give that line the bank's date and text; if not, enter it by hand." if line else
            "Import a file that has the whole day.")
    for line in verdict.strangers:
        yield Skipped(code="not_at_the_bank", what=f"{line.date} {display(line.amount)} {line.text}",
                      target=Ref(model=statements.LINE, id=line.id, name=line.text), needs_person=True,
                      amount=line.amount, why=f"{name} covers that day and does not have it",
                      remedy="Was it entered by mistake? Then delete it in Odoo.")


def _sum(entries: Iterable[Keyed]) -> Decimal:
    return sum((entry.amount for _, entry in entries), ZERO)


def _entries(number: int) -> str:
    return "entry" if number == 1 else "entries"


