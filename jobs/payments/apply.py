"""Ask, pay, build, decide, hand out: one payment order after another, each step safe to repeat by anybody."""

from __future__ import annotations

import hashlib
import logging
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from connector import effects
from connector.errors import OutcomeUnknown, Refused, ValidationFailed
from connector.session import ReadSession, Session
from connector.stock import expenses, ledger, order_book, payments
from connector.stock.order_book import HANDED_OUT, WITHDRAWN, Order
from jobs.payments import plan as looking
from jobs.payments.options import PayOptions
from jobs.payments.plan import Look, look, pay_changes
from jobs.payments.rules import Payee, documents
from jobs.plan import Applied, Change, File, Planned, Ref, Skipped, outcome_of, write_private
from mappings.formats import pain001
from mappings.manifest import Kind, Manifest, Transfer, end_to_end_id
from mappings.money import display

log = logging.getLogger("werkstroom.payments")

ROUNDS = 20
"""Orders asked in one run, lost races included; what is left then waits for the next run."""


@dataclass(slots=True)
class Result:
    """What a run did, as it goes."""

    changes: dict[str, Change]
    skipped: list[Skipped] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)

    def end(self, change: Change) -> None:
        """Keep the outcome of a change."""
        self.changes[change.identity] = change


def apply(s: Session, options: PayOptions, planned: Planned) -> Applied:
    """Finish what earlier orders left, then ask new ones for the planned payees.

    Raises:
        Unreachable, OutcomeUnknown: half-way; running it again ends the same.
    """
    result = Result({change.identity: change for change in planned.plan.changes})
    book = order_book.read(s)
    for order in looking.unfinished(book):
        finish(s, order, result)
    cancel_strays(s, [change for change in planned.plan.changes if change.action == "cancel"], result)
    post_reports(s, [change for change in planned.plan.changes if change.action == "post"], result)
    wanted = {change.identity: change for change in planned.plan.changes if change.action == "pay"}
    if wanted:
        pay_wanted(s, options, wanted, planned.work, result)
    return Applied(tuple(result.changes.values()), tuple(result.skipped), tuple(result.files.values()))


def cancel_strays(s: Session, changes: Iterable[Change], result: Result) -> None:
    """Cancel payments that stand in no file."""
    for change in changes:
        if change.target is None:
            continue
        try:
            payments.cancel(s, [change.target.id])
            result.end(change.ended("done"))
        except (Refused, OutcomeUnknown) as error:
            result.end(outcome_of(change, error))


def post_reports(s: Session, changes: Iterable[Change], result: Result) -> None:
    """Post the journal entries of approved expense reports."""
    for change in changes:
        if change.target is None:
            continue
        try:
            expenses.post(s, change.target.id)
            result.end(change.ended("done"))
        except (Refused, OutcomeUnknown) as error:
            result.end(outcome_of(change, error))


def pay_wanted(s: Session, options: PayOptions, wanted: Mapping[str, Change],
               planned: Mapping[str, tuple[Payee, ...]], result: Result) -> None:
    """Ask orders until every planned payee stands in one; what another run asked first is left to that run."""
    waiting = dict(wanted)
    debtor = looking.read_debtor(s)
    for _ in range(ROUNDS):
        if not waiting:
            return
        seen = look(s, options, debtor)
        for order in looking.unfinished(seen.book):
            finish(s, order, result)
            seen = look(s, options, debtor)
        now = {change.identity: (change, payees) for change, payees in pay_changes(s, seen)}
        for identity, change in list(waiting.items()):
            if identity not in now or not within(now[identity][1], planned[identity]):
                result.end(_vanished(s, change, seen))
                del waiting[identity]
        manifest, asked = next_manifest(s, seen, {identity: now[identity][1] for identity in waiting})
        if manifest is None:
            return
        if not order_book.ask(s, manifest):
            log.info("another run asked payment order %d first; looking again", manifest.number)
            continue
        order = order_book.read(s).orders[manifest.number]
        finish(s, order, result)
        for identity in asked:
            result.end(_ended(s, waiting.pop(identity), now[identity][1], order))


def within(now: Iterable[Payee], planned: Iterable[Payee]) -> bool:
    """Whether what is open now is what was planned, or what another run left of it: nothing new, no other account."""
    planned = tuple(planned)
    amounts, seen = documents(now), documents(planned)
    accounts = {(payee.bank_account, payee.party) for payee in planned}
    return (all(seen.get(document) == amount for document, amount in amounts.items())
            and all((payee.bank_account, payee.party) in accounts for payee in now))


def next_manifest(s: Session, seen: Look,
                  waiting: Mapping[str, tuple[Payee, ...]]) -> tuple[Manifest | None, list[str]]:
    """Return the manifest of the next order and the changes it carries: suppliers first, then salaries alone."""
    limit = seen.debtor.profile.max_transactions
    kinds: tuple[Kind, ...] = ("suppliers", "salaries")
    for kind in kinds:
        transfers: list[Transfer] = []
        asked: list[str] = []
        for identity, payees in waiting.items():
            theirs = [transfer for payee in payees if payee.kind == kind for transfer in payee.transfers()]
            if theirs and (not transfers or len(transfers) + len(theirs) <= limit):
                transfers += theirs
                asked.append(identity)
        if transfers:
            debtor = seen.debtor
            created = s.clock().astimezone(zoneinfo.ZoneInfo(s.settings.company.timezone))
            return Manifest(
                company=s.company_id, number=seen.book.last + 1, kind=kind,
                created=created.replace(microsecond=0, tzinfo=None), execution_date=seen.execution_date,
                journal=debtor.journal, method=debtor.method, debtor=debtor.party,
                batch_booking=debtor.profile.batch_booking, transfers=tuple(transfers)), asked
    return None, []


def finish(s: Session, order: Order, result: Result) -> None:
    """Bring an order to its end, from wherever an earlier or parallel run left it."""
    log.info("payment order %d: %d payments, %s EUR", order.number, len(order.manifest.transfers),
             display(order.manifest.total))
    change = result.changes.get(f"export:{order.key('o')}")
    if order.outcome is None and any(payment.sent for payment in order.payments.values()):
        # Its outcome was deleted by a person. A sent payment is the second witness: the file was handed out.
        order_book.decide(s, order, "out")
    if order.outcome is None:
        held = _held(s, order)
        if order.file is None:
            order_book.pay_in_odoo(s, order, held)
            held = _held(s, order)
            order_book.build_file(s, order, held)
        decide(s, order)
    if order.outcome == "out" and order.closed is None:
        hand_out(s, order, result)
    clean_up(s, order)
    if change is not None:
        result.end(change.ended("done", why=f"outcome: {order.outcome}"))


def _held(s: ReadSession, order: Order) -> set[int]:
    """Payees with somebody else's payment that is not matched: a payment wizard left open adds one at any time."""
    own = {end_to_end_id(order.manifest, order.digest, number + 1) for number in range(len(order.manifest.transfers))}
    return set(order_book.loose_payments(s, {transfer.payee for transfer in order.manifest.transfers}, own))


def decide(s: Session, order: Order) -> None:
    """Decide once: out, if every payment in the file is still settled; whatever is read back holds."""
    if order.file is None:
        order_book.decide(s, order, "cancelled")
        return
    order_book.refresh(s, order)
    numbers = order_book.in_file(order, order_book.file_content(s, order))
    settled = payments.settled(s, {number: order.payments[number] for number in numbers if number in order.payments},
                               order.manifest)
    free = not _held(s, order)
    order_book.decide(s, order, "out" if numbers and numbers == settled and free else "cancelled")


def hand_out(s: Session, order: Order, result: Result) -> None:
    """Mark the payments as sent, write the bytes, then the marker: a run that finds none writes the same again."""
    content = order_book.file_content(s, order)
    numbers = order_book.in_file(order, content)
    order_book.refresh(s, order)
    payments.mark_as_sent(s, [order.payments[number].id for number in numbers if number in order.payments])
    file = write_file(s, order, content)
    if order_book.close(s, order, HANDED_OUT) == WITHDRAWN:
        result.skipped.append(Skipped(
            code="withdrawn", what=f"file {file.path}", why=f"payment order {order.number} was cancelled meanwhile",
            remedy="Delete the file; do not upload it.", needs_person=True))
        return
    result.files[file.path] = file
    _notes(s, order, numbers)


def write_file(s: ReadSession, order: Order, content: bytes) -> File:
    """Write an order's file, mode 0600, under its deterministic name; total and count are read from the bytes."""
    path = s.settings.payments.out_dir / order.file_name
    if not path.exists() or path.read_bytes() != content:
        if path.exists():
            raise ValidationFailed(f"{path} exists and holds other bytes than the order in Odoo.",
                                   remedy="Move it away, then run the command again.")
        write_private(path, content)
    read = pain001.read_back(content, source=str(path))
    return File(path=str(path), sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), total=read.total,
                count=read.count)


def _notes(s: Session, order: Order, numbers: Iterable[int]) -> None:
    """Write on each paid entry, as internal note, in which file it went; of salaries count and total alone."""
    notes = {}
    for number in sorted(numbers):
        transfer = order.manifest.transfers[number - 1]
        for move in dict.fromkeys(transfer.moves):
            notes[f"note-i{move}-{order.number}-{order.digest}"] = (
                "account.move", move, f"Werkstroom: betaalopdracht {order.number}, bestand {order.file_name}, "
                                      f"uitvoering {order.manifest.execution_date:%d-%m-%Y}")
    effects.remark(s, notes)


def clean_up(s: Session, order: Order) -> None:
    """Cancel the payments that are not in the order's file; only after the outcome holds."""
    order_book.refresh(s, order)
    strays = {payment.id: payment for payment in order.strays() if payment.state != "cancel"}
    payments.cancel(s, strays)


def cancel_order(s: Session, order: Order) -> int:
    """Cancel an order: undecided, it never goes out; handed out, its payments are cancelled and its bills open again.

    Returns:
        the number of payments that were cancelled.

    Raises:
        Refused: the bank has booked some of its payments; cancelling them would have them paid again.
    """
    order_book.refresh(s, order)
    if booked := [payment for payment in order.payments.values() if payment.matched]:
        raise ValidationFailed(f"{len(booked)} payments of order {order.number} are booked on the bank statement.",
                               remedy="If the bank returned them, undo that match in Odoo first.")
    if order.outcome is None:
        order_book.decide(s, order, "cancelled")
    if order.outcome == "out" and order.closed is None:
        # From here on no run hands it out; one that is just doing so reads this marker and says so.
        order_book.close(s, order, WITHDRAWN)
    order_book.refresh(s, order)
    left = payments.live(s, {payment.id for payment in order.payments.values()})
    payments.cancel(s, left)
    by_id = {payment.id: order.manifest.transfers[number - 1] for number, payment in order.payments.items()}
    effects.remark(s, {f"note-i{move}-{order.number}-{order.digest}-c": (
        "account.move", move, f"Werkstroom: betaalopdracht {order.number} geannuleerd; de post staat weer open.")
        for each in left for move in dict.fromkeys(by_id[each].moves)})
    return len(left)


def _ended(s: ReadSession, change: Change, payees: tuple[Payee, ...], order: Order) -> Change:
    """Return how a payee's change ended in the order that carried it."""
    record = Ref(model="ir.attachment", id=order.file or 0, name=order.file_name)
    items = {line for payee in payees for item in payee.items for line in item.lines}
    if order.outcome == "out" and items <= order.file_items:
        return change.ended("done", *([] if change.target is None else [record]))
    why = f"not in payment order {order.number}: the books changed meanwhile (outcome {order.outcome})"
    return change.ended("refused", why=why + "; run the command again")


def _vanished(s: ReadSession, change: Change, seen: Look) -> Change:
    """Return how a change ended that is no longer there to do: another run did it, or its facts changed."""
    if change_exists(s, seen, change):
        return change.ended("unchanged", why="it stands in the payment order of another run")
    return change.ended("refused", why="the books changed since the plan; run the command again")


def change_exists(s: ReadSession, seen: Look, change: Change) -> bool:
    """Whether what a plan wanted to pay is paid by an order, or nothing of it is open any more."""
    if change.records:
        moves = {ref.id for ref in change.records if ref.model == "account.move"}
        reports = {ref.id for ref in change.records if ref.model == "hr.expense.sheet"}
        moves |= set(expenses.moves_of(s, reports))
        open_moves = {item.move for item in ledger.open_payables(s)}
        return not moves & open_moves
    return not any(payee.kind == "salaries" for payee in seen.selection.payees)


def exists(s: ReadSession, options: PayOptions, change: Change) -> bool:
    """Whether the effect of a saved plan's change is there (`werkstroom apply`)."""
    seen = look(s, options)
    if change.action == "export":
        return not any(order.key("o") == change.key for order in looking.unfinished(seen.book))
    if change.target is None:
        return False
    if change.action == "cancel":
        return change.target.id not in seen.strays
    if change.action == "post":
        return all(report.id != change.target.id for report in seen.reports)
    return change_exists(s, seen, change)

