"""Reading: fields always named, pages by id, Odoo's `False` for "empty" turned into None."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from connector.session import ReadSession

Row: TypeAlias = dict[str, Any]
Domain: TypeAlias = Sequence[Any]

PAGE = 500


def pages(s: ReadSession, model: str, domain: Domain, fields: Sequence[str], *, size: int = PAGE) -> Iterator[Row]:
    """Read all records of a domain in order of id.

    Pages go by id, not by offset: a record that appears or vanishes meanwhile neither doubles nor hides another.

    Yields:
        rows with `id` and the fields; empty is None, a many2one is `[id, name]`, amounts are still floats.
    """
    last = 0
    while True:
        rows = s.call(model, "search_read", [*domain, ("id", ">", last)], list(fields), limit=size, order="id")
        yield from map(_row, rows)
        if len(rows) < size:
            return
        last = rows[-1]["id"]


def search(s: ReadSession, model: str, domain: Domain, fields: Sequence[str]) -> list[Row]:
    """Return `pages` as a list."""
    return list(pages(s, model, domain, fields))


def read(s: ReadSession, model: str, ids: Iterable[int], fields: Sequence[str]) -> list[Row]:
    """Read records by id, `PAGE` at a time; ids that are no longer there are left out."""
    wanted = list(dict.fromkeys(ids))
    return [_row(row) for start in range(0, len(wanted), PAGE)
            for row in s.call(model, "read", wanted[start:start + PAGE], list(fields))]


def by_id(s: ReadSession, model: str, ids: Iterable[int], fields: Sequence[str]) -> dict[int, Row]:
    """Read records by id into a dict."""
    return {row["id"]: row for row in read(s, model, ids, fields)}


def external_ids(s: ReadSession, model: str, ids: Iterable[int]) -> dict[int, str]:
    """Return id → external id (`module.name`) of those records that have one, ours before another module's.

    Not by `get_metadata`: on 14 it gives the external id of one record only, however many are asked for.
    """
    wanted = list(dict.fromkeys(ids))
    found: dict[int, str] = {}
    for start in range(0, len(wanted), PAGE):
        for row in s.call("ir.model.data", "search_read", [("model", "=", model), (
                "res_id", "in", wanted[start:start + PAGE])], ["module", "name", "res_id"]):
            if row["res_id"] not in found or row["module"] == "werkstroom":
                found[row["res_id"]] = f"{row['module']}.{row['name']}"
    return found


def rel(value: Any) -> int:
    """Return the id of a many2one, 0 when it is empty."""
    return int(value[0]) if value else 0


def _row(raw: Row) -> Row:
    return {name: None if value is False else value for name, value in raw.items()}
