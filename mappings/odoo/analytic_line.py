"""Timesheet lines (`account.analytic.line` with a project) and units (`uom.uom`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from mappings.money import from_wire
from mappings.timesheet import Hours, Unit

HOURS_FIELDS = ("date", "unit_amount", "product_uom_id", "project_id", "so_line", "timesheet_invoice_id",
                "non_allow_billable")
UNIT_FIELDS = ("factor", "rounding", "category_id")
DIGITS = 6
"""Odoo keeps `unit_amount` as a bare float: 20 minutes are 0.333333…"""


def hours(row: Mapping[str, Any]) -> Hours:
    """Turn Odoo's row into hours (fields as named above, empty is None)."""
    project, unit = row["project_id"] or (0, ""), row["product_uom_id"] or (0, "")
    return Hours(id=row["id"], date=dt.date.fromisoformat(row["date"]),
                 quantity=from_wire(row["unit_amount"] or 0.0, DIGITS), unit=unit[0], project=project[0],
                 project_name=project[1], order_line=_id(row["so_line"]), invoice=_id(row["timesheet_invoice_id"]),
                 billable=not row["non_allow_billable"])


def unit(row: Mapping[str, Any]) -> Unit:
    """Turn Odoo's row into a unit."""
    return Unit(id=row["id"], category=_id(row["category_id"]), factor=from_wire(row["factor"], 12),
                step=Decimal(repr(row["rounding"] or 0.0)))


def _id(value: Any) -> int:
    return value[0] if value else 0
