"""What a bank entry can settle: open invoices, bills and payments (`account.move.line` with its document)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from mappings.money import from_wire

OPEN_FIELDS = ("name", "move_id", "partner_id", "account_id", "account_internal_type", "date", "balance",
               "amount_residual", "reconciled", "currency_id", "company_currency_id", "payment_id",
               "statement_line_id", "journal_id")
DOCUMENT_FIELDS = ("name", "move_type", "ref", "payment_reference")
PAYMENT_FIELDS = ("ref", "partner_bank_id")

LABEL = "werkstroom-match-"
"""Begins the name of a counterpart while it is not known whether the match came off; the target's id follows."""

Kind = Literal["invoice", "bill", "payment", "credit", "other"]
_KINDS: dict[str, Kind] = {"out_invoice": "invoice", "out_refund": "invoice", "out_receipt": "invoice",
                           "in_invoice": "bill", "in_refund": "bill", "in_receipt": "bill"}


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An open line; `residual` as Odoo signs it, so that an entry of the same amount settles it.

    `credit` is the rest of a bank entry, open on somebody's account. `references` are the numbers that a payer may
    name it by; a payment has its end-to-end id, and the payee's IBAN.
    """

    line: int
    kind: Kind
    document: int
    number: str
    references: tuple[str, ...]
    residual: Decimal
    date: dt.date
    partner: int
    partner_name: str
    iban: str = ""

    @property
    def model(self) -> str:
        """The document's model; `document` is its id."""
        return "account.payment" if self.kind == "payment" else "account.move"


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A line of a bank entry whose label names the target it was decided for."""

    line: int
    move: int
    target: int
    balance: Decimal
    residual: Decimal
    reconciled: bool
    date: dt.date


def open_item(line: Mapping[str, Any], move: Mapping[str, Any], payment: Mapping[str, Any] | None,
              iban: str) -> OpenItem:
    """Put an item together from Odoo's rows (fields as named above, empty is None)."""
    kind: Kind = ("payment" if payment else "credit" if line["statement_line_id"]
                  else _KINDS.get(move["move_type"], "other"))
    given = (payment["ref"],) if payment else (move["payment_reference"], move["name"], move["ref"])
    partner = line["partner_id"] or (0, "")
    return OpenItem(
        line=line["id"], kind=kind, document=line["payment_id"][0] if payment else line["move_id"][0],
        number=(payment["ref"] if payment else None) or move["name"] or "",
        references=tuple(dict.fromkeys(text for text in given if text and text != "/")),
        residual=from_wire(line["amount_residual"]), date=dt.date.fromisoformat(line["date"]), partner=partner[0],
        partner_name=partner[1], iban=iban)


def counterpart(line: Mapping[str, Any]) -> Counterpart | None:
    """Read a counterpart from its row; None when its label is not one of ours."""
    target = (line["name"] or "").removeprefix(LABEL)
    if target == line["name"] or not target.isdigit():
        return None
    return Counterpart(line=line["id"], move=line["move_id"][0], target=int(target), balance=from_wire(line["balance"]),
                       residual=from_wire(line["amount_residual"]), reconciled=bool(line["reconciled"]),
                       date=dt.date.fromisoformat(line["date"]))
