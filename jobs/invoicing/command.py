"""`werkstroom invoice`: run."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from jobs.command import App, job_options, pass_app, run
from jobs.invoicing import JOB
from jobs.invoicing.options import InvoiceOptions


@click.group()
def invoice() -> None:
    """Hours become invoices.

    \b
    Example:
      werkstroom invoice run --from 2026-10-01 --to 2026-10-31 --dry-run
    """


@invoice.command("run")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First day of the hours.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Last day of the hours.")
@click.option("--customer", default="", metavar="NAME", help="Only this customer, as Odoo names it.")
@click.option("--post", is_flag=True, help="Post the drafts that bill hours of the period, and attach their PDF.")
@click.option("--send", is_flag=True,
              help="Mail the posted invoices with PDF; without --post only those that are posted already.")
@job_options
@pass_app
def run_(app: App, first: dt.datetime, last: dt.datetime, customer: str, post: bool, send: bool, dry_run: bool,
         plan_file: Path | None, yes: bool) -> None:
    """Bill the hours of a period that no invoice bills yet: a draft per order, posted and mailed if asked.

    Bills hours only: a fixed price on the same order stays open. Drafts that people edited keep their edits.

    \b
    Example:
      werkstroom invoice run --from 2026-10-01 --to 2026-10-31 --post --send
    """
    if first > last:
        raise click.BadParameter("the period ends before it begins.", param_hint="--to")
    options = InvoiceOptions(first=first.date(), last=last.date(), customer=customer, post=post, send=send)
    run(app, JOB, options, dry_run=dry_run, plan_file=plan_file, yes=yes)
