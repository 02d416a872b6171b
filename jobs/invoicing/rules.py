"""What is billed, posted and mailed, and what is not and why: decided on plain data, nothing is read or written."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from connector.stock.mail import Mail
from jobs.invoicing.options import InvoiceOptions
from jobs.plan import Action, Change, Ref, Skipped, facts
from mappings.invoice import Invoice, InvoiceLine, Order, OrderLine
from mappings.timesheet import Hours, Unit, quantity

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Books:
    """All that was read."""

    today: dt.date
    locked: dt.date | None
    """What is dated on or before this day is locked."""
    hours: Sequence[Hours]
    lines: Mapping[int, OrderLine]
    orders: Mapping[int, Order]
    units: Mapping[int, Unit]
    invoices: Mapping[int, Invoice]
    """Those that hours hang on."""
    leftovers: Mapping[int, Invoice] = field(default_factory=dict)
    """Draft invoices of orders that no hours hang on."""
    by_hand: Collection[int] = ()
    """The drafts that a person made."""
    replaced: Collection[int] = ()
    """Order lines with a live invoice that no hours hang on."""
    mails: Mapping[int, Mail] = field(default_factory=dict)
    printed: Collection[int] = ()
    addresses: Mapping[int, str] = field(default_factory=dict)
    """Partner → e-mail address."""

    @property
    def hour_lines(self) -> frozenset[int]:
        """The order lines that are billed by hours."""
        return frozenset(line.id for line in self.lines.values() if line.policy == "hours")

    def amount(self, hours: Iterable[Hours]) -> Decimal:
        """Return what hours cost, without tax, as Odoo will compute it."""
        return sum((self.lines[line].amount(self.quantity(of_line, line)) for line, of_line in
                    grouped(hours, lambda each: each.order_line).items()), ZERO)

    def quantity(self, hours: Iterable[Hours], line: int) -> Decimal:
        """Add up hours of one order line in its unit."""
        return quantity(hours, self.lines[line].unit, self.units)


@dataclass(frozen=True, slots=True)
class Work:
    """What `apply` needs to know of a change."""

    hours: tuple[int, ...] = ()
    """All that will hang, or hangs, on the invoice: nothing that was not planned is posted."""
    order: int = 0
    """Whose hours are billed; 0: the invoice was there."""
    dead: tuple[int, ...] = ()
    """Reversed invoices that some of the hours still hang on."""
    invoice: int = 0
    """The invoice; 0: the one that this run makes."""
    amount: Decimal = ZERO
    hour_lines: frozenset[int] = frozenset()


@dataclass(slots=True)
class Decisions:
    """What was decided: changes in the order in which they are carried out, and rows."""

    changes: list[Change] = field(default_factory=list)
    work: dict[str, Work] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)

    def add(self, change: Change, work: Work) -> None:
        """Plan a change. An amount stands on the first change of an invoice only, so that totals count it once."""
        if change.key and any(other.key == change.key and other.amount is not None for other in self.changes):
            change = change.model_copy(update={"amount": None})
        self.changes.append(change)
        self.work[change.identity] = work


def decide(books: Books, options: InvoiceOptions) -> Decisions:
    """Decide about everything that was read."""
    decisions = Decisions()
    _leftovers(books, decisions)
    _unbilled_projects(books, options, decisions)
    on_orders = [hours for hours in books.hours if hours.order_line in books.lines]
    in_period = [hours for hours in on_orders if hours.date >= options.first]
    live = {hours.invoice for hours in in_period
            if hours.invoice in books.invoices and not books.invoices[hours.invoice].dead}
    for invoice in sorted(live):
        _invoice(books, options, books.invoices[invoice], decisions)
    for order, hours in sorted(grouped(on_orders, lambda each: books.lines[each.order_line].order).items()):
        _order(books, options, books.orders[order], hours, decisions)
    return decisions


# --- hours of an order -----------------------------------------------------------------------------------------------

def _order(books: Books, options: InvoiceOptions, order: Order, hours: Sequence[Hours], decisions: Decisions) -> None:
    """Bill an order's open hours of the period; say which are not billed."""
    def row(code: str, what: str, why: str, remedy: str = "", *, of: Sequence[Hours] = (), person: bool = True) -> None:
        decisions.skipped.append(Skipped(code=code, target=ref(order), what=f"{title(order)}: {what}", why=why,
                                         remedy=remedy, needs_person=person, amount=books.amount(of) if of else None,
                                         currency=order.currency))

    fixed = [each for each in hours if books.lines[each.order_line].policy != "hours" and each.date >= options.first]
    if any(each.billable and each.quantity for each in fixed):
        row("fixed_price", f"{noted(fixed, books.units)} on lines that are not billed by hours",
            "a fixed price or milestone", person=False)
    openly = [each for each in hours if books.lines[each.order_line].policy == "hours" and _is_open(books, each)]
    held = [each for each in openly if each.invoice in books.invoices and books.invoices[each.invoice].reversed
            and each.order_line in books.replaced]
    if held:
        row("replaced_by_hand", f"{noted(held, books.units)} of a reversed invoice",
            "another invoice bills this order line although no hours hang on it: a copy that a person made of the "
            "reversed one", "Delete that invoice if these hours are to be billed again.", of=held, person=False)
    openly = [each for each in openly if each not in held]
    if late := [each for each in openly if each.date < options.first and each.billable and each.quantity]:
        row("late", f"{noted(late, books.units)} of {min(each.date for each in late)} and later, not billed",
            f"older than {options.first}", f"Bill them with --from {min(each.date for each in late)}.", of=late)
    due = _positive(books, [each for each in openly if each.date >= options.first], row)
    if not due:
        return
    amount = books.amount(due)
    if not order.confirmed:
        row("not_confirmed", f"{noted(due, books.units)} on an order that is not confirmed",
            "Odoo bills confirmed orders only", "Confirm the order in Odoo, or move the hours.", of=due)
    elif books.locked and books.today <= books.locked:
        row("locked_period", noted(due, books.units), f"today is in a locked period (up to {books.locked})",
            "Open the period, or wait for the next one.", of=due)
    else:
        _bill(books, options, order, due, amount, decisions)


def _positive(books: Books, hours: Sequence[Hours], row: Callable[..., None]) -> list[Hours]:
    """Return the hours of those order lines that add up to more than nothing: Odoo bills no others."""
    due: list[Hours] = []
    for line, of_line in sorted(grouped(hours, lambda each: each.order_line).items()):
        if books.quantity(of_line, line) > 0 and books.lines[line].amount(books.quantity(of_line, line)) > 0:
            due += of_line
        elif any(each.billable and each.quantity for each in of_line):
            row("nothing_to_bill", f"{noted(of_line, books.units)} on “{books.lines[line].name}”",
                "they add up to nothing that can be billed", "Correct the hours or the price, or widen the period.")
    return due


def _bill(books: Books, options: InvoiceOptions, order: Order, due: Sequence[Hours], amount: Decimal,
          decisions: Decisions) -> None:
    dead = sorted({each.invoice for each in due if each.invoice in books.invoices
                   and books.invoices[each.invoice].reversed})
    work = Work(hours=tuple(sorted(each.id for each in due)), order=order.id, dead=tuple(dead), amount=amount,
                hour_lines=books.hour_lines)
    again = f"; billed before on {', '.join(books.invoices[each].label for each in dead)}, reversed" if dead else ""
    decisions.add(_change("bill", order, work, books, order.billed_to,
                          what=f"{title(order)}: {noted(due, books.units)}",
                          why=f"hours of {options.first} to {options.last}, not billed yet{again}",
                          date=books.today), work)
    _post_and_send(books, options, None, order, work, order.billed_to, decisions)


def _is_open(books: Books, hours: Hours) -> bool:
    return not hours.invoice or (hours.invoice in books.invoices and books.invoices[hours.invoice].dead)


# --- an invoice that is there ----------------------------------------------------------------------------------------

def _invoice(books: Books, options: InvoiceOptions, invoice: Invoice, decisions: Decisions) -> None:
    """Finish, post, print and mail an invoice that bills hours of the period."""
    off = [] if invoice.id in books.by_hand else lines_to_take_off(invoice.lines, books.hour_lines)
    kept = sum((line.amount for line in invoice.lines if line.id not in off), ZERO)
    work = Work(hours=invoice.hours, invoice=invoice.id, amount=kept if invoice.state == "draft" else invoice.untaxed,
                hour_lines=books.hour_lines)
    if off:
        names = ", ".join(line.name for line in invoice.lines if line.id in off)
        decisions.add(_change("bill", invoice, work, books, invoice.customer,
                              what=f"{title(invoice)}: take off {names}",
                              why="an interrupted run left lines on it that are not hours"), work)
    _post_and_send(books, options, invoice, invoice, work, invoice.customer, decisions)


def _post_and_send(books: Books, options: InvoiceOptions, invoice: Invoice | None, about: Order | Invoice, work: Work,
                   customer: int, decisions: Decisions) -> None:
    """Post and mail an invoice; `invoice` is None when this run is to make it."""
    def row(code: str, why: str, remedy: str, *, person: bool = True) -> None:
        decisions.skipped.append(Skipped(code=code, target=ref(about), what=title(about), why=why, remedy=remedy,
                                         needs_person=person, amount=work.amount, currency=about.currency))

    posted = invoice is not None and invoice.state == "posted"
    if not posted and not options.post:
        return
    if not posted:
        date = (invoice.date if invoice else None) or books.today
        if invoice and invoice.id in books.by_hand and lines_to_take_off(invoice.lines, books.hour_lines):
            row("mixed_draft", "a person made this draft, and it bills more than hours", "Post it in Odoo.")
            return
        if books.locked and date <= books.locked:
            row("locked_period", f"its date {date} is in a locked period (up to {books.locked})",
                "Change its date in Odoo, or open the period.")
            return
        if work.amount <= 0:
            row("nothing_to_bill", "its total is not more than nothing", "Look at the draft in Odoo.")
            return
        decisions.add(_change("post", about, work, books, customer, what=title(about),
                              why=_edited(books, work, invoice), date=date), work)
    elif options.post and invoice is not None and invoice.id not in books.printed:
        decisions.add(_change("post", invoice, work, books, customer, what=f"{title(invoice)}: PDF",
                              why="posted, without its PDF", date=invoice.date), work)
    if options.send:
        _send(books, invoice, about, work, customer, decisions, row)


def _send(books: Books, invoice: Invoice | None, about: Order | Invoice, work: Work, customer: int,
          decisions: Decisions, row: Callable[..., None]) -> None:
    mail = books.mails.get(invoice.id, Mail()) if invoice else Mail()
    if mail.state == "sent":
        return
    if (problem := mail_problem(mail)) is not None:
        code, why, remedy, person = problem
        row(code, why, remedy, person=person)
    elif invoice and invoice.marked_sent:
        row("perhaps_mailed", "it is marked as sent in Odoo, but no mail to its customer is known",
            "If it was not sent, send it in Odoo.")
    elif customer not in books.addresses:
        row("no_address", "the customer has no e-mail address", "Add it to the customer in Odoo, then run again.")
    else:
        decisions.add(_change("send", about, work, books, customer,
                              what=f"{title(about)} to {books.addresses[customer]}",
                              why="not mailed yet"), work)


def mail_problem(mail: Mail) -> tuple[str, str, str, bool] | None:
    """Return code, reason, remedy and whether a person is needed, for a mail that is neither sent nor to be sent."""
    if mail.state == "waiting":
        return "mail_waiting", "Odoo has the mail in its queue", "Look at it again later.", False
    if mail.state == "failed":
        return ("mail_failed", f"Odoo could not mail it: {mail.reason or 'no reason given'}",
                "Correct the address or the mail server, then send it in Odoo.", True)
    if mail.state == "none" and mail.announced:
        return ("perhaps_mailed", "a run was about to mail it and did not see it happen",
                "Ask the customer, or look at the mail server; if it did not arrive, send it in Odoo.", True)
    return None


def _edited(books: Books, work: Work, invoice: Invoice | None) -> str:
    """Say how a draft differs from its hours: edits are kept, and shown."""
    if invoice is None:
        return "bills hours of the period"
    known = [hours for hours in books.hours if hours.id in work.hours and hours.order_line in books.lines]
    if len(known) == len(work.hours) and books.amount(known) != work.amount:
        return f"edited in Odoo: {work.amount} instead of {books.amount(known)}"
    return "a draft that bills hours of the period"


def lines_to_take_off(lines: Sequence[InvoiceLine], hour_lines: Collection[int]) -> list[int]:
    """Return the lines of orders that are not hours, and the sections that have nothing else.

    A line without an order line was added by a person and stays.
    """
    off = {line.id for line in lines if not line.text_kind and line.order_lines
           and not set(line.order_lines) & set(hour_lines)}
    section: InvoiceLine | None = None
    content: list[int] = []
    for line in [*lines, None]:
        if line is None or line.text_kind == "section":
            if section and content and off.issuperset(content):
                off.add(section.id)
            section, content = line, []
        elif not line.text_kind:
            content.append(line.id)
    return [line.id for line in lines if line.id in off]


# --- drafts without hours, hours without order -----------------------------------------------------------------------

def is_stray(draft: Invoice, hour_lines: Collection[int], by_hand: Collection[int]) -> bool:
    """A draft that a slow wizard of ours left: only order lines, none of them hours, and no person made it."""
    return draft.id not in by_hand and not draft.hours and bool(draft.lines) and all(
        line.order_lines and not set(line.order_lines) & set(hour_lines) for line in draft.lines)


def stray_change(draft: Invoice) -> Change:
    """Return the change that deletes a stray draft."""
    return Change(action="cancel", target=ref(draft), model="account.move", what=f"delete {title(draft)}",
                  why="an interrupted run left it: it bills no hours", facts=facts("stray", draft.id))


def _leftovers(books: Books, decisions: Decisions) -> None:
    for draft in books.leftovers.values():
        if is_stray(draft, books.hour_lines, books.by_hand):
            decisions.add(stray_change(draft), Work(invoice=draft.id))
        elif any(set(line.order_lines) & books.hour_lines for line in draft.lines):
            decisions.skipped.append(Skipped(
                code="draft_without_hours", target=ref(draft), what=title(draft),
                why="it bills an order line of hours, but no hours hang on it", needs_person=True, amount=draft.untaxed,
                currency=draft.currency, remedy="Delete it in Odoo, or post it there if it is meant."))


def _unbilled_projects(books: Books, options: InvoiceOptions, decisions: Decisions) -> None:
    loose = [hours for hours in books.hours if hours.order_line not in books.lines and hours.billable
             and hours.quantity and hours.date >= options.first and hours.date <= options.last]
    for _, hours in sorted(grouped(loose, lambda each: each.project).items()):
        decisions.skipped.append(Skipped(
            code="no_order_line", target=Ref(model="project.project", id=hours[0].project, name=hours[0].project_name),
            what=f"{hours[0].project_name}: {noted(hours, books.units)}", needs_person=True,
            why="the project is billable, but these hours are on no order line",
            remedy="Link the task or the project to an order line in Odoo, then correct the hours."))


# --- small things ----------------------------------------------------------------------------------------------------

def key_of(hours: Iterable[int]) -> str:
    """Name an invoice by the hours it bills: the same before it is made and after."""
    return "hours-" + hashlib.sha256(",".join(map(str, sorted(hours))).encode()).hexdigest()[:16]


def _change(action: Action, about: Order | Invoice, work: Work, books: Books, customer: int, *, what: str, why: str,
            date: dt.date | None = None) -> Change:
    """Make a change. Its facts are the same whether the invoice is there or not, so a killed apply can go on."""
    known = {hours.id: hours for hours in books.hours}
    seen: list[object] = [action, customer, [
        (each, str(known[each].quantity), known[each].order_line) if each in known else (each, "", 0)
        for each in sorted(work.hours)]]
    if action == "bill":
        seen.append(str(books.amount(known[each] for each in work.hours if each in known)))
    elif action == "post":
        seen += [str(work.amount), str(date)]
    elif action == "send":
        seen.append(books.addresses.get(customer, ""))
    return Change(key=key_of(work.hours), action=action, target=ref(about), model="account.move", what=what, why=why,
                  date=date, amount=work.amount, currency=about.currency, facts=facts(*seen))


def ref(about: Order | Invoice) -> Ref:
    """Return an order or invoice as a reference."""
    if isinstance(about, Order):
        return Ref(model="sale.order", id=about.id, name=about.name)
    return Ref(model="account.move", id=about.id, name=about.label)


def title(about: Order | Invoice) -> str:
    """Name an order or invoice for people."""
    return f"{about.name if isinstance(about, Order) else about.label}, {about.customer_name}"


def noted(hours: Sequence[Hours], units: Mapping[int, Unit]) -> str:
    """Say how many hours, as they were noted."""
    unit = max((each.unit for each in hours if each.unit in units), key=lambda each: units[each].factor, default=0)
    return f"{quantity(hours, unit, units) if unit else 0:.2f} hours"


def grouped(hours: Iterable[Hours], by: Callable[[Hours], int]) -> dict[int, list[Hours]]:
    """Group hours."""
    groups: dict[int, list[Hours]] = {}
    for each in hours:
        groups.setdefault(by(each), []).append(each)
    return groups

