"""What `invoice run` decides, on plain data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from connector.stock.mail import Mail
from jobs.invoicing.options import InvoiceOptions
from jobs.invoicing.rules import Books, Decisions, decide, is_stray, key_of, lines_to_take_off
from mappings.invoice import Invoice, InvoiceLine, Order, OrderLine
from mappings.odoo import analytic_line, sale_order
from mappings.timesheet import Hours, Unit, quantity

TODAY = dt.date(2026, 11, 2)
DAY, HOUR = 1, 2
UNITS = {DAY: Unit(DAY, 9, Decimal(1), Decimal("0.01")), HOUR: Unit(HOUR, 9, Decimal(8), Decimal("0.01"))}
ORDER = Order(1, "S1", "Bakker BV", 10, True, "EUR")
LINES = {1: OrderLine(1, 1, "Consultancy", "hours", HOUR, Decimal(95)),
         2: OrderLine(2, 1, "Set-up", "fixed", HOUR, Decimal(500)),
         3: OrderLine(3, 1, "Training", "hours", DAY, Decimal(800))}
INVOICE = Invoice(7, "INV/7", "draft", False, 10, "Bakker BV", None, TODAY, Decimal("95.00"), "EUR", False, (1,))


def noted(number: int, amount: str = "1", *, line: int = 1, day: str = "2026-10-05", invoice: int = 0,
          billable: bool = True) -> Hours:
    return Hours(number, dt.date.fromisoformat(day), Decimal(amount), HOUR, 4, "Bakker", line, invoice, billable)


def text(number: int, kind: Any = "", *order_lines: int, amount: str = "0.00") -> InvoiceLine:
    return InvoiceLine(number, 7, order_lines, f"line {number}", kind, Decimal(amount))


def decided(*hours: Hours, invoices: Mapping[int, Invoice] | None = None, post: bool = False, send: bool = False,
            **books: Any) -> Decisions:
    chosen = InvoiceOptions(first=dt.date(2026, 10, 1), last=dt.date(2026, 10, 31), post=post, send=send)
    read = {"today": TODAY, "locked": None, "lines": LINES, "orders": {1: ORDER}, "units": UNITS,
            "addresses": {10: "bakker@example.org"}}
    return decide(Books(hours=hours, invoices=invoices or {}, **{**read, **books}), chosen)


def actions(decisions: Decisions) -> list[str]:
    return [change.action for change in decisions.changes]


def codes(decisions: Decisions) -> list[str]:
    return [row.code for row in decisions.skipped]


# --- quantities ------------------------------------------------------------------------------------------------------

def test_hours_are_added_up_and_rounded_as_odoo_does() -> None:
    three = [noted(each, "0.333333") for each in range(3)]
    assert quantity(three, HOUR, UNITS) == Decimal("1.00")
    assert quantity([noted(1, "12")], DAY, UNITS) == Decimal("1.50")
    assert quantity([noted(1, "1")], DAY, UNITS) == Decimal("0.13"), "0.125, half up"
    assert quantity([noted(1, "1"), noted(2, "5", billable=False)], HOUR, UNITS) == Decimal("1.00")


def test_rows_of_odoo_become_hours_and_lines() -> None:
    row = {"id": 5, "date": "2026-10-05", "unit_amount": 1.3333333, "product_uom_id": [2, "Hours"],
           "project_id": [4, "Bakker"], "so_line": [1, "S1"], "timesheet_invoice_id": None, "non_allow_billable": None}
    assert analytic_line.hours(row) == replace(noted(5, "1.333333"), quantity=Decimal("1.333333"))
    line = {"id": 1, "order_id": [1, "S1"], "name": "Consultancy\nsenior", "product_id": [3, "x"],
            "product_uom": [2, "Hours"], "price_unit": 121.0, "discount": 0.0, "product_uom_qty": 2.0,
            "price_subtotal": 200.0}
    product = {"type": "service", "service_policy": "delivered_timesheet"}
    made = sale_order.order_line(line, product)
    assert (made.name, made.policy, made.price) == ("Consultancy", "hours", Decimal(100)), "the price includes the tax"
    discounted = sale_order.order_line({**line, "discount": 10.0, "price_subtotal": 217.8}, product)
    assert discounted.price == Decimal("108.9")
    assert sale_order.order_line({**line, "product_id": None}, None).policy == "other"


# --- hours -----------------------------------------------------------------------------------------------------------

def test_open_hours_become_one_bill_per_order() -> None:
    plan = decided(noted(1, "6"), noted(2, "8.5"), noted(3, "12", line=3))
    assert actions(plan) == ["bill"]
    assert plan.changes[0].amount == Decimal("2577.50")
    assert plan.changes[0].what == "S1, Bakker BV: 26.50 hours"
    assert plan.skipped == []


def test_amounts_are_counted_once() -> None:
    plan = decided(noted(1), post=True, send=True)
    assert [(change.action, change.amount) for change in plan.changes] == [
        ("bill", Decimal("95.00")), ("post", None), ("send", None)]


@pytest.mark.parametrize(("invoice", "again"), [
    (replace(INVOICE, state="cancel"), True), (replace(INVOICE, state="posted", reversed=True), True),
    (INVOICE, False), (replace(INVOICE, state="posted"), False)])
def test_hours_of_a_dead_invoice_are_open(invoice: Invoice, again: bool) -> None:
    assert actions(decided(noted(1, invoice=7), invoices={7: invoice})) == (["bill"] if again else [])


def test_a_reversed_invoice_is_cut_first_and_a_cancelled_one_need_not_be() -> None:
    plan = decided(noted(1, invoice=7), invoices={7: replace(INVOICE, state="posted", reversed=True)})
    assert plan.work[plan.changes[0].identity].dead == (7,)
    plan = decided(noted(1, invoice=7), invoices={7: replace(INVOICE, state="cancel")})
    assert plan.work[plan.changes[0].identity].dead == ()


@pytest.mark.parametrize(("hours", "code", "person"), [
    (noted(1, line=2), "fixed_price", False), (noted(1, day="2026-09-30"), "late", True),
    (noted(1, line=0), "no_order_line", True), (noted(1, "-1"), "nothing_to_bill", True),
    (noted(1, "0.001"), "nothing_to_bill", True)])
def test_hours_that_are_not_billed_are_named(hours: Hours, code: str, person: bool) -> None:
    plan = decided(hours)
    assert (plan.changes, codes(plan), plan.skipped[0].needs_person) == ([], [code], person)


def test_hours_that_a_person_marked_as_free_are_neither_billed_nor_named() -> None:
    assert decided(noted(1, billable=False), noted(2, line=0, billable=False)) == Decisions()


def test_a_negative_line_does_not_stop_the_others() -> None:
    plan = decided(noted(1, "2"), noted(2, "-8", line=3))
    assert (actions(plan), codes(plan), plan.changes[0].amount) == (["bill"], ["nothing_to_bill"], Decimal("190.00"))


def test_unconfirmed_orders_and_locked_periods() -> None:
    assert codes(decided(noted(1), orders={1: replace(ORDER, confirmed=False)})) == ["not_confirmed"]
    assert codes(decided(noted(1), locked=TODAY)) == ["locked_period"]
    assert actions(decided(noted(1), locked=dt.date(2026, 10, 31))) == ["bill"], "hours of a locked month may be billed"


# --- invoices --------------------------------------------------------------------------------------------------------

def test_a_draft_dated_into_a_locked_period_is_not_posted() -> None:
    draft = replace(INVOICE, date=dt.date(2026, 10, 31), lines=(text(1, "", 1, amount="95.00"),))
    plan = decided(noted(1, invoice=7), invoices={7: draft}, post=True, locked=dt.date(2026, 10, 31))
    assert (plan.changes, codes(plan)) == ([], ["locked_period"])


def test_what_an_interrupted_run_left_on_a_draft_is_taken_off() -> None:
    draft = replace(INVOICE, untaxed=Decimal("595.00"), lines=(
        text(1, "", 1, amount="95.00"), text(2, "", 2, amount="500.00")))
    plan = decided(noted(1, invoice=7), invoices={7: draft}, post=True)
    assert [(change.action, change.amount) for change in plan.changes] == [("bill", Decimal("95.00")), ("post", None)]
    assert codes(decided(noted(1, invoice=7), invoices={7: draft}, post=True, by_hand={7})) == ["mixed_draft"]


def test_facts_are_the_same_before_and_after_the_draft_is_made() -> None:
    before = decided(noted(1), post=True, send=True)
    draft = replace(INVOICE, lines=(text(1, "", 1, amount="95.00"),))
    after = decided(noted(1, invoice=7), invoices={7: draft}, post=True, send=True)
    seen = {change.identity: change.facts for change in before.changes}
    assert [change.action for change in after.changes] == ["post", "send"]
    assert all(seen[change.identity] == change.facts for change in after.changes)
    edited = replace(draft, lines=(text(1, "", 1, amount="90.00"),))
    other = decided(noted(1, invoice=7), invoices={7: edited}, post=True)
    assert seen[other.changes[0].identity] != other.changes[0].facts
    assert "edited in Odoo: 90.00 instead of 95.00" in other.changes[0].why


@pytest.mark.parametrize(("mail", "flagged", "action", "code"), [
    (Mail(), False, ["send"], []), (Mail("sent"), False, [], []), (Mail("waiting"), True, [], ["mail_waiting"]),
    (Mail("failed", "SMTP"), True, [], ["mail_failed"]), (Mail(announced=True), False, [], ["perhaps_mailed"]),
    (Mail(), True, [], ["perhaps_mailed"]), (Mail("sent", announced=True), True, [], [])])
def test_a_mail_is_sent_once_or_a_person_is_asked(mail: Mail, flagged: bool, action: list[str],
                                                  code: list[str]) -> None:
    posted = replace(INVOICE, state="posted", marked_sent=flagged)
    plan = decided(noted(1, invoice=7), invoices={7: posted}, send=True, mails={7: mail})
    assert (actions(plan), codes(plan)) == (action, code)


def test_no_address_no_mail() -> None:
    plan = decided(noted(1), post=True, send=True, addresses={})
    assert (actions(plan), codes(plan)) == (["bill", "post"], ["no_address"])


def test_a_posted_invoice_without_pdf_is_printed() -> None:
    posted = replace(INVOICE, state="posted", date=TODAY)
    plan = decided(noted(1, invoice=7), invoices={7: posted}, post=True)
    assert [change.what for change in plan.changes] == ["INV/7, Bakker BV: PDF"]
    assert actions(decided(noted(1, invoice=7), invoices={7: posted}, post=True, printed={7})) == []


# --- lines and strays ------------------------------------------------------------------------------------------------

def test_lines_that_are_not_hours_go_with_their_sections_and_peoples_lines_stay() -> None:
    lines = [text(1, "section", 8), text(2, "", 2), text(3, "section", 9), text(4, "", 1), text(5, "", 2),
             text(6, "note", 9), text(7)]
    assert lines_to_take_off(lines, {1, 3}) == [1, 2, 5]
    assert lines_to_take_off([text(1, "section", 8), text(2, "", 1)], {1}) == []


def test_a_stray_has_order_lines_only_none_of_hours_and_no_person_made_it() -> None:
    stray = replace(INVOICE, hours=(), lines=(text(1, "section", 8), text(2, "", 2)))
    assert is_stray(stray, {1, 3}, ())
    assert not is_stray(stray, {1, 3}, {7})
    assert not is_stray(replace(stray, lines=(*stray.lines, text(3))), {1, 3}, ())
    assert not is_stray(replace(stray, lines=(text(1, "", 1),)), {1, 3}, ())
    assert not is_stray(replace(stray, hours=(1,)), {1, 3}, ())


def test_a_draft_of_hours_without_hours_is_for_a_person() -> None:
    lost = replace(INVOICE, hours=(), lines=(text(1, "", 1),))
    assert codes(decided(leftovers={7: lost})) == ["draft_without_hours"]


def test_the_key_names_the_hours_in_any_order() -> None:
    assert key_of([3, 1, 2]) == key_of((1, 2, 3)) != key_of([1, 2])


def test_a_period_that_ends_before_it_begins() -> None:
    with pytest.raises(ValidationError, match="ends before it begins"):
        InvoiceOptions(first=dt.date(2026, 10, 2), last=dt.date(2026, 10, 1))
