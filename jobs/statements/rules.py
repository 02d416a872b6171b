"""What of a bank's file is new, what Odoo has, what a person must look at: decided on plain data.

An entry is known by its key, else by its content (a line that was there before Werkstroom), else it may look like a
line under a looser key, and then nobody but a person can say. See shared/shapes.md, "Keys".
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from mappings.money import display
from mappings.odoo.statement_line import BankLine, OdooStatement, label
from mappings.statement import Entry, Statement, normalise, twin_numbers

LOOSE_DAYS = dt.timedelta(days=5)
ZERO = Decimal("0.00")

Keyed: TypeAlias = tuple[str, Entry]


@dataclass(frozen=True, slots=True)
class Books:
    """What Odoo has of an account: its statements in order, with the last one before the window, and its lines."""

    statements: Sequence[OdooStatement]
    lines: Sequence[BankLine]

    def balance_before(self, day: dt.date) -> Decimal | None:
        """Return the balance at the end of the day before, None when there is no statement.

        Counted from the lines, not from the closing balances: those still hold a line that somebody deleted.
        """
        if not self.statements:
            return None
        earlier = [statement for statement in self.statements if statement.date < day]
        later = [statement for statement in self.statements if statement.date >= day]
        start = earlier[-1].closing if earlier else later[0].start
        inside = {line for statement in later for line in statement.lines}
        after = sum((line.amount for line in self.lines if line.date >= day and line.id in inside), ZERO)
        return start + sum((statement.total for statement in later), ZERO) - after

    def booked(self, first: dt.date, last: dt.date) -> Decimal:
        """Return the sum of the lines from one day to another."""
        return sum((line.amount for line in self.lines if first <= line.date <= last), ZERO)

    @property
    def last_day(self) -> dt.date | None:
        """The last day with a line, else that of the last statement."""
        return max((line.date for line in self.lines), default=self.statements[-1].date if self.statements else None)


@dataclass(frozen=True, slots=True)
class Chain:
    """How a file's balances follow on Odoo's.

    `partial` is a first day that the file or Odoo has in part: twin numbers could have shifted on it. `gap` is what
    is missing between the two, None when they fit.
    """

    partial: dt.date | None = None
    hold_known: bool = False
    gap: Decimal | None = None
    balance: Decimal | None = None


@dataclass(slots=True)
class Verdict:
    """What becomes of a file's entries."""

    new: list[Keyed] = field(default_factory=list)
    there: list[Keyed] = field(default_factory=list)
    by_content: list[tuple[Entry, BankLine]] = field(default_factory=list)
    held: list[tuple[Entry, BankLine | None]] = field(default_factory=list)
    """With the line that it looks like; None on a day that is there in part."""
    came_back: list[Entry] = field(default_factory=list)
    """Of the new ones, those that lie between entries that Odoo has: somebody deleted them."""
    strangers: list[BankLine] = field(default_factory=list)
    """Lines of Odoo in the file's period that the file does not have."""


def line_key(journal: int, digest: str, twin: int) -> str:
    """Return the key of a statement line."""
    return f"stl-j{journal}-{digest}-{twin}"


def keyed(statement: Statement, journal: int) -> list[Keyed]:
    """Return the entries with their keys, in the order of booking."""
    return [(line_key(journal, twin.digest, twin.k), entry)
            for entry, twin in zip(statement.entries, twin_numbers(statement), strict=True)]


# --- balances --------------------------------------------------------------------------------------------------------

def chain(statement: Statement, books: Books) -> Chain:
    """Compare a file's balances with Odoo's.

    They fit when the file opens with Odoo's balance before its first day, or (for a period before all that Odoo has)
    when it closes with Odoo's balance at its end. A file without balances always fits.
    """
    first, last = statement.from_date, statement.to_date
    if statement.opening is None or statement.closing is None or first is None or last is None:
        return Chain()
    before = books.balance_before(first)
    if before is None or before == statement.opening:
        return Chain(balance=before)
    if any(line.date == first for line in books.lines):
        after_first_day = before + books.booked(first, first)
        if after_first_day == statement.opening:
            return Chain(partial=first, hold_known=True, balance=before)
        if after_first_day == _balance_after(statement, first):
            return Chain(partial=first, balance=before)
    known_until = books.last_day
    end = min(last, known_until) if known_until and known_until >= first else last
    if before + books.booked(first, end) == _balance_after(statement, end):
        return Chain(balance=before)
    return Chain(gap=statement.opening - before, balance=before)


def _balance_after(statement: Statement, day: dt.date) -> Decimal | None:
    balance = statement.opening
    for entry in statement.entries:
        if entry.booking_date <= day and balance is not None:
            balance += entry.amount
    return balance


# --- entries ---------------------------------------------------------------------------------------------------------

def decide(statement: Statement, journal: int, books: Books, link: Chain, today: dt.date) -> Verdict:
    """Decide what becomes of every entry of a file.

    Args:
        statement: the file's entries of one account.
        journal: the journal it belongs to.
        books: what Odoo has there, from some days before the file's first day on.
        link: how the balances fit.
        today: the day of the import, which the file may hold in part.
    """
    verdict = Verdict()
    entries = keyed(statement, journal)
    by_key = {line.key: line for line in books.lines if line.key}
    used: set[int] = set()
    unknown = []
    for key, entry in entries:
        if key in by_key:
            used.add(by_key[key].id)
            verdict.there.append((key, entry))
        else:
            unknown.append((key, entry))
    unknown = list(_without_known_content(unknown, books.lines, used, verdict))
    verdict.new = list(_without_look_alikes(unknown, books.lines, used, verdict, statement))
    _hold_partial_days(verdict, statement, books, link, today)
    verdict.came_back = _between_known(verdict)
    # On the last day Odoo may have more, from a later download.
    verdict.strangers = [line for line in books.lines if line.id not in used and _inside(line.date, statement)
                         and line.date not in (statement.to_date, link.partial)]
    return verdict


def _without_known_content(entries: Iterable[Keyed], lines: Sequence[BankLine], used: set[int],
                           verdict: Verdict) -> Iterator[Keyed]:
    """Drop what is there without a key: same day, amount and text; of n twins as many as there are lines."""
    same: dict[tuple[dt.date, Decimal, str], list[BankLine]] = defaultdict(list)
    for line in reversed(lines):
        if not line.key:
            same[line.date, line.amount, normalise(line.text)].append(line)
    for key, entry in entries:
        found = same.get((entry.booking_date, entry.amount, normalise(label(entry))))
        if found:
            known = found.pop()
            used.add(known.id)
            verdict.by_content.append((entry, known))
        else:
            yield key, entry


def _without_look_alikes(entries: Iterable[Keyed], lines: Sequence[BankLine], used: set[int], verdict: Verdict,
                         statement: Statement) -> Iterator[Keyed]:
    """Hold what looks like a line that no other entry explains: same amount, IBAN or text the same, days apart.

    A keyed line outside the file's period is explained by the file it came from.
    """
    same: dict[Decimal, list[BankLine]] = defaultdict(list)
    for line in lines:
        if line.id not in used and (not line.key or _inside(line.date, statement)):
            same[line.amount].append(line)
    for key, entry in entries:
        like = next((line for line in same.get(entry.amount, ()) if line.id not in used and _alike(entry, line)), None)
        if like is None:
            yield key, entry
        else:
            used.add(like.id)
            verdict.held.append((entry, like))


def _alike(entry: Entry, line: BankLine) -> bool:
    if abs(entry.booking_date - line.date) > LOOSE_DAYS:
        return False
    account = entry.counterparty.iban or entry.counterparty.account
    text = normalise(label(entry))
    return bool(account and account == line.account) or bool(text and text == normalise(line.text))


def _hold_partial_days(verdict: Verdict, statement: Statement, books: Books, link: Chain, today: dt.date) -> None:
    days = set()
    if link.partial:
        days.add(link.partial)
    if statement.to_date == today and statement.closing is not None and link.balance is not None \
            and any(line.date == today for line in books.lines) and not _whole(verdict, statement, books, today):
        days.add(today)
    for day in days:
        verdict.held += [(entry, None) for _, entry in verdict.new if entry.booking_date == day]
        verdict.new = [(key, entry) for key, entry in verdict.new if entry.booking_date != day]
        if link.hold_known and day == link.partial:
            # The file goes on where Odoo stopped, in the middle of the day: a key that is there may be its twin's.
            verdict.held += [(entry, None) for _, entry in verdict.there if entry.booking_date == day]
            verdict.there = [(key, entry) for key, entry in verdict.there if entry.booking_date != day]


def _whole(verdict: Verdict, statement: Statement, books: Books, day: dt.date) -> bool:
    """Whether the day, with what is new on it, sums up in Odoo as in the file."""
    new = sum((entry.amount for _, entry in verdict.new if entry.booking_date == day), ZERO)
    return books.booked(day, day) + new == sum((entry.amount for entry in statement.entries
                                                if entry.booking_date == day), ZERO)


def _between_known(verdict: Verdict) -> list[Entry]:
    days = [entry.booking_date for _, entry in verdict.there]
    return [entry for _, entry in verdict.new if days and min(days) <= entry.booking_date < max(days)]


def _inside(day: dt.date, statement: Statement) -> bool:
    return statement.from_date is not None and statement.to_date is not None \
        and statement.from_date <= day <= statement.to_date


def describe(entry: Entry) -> str:
    """Return an entry in words, for a row that a person reads."""
    name = f"{entry.counterparty.name}: " if entry.counterparty.name else ""
    return f"{entry.booking_date} {display(entry.amount)} {name}{label(entry)}"
