"""A bank statement in ISO 20022 words, the same for every format, and the checks and identities that hang on it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple

from mappings.money import format_amount
from mappings.party import Party

_NOBODY = Party()

# What is no letter or digit (Unicode, as Python's str.isalnum has it).
_NO_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One booked line of a statement; text that is not known is "", the rest None.

    `amount` is signed (credit > 0) in `currency`, dates have no time zone. `position` counts from 1 within the
    statement, in the order of booking. `balance_after` is the balance after this entry, where the format has it.
    `transactions` are the details of a batch-booked entry, in the same shape.
    """

    position: int
    booking_date: date
    amount: Decimal
    currency: str = "EUR"
    counterparty: Party = _NOBODY
    text: str = ""
    value_date: date | None = None
    reference: str = ""
    end_to_end_id: str = ""
    mandate_id: str = ""
    creditor_id: str = ""
    code: str = ""
    code_text: str = ""
    bank_reference: str = ""
    return_reason: str = ""
    reversal: bool = False
    batch_id: str = ""
    balance_after: Decimal | None = None
    transactions: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """The entries of one account over one period, in the order of booking.

    `account` is the own IBAN, or the ten digits of an account from before it. `opening` and `closing` are None where
    the format has no balances. `source` is the name of the file, `position` counts its statements from 1.
    """

    account: str
    currency: str
    from_date: date | None
    to_date: date | None
    opening: Decimal | None
    closing: Decimal | None
    entries: list[Entry] = field(default_factory=list)
    id: str = ""
    source: str = ""
    position: int = 1

    @property
    def sum(self) -> Decimal:
        """Sum of the entries, signed."""
        return sum((entry.amount for entry in self.entries), Decimal("0.00"))

    @property
    def difference(self) -> Decimal | None:
        """What is missing between opening + sum and closing; None without balances."""
        if self.opening is None or self.closing is None:
            return None
        return self.closing - self.opening - self.sum


@dataclass(frozen=True, slots=True)
class Check:
    """One check on a statement: `code` names it, `ok` is its outcome, `message` says it to a person."""

    code: str
    ok: bool
    message: str


class Twin(NamedTuple):
    """The identity of an entry: its digest, and which of the entries that look the same it is, from 1."""

    digest: str
    k: int


def check(statement: Statement) -> list[Check]:
    """Check what the statement says about itself.

    Returns:
        One check per question, in this order: "currency" (one for all entries), "balance" (opening + entries =
        closing), "chain" (each balance is the one before it plus the entry). Without balances a single "no_balance",
        which is ok: there is nothing to compare.
    """
    strangers = {entry.currency for entry in statement.entries} - {statement.currency}
    checks = [Check("currency", not strangers, f"all entries are in {statement.currency}" if not strangers else
                    f"the account is in {statement.currency}, some entries in {', '.join(sorted(strangers))}")]
    if statement.difference is None:
        return [*checks, Check("no_balance", True, "no balance in this file: opening and closing cannot be checked")]
    checks.append(_check_balance(statement))
    if statement.entries and all(entry.balance_after is not None for entry in statement.entries):
        checks.append(_check_chain(statement))
    return checks


def _check_balance(statement: Statement) -> Check:
    opening, closing, difference = statement.opening, statement.closing, statement.difference
    assert opening is not None and closing is not None and difference is not None  # noqa: PT018
    sums = (f"opening {format_amount(opening)} + {len(statement.entries)} entries {format_amount(statement.sum)}"
            f" = closing {format_amount(closing)}")
    return Check("balance", not difference,
                 sums if not difference else f"{sums} does not hold: {format_amount(difference)} is missing")


def _check_chain(statement: Statement) -> Check:
    breaks = list(chain_breaks(statement.entries))
    if not breaks:
        return Check("chain", True, "every balance follows from the one before it")
    at = breaks[0]
    expected = (statement.entries[at - 1].balance_after or Decimal()) + statement.entries[at].amount
    entry = statement.entries[at]
    return Check("chain", False, f"{len(breaks)} balance(s) do not follow from the one before; the first is entry "
                 f"{entry.position} of {entry.booking_date}: expected {format_amount(expected)}, "
                 f"found {format_amount(entry.balance_after or Decimal())}")


def chain_breaks(entries: list[Entry]) -> Iterator[int]:
    """Indexes of the entries whose balance is not the balance before them plus their amount."""
    for index in range(1, len(entries)):
        before, after = entries[index - 1].balance_after, entries[index].balance_after
        if before is not None and after is not None and before + entries[index].amount != after:
            yield index


def entry_key_digest(account: str, entry: Entry) -> str:
    """The 16 hex digits that name an entry in its key, the same from every download of it.

    The bank's own reference (`AcctSvcrRef`) where it gives one, else what the entry says. The balance is left out: 8
    columns have none. Fixed for ever: another digest would import every known entry again.

    Args:
        account: the own account, as in `Statement.account`.
        entry: amounts "-6.75", dates "YYYY-MM-DD"; what is missing is empty.
    """
    if entry.bank_reference:
        parts = [account, entry.bank_reference]
    else:
        party = entry.counterparty
        parts = [account, entry.booking_date.isoformat(), format_amount(entry.amount), entry.currency,
                 party.iban or normalise(party.name), normalise(entry.text)]
    return sha256("|".join(parts).encode()).hexdigest()[:16]


def normalise(text: str) -> str:
    """Reduce text to what survives every download: NFKC, case folded, letters and digits only."""
    return _NO_WORD.sub("", unicodedata.normalize("NFKC", text).casefold())


def twin_numbers(statement: Statement) -> list[Twin]:
    """The identity of every entry, in the order of the entries.

    Two equal payments on one day are both real: the first is 1, the second 2, in the order of booking.
    """
    seen: Counter[str] = Counter()
    twins = []
    for entry in statement.entries:
        digest = entry_key_digest(statement.account, entry)
        seen[digest] += 1
        twins.append(Twin(digest, seen[digest]))
    return twins


def to_json(statement: Statement) -> dict[str, object]:
    """The statement as `bank show` prints it: amounts as strings with two decimals, dates ISO, unknown text ""."""
    return {
        "account": statement.account, "currency": statement.currency, "from": _json(statement.from_date),
        "to": _json(statement.to_date), "opening": _json(statement.opening), "closing": _json(statement.closing),
        "sum": _json(statement.sum), "difference": _json(statement.difference),
        "entries": [_json(entry) for entry in statement.entries],
    }


def _json(value: object) -> object:
    if isinstance(value, Decimal):
        return format_amount(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_json(each) for each in value]
    if isinstance(value, (Entry, Party)):
        return {each.name: _json(getattr(value, each.name)) for each in fields(value)}
    return value
