"""Sale orders of a stock Odoo: the hours on them, and their way onto an invoice.

Odoo's own link (`timesheet_invoice_id`) is the key of an invoice of hours: its wizard bills what is not linked and
links it, in one transaction, so of any number of racers one bills an hour (facts: odoo-api.md, sections 2, 13, 15).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from connector import effects, records
from connector.effects import Call
from connector.errors import MissingRecord
from connector.records import Domain, rel
from connector.session import ReadSession, Session
from mappings.invoice import Invoice, InvoiceLine, Order, OrderLine
from mappings.odoo import analytic_line, move, sale_order
from mappings.timesheet import Hours, Unit

# Without the second, Odoo shows a user only his own hours, and without the third only his own orders: silently.
GROUPS = {
    "account.group_account_invoice": "Invoicing: Billing",
    "hr_timesheet.group_hr_timesheet_approver": "Timesheets: User: all timesheets",
    "sales_team.group_sale_salesman_all_leads": "Sales: User: All Documents",
}
MODULES = {"project.sale.line.employee.map": "sale_timesheet"}

# Cancelling an invoice or crediting it whole leaves its hours linked to it (14), and they are open all the same.
OPEN: list[Any] = ["|", "|", ("timesheet_invoice_id", "=", False), ("timesheet_invoice_id.state", "=", "cancel"),
                   ("timesheet_invoice_id.payment_state", "=", "reversed")]


# --- reading ---------------------------------------------------------------------------------------------------------

def customers(s: ReadSession, name: str) -> dict[int, str]:
    """Return id → name of the partners whose name holds the text, companies and persons alike."""
    rows = records.search(s, "res.partner", [("name", "ilike", name)], ["name"])
    return {row["id"]: row["name"] for row in rows}


def hours(s: ReadSession, first: dt.date, last: dt.date, customer: Sequence[int] = ()) -> list[Hours]:
    """Return the hours of a period that are on an order line or on a billable project, and older ones still open.

    Args:
        s: the session.
        first: the period's first day.
        last: its last day.
        customer: only hours for these partners and their contacts.
    """
    domain: list[Any] = [
        ("project_id", "!=", False), ("company_id", "=", s.company_id), ("date", "<=", str(last)),
        "|", ("so_line", "!=", False), ("project_id.allow_billable", "=", True),
        "|", ("date", ">=", str(first)), "&", "&", ("so_line.qty_delivered_method", "=", "timesheet"),
        ("so_line.product_id.invoice_policy", "=", "delivery"), *OPEN]
    if customer:
        domain += ["|", ("so_line.order_id.partner_id", "child_of", list(customer)),
                   "&", ("so_line", "=", False), ("project_id.partner_id", "child_of", list(customer))]
    return [analytic_line.hours(row) for row in
            records.search(s, "account.analytic.line", domain, analytic_line.HOURS_FIELDS)]


def order_lines(s: ReadSession, seen: Collection[int]) -> dict[int, OrderLine]:
    """Return all lines of the orders that the lines seen belong to."""
    if not seen:
        return {}
    rows = records.search(s, "sale.order.line", [("order_id.order_line", "in", sorted(seen))], sale_order.LINE_FIELDS)
    products = records.by_id(s, "product.product", (rel(row["product_id"]) for row in rows if row["product_id"]),
                             sale_order.PRODUCT_FIELDS)
    return {row["id"]: sale_order.order_line(row, products.get(rel(row["product_id"]))) for row in rows}


def orders(s: ReadSession, ids: Iterable[int]) -> dict[int, Order]:
    """Return orders by id."""
    return {row["id"]: sale_order.order(row) for row in
            records.read(s, "sale.order", ids, sale_order.ORDER_FIELDS)}


def units(s: ReadSession, ids: Iterable[int]) -> dict[int, Unit]:
    """Return units by id."""
    return {row["id"]: analytic_line.unit(row) for row in records.read(s, "uom.uom", ids, analytic_line.UNIT_FIELDS)}


def invoices(s: ReadSession, ids: Iterable[int]) -> dict[int, Invoice]:
    """Return invoices by id, drafts with their lines; those that were deleted are left out."""
    return _with_lines(s, records.read(s, "account.move", ids, move.INVOICE_FIELDS))


def drafts_without_hours(s: ReadSession, customer: Sequence[int] = ()) -> dict[int, Invoice]:
    """Return the draft invoices of orders that no hours hang on."""
    domain: list[Any] = [("move_type", "=", "out_invoice"), ("state", "=", "draft"), ("timesheet_ids", "=", False),
                         ("company_id", "=", s.company_id), ("invoice_line_ids.sale_line_ids", "!=", False)]
    if customer:
        domain.append(("invoice_line_ids.sale_line_ids.order_id.partner_id", "child_of", list(customer)))
    return _with_lines(s, records.search(s, "account.move", domain, move.INVOICE_FIELDS))


def _with_lines(s: ReadSession, rows: Sequence[records.Row]) -> dict[int, Invoice]:
    lines: dict[int, list[InvoiceLine]] = {row["id"]: [] for row in rows if row["state"] == "draft"}
    if lines:
        domain: Domain = [("move_id", "in", list(lines)), ("exclude_from_invoice_tab", "=", False)]
        found = records.search(s, "account.move.line", domain, move.LINE_FIELDS)
        for line in sorted(found, key=lambda line: (line["sequence"] or 0, line["id"])):
            lines[rel(line["move_id"])].append(move.invoice_line(line))
    return {row["id"]: move.invoice(row, lines.get(row["id"], ())) for row in rows}


def made_by_hand(s: ReadSession, drafts: Collection[int]) -> set[int]:
    """Return the drafts that a person made: they carry Odoo's message "invoice created", ours never do."""
    if not drafts:
        return set()
    _, subtype = s.call("ir.model.data", "check_object_reference", "account", "mt_invoice_created")
    rows = records.search(s, "mail.message", [("model", "=", "account.move"), ("res_id", "in", sorted(drafts)),
                                              ("subtype_id", "=", subtype)], ["res_id"])
    return {row["res_id"] for row in rows}


def billed_without_hours(s: ReadSession, lines: Collection[int]) -> set[int]:
    """Return those order lines that a live invoice bills although no hours hang on it.

    "Credit note → full refund and new draft invoice" makes such an invoice: a copy of the one it replaces.
    """
    if not lines:
        return set()
    rows = records.search(s, "account.move.line", [
        ("sale_line_ids", "in", sorted(lines)), ("move_id.move_type", "=", "out_invoice"),
        ("parent_state", "in", ["draft", "posted"]), ("move_id.payment_state", "!=", "reversed"),
        ("move_id.timesheet_ids", "=", False)], ["sale_line_ids"])
    return {line for row in rows for line in row["sale_line_ids"]} & set(lines)


def open_hours(s: ReadSession, ids: Collection[int]) -> list[int]:
    """Return those of the hours that no live invoice bills."""
    return [row["id"] for row in records.search(s, "account.analytic.line", [("id", "in", sorted(ids)), *OPEN], ["id"])]


def invoices_of(s: ReadSession, ids: Collection[int]) -> dict[int, Invoice]:
    """Return the invoices that the hours hang on."""
    rows = records.read(s, "account.analytic.line", ids, ["timesheet_invoice_id"])
    return invoices(s, sorted({rel(row["timesheet_invoice_id"]) for row in rows if row["timesheet_invoice_id"]}))


def invoices_of_order(s: ReadSession, order: int) -> dict[int, Invoice]:
    """Return the invoices that an order's hours hang on."""
    rows = records.search(s, "account.analytic.line", [
        ("so_line.order_id", "=", order), ("project_id", "!=", False), ("timesheet_invoice_id", "!=", False)],
        ["timesheet_invoice_id"])
    return invoices(s, sorted({rel(row["timesheet_invoice_id"]) for row in rows}))


# --- writing ---------------------------------------------------------------------------------------------------------

def bill_hours(s: Session, order: int, ids: Collection[int], first: dt.date, last: dt.date) -> bool:
    """Let Odoo's wizard put an order's open hours of a period on a draft invoice.

    Besides hours it takes along whatever else of the order can be billed; see `take_off`.

    Returns:
        whether there was anything left to do.

    Raises:
        Refused: Odoo bills them not ("nothing to invoice" is a ValidationFailed).
        OutcomeUnknown: answers were lost and some of the hours are still open.
    """
    context = {"active_model": "sale.order", "active_ids": [order], "active_id": order,
               # No message "invoice created": it tells a person's drafts from ours.
               "mail_create_nolog": True}
    values = {"advance_payment_method": "delivered", "date_start_invoice_timesheet": str(first),
              "date_end_invoice_timesheet": str(last),
              # Odoo would guess it from the order's status, and then ignore the period.
              "invoicing_timesheet_enabled": True,
              # Deducting may turn the draft into a credit note, which Odoo does not link to its hours.
              "deduct_down_payments": False}
    acted = False

    def confirm(_: list[int]) -> Call:
        nonlocal acted
        acted = True
        wizard = effects.wizard(s, "sale.advance.payment.inv", values, context)
        return Call("sale.advance.payment.inv", "create_invoices", ([wizard],), context)

    effects.change_state(s, lambda: open_hours(s, ids), confirm, lambda still_open: not still_open)
    return acted


def free_hours(s: Session, invoice: int) -> None:
    """Cut a dead invoice from its hours, so that Odoo bills them again.

    On the invoice, not on the hours: a late write on the hours would empty somebody's new invoice.
    """
    def linked() -> list[int]:
        rows = records.read(s, "account.move", [invoice], ["timesheet_ids"])
        return list(rows[0]["timesheet_ids"]) if rows else []

    effects.change_state(s, linked, lambda _: Call("account.move", "write", ([invoice], {"timesheet_ids": [(5,)]})),
                         lambda ids: not ids)


def take_off(s: Session, invoice: int, lines: Sequence[int]) -> None:
    """Take lines off a draft; what they billed can be billed again."""
    if lines:
        effects.replace(s, "account.move", invoice, "invoice_line_ids", lines)


def delete_draft(s: Session, invoice: int) -> None:
    """Delete a draft that no hours hang on; one that got some or was posted meanwhile stays."""
    def deletable() -> bool:
        rows = records.read(s, "account.move", [invoice], ["state", "timesheet_ids"])
        return bool(rows) and rows[0]["state"] == "draft" and not rows[0]["timesheet_ids"]

    try:
        effects.change_state(s, deletable, lambda _: Call("account.move", "unlink", ([invoice],)), lambda it: not it)
    except MissingRecord:
        return
