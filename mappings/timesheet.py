"""Hours that people noted, the unit they are in, and what they add up to on an order line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from mappings.money import round_half_up


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of time: `factor` of it make one reference unit of its category (8 hours, 1 day)."""

    id: int
    category: int
    factor: Decimal
    step: Decimal
    """What quantities in it are rounded to, e.g. 0.01."""


@dataclass(frozen=True, slots=True)
class Hours:
    """One line of a timesheet."""

    id: int
    date: dt.date
    quantity: Decimal
    """In `unit`, as noted: not rounded."""
    unit: int
    project: int
    project_name: str
    order_line: int
    """What they are billed on; 0: nothing."""
    invoice: int
    """The invoice they hang on; 0: none."""
    billable: bool
    """False: a person marked them as not to be billed; Odoo links them to the invoice all the same."""


def quantity(hours: Iterable[Hours], unit: int, units: Mapping[int, Unit]) -> Decimal:
    """Add up hours in a unit, as Odoo does for an invoice.

    Args:
        hours: what to add; those that are not billable count for nothing.
        unit: the order line's unit.
        units: id → unit, of all that occur.
    Returns:
        the sum: per unit noted converted and rounded to the target's step, then to two decimals ("Product Unit of
        Measure"), halves up each time.
    Source:
        `SaleOrderLine._get_delivered_quantity_by_analytic` and `uom.uom._compute_quantity` of Odoo 14.
    """
    noted: dict[int, Decimal] = {}
    for line in hours:
        if line.billable and line.unit:
            noted[line.unit] = noted.get(line.unit, Decimal(0)) + line.quantity
    target, total = units[unit], Decimal(0)
    for source, amount in noted.items():
        if units[source].category == target.category:
            amount = _stepped(amount * target.factor / units[source].factor, target.step)
        total += amount
    return round_half_up(total)


def _stepped(amount: Decimal, step: Decimal) -> Decimal:
    return (amount / step).quantize(Decimal(1), ROUND_HALF_UP) * step if step else amount
