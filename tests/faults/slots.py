"""A place where runs of a command follow each other: a database name, a proxy, a launcher and a directory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.faults import books
from tests.faults.launcher import ROOT, Launcher
from tests.faults.proxy import Proxy, Script
from tests.sandbox.server import Database, Sandbox


@dataclass(frozen=True)
class Command:
    """A command, who runs it and on what."""

    arguments: tuple[str, ...]
    source: Database
    """The prepared database; each run gets a copy."""
    user: str
    password: str
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further environment variables."""


@dataclass(frozen=True)
class Run:
    """How a run ended."""

    status: int
    state: str
    errors: str

    @property
    def well(self) -> bool:
        """Whether it came to its end, with rows for a person or without."""
        return self.status in (0, 1) and bool(self.state)


class Slot:
    """One place. A context manager."""

    def __init__(self, sandbox: Sandbox, command: Command, directory: Path) -> None:
        self.sandbox, self.command, self.directory = sandbox, command, directory
        self.out = directory / "out"
        self._database: Database | None = None
        self._registry = ""
        self._stack = ExitStack()

    def __enter__(self) -> Slot:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._launcher = self._stack.enter_context(Launcher())
        self._proxy = self._stack.enter_context(Proxy(self.sandbox.url))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._stack.close()
        if self._database is not None:
            self.sandbox.drop_database(self._database)

    @property
    def database(self) -> Database:
        """Where the runs are."""
        assert self._database is not None
        return self._database

    def renew(self, source: Database | None = None, files: Path | None = None) -> None:
        """Start from a copy of a database (of the prepared one, and an empty directory).

        The name stays the same and so does the number by which Odoo's workers know that their registry is still good:
        all copies have the same models. Loading it anew would take longer than the run.
        """
        name = self._database.name if self._database is not None else None
        self._database = self.sandbox.copy_database(source or self.command.source, name)
        if self._registry:
            self.sandbox.sql(self._database, f"select setval('base_registry_signaling', {self._registry})")
        else:
            self._registry = self.sandbox.sql(self._database, "select last_value from base_registry_signaling")
        shutil.rmtree(self.out, ignore_errors=True)
        if files is None:
            self.out.mkdir()
        else:
            shutil.copytree(files, self.out)

    def run(self, script: Script | None = None, *, dying: bool = False) -> Run:
        """Run the command once, disturbed as scripted, or with all its deaths on the way."""
        self._proxy.script = script or Script()
        status = self._launcher.run(self.command.arguments, self._environment(), self.directory, dying=dying)
        self._proxy.script.finish()
        return self._ended(status, (self.directory / "output").read_text(), (self.directory / "errors").read_text())

    def run_as_user(self, script: Script) -> Run:
        """Run the command undisturbed, as a user starts it: in a new interpreter."""
        self._proxy.script = script
        done = subprocess.run([sys.executable, "-m", "jobs.cli", *self.command.arguments], env=self._environment(),
                              cwd=self.directory, capture_output=True, text=True, check=False)
        script.finish()
        return self._ended(done.returncode, done.stdout, done.stderr)

    def books(self) -> dict[str, Any]:
        """Return what stands in the database and on disk now."""
        return books.dump(self.sandbox, self.database, self.out)

    @staticmethod
    def _ended(status: int, output: str, errors: str) -> Run:
        summary = json.loads(output) if output.startswith("{") else {}
        return Run(status, summary.get("state", ""), errors)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.directory), "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8",
            "WERKSTROOM_URL": self._proxy.url, "WERKSTROOM_DB": self.database.name,
            "WERKSTROOM_USER": self.command.user, "WERKSTROOM_PASSWORD": self.command.password,
            "WERKSTROOM_PAYMENTS__OUT_DIR": str(self.out), "WERKSTROOM_COMPANY__LANG": "en_US",
            "WERKSTROOM_ODOO__SERVER_CALL_LIMIT": "1", **self.command.settings}
