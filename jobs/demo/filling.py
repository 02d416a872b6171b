"""What filling in is made of: keyed inserts and changes of state, as all of the demo uses them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connector import effects, records
from connector.effects import Call
from connector.session import ReadSession, Session


def ref(name: str) -> str:
    """Return the external id of something that the demo made."""
    return f"{effects.MODULE}.demo-{name}"


def insert(s: Session, model: str, rows: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Insert what is not there yet, under keys `demo-<name>`; returns name → id."""
    ids = effects.insert_once(s, model, {f"demo-{name}": values for name, values in rows.items()})
    return {key.removeprefix("demo-"): record for key, record in ids.items()}


def ids_of(s: ReadSession, model: str, prefix: str) -> dict[int, str]:
    """Return id → name (without the prefix) of the records of a model that the demo made."""
    everything = [row["id"] for row in records.pages(s, model, [], ["id"])]
    own = ref(prefix)
    return {record: name.removeprefix(own) for record, name in records.external_ids(s, model, everything).items()
            if name.startswith(own)}


def taxes_for(s: ReadSession, use: str) -> dict[str, int]:
    """Return the taxes for "sale" or "purchase" by what the chart calls them on invoices."""
    rows = records.search(s, "account.tax", [("type_tax_use", "=", use), ("company_id", "=", s.company_id)],
                          ["description"])
    return {row["description"]: row["id"] for row in rows}


def lead_on(s: Session, model: str, ids: Iterable[int], state: str, method: str) -> None:
    """Lead all records on that are still in this state."""
    wanted = list(ids)

    def waiting() -> Sequence[int]:
        return [row["id"] for row in records.read(s, model, wanted, ["state"]) if row["state"] == state]

    effects.change_state(s, waiting, lambda those: Call(model, method, (those,)), lambda those: not those)


def overwrite(s: Session, model: str, record: int, values: Mapping[str, Any]) -> None:
    """Set fields of a record that was there before us."""
    def differs() -> bool:
        [row] = records.read(s, model, [record], list(values))
        return any((value[0] if isinstance(value, list) else value) != values[name] for name, value in row.items()
                   if name != "id")

    effects.change_state(s, differs, lambda _: Call(model, "write", ([record], dict(values))), lambda d: not d)


def working_days(month: dt.date) -> list[dt.date]:
    """Return the weekdays of the month."""
    days = (month.replace(day=1) + dt.timedelta(days=count) for count in range(31))
    return [day for day in days if day.month == month.month and day.weekday() < 5]


def month_after(month: dt.date) -> dt.date:
    """Return the first day of the next month."""
    return (month.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
