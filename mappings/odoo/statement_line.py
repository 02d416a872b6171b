"""`account.bank.statement` and `account.bank.statement.line`: what the bank booked, as Odoo 14 keeps it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mappings.money import display, from_wire
from mappings.party import clean_iban
from mappings.statement import Entry

STATEMENT_FIELDS = ("name", "date", "state", "reference", "balance_start", "balance_end_real", "total_entry_encoding",
                    "previous_statement_id", "line_ids")
LINE_FIELDS = ("date", "amount", "payment_ref", "partner_name", "account_number", "transaction_type", "ref",
               "statement_id", "journal_id", "move_id", "partner_id", "is_reconciled", "sequence")

NO_BALANCE = " (zonder saldo)"
"""Ends the reference of a statement whose file had no balances: where its balance started from is not known."""


@dataclass(frozen=True, slots=True)
class OdooStatement:
    """A statement in Odoo: `start` and `end` as written in it, `total` the sum of the lines it has."""

    id: int
    name: str
    date: dt.date
    open: bool
    reference: str
    start: Decimal
    end: Decimal
    total: Decimal
    previous: int
    lines: tuple[int, ...]

    @property
    def closing(self) -> Decimal:
        """The balance that its lines lead to; `end` still counts a line that somebody deleted."""
        return self.start + self.total


@dataclass(frozen=True, slots=True)
class BankLine:
    """A statement line in Odoo; `key` is our external id without the module, "" for a line of somebody else's."""

    id: int
    date: dt.date
    amount: Decimal
    text: str
    name: str
    account: str
    """The counterparty's account: an IBAN without blanks, or whatever stands there."""
    code: str
    reference: str
    statement: int
    journal: int
    move: int
    partner: int
    reconciled: bool
    key: str = ""


def odoo_statement(row: Mapping[str, Any]) -> OdooStatement:
    """Read a statement from its row (fields as named above, empty is None)."""
    return OdooStatement(
        id=row["id"], name=row["name"] or "", date=dt.date.fromisoformat(row["date"]), open=row["state"] == "open",
        reference=row["reference"] or "", start=from_wire(row["balance_start"] or 0.0),
        end=from_wire(row["balance_end_real"] or 0.0), total=from_wire(row["total_entry_encoding"] or 0.0),
        previous=_id(row["previous_statement_id"]), lines=tuple(row["line_ids"]))


def bank_line(row: Mapping[str, Any], key: str = "") -> BankLine:
    """Read a line from its row (fields as named above, empty is None)."""
    return BankLine(
        id=row["id"], date=dt.date.fromisoformat(row["date"]), amount=from_wire(row["amount"] or 0.0),
        text=row["payment_ref"] or "", name=row["partner_name"] or "", account=clean_iban(row["account_number"] or ""),
        code=row["transaction_type"] or "", reference=row["ref"] or "", statement=_id(row["statement_id"]),
        journal=_id(row["journal_id"]), move=_id(row["move_id"]), partner=_id(row["partner_id"]),
        reconciled=bool(row["is_reconciled"]), key=key)


def label(entry: Entry) -> str:
    """Return the text of an entry; Odoo takes no empty one, so the kind of booking or the name stands in for it."""
    return entry.text or entry.code_text or entry.counterparty.name or entry.code or "-"


def line_values(entry: Entry, *, sequence: int, partner: int = 0, bank_account: int = 0) -> dict[str, Any]:
    """Return an entry by columns of `load`, without its statement.

    Args:
        entry: the bank's entry.
        sequence: its place in the statement.
        partner: whose account it came from or went to, if that is known; else it stays empty.
        bank_account: that account (`res.partner.bank`). Odoo 14 would otherwise make one when the line is reconciled.
    """
    return {
        "date": entry.booking_date, "payment_ref": label(entry), "amount": entry.amount, "sequence": sequence,
        "partner_name": entry.counterparty.name, "account_number": entry.counterparty.iban or
        entry.counterparty.account, "transaction_type": entry.code, "ref": _reference(entry),
        "narration": narration(entry), "partner_id/.id": partner or "", "partner_bank_id/.id": bank_account or "",
    }


def narration(entry: Entry) -> str:
    """Return what an entry knows beyond the fields that Odoo has, a line each, in the bank's language."""
    known = {
        "Soort": entry.code_text if entry.text else "",
        "BIC": entry.counterparty.bic,
        "Adres": entry.counterparty.address,
        "Valutadatum": entry.value_date.isoformat() if entry.value_date else "",
        "Kenmerk": entry.reference,
        "End-to-end-id": entry.end_to_end_id,
        "Machtiging": entry.mandate_id,
        "Incassant-id": entry.creditor_id,
        "Batch": entry.batch_id,
        "Bankreferentie": entry.bank_reference,
        "Reden van retour": entry.return_reason,
        "Storno": "ja" if entry.reversal else "",
        "Saldo na boeking": display(entry.balance_after) if entry.balance_after is not None else "",
    }
    return "\n".join(f"{name}: {value}" for name, value in known.items() if value)


def _reference(entry: Entry) -> str:
    given = (entry.reference, entry.end_to_end_id, entry.bank_reference)
    return next((text for text in given if text and text != "NOTPROVIDED"), "")


def _id(value: Any) -> int:
    return int(value[0]) if value else 0
