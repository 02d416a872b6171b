"""Open payable items: `account.move.line` with its entry (`account.move`) and partner (`res.partner`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mappings.money import from_wire

ITEM_FIELDS = ("name", "move_id", "partner_id", "account_id", "date", "date_maturity", "amount_residual",
               "amount_residual_currency", "currency_id", "blocked", "payment_id", "statement_line_id")
MOVE_FIELDS = ("name", "move_type", "ref", "payment_reference", "invoice_date", "partner_bank_id")
PARTNER_FIELDS = ("name", "bank_ids", "category_id", "commercial_partner_id")


@dataclass(frozen=True, slots=True)
class PayableItem:
    """One open payable line; `residual` is EUR as we owe it: a bill > 0, a credit note or payment < 0."""

    line: int
    move: int
    number: str
    """The entry's number in Odoo."""
    reference: str
    """What the payee knows it by: the payment reference he asked for, else his own number, else ours."""
    move_type: str
    account: int
    account_code: str
    partner: int
    partner_name: str
    hidden: bool
    """This user may not see the partner (an employee's private address)."""
    partner_tags: frozenset[int]
    bank_accounts: tuple[int, ...]
    """The partner's accounts (`res.partner.bank`), or the one that the bill names."""
    due: dt.date
    residual: Decimal
    currency: str
    blocked: bool
    is_payment: bool
    """A line of a payment or of a bank statement that is not matched yet: no document to pay."""

    @property
    def is_bill(self) -> bool:
        """A supplier's bill."""
        return self.move_type in ("in_invoice", "in_receipt")

    @property
    def is_credit_note(self) -> bool:
        """A supplier's credit note."""
        return self.move_type == "in_refund"


def payable_item(line: Mapping[str, Any], move: Mapping[str, Any], partner: Mapping[str, Any] | None,
                 account_code: str) -> PayableItem:
    """Put an item together from Odoo's rows (fields as named above, empty is None).

    Amounts in the company's currency; `currency` is the document's, and an item in another one than EUR is for a
    person.
    """
    payee = partner or {}
    named = move["partner_bank_id"] if move["move_type"] in ("in_invoice", "in_receipt") else None
    return PayableItem(
        line=line["id"], move=line["move_id"][0], number=move["name"] or "",
        reference=move["payment_reference"] or move["ref"] or line["name"] or move["name"] or "",
        move_type=move["move_type"], account=line["account_id"][0], account_code=account_code,
        partner=line["partner_id"][0] if line["partner_id"] else 0, partner_name=payee.get("name") or "",
        hidden=bool(line["partner_id"]) and partner is None, partner_tags=frozenset(payee.get("category_id") or ()),
        bank_accounts=(named[0],) if named else tuple(payee.get("bank_ids") or ()),
        due=dt.date.fromisoformat(line["date_maturity"] or line["date"]),
        residual=-from_wire(line["amount_residual"]), currency=line["currency_id"][1],
        blocked=bool(line["blocked"]), is_payment=bool(line["payment_id"] or line["statement_line_id"]))
