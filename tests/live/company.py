"""A filled company for live tests: the demo's, in a database of its own, in about a second.

    company = new_company(sandbox)
    run_job(company.accountant, …)

It is filled once, kept as a database that is copied, and filled again only when the demo's data or code changed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from connector.config import Settings
from connector.session import Session, connect
from jobs import demo
from jobs.demo import company as filling
from jobs.demo import data
from jobs.demo.company import Company
from jobs.plan import write_private
from tests.sandbox import databases
from tests.sandbox.host import locked
from tests.sandbox.server import Database, Sandbox

Sections = Mapping[str, object]
MONTH = dt.date(2026, 10, 1)
SOURCE = "filled_company"
"""The name of the database that is copied; it outlives a test run."""


@dataclass(frozen=True)
class FilledCompany:
    """A database with the demo's company in it, and its people signed in. No job has run yet."""

    database: Database
    company: Company
    admin: Session
    accountant: Session
    assistant: Session
    passwords: dict[str, str]
    """Login → password of the two accountants."""


def new_company(sandbox: Sandbox, settings: Sections | None = None) -> FilledCompany:
    """Make a copy of the filled company; it is dropped when this process is over.

    Args:
        sandbox: where.
        settings: sections of the settings, such as {"payments": {"out_dir": tmp_path}}.
    """
    source, passwords = _source(sandbox)
    return filled_company(sandbox.copy_database(source), passwords, settings)


def filled_company(database: Database, passwords: dict[str, str] | None = None, settings: Sections | None = None,
                   *, month: dt.date = MONTH) -> FilledCompany:
    """Fill a fresh database (or open one that was filled) and sign in as administrator and both accountants."""
    passwords = passwords or {login: secrets.token_urlsafe(12) for login in data.ACCOUNTANTS}
    admin = connect(settings_of(database, settings=settings))
    company = filling.opened(admin) or filling.fill(admin, month=month, passwords=passwords)
    accountant = filling.sign_in(admin, company.accountant, passwords[company.accountant])
    assistant = filling.sign_in(admin, company.assistant, passwords[company.assistant])
    return FilledCompany(database, company, admin, accountant, assistant, passwords)


def settings_of(database: Database, login: str = "", password: str = "", settings: Sections | None = None) -> Settings:
    """Settings for a user of a database, the administrator by default."""
    odoo = {"url": database.url, "db": database.name, "user": login or database.login}
    return Settings.model_validate({"odoo": odoo, "password": password or database.password, **(settings or {})})


def _source(sandbox: Sandbox) -> tuple[Database, dict[str, str]]:
    """Return the database to copy, filled by the demo as it is now."""
    note = sandbox.layout.base / f"{SOURCE}.json"
    with locked(sandbox.layout.base / f"{SOURCE}.lock"):
        kept = json.loads(note.read_text()) if note.is_file() else {}
        if kept.get("digest") != _digest() or SOURCE not in databases.names(sandbox.layout):
            note.unlink(missing_ok=True)
            filled = filled_company(sandbox.create_database(SOURCE))
            kept = {"digest": _digest(), "password": filled.database.password, "passwords": filled.passwords}
            write_private(note, json.dumps(kept).encode())
    return Database(sandbox.url, SOURCE, "admin", kept["password"]), kept["passwords"]


def _digest() -> str:
    """What the filling was made from."""
    folder = Path(demo.__file__).parent
    sources = b"".join((folder / name).read_bytes() for name in ("books.py", "company.py", "data.py", "filling.py"))
    return hashlib.sha256(sources + str(MONTH).encode()).hexdigest()
