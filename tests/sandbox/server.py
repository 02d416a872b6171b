"""The sandbox as a whole: start it, stop it, copy databases in it.

Every test and the demo come in here. `up` costs milliseconds when everything runs, so call it without a thought.
"""

from __future__ import annotations

import email
import email.policy
import secrets
import shutil
import xmlrpc.client
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import requests

from tests.sandbox import databases
from tests.sandbox.errors import SandboxError
from tests.sandbox.host import in_root, locked, require_host, run, say, step
from tests.sandbox.layout import ODOO_DATA, PG_DATA, TEMPLATE, Layout
from tests.sandbox.processes import (
    Ports,
    Process,
    State,
    free_ports,
    listens,
    make_directories,
    read_state,
    sql,
    start_odoo,
    start_postgres,
    start_sink,
    stop,
    wait_for,
    write_odoo_conf,
    write_state,
)
from tests.sandbox.provision import provision, remove_root, unmount_proc

# Both workers may be at work for other tests. Odoo itself ends a worker after 120 s; silent for longer is broken.
_PATIENCE = 150


@dataclass(frozen=True)
class Database:
    """One Odoo database and the way into it as its administrator."""

    url: str
    name: str
    login: str
    password: str


@dataclass(frozen=True)
class Sandbox:
    """A running Odoo 14 with PostgreSQL and an SMTP sink, all on this machine and reachable from it only."""

    layout: Layout
    ports: Ports

    @property
    def url(self) -> str:
        """Odoo's address."""
        return f"http://127.0.0.1:{self.ports.odoo}"

    def create_database(self, name: str | None = None) -> Database:
        """A fresh company: a copy of the template, with a random password for its administrator.

        Args:
            name: a name of your own is kept until it is dropped or asked for again (which starts it afresh); without
                one the database is dropped when the process that asked for it is gone.
        """
        password = secrets.token_urlsafe(12)
        target = databases.check_name(name or databases.new_name())
        with self._databases_locked():
            databases.copy(self.layout, self.ports, TEMPLATE, target, password)
        return Database(self.url, target, "admin", password)

    def copy_database(self, source: Database, name: str | None = None) -> Database:
        """A copy of a database that a test has filled: users, passwords and files as they are there.

        Whoever is connected to the source is disconnected; Odoo connects again by itself.
        """
        target = databases.check_name(name or databases.new_name())
        with self._databases_locked():
            databases.copy(self.layout, self.ports, databases.check_name(source.name), target)
        return Database(self.url, target, source.login, source.password)

    def drop_database(self, database: Database) -> None:
        """Drop a database with its files and mails; also one that is gone already."""
        with self._databases_locked():
            databases.drop(self.layout, databases.check_name(database.name))

    def sql(self, database: Database, script: str) -> str:
        """Run SQL in a database, for a test that must see or break what no API shows; rows, "|" between fields."""
        return sql(self.layout, databases.check_name(database.name), script)

    def mails(self, database: Database) -> list[EmailMessage]:
        """The mails that a database sent, oldest first; `X-Envelope-To` holds who would have received each."""
        files = databases.mail_files(self.layout, database.name)
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in files]

    def mail_directory(self, database: Database) -> Path:
        """The folder that the sink keeps a database's mails in, one `.eml` file each."""
        return self.layout.mails / database.name

    def _databases_locked(self) -> AbstractContextManager[None]:
        return locked(self.layout.base / "databases.lock")


def answers(state: State, layout: Layout) -> bool:
    """Whether all three do what they are for, not only exist."""
    if not state.lives() or not listens(state.ports.smtp):
        return False
    try:
        question = xmlrpc.client.dumps((), "version")
        address = f"http://127.0.0.1:{state.ports.odoo}/xmlrpc/2/common"
        reply = requests.post(address, question, headers={"Content-Type": "text/xml"}, timeout=_PATIENCE)
        return reply.ok and sql(layout, "postgres", "select 1") == "1"
    except (requests.RequestException, SandboxError):
        return False


def running(layout: Layout | None = None) -> Sandbox | None:
    """The sandbox if it runs and answers."""
    layout = layout or Layout.of_this_user()
    state = read_state(layout)
    if state is None or not layout.provisioned.is_file() or not answers(state, layout):
        return None
    return Sandbox(layout, state.ports)


def up(layout: Layout | None = None) -> Sandbox:
    """Provision what is missing, start what does not run, and drop the databases of dead runs.

    Raises:
        SandboxError: this machine cannot, or a step failed; the message says which and what to do.
    """
    layout = layout or Layout.of_this_user()
    require_host()
    with locked(layout.base / "lock"):
        sandbox = running(layout) or _start(layout)
        if not databases.template_is_ready(layout):
            databases.make_template(layout)
        with locked(layout.base / "databases.lock"):
            for name in databases.sweep(layout):
                say(f"dropped {name}: its run is over")
    return sandbox


def _start(layout: Layout) -> Sandbox:
    """Start all three from whatever state things are in; they depend on each other, so one dead means all again."""
    before = read_state(layout)
    stop(layout)
    layout.state.unlink(missing_ok=True)
    provision(layout)
    make_directories(layout)
    ports = free_ports(before.ports if before else None)
    with step("start of PostgreSQL, Odoo and the SMTP sink", "if it persists: `python -m tests.sandbox reset`"):
        postgres = _start_postgres(layout)
        write_odoo_conf(layout, ports)
        sink = start_sink(layout, ports.smtp)
        if before is None or before.ports != ports:
            for name in databases.names(layout):
                sql(layout, name, databases.own_settings(ports, name))
        odoo = start_odoo(layout, ports)
        state = State(ports, {"postgresql": postgres, "odoo": odoo, "sink": sink})
        wait_for("Odoo", lambda: answers(state, layout), 60, odoo)
        write_state(layout, state)
    return Sandbox(layout, ports)


def _start_postgres(layout: Layout) -> Process:
    """Start PostgreSQL; data that it cannot start from are made again.

    Its data are not written durably, so a machine that lost its power can leave them broken; all of it is copies.
    """
    try:
        return start_postgres(layout)
    except SandboxError as error:
        say(f"PostgreSQL cannot start from its data ({error}); making them again")
        stop(layout)
        run(in_root(layout, "root", ["rm", "-rf", PG_DATA, f"{ODOO_DATA}/filestore"]))
        make_directories(layout)
        return start_postgres(layout)


def down(layout: Layout | None = None) -> None:
    """Stop everything and leave nothing mounted; databases stay."""
    layout = layout or Layout.of_this_user()
    require_host()
    with locked(layout.base / "lock"):
        _down(layout)


def _down(layout: Layout) -> None:
    stop(layout)
    unmount_proc(layout)


def reset(layout: Layout | None = None) -> None:
    """Stop everything and remove it all: the root, the databases, the mails. The next `up` starts from nothing."""
    layout = layout or Layout.of_this_user()
    require_host()
    with locked(layout.base / "lock"):
        _down(layout)
        if layout.root.exists():
            remove_root(layout)
        for path in (layout.mails, layout.logs):
            shutil.rmtree(path, ignore_errors=True)
        layout.state.unlink(missing_ok=True)


def status(layout: Layout | None = None) -> tuple[bool, list[str]]:
    """Whether everything runs, and a line about each part."""
    layout = layout or Layout.of_this_user()
    state = read_state(layout)
    root = "complete" if layout.provisioned.is_file() else "not there or unfinished"
    lines = [f"root         {layout.root} ({root})"]
    if state is None:
        return False, [*lines, "nothing was started"]
    places = {"odoo": f"http://127.0.0.1:{state.ports.odoo}", "sink": f"127.0.0.1:{state.ports.smtp}"}
    for name, process in sorted(state.processes.items()):
        lives = f"runs as process {process.pid}" if process.lives() else "is gone"
        lines.append(f"{name:<12} {lives} {places.get(name, '')}".rstrip())
    well = running(layout) is not None
    if well:
        lines.append(f"databases    {' '.join(databases.names(layout)) or 'none but the template'}")
    lines.append("everything answers" if well else "not everything answers: `python -m tests.sandbox up` repairs it")
    return well, lines
