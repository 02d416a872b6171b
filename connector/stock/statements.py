"""Bank statements in a stock Odoo 14: each entry of the bank's once, whoever imports it and however often.

A statement is inserted by key and without balances, its lines flat and by key. What landed where is read back, then
the balances are written and the statement is posted; a posted one takes no more lines, so late ones get a further
statement. Nothing is ever removed: an unlink could take a racer's line along. See shared/effects.md.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count, pairwise
from typing import Any, TypeVar

from connector import effects, records
from connector.effects import Call
from connector.errors import Busy, MissingRecord, ValidationFailed
from connector.records import rel
from connector.session import ReadSession, Session
from mappings.money import to_wire
from mappings.odoo.statement_line import (
    LINE_FIELDS,
    STATEMENT_FIELDS,
    BankLine,
    OdooStatement,
    bank_line,
    odoo_statement,
)
from mappings.party import clean_iban

STATEMENT, LINE = "account.bank.statement", "account.bank.statement.line"
RIGHTS = {"account.group_account_user": "Show Full Accounting Features"}

CHUNK = 200
"""Lines a call: Odoo takes 70 a second, and a worker's call is cut off after 60 s of processor time."""
ROUNDS = 6
_PAGE = 100

Seen = TypeVar("Seen")


@dataclass(frozen=True, slots=True)
class BankJournal:
    """A journal of type bank; `iban` is clean, "" when no account is set on it, `currency` "" is the company's."""

    id: int
    code: str
    name: str
    iban: str
    currency: str


@dataclass(frozen=True, slots=True)
class Batch:
    """The lines that one file brings into one journal.

    `prefix` is the statement's key without its number, `lines` key → values by column of `load`; `opening` is the
    file's balance before them, where it is known.
    """

    journal: BankJournal
    prefix: str
    lines: Mapping[str, Mapping[str, Any]]
    date: dt.date
    reference: str
    opening: Decimal | None


# --- reading ---------------------------------------------------------------------------------------------------------

def bank_journals(s: ReadSession) -> list[BankJournal]:
    """Return the company's bank journals."""
    rows = records.search(s, "account.journal", [("type", "=", "bank"), ("company_id", "=", s.company_id)],
                          ["code", "name", "bank_acc_number", "currency_id"])
    return [BankJournal(row["id"], row["code"], row["name"], clean_iban(row["bank_acc_number"] or ""),
                        row["currency_id"][1] if row["currency_id"] else "") for row in rows]


def read(s: ReadSession, journal: int, since: dt.date) -> list[OdooStatement]:
    """Return a journal's statements from a day on and the last one before it, in the order of their chain."""
    found: list[OdooStatement] = []
    while True:
        rows = s.call(STATEMENT, "search_read", [("journal_id", "=", journal)], list(STATEMENT_FIELDS), limit=_PAGE,
                      offset=len(found), order="date desc, id desc")
        found += [odoo_statement(row) for row in rows]
        if len(rows) < _PAGE or found[-1].date < since:
            break
    unique = {statement.id: statement for statement in found}
    chain = sorted(unique.values(), key=lambda statement: (statement.date, statement.id))
    before = sum(statement.date < since for statement in chain)
    return chain[max(before - 1, 0):]


def first(s: ReadSession, journal: int) -> OdooStatement | None:
    """Return the statement that a journal's balance starts from."""
    rows = s.call(STATEMENT, "search_read", [("journal_id", "=", journal)], list(STATEMENT_FIELDS), limit=1,
                  order="date, id")
    return odoo_statement(rows[0]) if rows else None


def read_lines(s: ReadSession, journal: int, since: dt.date) -> list[BankLine]:
    """Return a journal's lines from a day on, each with the key under which we inserted it."""
    rows = records.search(s, LINE, [("journal_id", "=", journal), ("date", ">=", since.isoformat())], LINE_FIELDS)
    keys = own_keys(s, LINE, [row["id"] for row in rows])
    return [bank_line(row, keys.get(row["id"], "")) for row in rows]


def own_keys(s: ReadSession, model: str, ids: Collection[int]) -> dict[int, str]:
    """Return id → our key, of those records that have one."""
    prefix = f"{effects.MODULE}."
    return {record: name.removeprefix(prefix) for record, name in records.external_ids(s, model, ids).items()
            if name.startswith(prefix)}


def holders(s: ReadSession, accounts: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return account number → (partner, `res.partner.bank`) of those accounts that belong to exactly one partner."""
    wanted = sorted({account for account in accounts if account})
    if not wanted:
        return {}
    rows = records.search(s, "res.partner.bank", [
        ("sanitized_acc_number", "in", wanted), ("company_id", "in", [False, s.company_id])],
        ["sanitized_acc_number", "partner_id"])
    owners: dict[str, set[int]] = {}
    for row in rows:
        owners.setdefault(row["sanitized_acc_number"], set()).add(rel(row["partner_id"]))
    return {row["sanitized_acc_number"]: (rel(row["partner_id"]), row["id"]) for row in rows
            if len(owners[row["sanitized_acc_number"]]) == 1}


# --- adding ----------------------------------------------------------------------------------------------------------

def add(s: Session, batch: Batch, known: Sequence[OdooStatement]) -> OdooStatement | None:
    """Insert lines that Odoo does not have, in a statement of their own, and post it.

    Args:
        s: the session.
        batch: the lines; those that are there by now stay as they are.
        known: the journal's statements as read for planning, in order.

    Returns:
        the statement, as it stands; None when racers had all lines: then it stays, empty and open, for the next
        import.

    Raises:
        Refused: Odoo refuses the lines (a right is missing, the period is locked).
        OutcomeUnknown: answers were lost; running it again ends the same.
    """
    statement, lines = _insert(s, batch, known)
    # Where they landed; on which date is certain on 14, which refuses a locked period instead of moving a line.
    window = read(s, batch.journal.id, batch.date)
    if not set(lines).intersection(_one(window, statement).lines):
        return None
    return settle(s, batch.journal.id, statement, batch.date, opening=batch.opening, seen=window)


def _insert(s: Session, batch: Batch, known: Sequence[OdooStatement]) -> tuple[int, list[int]]:
    """Return the statement that was open for the lines, and the lines wherever they are."""
    closed = {statement.id for statement in known if not statement.open}
    for _ in range(ROUNDS):
        statement = _open_statement(s, batch, known, closed)
        rows = [(key, {"statement_id/.id": statement, **values}) for key, values in batch.lines.items()]
        try:
            return statement, [line for start in range(0, len(rows), CHUNK)
                               for line in effects.insert_once(s, LINE, dict(rows[start:start + CHUNK])).values()]
        except (ValidationFailed, MissingRecord):
            if any(row["state"] == "open" for row in records.read(s, STATEMENT, [statement], ["state"])):
                raise
            closed.add(statement)  # posted by a racer or deleted by a person: begin again at the statement
    raise Busy("Others keep closing the statement.", model=STATEMENT, remedy="Run the command again.")


def _open_statement(s: Session, batch: Batch, known: Sequence[OdooStatement], closed: Collection[int]) -> int:
    """Return a statement that takes lines: one of ours that is left open and empty, else a new one."""
    values = {"name": f"{batch.journal.code} {batch.date:%Y/%m/%d}", "date": batch.date.isoformat(),
              "reference": batch.reference}
    empty = [each for each in known if each.open and not each.lines and each.id not in closed]
    for each in own_keys(s, STATEMENT, [each.id for each in empty]):
        effects.change_state(
            s, lambda each=each: records.read(s, STATEMENT, [each], list(values)),  # type: ignore[misc]
            lambda _, each=each: Call(STATEMENT, "write", ([each], values)),  # type: ignore[misc]
            lambda rows: not rows or all(rows[0][name] == value for name, value in values.items()))
        return each
    # The balance of a first statement comes from nowhere else, and whoever finishes it must find it there. Later ones
    # get theirs from the one before: an explicit start would cut Odoo's chain.
    first_of_all = not any(each.date <= batch.date for each in known)
    start = {"balance_start": batch.opening} if first_of_all and batch.opening else {}
    for number in count(1):
        key = f"{batch.prefix}-{number}"
        statement = effects.insert_once(
            s, STATEMENT, {key: {**values, "journal_id/.id": batch.journal.id, **start}})[key]
        if statement not in closed:
            return statement
    raise AssertionError("unreachable")


def settle(s: Session, journal: int, statement: int, since: dt.date, *, opening: Decimal | None = None,
           seen: list[OdooStatement] | None = None) -> OdooStatement:
    """Write the balances that a statement's lines lead to, post it, and link the chain behind it again.

    Args:
        s: the session.
        journal: its journal.
        statement: its id.
        since: a day not after its own.
        opening: the balance before it, if it is the first of all.
        seen: the journal's statements since that day, if they were just read.
    """
    def look() -> list[OdooStatement]:
        return read(s, journal, since)

    window = seen or look()
    for _ in range(ROUNDS):
        try:
            window = _write_balances(s, window, statement, look, opening)
            window = effects.change_state(
                s, _beginning_with(window, look), lambda _: Call(STATEMENT, "button_post", ([statement],)),
                lambda now: not _one(now, statement).open)
            break
        except ValidationFailed as error:
            window = look()
            if error.method == "button_post" and _is_right(window, statement, opening):
                raise
            # A racer's line or statement came in between: the balances are, or were, out of date.
    return _one(link(s, journal, since, window), statement)


def _write_balances(s: Session, window: list[OdooStatement], statement: int,
                    look: Callable[[], list[OdooStatement]], opening: Decimal | None = None) -> list[OdooStatement]:
    def write(now: list[OdooStatement]) -> Call:
        start, end = _balances(now, statement, opening)
        return Call(STATEMENT, "write", ([statement], {"balance_start": to_wire(start),
                                                       "balance_end_real": to_wire(end)}))

    return effects.change_state(s, _beginning_with(window, look), write,
                                lambda now: _is_right(now, statement, opening))


def set_opening(s: Session, journal: int, statement: OdooStatement, opening: Decimal) -> None:
    """Write the balance that a journal's first statement starts from, and carry it through the chain."""
    def look() -> list[OdooStatement]:
        return read(s, journal, statement.date)

    link(s, journal, statement.date, _write_balances(s, look(), statement.id, look, opening))


# --- the chain -------------------------------------------------------------------------------------------------------

def broken_links(chain: Sequence[OdooStatement]) -> Iterator[tuple[OdooStatement, OdooStatement]]:
    """Yield the statements that do not start where the one before ended, each with that one.

    One that is open and has lines is not looked at: whoever posts it writes its balances.
    """
    for before, this in pairwise(chain):
        if not (this.open and this.lines) and this.start != before.end:
            yield before, this


def link(s: Session, journal: int, since: dt.date, seen: list[OdooStatement] | None = None) -> list[OdooStatement]:
    """Link our statements since a day to the ones before them, in order of date and id, the empty ones too.

    Two statements that were made at the same moment do not know of each other and both start at zero.

    Returns:
        the statements, as they stand.
    """
    def look() -> list[OdooStatement]:
        return read(s, journal, since)

    window = seen or look()
    moved: set[int] = set()
    for _ in range(ROUNDS * 3):
        wrong = [(before, this) for before, this in pairwise(window) if not (this.open and this.lines) and (
            (this.start, this.end) != (before.end, before.end + this.total)
            or (this.previous != before.id and this.id not in moved))]
        ours = own_keys(s, STATEMENT, [this.id for _, this in wrong])
        pair = next((pair for pair in wrong if pair[1].id in ours), None)
        if pair is None:
            break
        before, this = pair
        if this.previous != before.id and this.id not in moved:
            moved.add(this.id)
            window = _relink(s, window, before.id, this, look)
        try:
            window = _write_balances(s, window, this.id, look)
        except ValidationFailed:
            window = look()  # another process links at the same time: look again
    return window


def _relink(s: Session, window: list[OdooStatement], before: int, this: OdooStatement,
            look: Callable[[], list[OdooStatement]]) -> list[OdooStatement]:
    """Let Odoo look for the previous statement again, which it does when a date is written, be it the same."""
    try:
        return effects.change_state(
            s, _beginning_with(window, look),
            lambda _: Call(STATEMENT, "write", ([this.id], {"date": this.date.isoformat()})),
            lambda now: _one(now, this.id).previous == before)
    except ValidationFailed:
        return look()  # among statements of one day Odoo goes by name; the balances are right all the same


def _beginning_with(seen: Seen, look: Callable[[], Seen]) -> Callable[[], Seen]:
    """Return a probe whose first answer is what was just read."""
    answers = iter((seen,))

    def probe() -> Seen:
        for answer in answers:
            return answer
        return look()

    return probe


def _one(window: Sequence[OdooStatement], statement: int) -> OdooStatement:
    found = next((each for each in window if each.id == statement), None)
    if found is None:
        raise MissingRecord(f"Statement {statement} was deleted.", model=STATEMENT, remedy="Run the command again.")
    return found


def _before(window: Sequence[OdooStatement], statement: int) -> OdooStatement | None:
    return next((before for before, this in pairwise(window) if this.id == statement), None)


def _balances(window: Sequence[OdooStatement], statement: int, opening: Decimal | None) -> tuple[Decimal, Decimal]:
    """Return where a statement should start and end, by the one before it and by the lines that it has."""
    this, before = _one(window, statement), _before(window, statement)
    start = before.end if before else this.start if opening is None else opening
    return start, start + this.total


def _is_right(window: Sequence[OdooStatement], statement: int, opening: Decimal | None) -> bool:
    this = _one(window, statement)
    return (this.start, this.end) == _balances(window, statement, opening)
