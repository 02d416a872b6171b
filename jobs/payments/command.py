"""`werkstroom pay`: run, list, export, cancel."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from connector.errors import ConfigError
from connector.session import ReadSession
from connector.stock import order_book, payments
from connector.stock.order_book import HANDED_OUT, WITHDRAWN, Order
from jobs.command import App, confirm, job_options, pass_app, run
from jobs.payments import JOB
from jobs.payments.apply import cancel_order, write_file
from jobs.payments.options import PayOptions
from jobs.tables import money
from mappings.money import display

KINDS = ("bills", "expenses", "salaries")


@click.group()
def pay() -> None:
    """Supplier bills, expenses and salaries become payment files that the bank accepts.

    \b
    Example:
      werkstroom pay run --due 2026-11-30 --dry-run
    """


@pay.command("run")
@click.option("--due", type=click.DateTime(["%Y-%m-%d"]), help="Pay what is due up to this day; default: today.")
@click.option("--include", help=f"Of {','.join(KINDS)}; default: [payments] include.")
@job_options
@pass_app
def run_(app: App, due: dt.datetime | None, include: str | None, dry_run: bool, plan_file: Path | None,
         yes: bool) -> None:
    """Pay what is due: payments in Odoo, and one pain.001 file per payment order.

    Salaries are always an order of their own, of which only count and total are shown.

    \b
    Example:
      werkstroom pay run --due 2026-11-30 --include bills,expenses
    """
    kinds = tuple(kind.strip() for kind in include.split(",")) if include else app.settings.payments.include
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise ConfigError(f"--include does not know {', '.join(unknown)}.", remedy=f"Known: {', '.join(KINDS)}.")
    day = due.date() if due else app.session().today()
    run(app, JOB, PayOptions(due=day, include=kinds), dry_run=dry_run, plan_file=plan_file, yes=yes)


@pay.command("list")
@pass_app
def list_(app: App) -> None:
    """List the payment orders, newest first, and what is known of each.

    \b
    Example:
      werkstroom pay list
    """
    session = app.session()
    book = order_book.read(session)
    loose = payments_not_matched(session, book.orders.values())
    orders = [_row(order, loose) for _, order in sorted(book.orders.items(), reverse=True)]

    def render(console: Console) -> None:
        table = Table(show_edge=False)
        for column in ("order", "kind", "execution", "payments"):
            table.add_column(column, overflow="fold")
        table.add_column("total", justify="right", no_wrap=True)
        for column in ("state", "asked by", "file"):
            table.add_column(column, overflow="fold")
        for row in orders:
            table.add_row(str(row["number"]), row["kind"], row["execution_date"], str(row["count"]),
                          money(Decimal(row["total"])), row["state"], row["asked_by"], row["file"])
        console.print(table)
        console.print(f"{len(orders)} payment orders")

    app.show_data({"kind": "payment_orders", "orders": orders}, render)


def _row(order: Order, loose: dict[str, str]) -> dict[str, Any]:
    manifest = order.manifest
    return {"number": order.number, "kind": manifest.kind, "execution_date": manifest.execution_date.isoformat(),
            "count": len(manifest.transfers), "total": f"{manifest.total:.2f}", "state": state(order, loose),
            "asked_by": order.asked_by, "file": order.file_name if order.outcome == "out" else ""}


def state(order: Order, loose: dict[str, str]) -> str:
    """Return what is known of an order: asked, cancelled, exported; never "paid", which only the bank knows."""
    if order.changed:
        return "asked, and its manifest was changed: cancel it"
    if order.outcome is None:
        return "asked; the next run finishes it"
    if order.outcome == "cancelled":
        return "cancelled"
    if order.closed == WITHDRAWN or all(payment.state == "cancel" for payment in order.payments.values()):
        return "exported, then cancelled" if order.closed == HANDED_OUT else "cancelled before it was exported"
    if order.closed is None:
        return "decided; the next run exports it"
    if all(payment.matched for payment in order.payments.values() if payment.state != "cancel"):
        return "booked by the bank"
    undone = [payment.reference for payment in order.payments.values() if payment.reference in loose]
    if undone or order.broken():
        return f"exported; {len(undone) + len(order.broken())} payments undone in Odoo"
    return "exported"


def payments_not_matched(s: ReadSession, orders: Any) -> dict[str, str]:
    """Return reference → number of our posted payments that are tied to no bill any more."""
    wanted = {payment.id: payment for order in orders for payment in order.payments.values()
              if payment.state == "posted"}
    ties = payments.settlements(s, {each: payment.account for each, payment in wanted.items()})
    return {payment.reference: str(payment.id) for each, payment in wanted.items()
            if each in ties and not ties[each].reconciled}


def _find(app: App, number: int) -> Order:
    order = order_book.read(app.session()).orders.get(number)
    if order is None:
        raise ConfigError(f"There is no payment order {number}.", remedy="See `werkstroom pay list`.")
    return order


@pay.command("export")
@click.argument("number", type=int)
@pass_app
def export(app: App, number: int) -> None:
    """Write the file of payment order NUMBER again; the same bytes under the same name.

    \b
    Example:
      werkstroom pay export 3
    """
    order = _find(app, number)
    if order.outcome != "out" or order.closed != HANDED_OUT:
        raise ConfigError(f"Payment order {number} has no file to give: {state(order, {})}.",
                          remedy="See `werkstroom pay list`; `werkstroom pay run` finishes what is unfinished.")
    session = app.session()
    content = order_book.file_content(session, order)
    numbers = order_book.in_file(order, content)
    alive = payments.settled(session, {each: order.payments[each] for each in numbers if each in order.payments},
                             order.manifest)
    if alive != numbers:
        raise ConfigError(f"{len(numbers - alive)} of {len(numbers)} payments in the file of order {number} were "
                          "cancelled or undone in Odoo.", remedy="Uploading it would pay them; nothing was written.")
    file = write_file(session, order, content)
    app.show_data({"kind": "file", **file.model_dump(mode="json")}, lambda console: console.print(
        f"{file.path}  {file.count} payments  {money(file.total)} EUR  sha256 {file.sha256}", soft_wrap=True,
        markup=False))


@pay.command("cancel")
@click.argument("number", type=int)
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@pass_app
def cancel(app: App, number: int, yes: bool) -> None:
    """Cancel payment order NUMBER: its payments are cancelled in Odoo, its bills are open again.

    If its file went to the bank already, stop it there first: Werkstroom cannot.

    \b
    Example:
      werkstroom pay cancel 3
    """

    order = _find(app, number)
    if not yes:
        handed = "Its file was handed out: stop it at the bank first. " if order.closed == HANDED_OUT else ""
        confirm(f"{handed}Cancel payment order {number} of {display(order.manifest.total)} EUR?",
                f"pay cancel {number}")
    done = cancel_order(app.session(), order)
    file = app.settings.payments.out_dir / order.file_name
    said = f"{done} payments cancelled, their bills are open again" if done else "nothing to do"
    if file.exists():
        said += f"; do not upload {file}"
    app.show_data({"kind": "cancelled", "number": number, "payments": done}, lambda console: console.print(
        f"payment order {number}: {said}", soft_wrap=True, markup=False))


