"""The three processes: PostgreSQL and Odoo inside the root, the SMTP sink beside it.

A process is known by its number and its start time together (and the boot it started in), so that a number that the
kernel gave to somebody else is never taken for ours, let alone killed.
"""

from __future__ import annotations

import json
import secrets
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.sandbox.errors import SandboxError
from tests.sandbox.host import as_root, in_root, run
from tests.sandbox.layout import (
    GENERATION,
    ODOO_CONF,
    ODOO_DATA,
    ODOO_RUN,
    PG_BIN,
    PG_DATA,
    PG_SOCKET,
    REPOSITORY,
    Layout,
)
from tests.sandbox.provision import write_for

# The PDF program asks for its style sheets without saying for which database, and with more than one Odoo answers 404.
# So it asks at a host that is named like the database ("%d"; see `databases.own_settings`), while at 127.0.0.1, where
# "%d" is "127", every name is let through: ".{0,127}". For any other host the braces are plain text and match nothing.
DB_FILTER = "^(%d|.{0,%d})$"


@dataclass(frozen=True)
class Process:
    """One process of ours: recognisable even after its number was given to another."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has this number now."""
        return cls(pid, start_of(pid))

    def lives(self) -> bool:
        """Whether it is still this very process."""
        return bool(self.started) and start_of(self.pid) == self.started


@dataclass(frozen=True)
class Ports:
    """Where things listen, all on 127.0.0.1. PostgreSQL has a socket in the root only, and no port."""

    odoo: int
    longpolling: int
    smtp: int


@dataclass(frozen=True)
class State:
    """What was started, as kept in state.json; `generation` says by which way of starting it."""

    ports: Ports
    processes: dict[str, Process]
    generation: int = GENERATION

    def lives(self) -> bool:
        """Whether every process is there, started as we would; that they also answer is asked elsewhere."""
        return self.generation == GENERATION and all(process.lives() for process in self.processes.values())


def start_of(pid: int) -> str:
    """A process's start: the boot and the tick in it; empty if there is no such process, or only its zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else f"{boot}/{fields[19]}"


def read_state(layout: Layout) -> State | None:
    """What was started last, or None; a file that cannot be read is as good as none."""
    try:
        data = json.loads(layout.state.read_text(encoding="utf-8"))
        processes = {name: Process(**process) for name, process in data["processes"].items()}
        return State(Ports(**data["ports"]), processes, data.get("generation", 0))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_state(layout: Layout, state: State) -> None:
    """Keep what was started: whole or not at all."""
    beside = layout.state.with_suffix(".new")
    beside.write_text(json.dumps(asdict(state), indent=2) + "\n", encoding="utf-8")
    beside.rename(layout.state)


def free_ports(before: Ports | None) -> Ports:
    """Ports that nobody listens on: those of last time if they can be had, so that addresses stay the same."""
    wanted = [before.odoo, before.longpolling, before.smtp] if before else [0, 0, 0]
    try:
        return _bindable(wanted)
    except OSError:
        return _bindable([0, 0, 0])


def _bindable(wanted: Sequence[int]) -> Ports:
    sockets = [socket.socket() for _ in wanted]
    try:
        for each, port in zip(sockets, wanted, strict=True):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind(("127.0.0.1", port))
        return Ports(*(each.getsockname()[1] for each in sockets))
    finally:
        for each in sockets:
            each.close()


def wait_for(what: str, ready: Callable[[], bool], seconds: float, process: Process | None = None) -> None:
    """Wait until something answers; not longer than its process lives."""
    end = time.monotonic() + seconds
    while not ready():
        if process is not None and not process.lives():
            raise SandboxError(f"{what} stopped at once; `python -m tests.sandbox logs` shows why")
        if time.monotonic() > end:
            raise SandboxError(f"{what} did not answer in {seconds:.0f} s; `python -m tests.sandbox logs` shows why")
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as each:
        each.settimeout(1)
        return each.connect_ex(("127.0.0.1", port)) == 0


def _spawn(command: Sequence[str], log: Path, cwd: Path | None = None) -> int:
    """Start something that outlives us: with a log of its own, none of our pipes kept open, nobody's child.

    Returns the exit code of the command that starts it.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as out:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd=cwd or "/"
        )
    return done.returncode


def _pid_in(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def _process_from(path: Path, what: str) -> Process:
    """The process that wrote this pid file."""
    wait_for(what, lambda: bool(start_of(_pid_in(path))), 30)
    return Process.of(_pid_in(path))


def make_directories(layout: Layout) -> None:
    """The directories that PostgreSQL and Odoo own; stale pid files go."""
    script = (
        "set -e\n"
        f"install -d -o postgres -g postgres -m 700 {PG_DATA}\n"
        f"install -d -o postgres -g postgres -m 755 {PG_SOCKET}\n"
        f"install -d -o odoo -g odoo -m 700 {ODOO_DATA}\n"
        f"install -d -o odoo -g odoo -m 755 {ODOO_RUN}\n"
        f"rm -f {ODOO_RUN}/odoo.pid {PG_SOCKET}/postgres.pid {PG_SOCKET}/.s.PGSQL.* {PG_DATA}/postmaster.pid\n"
    )
    run(in_root(layout, "root", ["sh", "-c", f"install -d -m 755 /var/lib/werkstroom\n{script}"]))


def start_postgres(layout: Layout) -> Process:
    """Start PostgreSQL, with its data made first if there is none.

    It listens on a socket inside the root only and asks the kernel who is there ("peer"): no password, no port, and
    nobody outside the root can connect. Durability is off: what is here can be made again.
    """
    log = layout.logs / "postgresql.log"
    if run(in_root(layout, "root", ["sh", "-c", f"cat {PG_DATA}/PG_VERSION 2>&1 || true"])).strip() != "13":
        initdb = [f"{PG_BIN}/initdb", "-A", "peer", "-E", "UTF8", "--locale=C.UTF-8", "-N", "-D", PG_DATA]
        run(in_root(layout, "postgres", initdb), log=log)
        _spread(layout.inside(f"{PG_DATA}/base"))
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": PG_SOCKET,
        "external_pid_file": f"{PG_SOCKET}/postgres.pid",
        "max_connections": "300",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "log_line_prefix": "%m [%p] %d ",
    }
    options = shlex.join(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))
    pg_ctl = [f"{PG_BIN}/pg_ctl", "start", "-w", "-t", "60", "-D", PG_DATA, "-o", options]
    if _spawn(in_root(layout, "postgres", pg_ctl), log) != 0:
        raise SandboxError("PostgreSQL did not start; `python -m tests.sandbox logs` shows why")
    process = _process_from(layout.inside(f"{PG_SOCKET}/postgres.pid"), "PostgreSQL")
    sql(layout, "postgres", "select 'create role odoo login createdb' where to_regrole('odoo') is null \\gexec")
    return process


def _spread(directory: Path) -> None:
    """Tell ext4 to put each database's folder in another place of the disk; other file systems decline, to no harm.

    ext4 looks at every inode that was lately deleted nearby before it takes one. A database has 2600 files, so making
    one soon after one was dropped took 1.9 s, and takes 0.1 s this way.
    """
    subprocess.run(as_root(["chattr", "+T", str(directory)]), stdin=subprocess.DEVNULL, capture_output=True)


def sql(layout: Layout, database: str, script: str) -> str:
    """Run SQL as PostgreSQL's own administrator; returns the rows, "|" between fields."""
    psql = [f"{PG_BIN}/psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", PG_SOCKET, "-d", database, "-f", "-"]
    return run(in_root(layout, "postgres", psql), stdin=script).strip()


def write_odoo_conf(layout: Layout, ports: Ports) -> None:
    """Odoo's configuration: two workers, so that concurrency is real, and no timer that acts by itself."""
    settings = {
        "admin_passwd": secrets.token_urlsafe(24),
        "data_dir": ODOO_DATA,
        "db_host": PG_SOCKET,
        "db_maxconn": "32",
        "http_interface": "127.0.0.1",
        "http_port": str(ports.odoo),
        "longpolling_port": str(ports.longpolling),
        "workers": "2",
        "max_cron_threads": "0",
        "dbfilter": DB_FILTER,
        "without_demo": "all",
        "smtp_server": "127.0.0.1",
        "smtp_port": str(ports.smtp),
        "pidfile": f"{ODOO_RUN}/odoo.pid",
    }
    lines = ["[options]", *(f"{name} = {value}" for name, value in settings.items())]
    write_for(layout, "odoo", ODOO_CONF, "\n".join(lines) + "\n")


def start_odoo(layout: Layout, ports: Ports) -> Process:
    """Start Odoo's server."""
    odoo = ["setsid", "--fork", "/usr/bin/odoo", "-c", ODOO_CONF]
    _spawn(in_root(layout, "odoo", odoo), layout.logs / "odoo.log")
    process = _process_from(layout.inside(f"{ODOO_RUN}/odoo.pid"), "Odoo")
    wait_for("Odoo", lambda: listens(ports.odoo) and listens(ports.longpolling), 60, process)
    return process


def start_sink(layout: Layout, port: int) -> Process:
    """Start the SMTP sink, as the user who called."""
    layout.mails.mkdir(parents=True, exist_ok=True)
    pidfile = layout.base / "sink.pid"
    pidfile.unlink(missing_ok=True)
    command = ["setsid", "--fork", sys.executable, "-m", "tests.sandbox.sink"]
    arguments = ["--port", str(port), "--directory", str(layout.mails), "--pidfile", str(pidfile)]
    _spawn([*command, *arguments], layout.logs / "sink.log", cwd=REPOSITORY)
    process = _process_from(pidfile, "the SMTP sink")
    wait_for("the SMTP sink", lambda: listens(port), 10, process)
    return process


def stop(layout: Layout) -> None:
    """Stop what runs, kindly and then not: everything in the root and the sink, whatever was written down about them.

    TERM lets Odoo end and takes PostgreSQL's connections from it, INT ends PostgreSQL whoever is still connected.
    """
    for name, seconds in (("TERM", 3.0), ("INT", 5.0), ("KILL", 5.0)):
        pids = _ours(layout)
        if not pids:
            return
        _signal(name, pids)
        end = time.monotonic() + seconds
        while time.monotonic() < end and _ours(layout):
            time.sleep(0.1)
    if _ours(layout):
        raise SandboxError(f"processes in {layout.root} cannot be ended; look at them with `ps`")


def _ours(layout: Layout) -> list[str]:
    sink = _pid_in(layout.base / "sink.pid")
    try:
        words = Path(f"/proc/{sink}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
    except OSError:
        words = []
    found = _pids_in_root(layout) if layout.root.is_dir() else []
    return [*found, str(sink)] if str(layout.mails) in words else found


def _signal(name: str, pids: Sequence[str]) -> None:
    if pids:
        run(as_root(["sh", "-c", f'kill -{name} "$@" 2>/dev/null || true', "sh", *pids]))


def _pids_in_root(layout: Layout) -> list[str]:
    """Every process whose root directory is ours; the kernel knows, whatever was written down."""
    script = 'for p in /proc/[0-9]*; do [ "$(readlink "$p/root")" = "$1" ] && echo "${p#/proc/}"; done; true'
    return run(as_root(["sh", "-c", script, "sh", str(layout.root.resolve())])).split()
