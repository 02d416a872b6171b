"""How things stand in Odoo, in a few figures per process: read before and after the month is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector import records
from connector.session import ReadSession
from connector.stock import expenses, ledger
from jobs.demo.company import Company
from mappings.money import display, from_wire
from mappings.odoo.payable import PayableItem

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class State:
    """Counts, hours and amounts."""

    open_hours: Decimal
    """Billable hours of the month that no invoice bills."""
    invoices: int
    mailed: int
    receivable: Decimal
    bills: Decimal
    """Bills less credit notes, expenses and net wages that are still to be paid, whenever they are due."""
    expenses: Decimal
    wages: Decimal
    entries: int
    """Lines of bank statements."""
    open_entries: int
    balance: Decimal
    """What the bank account holds according to the ledger."""


def look(s: ReadSession, company: Company) -> State:
    """Read it, as an accountant."""
    invoices = records.search(s, "account.move", [("move_type", "=", "out_invoice"), ("state", "=", "posted")],
                              ["is_move_sent", "amount_residual"])
    items = [item for item in ledger.open_payables(s) if not item.is_payment]
    wages = [item for item in items if item.account_code == s.settings.payments.net_wages_account]
    bills = [item for item in items if item.is_bill or item.is_credit_note]
    posted = [item for item in items if item not in wages and item not in bills]
    approved = sum((report.amount for report in expenses.approved(s)), ZERO)
    entries = records.search(s, "account.bank.statement.line", [], ["is_reconciled"])
    return State(
        open_hours=_open_hours(s, company), invoices=len(invoices),
        mailed=sum(bool(invoice["is_move_sent"]) for invoice in invoices),
        receivable=sum((from_wire(invoice["amount_residual"]) for invoice in invoices), ZERO),
        bills=_total(bills), expenses=_total(posted) + approved, wages=_total(wages), entries=len(entries),
        open_entries=sum(not entry["is_reconciled"] for entry in entries), balance=_balance(s))


def compare(before: State, after: State) -> Iterator[tuple[str, str, str, str]]:
    """Yield rows of a table: process, what, before, after."""
    for process, what, name in (
            ("hours to invoices", "billable hours without invoice", "open_hours"),
            ("", "invoices posted", "invoices"), ("", "invoices mailed with PDF", "mailed"),
            ("", "customers owe us", "receivable"),
            ("payables to payments", "bills to be paid, less credit notes", "bills"),
            ("", "expenses to be paid", "expenses"), ("", "net wages to be paid", "wages"),
            ("bank statement to entries", "entries", "entries"), ("", "balance in the ledger", "balance"),
            ("entries to open items", "entries that match nothing yet", "open_entries")):
        yield process, what, _text(getattr(before, name)), _text(getattr(after, name))


def _open_hours(s: ReadSession, company: Company) -> Decimal:
    rows = records.search(s, "account.analytic.line", [
        ("project_id", "!=", False), ("so_line", "!=", False), ("timesheet_invoice_id", "=", False),
        ("date", ">=", company.month.isoformat()), ("date", "<=", company.last_day.isoformat())], ["unit_amount"])
    return sum((from_wire(row["unit_amount"]) for row in rows), ZERO)


def _balance(s: ReadSession) -> Decimal:
    [journal] = records.search(s, "account.journal", [("code", "=", s.settings.payments.journal)],
                               ["default_account_id"])
    rows = records.search(s, "account.move.line", [
        ("account_id", "=", journal["default_account_id"][0]), ("parent_state", "=", "posted")], ["balance"])
    return sum((from_wire(row["balance"]) for row in rows), ZERO)


def _total(items: Sequence[PayableItem]) -> Decimal:
    return sum((item.residual for item in items), ZERO)


def _text(value: Decimal | int) -> str:
    return display(value) if isinstance(value, Decimal) else str(value)
