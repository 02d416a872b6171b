"""A signed-in user in one company: what every call carries, and what may be called.

`ReadSession` refuses everything but reading, so a plan made with it cannot write. Only :mod:`connector.effects` calls
`Session.send`; a test holds that.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import time
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connector.config import Settings
from connector.errors import (
    AccessDenied,
    AuthenticationFailed,
    ConfigError,
    MissingFeature,
    OutcomeUnknown,
    Refused,
    Unreachable,
)
from connector.transports.base import Transport
from connector.transports.xmlrpc import XmlRpc

READ_METHODS = frozenset({
    "check_access_rights", "check_object_reference", "context_get", "default_get", "fields_get", "get_metadata",
    "has_group", "read", "read_group", "search", "search_count", "search_read",
})
READ_ATTEMPTS = 4
SUPPORTED = (14,)


@dataclass(frozen=True, slots=True)
class Server:
    """Address, version and identity of the database."""

    url: str
    db: str
    version: str
    major: int
    tag: str = ""
    """6 hex that tell this database from another one of the same name; see shapes.md."""


@dataclass(slots=True)
class ReadSession:
    """A session that can only read; `lang`, `tz` and company are on every call."""

    transport: Transport
    server: Server
    settings: Settings
    uid: int
    secret: str = field(repr=False)
    company_id: int = 0
    company_name: str = ""
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.timezone.utc)
    sleep: Callable[[float], None] = time.sleep

    @property
    def context(self) -> dict[str, Any]:
        """The context that every call carries."""
        company = {"allowed_company_ids": [self.company_id]} if self.company_id else {}
        return {"lang": self.settings.company.lang, "tz": self.settings.company.timezone, **company}

    def today(self) -> dt.date:
        """Return the business date, in the company's time zone."""
        return self.clock().astimezone(zoneinfo.ZoneInfo(self.settings.company.timezone)).date()

    def call(self, model: str, method: str, *args: Any, context: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        """Call a reading method; it is repeated when the server is away for a moment.

        Raises:
            Unreachable: no answer after several attempts.
            Refused: Odoo's answer.
        """
        if method not in READ_METHODS:
            raise PermissionError(f"{model}.{method} is not a reading method, and this session only reads.")
        for attempt in range(1, READ_ATTEMPTS + 1):
            try:
                return self._execute(model, method, args, context, kwargs)
            except (Unreachable, OutcomeUnknown) as error:
                if attempt == READ_ATTEMPTS:
                    raise Unreachable(error.message, model=model, method=method, remedy=error.remedy) from error
                self.sleep(random.uniform(0.1, 0.3) * 2**attempt)  # noqa: S311 - jitter, not a secret
        raise AssertionError("unreachable")

    def can_read(self, model: str) -> bool:
        """Tell whether the model is there and this user may read it."""
        try:
            return bool(self.call(model, "check_access_rights", "read", raise_exception=False))
        except MissingFeature:
            return False

    def has_group(self, group: str) -> bool:
        """Tell whether this user is in the group with that external id."""
        return bool(self.call("res.users", "has_group", group))

    def require_groups(self, job: str, groups: dict[str, str]) -> None:
        """Raise AccessDenied, naming the right as Odoo shows it, unless the user is in each of the groups.

        Args:
            job: the command, for the message.
            groups: external id → the group's name in Odoo.
        """
        missing = [f'"{name}" ({group})' for group, name in groups.items() if not self.has_group(group)]
        if missing:
            raise AccessDenied(
                f"{self.settings.odoo.user} lacks what `werkstroom {job}` needs: {', '.join(missing)}.",
                remedy="Let the administrator grant it in Odoo: Settings → Users.")

    def require_modules(self, job: str, models: dict[str, str]) -> None:
        """Raise MissingFeature unless each model is there (model → the module that brings it)."""
        for model, module in models.items():
            try:
                self.call(model, "fields_get", ["id"], attributes=["type"])
            except MissingFeature as error:
                raise MissingFeature(f"`werkstroom {job}` needs the Odoo module {module}, which is not installed.",
                                     remedy=f"Let the administrator install {module}.") from error

    def _execute(self, model: str, method: str, args: tuple[Any, ...], context: dict[str, Any] | None,
                 kwargs: dict[str, Any]) -> Any:
        return self.transport.execute(self.server.db, self.uid, self.secret, model, method, list(args),
                                      {**kwargs, "context": {**self.context, **(context or {})}})


@dataclass(slots=True)
class Session(ReadSession):
    """A session whose effects may write."""

    def send(self, model: str, method: str, *args: Any, context: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        """Send a call that writes, exactly once; only :mod:`connector.effects` does this."""
        return self._execute(model, method, args, context, kwargs)

    def read_only(self) -> ReadSession:
        """Return the same session, unable to write."""
        return ReadSession(self.transport, self.server, self.settings, self.uid, self.secret, self.company_id,
                           self.company_name, self.clock, self.sleep)


def connect(settings: Settings, transport: Transport | None = None) -> Session:
    """Sign in.

    Args:
        settings: url, database, user and where the password is.
        transport: for tests; else the one that the settings name.

    Raises:
        ConfigError: something needed is not set, or the company is not there.
        Unreachable: no server answers.
        AuthenticationFailed: database, login or password is wrong.
        MissingFeature: the server's version is not one we know.
    """
    settings.require_server()
    odoo = settings.odoo
    secret = settings.secret()
    if transport is None:
        transport = XmlRpc(odoo.url, connect_timeout=odoo.timeouts.connect, read_timeout=odoo.timeouts.read,
                           verify=odoo.verify)
    server = _server(transport, odoo.url, odoo.db)
    uid = _sign_in(transport, server, odoo.user, secret)
    session = Session(transport, server, settings, uid, secret)
    _enter_company(session)
    return session


def _server(transport: Transport, url: str, db: str) -> Server:
    try:
        version = transport.version()
    except OutcomeUnknown as error:  # a read: nothing can have happened
        raise Unreachable(error.message, remedy=error.remedy) from error
    info = version.get("server_version_info") or [0]
    major = int(str(info[0]).removeprefix("saas~")) if str(info[0]).removeprefix("saas~").isdigit() else 0
    if major not in SUPPORTED:
        raise MissingFeature(f"{url} is Odoo {version.get('server_version', '?')}; this release of Werkstroom moves "
                             f"money only on Odoo {', '.join(map(str, SUPPORTED))}, where every step was tried.",
                             remedy="Use a server of that version, or a later Werkstroom.")
    return Server(url, db, str(version.get("server_version", "")), major)


def _sign_in(transport: Transport, server: Server, user: str, secret: str) -> int:
    try:
        uid = transport.authenticate(server.db, user, secret)
    except OutcomeUnknown as error:  # signing in changes nothing
        raise Unreachable(error.message, remedy=error.remedy) from error
    if uid is None:
        raise AuthenticationFailed(f"Odoo refuses {user} on database {server.db}: login or password is wrong.",
                                   remedy="Check [odoo] user and the password or API key.")
    return uid


def _enter_company(session: Session) -> None:
    """Choose the company, and read what identifies the database (`base` is readable by everybody)."""
    user = session.call("res.users", "read", [session.uid], ["company_id", "company_ids"])[0]
    wanted = session.settings.odoo.company
    companies = session.call("res.company", "search_read", [("id", "in", user["company_ids"])], ["name"])
    if wanted:
        match = [company for company in companies if company["name"] == wanted]
        if not match:
            raise ConfigError(f'{session.settings.odoo.user} has no company "{wanted}".',
                              remedy=f"Companies: {', '.join(company['name'] for company in companies)}.")
        session.company_id, session.company_name = match[0]["id"], wanted
    else:
        session.company_id, session.company_name = user["company_id"]
    session.server = Server(session.server.url, session.server.db, session.server.version, session.server.major,
                            _tag(session))


def _tag(session: Session) -> str:
    stamps = []
    for name in ("main_company", "main_partner"):
        try:
            model, record = session.call("ir.model.data", "check_object_reference", "base", name)
            rows = session.call(model, "read", [record], ["create_date"])
            stamps.append(str(rows[0]["create_date"]) if rows else "")
        except Refused:
            stamps.append("")
    return hashlib.sha256("|".join(stamps).encode()).hexdigest()[:6]
