"""Reads what decides about invoices: hours, orders, invoices, lock dates, mails; one read per model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from connector.errors import ConfigError
from connector.session import ReadSession
from connector.stock import ledger, mail, sales
from jobs.invoicing.options import InvoiceOptions
from jobs.invoicing.rules import Books, decide, is_stray, key_of
from jobs.plan import Change, Planned, make_plan
from mappings.invoice import Invoice

NAME = "invoice run"


def plan(s: ReadSession, options: InvoiceOptions) -> Planned:
    """Plan which hours are billed, and which invoices are posted and mailed.

    Raises:
        AccessDenied: a right is missing without which Odoo hides hours or orders.
        MissingFeature: the module sale_timesheet is not installed.
        ConfigError: there is no such customer.
    """
    s.require_modules(NAME, sales.MODULES)
    s.require_groups(NAME, sales.GROUPS)
    decisions = decide(look(s, options), options)
    return Planned(make_plan(s, NAME, options, decisions.changes, decisions.skipped), decisions.work)


def exists(s: ReadSession, options: InvoiceOptions, change: Change) -> bool:
    """Tell whether a change of a saved plan is done, by us or by anybody else."""
    if change.target is None:
        return False
    if change.action == "cancel":
        return not sales.invoices(s, [change.target.id])
    of_order = change.target.model == "sale.order"
    found = sales.invoices_of_order(s, change.target.id) if of_order else sales.invoices(s, [change.target.id])
    alive = [invoice for invoice in found.values() if not invoice.dead and key_of(invoice.hours) == change.key]
    if change.action == "bill" or not alive:
        return bool(alive)
    [invoice, *_] = alive
    if change.action == "send":
        # A mail that was announced is never sent again by us, so a saved plan has nothing left to do for it either.
        known = mail.mails(s, {invoice.id: invoice.customer})[invoice.id]
        return known.announced or known.state != "none"
    return invoice.state == "posted" and bool(mail.printed(s, {invoice.id: invoice.number}))


def look(s: ReadSession, options: InvoiceOptions) -> Books:
    """Read everything that the rules decide on."""
    customer = _customer(s, options.customer)
    hours = sales.hours(s, options.first, options.last, customer)
    leftovers = sales.drafts_without_hours(s, customer)
    invoices = sales.invoices(s, sorted({each.invoice for each in hours if each.invoice}))
    drafts = {**leftovers, **{each.id: each for each in invoices.values() if each.state == "draft"}}
    seen = {each.order_line for each in hours if each.order_line}
    lines = sales.order_lines(s, seen | _order_lines(drafts.values()))
    posted = {each.id: each for each in invoices.values() if each.state == "posted" and not each.dead}
    reversed_lines = {each.order_line for each in hours if each.invoice in invoices
                      and invoices[each.invoice].reversed}
    orders = sales.orders(s, sorted({lines[each].order for each in seen if each in lines}))
    customers = {each.customer for each in invoices.values()} | {order.billed_to for order in orders.values()}
    return Books(
        today=s.today(), locked=ledger.lock_date(s), hours=hours, lines=lines, orders=orders,
        units=sales.units(s, sorted({each.unit for each in hours if each.unit}
                                    | {line.unit for line in lines.values() if line.unit})),
        invoices=invoices, leftovers=leftovers, by_hand=sales.made_by_hand(s, drafts),
        replaced=sales.billed_without_hours(s, reversed_lines),
        mails=mail.mails(s, {each.id: each.customer for each in posted.values()}) if options.send else {},
        printed=mail.printed(s, {each.id: each.number for each in posted.values()}) if options.post else (),
        addresses=mail.addresses(s, sorted(customers)) if options.send else {})


def strays(s: ReadSession, customer: str) -> list[Invoice]:
    """Return the draft invoices that a slow wizard of ours left."""
    leftovers = sales.drafts_without_hours(s, _customer(s, customer))
    if not leftovers:
        return []
    lines = sales.order_lines(s, _order_lines(leftovers.values()))
    hour_lines = {line.id for line in lines.values() if line.policy == "hours"}
    by_hand = sales.made_by_hand(s, leftovers)
    return [draft for draft in leftovers.values() if is_stray(draft, hour_lines, by_hand)]


def _order_lines(invoices: Collection[Invoice]) -> set[int]:
    return {order_line for invoice in invoices for line in invoice.lines for order_line in line.order_lines}


def _customer(s: ReadSession, name: str) -> Sequence[int]:
    """Return the partners of that name, to the letter but for case; empty: no restriction."""
    if not name:
        return ()
    found: Mapping[int, str] = sales.customers(s, name)
    same = [partner for partner, called in found.items() if called.casefold() == name.casefold()]
    if not same:
        close = ", ".join(sorted(set(found.values()))[:5])
        raise ConfigError(f'There is no customer "{name}" in Odoo.',
                          remedy=f"Do you mean: {close}?" if close else "Give the name as Odoo shows it.")
    return same
