"""Matching bank entries with open items in a stock Odoo 14.

The decision is written into Odoo: one `reconcile` call carries all of it, and each counterpart is named by its target.
Read back, here and at the start of every run, a settled one gets a plain text (so that a later unreconcile is a
person's decision and not "half done"), an open one is finished, and what can't be is undone. See shared/effects.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector import effects, records
from connector.effects import Call
from connector.errors import MissingRecord, Refused, ValidationFailed
from connector.records import Row, rel
from connector.session import ReadSession, Session
from connector.stock import ledger
from mappings.money import to_wire
from mappings.odoo.open_item import (
    DOCUMENT_FIELDS,
    LABEL,
    OPEN_FIELDS,
    PAYMENT_FIELDS,
    Counterpart,
    OpenItem,
    counterpart,
    open_item,
)
from mappings.odoo.statement_line import LINE_FIELDS, BankLine, bank_line

LINE, ITEM = "account.bank.statement.line", "account.move.line"
RIGHTS = {"account.group_account_invoice": "Billing"}


# --- reading ---------------------------------------------------------------------------------------------------------

def open_entries(s: ReadSession) -> list[BankLine]:
    """Return the bank entries of posted statements that are matched with nothing, in order of date and id."""
    rows = records.search(s, LINE, [
        ("is_reconciled", "=", False), ("statement_id.state", "=", "posted"), ("journal_id.type", "=", "bank"),
        ("company_id", "=", s.company_id)], LINE_FIELDS)
    return sorted((bank_line(row) for row in rows), key=lambda line: (line.date, line.id))


def open_items(s: ReadSession) -> list[OpenItem]:
    """Return what is open on customers, suppliers and outstanding payments, one read per model.

    Items in another currency are left out: their residual in euro is no amount that a bank would book.
    """
    journals = records.search(s, "account.journal", [("type", "in", ("bank", "cash")), ("company_id", "=",
                                                                                        s.company_id)],
                              ["payment_debit_account_id", "payment_credit_account_id"])
    outstanding = sorted({rel(row[name]) for row in journals
                          for name in ("payment_debit_account_id", "payment_credit_account_id")} - {0})
    lines = records.search(s, ITEM, [
        ("company_id", "=", s.company_id), ("parent_state", "=", "posted"), ("reconciled", "=", False),
        ("amount_residual", "!=", 0), "|", ("account_internal_type", "in", ("receivable", "payable")),
        "&", ("account_id", "in", outstanding), ("payment_id", "!=", False)], OPEN_FIELDS)
    lines = [line for line in lines if line["currency_id"] == line["company_currency_id"]
             and not (line["name"] or "").startswith(LABEL)
             # The other side of a payment is what it settles, not what the bank does.
             and not (line["payment_id"] and rel(line["account_id"]) not in outstanding)]
    moves = records.by_id(s, "account.move", (rel(line["move_id"]) for line in lines), DOCUMENT_FIELDS)
    payments = records.by_id(s, "account.payment", (rel(line["payment_id"]) for line in lines if line["payment_id"]),
                             PAYMENT_FIELDS)
    banks = records.by_id(s, "res.partner.bank", (rel(row["partner_bank_id"]) for row in payments.values()
                                                  if row["partner_bank_id"]), ["sanitized_acc_number"])
    found = []
    for line in lines:
        payment = payments.get(rel(line["payment_id"]))
        bank = banks.get(rel(payment["partner_bank_id"]), {}) if payment else {}
        if rel(line["move_id"]) in moves and (payment or not line["payment_id"]):
            found.append(open_item(line, moves[rel(line["move_id"])], payment, bank.get("sanitized_acc_number") or ""))
    return found


def labelled(s: ReadSession) -> list[Counterpart]:
    """Return the counterparts of matches that nobody has seen come off yet."""
    rows = records.search(s, ITEM, [("name", "=like", f"{LABEL}%"), ("company_id", "=", s.company_id),
                                    ("statement_line_id", "!=", False)], OPEN_FIELDS)
    return [found for found in map(counterpart, rows) if found is not None]


# --- matching --------------------------------------------------------------------------------------------------------

def match(s: Session, entry: BankLine, items: Sequence[OpenItem]) -> None:
    """Match an entry with items whose residuals sum up to its amount; what came of it, `finish` tells.

    Raises:
        Refused: Odoo refuses it, and the entry is matched with nothing.
        MissingRecord: somebody deleted the entry.
    """
    decision = [{"id": item.line, "name": f"{LABEL}{item.line}", "balance": to_wire(-item.residual)} for item in items]
    first = iter((False,))

    def matched() -> bool:
        for seen in first:
            return seen  # it was open when it was planned; Odoo refuses a second match
        rows = records.read(s, LINE, [entry.id], ["is_reconciled"])
        if not rows:
            raise MissingRecord(f"Bank entry {entry.id} was deleted.", model=LINE)
        return bool(rows[0]["is_reconciled"])

    effects.change_state(s, matched, lambda _: Call(LINE, "reconcile", ([entry.id],),
                                                    kwargs={"lines_vals_list": decision}), bool)


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of labelled counterparts, by the bank entry's move."""

    settled: frozenset[int]
    undone: frozenset[int]
    refused: dict[int, Refused]


def finish(s: Session, moves: Collection[int]) -> Finished:
    """Settle or undo the matches that are labelled still: our own and those of dead runs.

    In a locked period a settled one is named, and nothing else is touched.

    Args:
        s: the session.
        moves: the bank entries (ids of their journal entries).
    """
    groups: dict[int, list[Counterpart]] = defaultdict(list)
    for each in labelled(s):
        if each.move in moves:
            groups[each.move].append(each)
    if not groups:
        return Finished(frozenset(), frozenset(), {})
    lock = ledger.lock_date(s)
    locked = {move for move, group in groups.items() if lock and group[0].date <= lock}
    targets = records.by_id(s, ITEM, (each.target for group in groups.values() for each in group),
                            [*OPEN_FIELDS, "move_name"])
    settled, undone, refused = set(), set(), {}
    for move, group in groups.items():
        try:
            if all(each.reconciled or (move not in locked and _complete(s, each, targets)) for each in group):
                settled.add(move)
            elif move not in locked:
                undo(s, move)
                undone.add(move)
        except Refused as error:
            refused[move] = error
    _name_plainly(s, [each for move in sorted(settled) for each in groups[move]], targets, locked)
    return Finished(frozenset(settled), frozenset(undone), refused)


def _complete(s: Session, each: Counterpart, targets: dict[int, Row]) -> bool:
    """Reconcile an untouched counterpart with its target, if that is still open for the amount."""
    target = targets.get(each.target)
    if target is None or target["reconciled"] or each.residual != each.balance:
        return False
    left = Decimal(repr(target["amount_residual"]))
    if left * each.residual > 0 or abs(left) < abs(each.residual):
        return False

    def reconciled() -> bool:
        return all(row["reconciled"] for row in records.read(s, ITEM, [each.line], ["reconciled"]))

    try:
        effects.change_state(s, reconciled, lambda _: Call(ITEM, "reconcile", ([each.line, each.target],)), bool)
    except ValidationFailed:
        return False
    return True


def _name_plainly(s: Session, settled: Sequence[Counterpart], targets: dict[int, Row],
                  locked: Collection[int]) -> None:
    """Exchange the labels for what a bookkeeper expects, and give entry and counterpart the target's partner.

    In a locked period the name can be written, the partner can't.
    """
    if not settled:
        return
    moves = {each.move for each in settled}
    lines = records.search(s, ITEM, [("move_id", "in", sorted(moves))], ["name", "partner_id", "move_id"])
    present = {line["id"]: rel(line["partner_id"]) for line in lines}
    partners: dict[int, set[int]] = defaultdict(set)
    rows: dict[int, tuple[str, int]] = {}
    for each in settled:
        target = targets.get(each.target, {})
        partner = present.get(each.line, 0) if each.move in locked else rel(target.get("partner_id"))
        partners[each.move].add(partner)
        rows[each.line] = target.get("move_name") or target.get("name") or "/", partner
    for line in lines:
        found = partners[rel(line["move_id"])]
        if line["id"] not in rows and not line["partner_id"] and len(found) == 1:
            rows[line["id"]] = line["name"] or "/", next(iter(found))
    names = sorted({each.line for each in settled})
    data = [[str(line), name, str(partner or "")] for line, (name, partner) in sorted(rows.items())]

    def still_labelled() -> list[int]:
        return [row["id"] for row in records.read(s, ITEM, names, ["name"]) if (row["name"] or "").startswith(LABEL)]

    first = iter((names,))
    effects.change_state(s, lambda: next(first, None) or still_labelled(),
                         lambda _: Call(ITEM, "load", ([".id", "name", "partner_id/.id"], data)),
                         lambda left: not left)


def undo(s: Session, move: int) -> None:
    """Put a bank entry back on the suspense account, if it still has exactly the labelled counterparts.

    By id: Odoo's own undo, arriving late, would destroy a newer match.

    Raises:
        Refused: Odoo refuses it (a locked period).
    """
    lines = records.search(s, ITEM, [("move_id", "=", move)], [
        "name", "balance", "account_id", "partner_id", "journal_id", "matched_debit_ids", "matched_credit_ids"])
    ours = [line for line in lines if (line["name"] or "").startswith(LABEL)]
    if not ours:
        return
    journal = records.read(s, "account.journal", [rel(ours[0]["journal_id"])],
                           ["default_account_id", "suspense_account_id"])[0]
    bank = next(line for line in lines if line["account_id"] == journal["default_account_id"])
    seen = [line["id"] for line in lines if line["id"] != bank["id"]]
    if len(seen) != len(ours):
        return  # somebody has added to it: his decision

    def tied() -> list[int]:
        return [row["id"] for row in records.read(s, ITEM, seen, ["matched_debit_ids", "matched_credit_ids"])
                if row["matched_debit_ids"] or row["matched_credit_ids"]]

    effects.change_state(s, tied, lambda ids: Call(ITEM, "remove_move_reconcile", (ids,)), lambda ids: not ids)
    balance = Decimal(repr(bank["balance"]))
    suspense = {"account_id": rel(journal["suspense_account_id"]), "name": bank["name"],
                "partner_id": rel(bank["partner_id"]) or False,
                "debit": to_wire(max(-balance, Decimal(0))), "credit": to_wire(max(balance, Decimal(0)))}
    effects.replace(s, "account.move", move, "line_ids", seen, [suspense], context={"force_delete": True})
