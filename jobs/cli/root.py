"""`werkstroom`: the root command, which composes the rooms, and its error boundary."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.logging import RichHandler

from connector.errors import ConfigError, WerkstroomError
from connector.version import VERSION
from jobs import plan as plans
from jobs.cli.bank import bank
from jobs.command import App, pass_app, perform_saved
from jobs.demo.command import demo
from jobs.invoicing import JOB as INVOICING
from jobs.invoicing.command import invoice
from jobs.payments import JOB as PAYMENTS
from jobs.payments.command import pay
from jobs.plan import Job
from jobs.reconciliation import JOB as RECONCILIATION
from jobs.statements import JOB as STATEMENTS

JOBS: dict[str, Job[Any]] = {job.name: job for job in (INVOICING, PAYMENTS, STATEMENTS, RECONCILIATION)}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="werkstroom")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="Settings file [werkstroom.toml].")
@click.option("--profile", help="A section of [profiles] that is laid over the settings.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("-v", "--verbose", is_flag=True, help="Say what is going on, and count API calls, bytes and seconds.")
@click.pass_context
def cli(context: click.Context, config: Path | None, profile: str | None, as_json: bool, verbose: bool) -> None:
    """Run the back office of a service company on a stock Odoo, from outside.

    Every job shows its plan with --dry-run, can be repeated without harm, and ends with 0 (done), 1 (rows for a
    person), 2 (usage, settings), 3 (bad file), 4 (Odoo unreachable), 5 (outcome unknown: run again) or 6 (refused).

    \b
    Example:
      werkstroom invoice run --from 2026-10-01 --to 2026-10-31 --post --send --dry-run
    """
    # Talk goes to stderr, data to stdout.
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(message)s", force=True,
                        handlers=[RichHandler(console=Console(stderr=True), show_path=False, show_level=False)])
    logging.getLogger("werkstroom").setLevel(logging.INFO)
    for noisy in ("urllib3", "requests"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    context.obj = App(config=config, profile=profile, json=as_json, verbose=verbose)


@cli.command("apply")
@click.argument("plan_file", metavar="PLAN.json", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@pass_app
def apply_(app: App, plan_file: Path, yes: bool) -> None:
    """Carry out a plan that was saved with --plan, if every fact is still as it was.

    \b
    Example:
      werkstroom pay run --due 2026-11-30 --dry-run --plan november.json
      werkstroom apply november.json
    """
    saved = plans.load(plan_file)
    if saved.job not in JOBS:
        raise ConfigError(f'{plan_file} is a plan of "{saved.job}", which this version does not know.')
    summary = perform_saved(app, JOBS[saved.job], saved, yes=yes)
    app.show(summary)
    sys.exit(summary.exit_code)


for command in (invoice, pay, bank, demo):
    cli.add_command(command)


def main() -> None:
    """Run the command line: every error of ours is one sentence and an exit code, never a traceback."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.exceptions.Abort:
        click.echo("Nothing more was done.", err=True)
        sys.exit(2)
    except click.ClickException as error:
        _fail(error.format_message(), "usage", "See --help.", 2)
    except WerkstroomError as error:
        _fail(error.message, error.code, error.remedy, error.exit_code)


def _fail(message: str, code: str, remedy: str, exit_code: int) -> None:
    if "--json" in sys.argv:
        click.echo(json.dumps({"kind": "error", "code": code, "message": message, "remedy": remedy,
                               "exit_code": exit_code}))
    click.echo(f"werkstroom: {message} {remedy}".rstrip(), err=True)
    sys.exit(exit_code)
