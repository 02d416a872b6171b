"""Plans and summaries as tables for people: what, on which record, amount, why; totals and skipped rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs.plan import Change, Plan, Skipped, Summary
from mappings.money import display


def show(console: Console, document: BaseModel) -> None:
    """Print a plan or a summary, with its children."""
    if isinstance(document, Summary):
        _show(console, document, f"{document.job}: {document.state}")
        for child in document.children:
            show(console, child)
    elif isinstance(document, Plan):
        _show(console, document, f"{document.job}: plan, nothing written" if document.changes
              else f"{document.job}: nothing to do")


def _show(console: Console, document: Plan | Summary, title: str) -> None:
    console.print(f"[bold]{escape(title)}[/bold]  ({escape(document.database.name)}, {escape(document.company.name)})")
    if document.changes:
        console.print(changes_table(document.changes))
        console.print("total " + ", ".join(f"{money(amount)} {currency}"
                                           for currency, amount in document.totals.items()) if document.totals else "")
    if document.skipped:
        console.print(skipped_table(document.skipped))
    persons = sum(row.needs_person for row in document.skipped)
    console.print(f"{_counted(document.changes)}, {len(document.skipped)} skipped"
                  + (f", {persons} for a person" if persons else ""))
    if isinstance(document, Summary):
        for file in document.files:
            console.print(f"file {file.path}  {file.count} payments  {money(file.total)} EUR  sha256 {file.sha256}",
                          markup=False, soft_wrap=True)
        console.print(f"{document.api_calls} API calls, {document.seconds:.1f} s", markup=False)


def _counted(changes: Iterable[Change]) -> str:
    """Say how many changes ended how."""
    outcomes = Counter(change.outcome for change in changes)
    return ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()) or "no changes"


def changes_table(changes: Iterable[Change]) -> Table:
    """Return the changes as a table."""
    table = Table(show_edge=False)
    for column in ("what", "why", "date"):
        table.add_column(column, overflow="fold")
    table.add_column("amount", justify="right", no_wrap=True)
    table.add_column("outcome")
    for change in changes:
        table.add_row(escape(f"{change.action} {change.what}"), escape(change.why),
                      change.date.isoformat() if change.date else "", money(change.amount), change.outcome)
    return table


def skipped_table(skipped: Iterable[Skipped]) -> Table:
    """Return what was skipped as a table; rows for a person carry a "!"."""
    table = Table(show_edge=False)
    for column in ("", "skipped", "why", "what to do"):
        table.add_column(column, overflow="fold")
    table.add_column("amount", justify="right", no_wrap=True)
    for row in skipped:
        table.add_row("!" if row.needs_person else "", escape(row.what), escape(row.why), escape(row.remedy),
                      money(row.amount))
    return table


def money(amount: Decimal | None) -> str:
    """Return an amount as Dutch people write it, or nothing."""
    return "" if amount is None else display(amount)
