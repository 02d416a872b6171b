"""Sale orders and the customer invoices that bill them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from mappings.money import round_half_up

Policy = Literal["hours", "fixed", "other"]


@dataclass(frozen=True, slots=True)
class Order:
    """A sale order."""

    id: int
    name: str
    customer_name: str
    billed_to: int
    """The partner that its invoices go to."""
    confirmed: bool
    currency: str


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line of a sale order; `price` per unit, without tax, discount taken off."""

    id: int
    order: int
    name: str
    policy: Policy
    """hours: billed by the hours noted · fixed: hours are noted, a fixed price is billed · other: neither."""
    unit: int
    price: Decimal

    def amount(self, quantity: Decimal) -> Decimal:
        """Return what a quantity costs, without tax."""
        return round_half_up(self.price * quantity)


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A line of a customer invoice; a section or a note has `text_kind` and no amount."""

    id: int
    invoice: int
    order_lines: tuple[int, ...]
    """Empty: a person added it."""
    name: str
    text_kind: Literal["", "section", "note"]
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Invoice:
    """A customer invoice; `untaxed` is its amount without tax."""

    id: int
    number: str
    """A draft may have one, too (14 gives it to the first of a year): it is not final."""
    state: Literal["draft", "posted", "cancel"]
    reversed: bool
    """A credit note took it back whole."""
    customer: int
    customer_name: str
    date: dt.date | None
    """The invoice date; drafts of Odoo's own have none until they are posted."""
    accounting_date: dt.date
    untaxed: Decimal
    currency: str
    marked_sent: bool
    hours: tuple[int, ...]
    """The timesheet lines that hang on it."""
    lines: tuple[InvoiceLine, ...] = ()
    """In the order in which they are printed; read for drafts only."""

    @property
    def dead(self) -> bool:
        """It bills nothing any more: cancelled or reversed."""
        return self.state == "cancel" or self.reversed

    @property
    def label(self) -> str:
        """How a person finds it in Odoo."""
        return self.number if self.state == "posted" else f"draft {self.id}"
