"""`werkstroom bank`: statements in, entries matched. The one place that knows both rooms."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from jobs.command import App, job_options, pass_app, plan_and_perform, run
from jobs.plan import Summary, with_children
from jobs.reconciliation import JOB as RECONCILE
from jobs.reconciliation import ReconcileOptions
from jobs.running import run_job
from jobs.statements import JOB as IMPORT
from jobs.statements import ImportOptions


@click.group()
def bank() -> None:
    """Bank statements: import them, and match their entries with invoices, bills and payments."""


@bank.command("import")
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--journal", metavar="CODE", help="Bank journal, where none has the file's account number.")
@click.option("--no-reconcile", is_flag=True, help="Import only; match nothing.")
@job_options
@pass_app
def import_(app: App, files: tuple[Path, ...], journal: str | None, no_reconcile: bool, dry_run: bool,
            plan_file: Path | None, yes: bool) -> None:
    """Import the bank's files, each entry once ever, then match what can be matched.

    Files may overlap, be imported again, or by several people at once. Entries that somebody entered by hand are
    recognised. All files are read and checked before anything is written.

    \b
    Example:
      werkstroom bank import ~/Downloads/mutations20260201.csv --dry-run
    """
    options = ImportOptions(files=tuple(path.absolute() for path in files), journal=journal)
    document = plan_and_perform(app, IMPORT, options, dry_run=dry_run, plan_file=plan_file, yes=yes)
    if isinstance(document, Summary) and not no_reconcile:
        document = with_children(document, (run_job(app.session(), RECONCILE, ReconcileOptions()),))
    app.show(document)
    sys.exit(document.exit_code)


@bank.command("reconcile")
@job_options
@pass_app
def reconcile(app: App, dry_run: bool, plan_file: Path | None, yes: bool) -> None:
    """Match open bank entries with invoices and bills (number in the text, exact amount) and with payments.

    A payment batch is matched by its id and exact total. What is left is listed with the reason, and the command ends
    with 1 while there is something for a person.

    \b
    Example:
      werkstroom bank reconcile --dry-run
    """
    run(app, RECONCILE, ReconcileOptions(), dry_run=dry_run, plan_file=plan_file, yes=yes)
