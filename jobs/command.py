"""What the commands of all rooms share: options, asking, printing; the rooms' click commands build on it."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from pydantic import BaseModel
from rich.console import Console

from connector import config
from connector.config import Settings
from connector.errors import ConfigError
from connector.session import Session, connect
from jobs import plan as plans
from jobs import tables
from jobs.plan import Job, Options, Plan, Summary
from jobs.running import Meter, apply_saved, carry_out

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass
class App:
    """One invocation of `werkstroom`: where the settings are, how to talk, and the session once it is needed."""

    config: Path | None = None
    profile: str | None = None
    json: bool = False
    verbose: bool = False
    out: Console = field(default_factory=Console)
    _settings: Settings | None = None
    _session: Session | None = None

    @property
    def settings(self) -> Settings:
        """The settings, read when they are first asked for."""
        if self._settings is None:
            self._settings = config.load(self.config, profile=self.profile)
        return self._settings

    def session(self) -> Session:
        """Return the session, signed in when it is first asked for."""
        if self._session is None:
            self._session = connect(self.settings)
        return self._session

    def show(self, document: BaseModel) -> None:
        """Print a plan or summary: a table for people, or one JSON document."""
        if self.json:
            click.echo(document.model_dump_json(indent=1))
        else:
            tables.show(self.out, document)
        if self.verbose and self._session is not None:
            traffic = self._session.transport.traffic
            click.echo(f"{traffic.calls} API calls, {traffic.seconds:.2f} s waited, {traffic.bytes_sent} bytes sent, "
                       f"{traffic.bytes_received} received", err=True)

    def show_data(self, data: dict[str, Any], render: Callable[[Console], None]) -> None:
        """Print what a reading command found."""
        if self.json:
            click.echo(json.dumps(data, indent=1, default=str))
        else:
            render(self.out)


pass_app = click.make_pass_decorator(App)


def job_options(command: Command) -> Command:
    """Add what every job takes: --dry-run, --plan, --yes."""
    for option in (
        click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal."),
        click.option("--plan", "plan_file", type=click.Path(path_type=Path, dir_okay=False),
                     help="Save the plan here; `werkstroom apply FILE` carries it out."),
        click.option("--dry-run", is_flag=True, help="Stop after the plan; nothing is written to Odoo."),
    ):
        command = option(command)
    return command


def run(app: App, job: Job[Options], options: Options, *, dry_run: bool, plan_file: Path | None, yes: bool) -> NoReturn:
    """Plan, show, ask where money or mail moves, carry out, print; ends the process with the job's exit code."""
    document = plan_and_perform(app, job, options, dry_run=dry_run, plan_file=plan_file, yes=yes)
    app.show(document)
    sys.exit(document.exit_code)


def plan_and_perform(app: App, job: Job[Options], options: Options, *, dry_run: bool, plan_file: Path | None,
                     yes: bool) -> Plan | Summary:
    """Do what `run` does, and return the plan or summary instead of printing it."""
    session = app.session()
    meter = Meter(session)
    planned = job.plan(session.read_only(), options)
    if plan_file:
        plans.save(planned.plan, plan_file)
        logging.getLogger("werkstroom").info("plan saved to %s", plan_file)
    if dry_run:
        return planned.plan
    if planned.plan.changes and job.pays_or_mails(options) and not yes:
        _ask(planned.plan)
        # Facts may have changed while a person was looking.
        return apply_saved(session, job, planned.plan)
    return carry_out(session, job, options, planned, meter)


def perform_saved(app: App, job: Job[Options], saved: Plan, *, yes: bool) -> Summary:
    """Carry out a saved plan, asking where money or mail moves."""
    if saved.changes and job.pays_or_mails(job.options.model_validate(saved.options)) and not yes:
        _ask(saved)
    return apply_saved(app.session(), job, saved)


def _ask(plan: Plan) -> None:
    if sys.stderr.isatty():
        tables.show(Console(stderr=True), plan)
    confirm("Carry this out?", plan.job)


def confirm(question: str, command: str) -> None:
    """Ask before money or mail moves; where there is no terminal to ask on, refuse."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigError(f"`werkstroom {command}` moves money or mails, and there is no terminal to ask on.",
                          remedy="Look at what it would do first, then add --yes.")
    if not click.confirm(question, default=False, err=True):
        raise click.Abort
