"""`werkstroom demo`."""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from connector.session import Session
from jobs.command import App, pass_app
from jobs.demo import data
from jobs.demo.run import Outcome, run, sha256
from jobs.demo.state import compare
from jobs.plan import write_private
from jobs.tables import skipped_table


@click.command("demo")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("build/demo"), show_default=True,
              help="Directory for the payment files, the bank's download and summary.json.")
@pass_app
def demo(app: App, out: Path) -> None:
    """Fill an empty database with a small service company, and run its month.

    Sign in as the administrator. Hours become invoices, posted and mailed; bills, expenses and salaries become payment
    files; then the demo plays the bank, imports its statement and matches the entries. A database that holds anything
    else is refused. Ends with 0 when what is left open is what is meant to be left open.

    \b
    Example:
      WERKSTROOM_DB=demo werkstroom demo
    """
    session = app.session()
    passwords = {login: secrets.token_urlsafe(12) for login in data.ACCOUNTANTS}
    outcome = run(session, out.resolve(), passwords, _progress())
    summary = _summary(session, outcome)
    path = out.resolve() / "summary.json"
    _remove_stale(path, outcome)
    write_private(path, (json.dumps(summary, indent=1) + "\n").encode())
    del summary["password"]
    app.show_data(summary, lambda console: _show(console, session, outcome, path))
    sys.exit(outcome.exit_code)


def _progress() -> Callable[[str], None]:
    started = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"{time.monotonic() - started:5.1f} s  {text}", err=True)

    return say


def _remove_stale(summary: Path, outcome: Outcome) -> None:
    """Remove the files of an earlier demo, made from another database, which its summary names."""
    try:
        named = [Path(file["path"]) for file in json.loads(summary.read_text("utf-8"))["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for path in named:
        if path.parent == summary.parent and path not in outcome.files:
            path.unlink(missing_ok=True)


def _summary(s: Session, outcome: Outcome) -> dict[str, Any]:
    """Return what `summary.json` holds; its password is never printed."""
    state = outcome.after
    return {"url": s.server.url, "database": s.server.db, "login": s.settings.odoo.user,
            "password": s.settings.secret(), "jobs": [job.model_dump(mode="json") for job in outcome.jobs],
            "files": [{"path": str(path), "sha256": sha256(path)} for path in outcome.files],
            "matched": state.entries - state.open_entries, "open": state.open_entries}


def _show(console: Console, s: Session, outcome: Outcome, path: Path) -> None:
    table = Table(show_edge=False)
    for column in ("process", "in Odoo"):
        table.add_column(column)
    for column in ("before", "after"):
        table.add_column(column, justify="right")
    for row in compare(outcome.before, outcome.after):
        table.add_row(*row)
    console.print(table)
    console.print("\n[bold]left open, and why[/bold]  (\"!\": for a person)")
    console.print(skipped_table(outcome.open))
    if not outcome.as_expected:
        console.print("[bold]This is not what the demo is meant to leave open.[/bold]")
    console.print("\n[bold]files[/bold]")
    for file in (*outcome.files, path):
        console.print(f"  {file}", markup=False, soft_wrap=True, highlight=False)
    console.print("\n[bold]look around[/bold]")
    for line in (f"{s.server.url}/web?db={s.server.db}",
                 f"log in as {s.settings.odoo.user}; the password stands in {path}",
                 "Facturatie → Klanten → Facturen: posted, with PDF and mail",
                 "Facturatie → Leveranciers → Facturen, Betalingen: what was paid, with which order",
                 "Facturatie → Overzicht → Triodos: the statement and its entries"):
        console.print(f"  {line}", markup=False, soft_wrap=True, highlight=False)
