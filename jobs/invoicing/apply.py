"""Bills, posts, prints and mails what was planned; one refusal stops its own invoice and no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from connector.errors import Changed, OutcomeUnknown, Refused, ValidationFailed
from connector.session import Session
from connector.stock import ledger, mail, sales
from connector.stock.mail import Mail, Prepared
from jobs.invoicing.options import InvoiceOptions
from jobs.invoicing.plan import strays
from jobs.invoicing.rules import Work, lines_to_take_off, mail_problem, ref, stray_change, title
from jobs.plan import Applied, Change, Outcome, Planned, Skipped, outcome_of
from mappings.invoice import Invoice

AGAIN = "Run the command again."


def apply(s: Session, options: InvoiceOptions, planned: Planned) -> Applied:
    """Carry out a plan.

    Raises:
        Unreachable: half-way; running it again ends the same.
    """
    run = _Run(s, options, planned.work)
    for change in planned.plan.changes:
        run.carry_out(change)
    if any(change.action == "bill" for change in planned.plan.changes):
        # A racer's wizard that came too late for the hours may have billed what was taken off.
        for draft in strays(s, options.customer):
            run.carry_out(stray_change(draft))
    return Applied(tuple(run.ended), tuple(run.skipped))


class _ForPerson(Exception):
    """The change is not done, and a row says what a person can do."""


@dataclass(slots=True)
class _Run:
    """One run, as it goes. The changes of an invoice share their key."""

    s: Session
    options: InvoiceOptions
    work: Mapping[str, Work]
    ended: list[Change] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    stopped: dict[str, Outcome | None] = field(default_factory=dict)
    """Key → how a change ended that the following ones needed; None: a row for a person."""
    read: dict[str, dict[int, Invoice]] = field(default_factory=dict)
    """Key → its invoices as last read; several, when a racer billed some of the hours on another."""
    wizards: dict[int, Prepared] = field(default_factory=dict)
    """Invoice → Odoo's send wizard, which printed it."""

    def carry_out(self, change: Change) -> None:
        """Do a change and keep how it ended."""
        acts: dict[str, Callable[[Change, Work], Change]] = {
            "cancel": self.delete, "bill": self.bill, "post": self.post, "send": self.send}
        key = change.key or change.identity
        if key in self.stopped:
            outcome = self.stopped[key]
            if outcome is not None:
                self.ended.append(change.ended(outcome, why="not tried, since what comes before it failed"))
            return
        try:
            self.ended.append(acts[change.action](change, self.work.get(change.identity, Work())))
        except _ForPerson:
            self.stopped[key] = None
        except (Refused, OutcomeUnknown) as error:
            self.ended.append(outcome_of(change, error))
            self.stopped[key] = self.ended[-1].outcome

    def for_person(self, change: Change, code: str, why: str, remedy: str) -> _ForPerson:
        """Keep a row; the caller raises what it returns when the invoice is stopped by it."""
        self.row(change, code, why, remedy)
        return _ForPerson()

    def row(self, change: Change, code: str, why: str, remedy: str, *, person: bool = True) -> None:
        """Keep a row."""
        self.skipped.append(Skipped(code=code, target=change.target, what=change.what, why=why, remedy=remedy,
                                    needs_person=person, amount=change.amount, currency=change.currency))

    # --- the acts ----------------------------------------------------------------------------------------------------

    def delete(self, change: Change, _: Work) -> Change:
        """Delete a stray draft."""
        if change.target is not None:
            sales.delete_draft(self.s, change.target.id)
        return change.ended("done")

    def bill(self, change: Change, work: Work) -> Change:
        """Put hours on a draft, and take off it what is not hours."""
        acted = self._bill_hours(change, work) if work.order else False
        invoices = sales.invoices_of(self.s, work.hours)
        touched = [draft.id for draft in invoices.values() if self._take_off(draft, work)]
        if touched:
            acted, invoices = True, sales.invoices(self.s, invoices)
        self.read[str(change.key)] = invoices
        if not invoices:
            raise Changed("The draft was deleted, or its hours.", remedy=AGAIN)
        amount = sum((invoice.untaxed for invoice in invoices.values()), Decimal(0))
        return change.model_copy(update={"amount": amount}).ended("done" if acted else "unchanged",
                                                                 *map(ref, invoices.values()))

    def _bill_hours(self, change: Change, work: Work) -> bool:
        for dead in work.dead:
            sales.free_hours(self.s, dead)
        try:
            return sales.bill_hours(self.s, work.order, work.hours, self.options.first, self.options.last)
        except ValidationFailed as error:
            # The wizard had its turn; another try would end the same, in this run and in every other.
            raise self.for_person(change, "odoo_does_not_bill", f"Odoo does not bill them: {error.message}",
                                  "Look at the order in Odoo, and at what its hours are linked to.") from error

    def _take_off(self, draft: Invoice, work: Work) -> bool:
        off = lines_to_take_off(draft.lines, work.hour_lines) if draft.state == "draft" else []
        if not off or sales.made_by_hand(self.s, [draft.id]):
            return False
        sales.take_off(self.s, draft.id, off)
        return True

    def post(self, change: Change, work: Work) -> Change:
        """Post a draft, after a last look at it, and print it; one that is posted already is printed only."""
        found = self._invoices(change, work)
        drafts = [invoice for invoice in found.values() if invoice.state != "posted"]
        for draft in drafts:
            self._check(draft, work)
        if drafts:
            self._check_lock(change)
        acted = False
        for draft in drafts:
            acted = ledger.post(self.s, [draft.id]) or acted
        posted = self.read[str(change.key)] = sales.invoices(self.s, found) if drafts else found
        for invoice in posted.values():
            if drafts and change.date is not None and invoice.accounting_date != change.date:
                self.row(change, "other_date", f"Odoo posted it on {invoice.accounting_date} and not on {change.date}",
                         "Was a lock date set this moment? Look at the invoice in Odoo.")
            self._print(invoice)
        return change.ended("done" if acted or not drafts else "unchanged", *map(ref, posted.values()))

    def _check(self, draft: Invoice, work: Work) -> None:
        """Refuse to post what was not planned."""
        if draft.dead:
            raise Changed(f"{title(draft)} was cancelled or reversed.", remedy=AGAIN)
        if not set(draft.hours) <= set(work.hours) or not draft.hours:
            raise Changed(f"{title(draft)} bills other hours than were planned.", remedy=AGAIN)
        if lines_to_take_off(draft.lines, work.hour_lines):
            raise Changed(f"{title(draft)} bills more than hours.", remedy=AGAIN)
        if work.invoice and draft.untaxed != work.amount:
            raise Changed(f"{title(draft)} was edited: {draft.untaxed} instead of {work.amount}.", remedy=AGAIN)

    def _check_lock(self, change: Change) -> None:
        """Odoo would move the date of an invoice out of a locked period by itself, without a word."""
        locked = ledger.lock_date(self.s)
        if locked is not None and change.date is not None and change.date <= locked:
            raise self.for_person(change, "locked_period", f"{change.date} is in a locked period (up to {locked})",
                                  "Change its date in Odoo, or open the period.")

    def _print(self, invoice: Invoice) -> Prepared:
        if invoice.id not in self.wizards:
            self.wizards[invoice.id] = mail.prepare(self.s, invoice.id, invoice.number, invoice.customer)
        return self.wizards[invoice.id]

    def send(self, change: Change, work: Work) -> Change:
        """Mail a posted invoice, at most once."""
        invoices, acted, stuck = self._invoices(change, work), False, False
        for invoice in invoices.values():
            if invoice.state != "posted" or invoice.dead:
                raise Changed(f"{title(invoice)} is not posted any more.", remedy=AGAIN)
            known, sent = mail.send_invoice(self.s, invoice.id, invoice.customer, self._print(invoice))
            acted = acted or sent
            problem = mail_problem(Mail(known.state, known.reason, announced=True))
            if problem is not None:
                self.row(change.model_copy(update={"target": ref(invoice)}), *problem[:3], person=problem[3])
                stuck = stuck or problem[3]
        if stuck:
            raise _ForPerson
        return change.ended("done" if acted else "unchanged", *map(ref, invoices.values()))

    def _invoices(self, change: Change, work: Work) -> dict[int, Invoice]:
        """Return the invoices of a change: as this run left them, else read now."""
        key = str(change.key)
        if key not in self.read:
            self.read[key] = sales.invoices(self.s, [work.invoice]) if work.invoice \
                else sales.invoices_of(self.s, work.hours)
        if not self.read[key]:
            raise Changed(f"{change.what}: the invoice was deleted.", remedy=AGAIN)
        return self.read[key]
