"""Which open items a bank entry settles: decided on plain data, and only where nothing is left to guess.

In this order: a payment batch by its `PmtInfId` and total, invoices and bills by their number in the text and the
exact amount, a payment by its end-to-end id, a payment by exact amount and IBAN. There are no tolerances.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from mappings.money import display
from mappings.odoo.open_item import OpenItem
from mappings.odoo.statement_line import BankLine

COSTS = frozenset({"KN", "PR", "RE"})
RETURNS = frozenset({"EICO", "EIST", "ETST", "ST"})
"""Transaction codes of Triodos: costs, commission and interest; what was returned."""

_BATCH = re.compile(r"\b(WS-\d+-\d+-[0-9A-F]{8})-B\d+\b")
# Between letters and digits a word ends too: "factuur2026-0001" holds the words factuur, 2026 and 0001.
_WORD = re.compile(r"[^\W\d_]+|\d+")
_SHORTEST_NUMBER = 4


@dataclass(frozen=True, slots=True)
class Match:
    """An entry, what it settles, and why."""

    entry: BankLine
    items: tuple[OpenItem, ...]
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Unmatched:
    """An entry that stays open, and why."""

    entry: BankLine
    code: str
    why: str
    remedy: str


Decision: TypeAlias = Match | Unmatched


class Words:
    """A text as numbers are looked for in it: letters and digits only, found only from word to word."""

    def __init__(self, text: str) -> None:
        self.text = ""
        self._starts: set[int] = set()
        self._ends: set[int] = set()
        for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
            self._starts.add(len(self.text))
            self.text += word
            self._ends.add(len(self.text))

    def hold(self, number: Words) -> bool:
        """Whether a number stands in the text, however it is divided: "INV/2026/00001" in "inv 2026-00001"."""
        at = self.text.find(number.text)
        while at >= 0:
            if at in self._starts and at + len(number.text) in self._ends:
                return True
            at = self.text.find(number.text, at + 1)
        return False

    @property
    def is_number(self) -> bool:
        """Long enough, with a digit, to name a document."""
        return len(self.text) >= _SHORTEST_NUMBER and any(sign.isdigit() for sign in self.text)


class Matcher:
    """Decides entry by entry, oldest first; an item that one entry settles is not there for the next."""

    def __init__(self, items: Iterable[OpenItem]) -> None:
        self._open = {item.line: item for item in items}
        self._numbers = {item.line: [words for words in map(Words, item.references) if words.is_number]
                         for item in self._open.values() if item.kind in ("invoice", "bill")}
        self._taken: dict[int, BankLine] = {}

    def decide(self, entries: Sequence[BankLine]) -> Iterator[Decision]:
        """Yield a decision for each entry; they come in order of date and id."""
        for entry in entries:
            decision = self._decide(entry)
            if isinstance(decision, Match):
                for item in decision.items:
                    self._taken[item.line] = entry
            yield decision

    def _decide(self, entry: BankLine) -> Decision:
        if entry.code in RETURNS:
            return Unmatched(entry, "returned", "a booking that was returned",
                             "Undo the match of what it returns, then match both with each other in Odoo.")
        return self._batch(entry) or self._numbered(entry) or self._payment(entry) or self._left(entry)

    def _batch(self, entry: BankLine) -> Decision | None:
        found = _BATCH.search(entry.text)
        if not found:
            return None
        order = found[1]
        items = [item for item in self._free("payment") if item.number.startswith(f"{order}-")]
        total = _sum(items)
        if not items:
            return Unmatched(entry, "batch_unknown", f"no open payment of batch {order} is in Odoo",
                             "Look at `werkstroom pay list`.")
        if total != entry.amount:
            return Unmatched(entry, "batch_total", f"{len(items)} open payments of batch {order} come to "
                             f"{display(total)}, {display(entry.amount)} was booked",
                             "Did the bank refuse one of them? Then `werkstroom pay fail`, and match the rest in Odoo.")
        return Match(entry, tuple(items), f"{len(items)} payments of {order}", "its batch in the text, exact total")

    def _numbered(self, entry: BankLine) -> Decision | None:
        words = Words(f"{entry.text} {entry.reference}")
        named = [item for item in self._free("invoice", "bill")
                 if any(words.hold(number) for number in self._numbers[item.line])]
        if not named:
            taken = [item for line, item in self._open.items() if line in self._taken and any(
                words.hold(number) for number in self._numbers.get(line, ()))]
            return Unmatched(entry, "paid_twice", f"{taken[0].number} is settled by the entry of "
                             f"{self._taken[taken[0].line].date}", "Is it paid twice? Pay it back, or keep it as a "
                                                                   "credit.") if taken else None
        same_side = [item for item in named if item.residual * entry.amount > 0]
        for items in (same_side, named):
            if items and _sum(items) == entry.amount and len({item.partner for item in items}) == 1:
                return Match(entry, tuple(items), ", ".join(item.number for item in items),
                             "its number in the text, exact amount" if len(items) == 1 else
                             "their numbers in the text, exact sum")
        if len(same_side) == 1:
            return _not_exact(entry, same_side[0])
        listed = ", ".join(f"{item.number} ({display(item.residual)})" for item in named[:4])
        return Unmatched(entry, "ambiguous", f"the text names {listed}; {display(entry.amount)} was booked",
                         "Match it in Odoo.")

    def _payment(self, entry: BankLine) -> Decision | None:
        exact = [item for item in self._free("payment") if item.residual == entry.amount]
        words = Words(f"{entry.text} {entry.reference}")
        named = [item for item in exact if item.number.startswith("WS-") and words.hold(Words(item.number))]
        if len(named) == 1:
            return Match(entry, tuple(named), f"payment {named[0].number}", "its end-to-end id, exact amount")
        to_account = [item for item in exact if item.iban and item.iban == entry.account]
        if len(to_account) == 1:
            return Match(entry, tuple(to_account), f"payment {to_account[0].number}",
                         "exact amount and IBAN of the payee")
        if to_account:
            return Unmatched(entry, "ambiguous", f"{len(to_account)} open payments of {display(entry.amount)} go to "
                             "that account", "Match it in Odoo.")
        return None

    def _left(self, entry: BankLine) -> Unmatched:
        if entry.code in COSTS:
            return Unmatched(entry, "costs", "bank costs or interest: there is no rule for it", "Book it in Odoo.")
        alike = [item.number for item in self._free("invoice", "bill") if item.residual == entry.amount
                 and item.partner and item.partner == entry.partner]
        if alike:
            return Unmatched(entry, "no_number", f"no number in the text; {', '.join(alike[:4])} is open for exactly "
                             "that amount", "Match it in Odoo, if it is that.")
        return Unmatched(entry, "unknown", "nothing open fits it", "Match or book it in Odoo.")

    def _free(self, *kinds: str) -> Iterator[OpenItem]:
        return (item for item in self._open.values() if item.kind in kinds and item.line not in self._taken)


def _not_exact(entry: BankLine, item: OpenItem) -> Unmatched:
    came = "came in" if entry.amount > 0 else "went out"
    partial = abs(entry.amount) < abs(item.residual)
    return Unmatched(
        entry, "partial" if partial else "overpaid",
        f"{'partial' if partial else 'overpaid'}: {item.kind} {item.number} has {display(abs(item.residual))} open, "
        f"{display(abs(entry.amount))} {came}",
        "Match it in Odoo; what is left stays open." if partial else "Match it in Odoo, and pay back or keep the rest.")


def _sum(items: Collection[OpenItem]) -> Decimal:
    return sum((item.residual for item in items), Decimal("0.00"))
