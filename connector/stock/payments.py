"""Payments in a stock Odoo, as payment orders make them: inserted by key, posted, settled with their own items.

The payment wizard is not used: it pays as often as it is confirmed. Odoo's reference of a payment is its end-to-end
id, so that payments are found even when the order's attachments were deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector import effects, records
from connector.effects import Call
from connector.errors import Refused, ValidationFailed
from connector.records import rel
from connector.session import ReadSession, Session
from mappings.manifest import REFERENCE, Manifest, Transfer, digest, end_to_end_id
from mappings.money import from_wire

PAYMENT_FIELDS = ("ref", "state", "amount", "partner_id", "partner_bank_id", "destination_account_id", "journal_id",
                  "payment_type", "is_move_sent", "is_matched", "move_id")
READ_SIZE = 2000
CANCEL_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Payment:
    """An `account.payment` of ours; `reference` is its end-to-end id."""

    id: int
    reference: str
    number: int
    digest: str
    transfer: int
    state: str
    amount: Decimal
    partner: int
    bank_account: int
    account: int
    sent: bool
    matched: bool
    """With an entry of the bank: it was executed."""
    move: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """How the payable line of a payment is tied: `against` are the lines that it is reconciled with."""

    reconciled: bool
    against: frozenset[int]
    line: int


def ours(s: ReadSession, *, number: int | None = None) -> list[Payment]:
    """Return the payments of the company's payment orders (or of one), cancelled ones included."""
    prefix = f"WS-{s.company_id}-" + (f"{number}-" if number else "")
    rows = records.pages(s, "account.payment", [("ref", "=like", f"{prefix}%"), ("company_id", "=", s.company_id)],
                         PAYMENT_FIELDS, size=READ_SIZE)
    found = []
    for row in rows:
        match = REFERENCE.fullmatch(row["ref"])
        if match:
            found.append(Payment(
                id=row["id"], reference=row["ref"], number=int(match["number"]), digest=match["digest"].lower(),
                transfer=int(match["transfer"]), state=row["state"], amount=from_wire(row["amount"]),
                partner=rel(row["partner_id"]), bank_account=rel(row["partner_bank_id"]),
                account=rel(row["destination_account_id"]), sent=bool(row["is_move_sent"]),
                matched=bool(row["is_matched"]) and row["state"] == "posted", move=rel(row["move_id"])))
    return found


def insert(s: Session, manifest: Manifest, wanted: Collection[int]) -> None:
    """Insert the payments of those transfers (numbers from 1), all in one call, as drafts."""
    digest8 = digest(manifest.dump())
    rows = {payment_key(manifest, digest8, number): {
        "payment_type": "outbound", "partner_type": "supplier", "partner_id/.id": transfer.payee,
        "amount": transfer.amount, "journal_id/.id": manifest.journal, "date": manifest.execution_date,
        "ref": end_to_end_id(manifest, digest8, number), "partner_bank_id/.id": transfer.bank_account,
        "destination_account_id/.id": transfer.account, "payment_method_id/.id": manifest.method,
    } for number, transfer in enumerate(manifest.transfers, 1) if number in wanted}
    effects.insert_once(s, "account.payment", rows)


def payment_key(manifest: Manifest, digest8: str, number: int) -> str:
    """Return the external id of the payment of a transfer."""
    return f"pay-c{manifest.company}-{manifest.number}-{digest8}-{number}"


def fits(payment: Payment, transfer: Transfer) -> bool:
    """Whether a payment found under a transfer's key is that transfer."""
    return (payment.partner, payment.bank_account, payment.account, payment.amount) == (
        transfer.payee, transfer.bank_account, transfer.account, transfer.amount)


def post(s: Session, payments: Sequence[int]) -> dict[int, Refused]:
    """Post draft payments in one call; where Odoo refuses one of them, one by one.

    Only drafts are posted: on 14 `action_post` would revive a cancelled payment.
    """
    def drafts() -> list[int]:
        return [row["id"] for row in records.read(s, "account.payment", payments, ["state"])
                if row["state"] == "draft"]

    try:
        effects.change_state(s, drafts, lambda ids: Call("account.payment", "action_post", (ids,)),
                             lambda ids: not ids)
    except ValidationFailed:
        todo = drafts()
        return effects.change_each(s, {each: Call("account.payment", "action_post", ([each],)) for each in todo},
                                   lambda: set(todo) - set(drafts()))
    return {}


def settlements(s: ReadSession, accounts: Mapping[int, int]) -> dict[int, Settlement]:
    """Return, per payment, how its payable line is tied.

    Args:
        s: the session.
        accounts: payment → its destination account.
    """
    if not accounts:
        return {}
    lines = records.search(s, "account.move.line", [("payment_id", "in", list(accounts))],
                           ["payment_id", "account_id", "reconciled", "matched_debit_ids", "matched_credit_ids"])
    lines = [line for line in lines if rel(line["account_id"]) == accounts[rel(line["payment_id"])]]
    partials = records.by_id(s, "account.partial.reconcile",
                             (tie for line in lines for tie in line["matched_debit_ids"] + line["matched_credit_ids"]),
                             ["debit_move_id", "credit_move_id"])
    result = {}
    for line in lines:
        ties = [partials[tie] for tie in line["matched_debit_ids"] + line["matched_credit_ids"] if tie in partials]
        ends = {rel(tie["debit_move_id"]) for tie in ties} | {rel(tie["credit_move_id"]) for tie in ties}
        result[rel(line["payment_id"])] = Settlement(bool(line["reconciled"]), frozenset(ends - {line["id"]}),
                                                     line["id"])
    return result


def settled(s: ReadSession, payments: Mapping[int, Payment], manifest: Manifest) -> set[int]:
    """Return the numbers of the transfers that are paid with exactly their own items.

    Args:
        s: the session.
        payments: transfer number → its payment.
        manifest: what was asked.
    """
    ties = settlements(s, {payment.id: payment.account for payment in payments.values()})
    items = {line for number in payments for line in manifest.transfers[number - 1].items}
    closed = {row["id"] for row in records.read(s, "account.move.line", items, ["reconciled"]) if row["reconciled"]}
    good = set()
    for number, payment in payments.items():
        transfer, tie = manifest.transfers[number - 1], ties.get(payment.id)
        if (payment.state == "posted" and fits(payment, transfer) and tie is not None and tie.reconciled
                and tie.against <= set(transfer.items) and set(transfer.items) <= closed):
            good.add(number)
    return good


def settle(s: Session, payments: Mapping[int, Payment], manifest: Manifest) -> None:
    """Reconcile each posted payment with its own items, one call a payment: over two, Odoo would pair them across."""
    good = settled(s, payments, manifest)
    accounts = {payment.id: payment.account for number, payment in payments.items() if number not in good}
    ties = settlements(s, accounts)
    acts = {}
    for number, payment in payments.items():
        tie = ties.get(payment.id)
        # A payee that is undone in part cannot be settled again in one call: he drops out.
        if number not in good and payment.state == "posted" and tie is not None and not tie.against:
            lines = [tie.line, *manifest.transfers[number - 1].items]
            acts[payment.id] = Call("account.move.line", "reconcile", (lines,))

    def tied() -> set[int]:
        # Any tie ends the call; whether it is settled with exactly its items is judged by `settled`.
        return {payment for payment, tie in settlements(s, accounts).items() if tie.against}

    if acts:
        effects.change_each(s, acts, tied)


def mark_as_sent(s: Session, payments: Collection[int]) -> None:
    """Mark payments as sent: a second witness, besides the order's outcome, that they were handed out."""
    def unsent() -> list[int]:
        rows = records.read(s, "account.payment", payments, ["is_move_sent"])
        return [row["id"] for row in rows if not row["is_move_sent"]]

    effects.change_state(s, unsent, lambda ids: Call("account.payment", "mark_as_sent", (ids,)), lambda ids: not ids)


def cancel(s: Session, payments: Collection[int]) -> None:
    """Cancel payments until they are cancelled *and* their payable lines are tied to nothing.

    A racer may post and settle one again in between; cancelling directly would leave its bill "paid". So each is
    reset to draft first, which cuts its ties, and looked at again afterwards.

    Raises:
        Refused: Odoo refuses it (a locked period, say).
    """
    for _ in range(CANCEL_ROUNDS):
        left = live(s, payments)
        if not left:
            return
        if any(state != "draft" for state in left.values()):
            _leave(s, payments, lambda state: state != "draft", "action_draft")
        _leave(s, payments, lambda state: state == "draft", "action_cancel")
    if left := live(s, payments):
        raise ValidationFailed(f"{len(left)} payments could not be cancelled: {', '.join(map(str, left))}.",
                               model="account.payment", method="action_cancel",
                               remedy="Somebody posts them again; cancel them in Odoo.")


def _leave(s: Session, payments: Collection[int], inside: Callable[[str], bool], method: str) -> None:
    """Call a method on those payments whose state is inside, until none is."""
    effects.change_state(s, lambda: [each for each, state in live(s, payments).items() if inside(state)],
                         lambda ids: Call("account.payment", method, (ids,)), lambda ids: not ids)


def live(s: ReadSession, payments: Collection[int]) -> dict[int, str]:
    """Return id → state of those payments that are not cancelled, or are cancelled and still tied to something."""
    rows = records.by_id(s, "account.payment", payments, ["state", "destination_account_id"])
    ties = settlements(s, {each: rel(row["destination_account_id"]) for each, row in rows.items()
                           if row["state"] == "cancel"})
    return {each: row["state"] for each, row in rows.items()
            if row["state"] != "cancel" or (each in ties and ties[each].against)}
