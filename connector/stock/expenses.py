"""Approved expense reports in a stock Odoo (`hr.expense.sheet`, up to 18)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from connector import effects, records
from connector.effects import Call
from connector.records import rel
from connector.session import ReadSession, Session
from mappings.money import from_wire


@dataclass(frozen=True, slots=True)
class ExpenseReport:
    """An approved expense report that is to be paid to the employee; `move` is 0 until it is posted."""

    id: int
    name: str
    payee: int
    payee_name: str
    amount: Decimal
    currency: str
    move: int


def approved(s: ReadSession) -> list[ExpenseReport]:
    """Return the reports that are approved and not posted yet, paid by the employee himself."""
    return _reports(s, [("state", "=", "approve")])


def of_moves(s: ReadSession, moves: Collection[int]) -> dict[int, ExpenseReport]:
    """Return journal entry → the report it was made of."""
    return {report.move: report for report in _reports(s, [("account_move_id", "in", list(moves))])} if moves else {}


def moves_of(s: ReadSession, reports: Collection[int]) -> list[int]:
    """Return the journal entries of reports, as far as they are posted."""
    return [rel(row["account_move_id"]) for row in records.read(s, "hr.expense.sheet", reports, ["account_move_id"])
            if row["account_move_id"]]


def _reports(s: ReadSession, domain: list[tuple[str, str, object]]) -> list[ExpenseReport]:
    rows = records.search(s, "hr.expense.sheet", [*domain, ("company_id", "=", s.company_id)],
                          ["name", "address_id", "total_amount", "currency_id", "account_move_id", "payment_mode"])
    return [ExpenseReport(id=row["id"], name=row["name"] or "", payee=rel(row["address_id"]),
                          payee_name=row["address_id"][1] if row["address_id"] else "",
                          amount=from_wire(row["total_amount"]), currency=row["currency_id"][1],
                          move=rel(row["account_move_id"]))
            for row in rows if row["payment_mode"] == "own_account"]


def post(s: Session, report: int) -> None:
    """Post the journal entry of an approved report.

    Raises:
        Refused: Odoo refuses it (no home address, no journal, a locked period).
    """
    effects.change_state(
        s, lambda: records.read(s, "hr.expense.sheet", [report], ["state"]),
        lambda _: Call("hr.expense.sheet", "action_sheet_move_create", ([report],)),
        lambda rows: not rows or rows[0]["state"] != "approve")
