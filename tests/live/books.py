"""What stands in a database, as the administrator sees it: how many records of each model, and the books.

Two runs that did the same give the same; so does a second run of a job that had nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connector import records
from connector.errors import Refused
from connector.session import ReadSession

NOT_COUNTED = frozenset({
    "bus.bus", "bus.presence",  # somebody has Odoo open
    "ir.logging", "res.users.log",  # written by looking and by signing in
})

_BOOKS: dict[str, tuple[str, ...]] = {
    "account.move": ("name", "move_type", "state", "date", "ref", "partner_id", "amount_total", "amount_residual",
                     "payment_state", "is_move_sent"),
    "account.move.line": ("move_name", "account_id", "partner_id", "name", "date_maturity", "balance",
                          "amount_residual", "reconciled", "parent_state"),
    "account.partial.reconcile": ("amount", "debit_move_id", "credit_move_id"),
    "account.payment": ("ref", "state", "amount", "partner_id", "partner_bank_id", "is_matched"),
    "account.bank.statement": ("name", "state", "date", "balance_start", "balance_end_real", "difference"),
    "account.bank.statement.line": ("date", "amount", "payment_ref", "account_number", "is_reconciled"),
    "hr.expense.sheet": ("name", "state"),
    "account.analytic.line": ("name", "date", "unit_amount", "amount", "so_line", "timesheet_invoice_id"),
}


def counts(admin: ReadSession) -> dict[str, int]:
    """Return the number of records of every model that the administrator can count, archived ones included."""
    models = records.search(admin, "ir.model", [("transient", "=", False)], ["model"])
    found = {}
    for model in sorted({row["model"] for row in models} - NOT_COUNTED):
        try:
            found[model] = admin.call(model, "search_count", [], context={"active_test": False})
        except Refused:  # abstract, or nobody's to read
            continue
    return found


def dump(admin: ReadSession) -> dict[str, list[tuple[Any, ...]]]:
    """Return the books: model → rows, sorted, related records by name instead of id."""
    return {model: sorted((_plain(row, fields) for row in records.pages(admin, model, [], fields)), key=str)
            for model, fields in _BOOKS.items()}


def _plain(row: records.Row, fields: Sequence[str]) -> tuple[Any, ...]:
    return tuple(value[1] if isinstance(value, list) and len(value) == 2 else value
                 for value in (row[field] for field in fields))
