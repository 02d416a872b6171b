"""Customer invoices: `account.move` and its `account.move.line`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from mappings.invoice import Invoice, InvoiceLine
from mappings.money import from_wire

INVOICE_FIELDS = ("name", "state", "payment_state", "partner_id", "invoice_date", "date", "amount_untaxed",
                  "currency_id", "is_move_sent", "timesheet_ids")
LINE_FIELDS = ("move_id", "sale_line_ids", "name", "display_type", "price_subtotal", "sequence")

_TEXTS: dict[str | None, Literal["", "section", "note"]] = {"line_section": "section", "line_note": "note"}


def invoice(row: Mapping[str, Any], lines: Sequence[InvoiceLine] = ()) -> Invoice:
    """Turn Odoo's row into an invoice (fields as named above, empty is None)."""
    number = row["name"] or ""
    partner = row["partner_id"] or (0, "")
    return Invoice(id=row["id"], number="" if number == "/" else number, state=row["state"],
                   reversed=row["payment_state"] == "reversed", customer=partner[0], customer_name=partner[1],
                   date=dt.date.fromisoformat(row["invoice_date"]) if row["invoice_date"] else None,
                   accounting_date=dt.date.fromisoformat(row["date"]), untaxed=from_wire(row["amount_untaxed"] or 0.0),
                   currency=row["currency_id"][1], marked_sent=bool(row["is_move_sent"]),
                   hours=tuple(sorted(row["timesheet_ids"])), lines=tuple(lines))


def invoice_line(row: Mapping[str, Any]) -> InvoiceLine:
    """Turn Odoo's row into an invoice line."""
    return InvoiceLine(id=row["id"], invoice=row["move_id"][0], order_lines=tuple(row["sale_line_ids"]),
                       name=(row["name"] or "").partition("\n")[0][:80], text_kind=_TEXTS.get(row["display_type"], ""),
                       amount=from_wire(row["price_subtotal"] or 0.0))
