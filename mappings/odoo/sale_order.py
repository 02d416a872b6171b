"""Sale orders (`sale.order`), their lines (`sale.order.line`) and what the products say about billing."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from mappings.invoice import Order, OrderLine, Policy
from mappings.money import from_wire, round_half_up

ORDER_FIELDS = ("name", "partner_id", "partner_invoice_id", "state", "currency_id")
LINE_FIELDS = ("order_id", "name", "product_id", "product_uom", "price_unit", "discount", "product_uom_qty",
               "price_subtotal")
PRODUCT_FIELDS = ("type", "service_policy")

_POLICIES: dict[str, Policy] = {"delivered_timesheet": "hours", "ordered_timesheet": "fixed",
                                "delivered_manual": "fixed"}


def order(row: Mapping[str, Any]) -> Order:
    """Turn Odoo's row into an order (fields as named above, empty is None)."""
    return Order(id=row["id"], name=row["name"], customer_name=row["partner_id"][1],
                 billed_to=row["partner_invoice_id"][0], confirmed=row["state"] in ("sale", "done"),
                 currency=row["currency_id"][1] if row["currency_id"] else "EUR")


def order_line(row: Mapping[str, Any], product: Mapping[str, Any] | None) -> OrderLine:
    """Turn Odoo's row and its product's into an order line; sections and notes have no product."""
    policy: Policy = "other"
    if product and product["type"] == "service":
        policy = _POLICIES.get(product["service_policy"] or "", "other")
    return OrderLine(id=row["id"], order=row["order_id"][0], name=(row["name"] or "").splitlines()[0][:80],
                     policy=policy, unit=row["product_uom"][0] if row["product_uom"] else 0, price=_price(row))


def _price(row: Mapping[str, Any]) -> Decimal:
    """Return the price of one unit without tax.

    Where the line's own amount without tax is less than price times quantity, the price includes the tax.
    """
    price = from_wire(row["price_unit"] or 0.0, 6) * (1 - from_wire(row["discount"] or 0.0, 6) / 100)
    ordered, untaxed = from_wire(row["product_uom_qty"] or 0.0, 6), from_wire(row["price_subtotal"] or 0.0)
    if ordered and round_half_up(price * ordered) != untaxed:
        return untaxed / ordered
    return price
