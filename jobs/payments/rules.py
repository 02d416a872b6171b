"""Which open items go into a payment order, how they are put together per payee, and why others stay out. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from jobs.payments.options import Include
from jobs.plan import Ref, Skipped
from mappings.manifest import Kind, Transfer, credit_transfer
from mappings.money import display
from mappings.party import Party
from mappings.payment import remittance_text
from mappings.payment_rules import is_payment_reference, transfer_violations

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Item:
    """Something that may be paid; `amount` is EUR as we owe it (a credit note < 0).

    `lines` are its open lines; none for an expense report that is approved and still to be posted.
    """

    kind: Literal["bill", "expense", "salary", "other"]
    document: Ref
    reference: str
    payee: int
    payee_name: str
    account: int
    bank_accounts: tuple[int, ...]
    due: dt.date
    amount: Decimal
    currency: str = "EUR"
    lines: tuple[int, ...] = ()
    moves: tuple[int, ...] = ()
    blocked: bool = False
    tags: frozenset[int] = frozenset()
    hidden: bool = False
    """This user may not see the payee."""


@dataclass(frozen=True, slots=True)
class World:
    """What selecting needs to know besides the items."""

    bank_accounts: Mapping[int, Party]
    held_payees: Mapping[int, str]
    """Payee → why nothing may be paid to him now."""
    held_items: Mapping[int, str]
    """Open line → why it is in no new order ("" when it stands in a live order: nothing to say)."""
    debit_tags: frozenset[int]
    own_iban: str


@dataclass(frozen=True, slots=True)
class Payee:
    """All that one payee gets on one account in one order."""

    kind: Kind
    partner: int
    name: str
    party: Party
    bank_account: int
    account: int
    items: tuple[Item, ...]
    chunks: tuple[tuple[Item, ...], ...] = field(default=())

    @property
    def total(self) -> Decimal:
        """What he gets."""
        return sum((item.amount for item in self.items), ZERO)

    def transfers(self) -> list[Transfer]:
        """Return one transfer, or several where the references do not fit one remittance."""
        return [Transfer(payee=self.partner, name=self.party.name, iban=self.party.iban, bic=self.party.bic,
                         bank_account=self.bank_account, account=self.account,
                         amount=sum((item.amount for item in chunk), ZERO),
                         remittance=remittance_text([item.reference for item in chunk]) or "",
                         items=tuple(line for item in chunk for line in item.lines),
                         moves=tuple(move for item in chunk for move in item.moves))
                for chunk in self.chunks]


@dataclass(slots=True)
class Selection:
    """Who gets what, and what was left out."""

    payees: list[Payee] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def documents(payees: Iterable[Payee]) -> dict[tuple[str, int], Decimal]:
    """Return document → what is paid of it; an expense report counts as one, posted or not."""
    sums: dict[tuple[str, int], Decimal] = {}
    for payee in payees:
        for item in payee.items:
            document = (item.document.model, item.document.id)
            sums[document] = sums.get(document, ZERO) + item.amount
    return sums


def select(items: Iterable[Item], due: dt.date, include: Sequence[Include], world: World) -> Selection:
    """Choose the items that are due, and put them together per payee."""
    selection = Selection()
    groups: dict[tuple[Kind, int, int], list[Item]] = {}
    for item in items:
        reason = _left_out(item, due, include, world)
        if reason is None:
            kind: Kind = "salaries" if item.kind == "salary" else "suppliers"
            groups.setdefault((kind, item.payee, item.account), []).append(item)
        elif reason.code:
            selection.skipped.append(reason)
    for (kind, _, _), group in sorted(groups.items()):
        _add_payees(kind, group, world, selection)
    selection.skipped = discreet(selection.skipped)
    return selection


def _left_out(item: Item, due: dt.date, include: Sequence[Include], world: World) -> Skipped | None:
    """Return why an item is not taken, with an empty code when there is nothing to say; None when it is taken."""
    wanted = {"bill": "bills", "expense": "expenses", "salary": "salaries"}.get(item.kind)
    held = next((world.held_items[line] for line in item.lines if line in world.held_items), None)
    if held is not None:
        return _skip("" if not held else "held", item, held, "Look at it in Odoo.", person=True)
    if item.kind == "other":
        return _skip("other_entry", item, "no bill, expense report or salary of the net wages account",
                     "Pay it by hand, or book it as a bill.", person=False)
    if wanted not in include:
        return _skip("", item, "", "", person=False)
    credit = item.amount < 0
    if item.currency != "EUR":
        return _skip("currency", item, f"in {item.currency}; a SEPA file carries EUR alone", "Pay it by hand.",
                     person=True)
    if item.blocked:
        return _skip("blocked", item, "marked as disputed in Odoo", "Take the mark off when it may be paid.",
                     person=False)
    if item.due > due and not credit:
        return _skip("not_due", item, f"due on {item.due}", "", person=False)
    if item.tags & world.debit_tags:
        return _skip("direct_debit", item, "the supplier debits it himself", "", person=False)
    if item.payee in world.held_payees:
        return _skip("held_payee", item, world.held_payees[item.payee], "Match or cancel that first.", person=True)
    if item.hidden:
        return _skip("hidden", item, "you may not see the payee's private address",
                     'Let the administrator grant "Access to Private Addresses" (base.group_private_addresses).',
                     person=True)
    if not item.payee:
        return _skip("no_payee", item, "it names no partner", "Set the partner in Odoo.", person=True)
    return None


def _add_payees(kind: Kind, items: list[Item], world: World, selection: Selection) -> None:
    """Turn the items of one payee into one payee per bank account, or into skipped rows."""
    credits = [item for item in items if item.amount < 0]
    by_account: dict[tuple[int, ...], list[Item]] = {}
    for item in items:
        if item.amount >= 0:
            by_account.setdefault(item.bank_accounts, []).append(item)
    if credits and len(by_account) > 1:
        selection.skipped += [_skip("several_accounts", item, "a credit note, and bills on several bank accounts",
                                    "Name one bank account on the bills, or net it in Odoo.", person=True)
                              for item in items]
        return
    if not by_account:
        selection.skipped += [_skip("credit", item, "a credit note without a bill that is due", "", person=False)
                              for item in credits]
        return
    for accounts, group in by_account.items():
        group = sorted([*credits, *group], key=lambda item: (item.due, item.document.id))
        payee, problem = _payee(kind, accounts, group, world)
        if payee is not None:
            selection.payees.append(payee)
        else:
            selection.skipped += [_skip(problem[0], item, problem[1], problem[2], person=problem[0] != "credit")
                                  for item in group]


def _payee(kind: Kind, accounts: tuple[int, ...], items: list[Item],
           world: World) -> tuple[Payee | None, tuple[str, str, str]]:
    first = items[0]
    if not accounts:
        return None, ("no_account", f"{first.payee_name} has no bank account", "Add his IBAN in Odoo.")
    if len(accounts) > 1:
        return None, ("several_accounts", f"{first.payee_name} has {len(accounts)} bank accounts and the document "
                      "names none", "Choose the account on the bill.")
    total = sum((item.amount for item in items), ZERO)
    if total <= 0:
        return None, ("credit", f"credit notes exceed the bills by {display(-total)}", "")
    party = world.bank_accounts[accounts[0]]
    if party.iban == world.own_iban:
        return None, ("own_account", "the bank account is our own", "Correct the account in Odoo.")
    chunks = _chunks(items)
    if chunks is None:
        return None, ("remittance", "the references do not fit the 140 characters of a remittance",
                      "Net the credit notes in Odoo first.")
    payee = Payee(kind, first.payee, first.payee_name, party, accounts[0], first.account, tuple(items), chunks)
    for transfer in payee.transfers():
        for violation in transfer_violations(credit_transfer(transfer, "WS-0-0-00000000-0")):
            message = violation.message.split(": ", 1)[-1]
            return None, ("bank_rule", f"{first.payee_name}: {message}", violation.remedy)
    return payee, ("", "", "")


def _chunks(items: Sequence[Item]) -> tuple[tuple[Item, ...], ...] | None:
    """Divide a payee's items over as few payments as their references need; nothing is cut.

    A betalingskenmerk or RF reference takes a payment for itself. Credit notes lead, so that each is netted by the
    first bills; None when the references end before a payment is positive.
    """
    credits = [item for item in items if item.amount < 0]
    bills = [item for item in items if item.amount >= 0]
    alone = [] if credits else [item for item in bills if is_payment_reference(item.reference)]
    chunks: list[tuple[Item, ...]] = [(item,) for item in alone]
    current = list(credits)
    if remittance_text([item.reference for item in current]) is None:
        return None
    for item in bills:
        if item in alone:
            continue
        if remittance_text([each.reference for each in (*current, item)]) is None:
            if sum((each.amount for each in current), ZERO) <= 0:
                return None
            chunks.append(tuple(current))
            current = []
        current.append(item)
    if current:
        if sum((each.amount for each in current), ZERO) <= 0:
            return None
        chunks.append(tuple(current))
    return tuple(chunks)


def _skip(code: str, item: Item, why: str, remedy: str, *, person: bool) -> Skipped:
    if item.kind == "salary":
        # Salaries show count and total only; `discreet` folds the rows together.
        return Skipped(code=code, what="salary", why=_SALARY_REASONS.get(code, "held"), needs_person=person,
                       remedy="Look at the open items of the net wages account in Odoo." if person else "",
                       amount=item.amount)
    if item.kind == "other":
        return Skipped(code=code, what="other entry", why=why, remedy=remedy, needs_person=person, amount=item.amount)
    return Skipped(code=code, target=item.document, what=f"{item.document.name} {item.payee_name}", why=why,
                   remedy=remedy, needs_person=person, amount=item.amount, currency=item.currency)


_SALARY_REASONS = {
    "not_due": "not due", "no_account": "no bank account", "several_accounts": "more than one bank account",
    "blocked": "marked as disputed", "bank_rule": "breaks a rule of the bank", "credit": "nothing left to pay",
    "hidden": "you may not see the employee's private address (right \"Access to Private Addresses\")",
    "held_payee": "a payment to the employee is not matched", "no_payee": "it names no employee",
}


def discreet(rows: Sequence[Skipped]) -> list[Skipped]:
    """Fold rows that must not tell single amounts (salaries, unknown entries) into one a reason."""
    open_rows = [row for row in rows if row.target is not None]
    folded: dict[tuple[str, str, str, str, bool], list[Skipped]] = {}
    for row in rows:
        if row.target is None:
            folded.setdefault((row.code, row.what, row.why, row.remedy, row.needs_person), []).append(row)
    for (code, what, why, remedy, person), same in folded.items():
        plural = {"salary": "salaries", "other entry": "other entries"}.get(what, what)
        open_rows.append(Skipped(code=code, what=f"{len(same)} {plural if len(same) != 1 else what}", why=why,
                                 remedy=remedy, needs_person=person,
                                 amount=sum((row.amount or ZERO for row in same), ZERO)))
    return open_rows
