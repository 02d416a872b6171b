"""The template database and its copies.

A copy takes a tenth of a second: PostgreSQL copies the files of the template, and the filestore is hard-linked, which
is safe because Odoo names its files by their content and never changes one.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import os
import re
import secrets
import shutil
import uuid
from pathlib import Path

from tests.sandbox.errors import SandboxError
from tests.sandbox.host import in_root, run, step
from tests.sandbox.layout import MODULES, ODOO_CONF, ODOO_DATA, SMTP_DOMAIN, TEMPLATE, Layout
from tests.sandbox.processes import Ports, Process, sql, start_of

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_OF_A_RUN = re.compile(r"ws_(\d+)_([0-9a-f]{12})_\d+")
_counter = itertools.count(1)


def new_name() -> str:
    """A name that tells whose database it is, so that it can be dropped when its owner is gone."""
    return f"ws_{os.getpid()}_{_start_mark(Process.of(os.getpid()).started)}_{next(_counter)}"


def owner_lives(name: str) -> bool:
    """Whether the run that made this database still goes on; a database with a name of its own has no owner to miss."""
    match = _OF_A_RUN.fullmatch(name)
    if match is None:
        return True
    return _start_mark(start_of(int(match.group(1)))) == match.group(2)


def _start_mark(started: str) -> str:
    return hashlib.sha256(started.encode()).hexdigest()[:12] if started else ""


def check_name(name: str) -> str:
    """A name that is safe in SQL, as a folder and as an SMTP user."""
    if not _NAME.fullmatch(name) or name in (TEMPLATE, "postgres"):
        raise SandboxError(f"{name!r} cannot name a database: small letters, digits and _, starting with a letter")
    return name


def names(layout: Layout) -> list[str]:
    """Every database that is somebody's: neither PostgreSQL's own nor the template."""
    found = sql(layout, "postgres", "select datname from pg_database where not datistemplate order by 1").split()
    return [name for name in found if name not in (TEMPLATE, "postgres")]


def template_is_ready(layout: Layout) -> bool:
    """Whether the template was finished, with the modules that are wanted now."""
    query = "select shobj_description(oid, 'pg_database') from pg_database where datname = '" + TEMPLATE + "'"
    return sql(layout, "postgres", query) == " ".join(MODULES)


def make_template(layout: Layout) -> None:
    """Initialise the template and close it to everybody.

    Closed, because PostgreSQL refuses to copy a database that somebody is connected to, and Odoo connects to any
    database that it can see. The comment is written last: it is what says that the template is whole.
    """
    drop(layout, TEMPLATE)
    odoo = ["/usr/bin/odoo", "-c", ODOO_CONF, "-d", TEMPLATE, "-i", ",".join(MODULES)]
    flags = ["--workers=0", "--no-http", "--pidfile=", "--stop-after-init", "--without-demo=all"]
    with step("first database, with all modules", "`python -m tests.sandbox logs` shows more"):
        run(in_root(layout, "odoo", [*odoo, *flags]), log=layout.logs / "template.log")
        _check_template(layout)
    sql(layout, "postgres", f"alter database {TEMPLATE} allow_connections false")
    sql(layout, "postgres", f"comment on database {TEMPLATE} is '{' '.join(MODULES)}'")


def _check_template(layout: Layout) -> None:
    """Odoo ends well even when a module was not found, so look at what came out."""
    state = "select count(*) from ir_module_module where state = 'installed' and name in "
    wanted = "('" + "','".join(MODULES) + "')"
    company = (
        "select cur.name, chart.module, exists(select from account_account a where a.company_id = c.id) "
        "from res_company c join res_currency cur on cur.id = c.currency_id "
        "join ir_model_data chart on chart.model = 'account.chart.template' and chart.res_id = c.chart_template_id"
    )
    if sql(layout, TEMPLATE, state + wanted) != str(len(MODULES)):
        raise SandboxError(f"not every module was installed; see {layout.logs / 'template.log'}")
    found = sql(layout, TEMPLATE, company)
    if found != "EUR|l10n_nl|t":
        raise SandboxError(f"the company's currency and chart of accounts are {found!r}, not euro and Dutch")


def drop(layout: Layout, name: str) -> None:
    """Drop a database, whoever is connected, with its files and its mails."""
    sql(layout, "postgres", f"drop database if exists {name} with (force)")
    remove = f"rm -rf {ODOO_DATA}/filestore/{name}; sed -i '/ {name}$/d' /etc/hosts"
    run(in_root(layout, "root", ["sh", "-c", remove]))
    _forget_mails(layout, name)


def _forget_mails(layout: Layout, name: str) -> None:
    shutil.rmtree(layout.mails / name, ignore_errors=True)


def copy(layout: Layout, ports: Ports, source: str, target: str, password: str | None = None) -> None:
    """Copy a database under a new name.

    Args:
        layout: where the sandbox is.
        ports: where its parts listen; the copy learns them.
        source: the template, or a database that a test has filled; its connections are ended first.
        target: the new name; a database that has it already is dropped.
        password: the copy's administrator gets it; without one it keeps the password of the source.
    """
    script = (
        f"drop database if exists {target} with (force);\n"
        f"alter database {source} allow_connections false;\n"
        f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{source}';\n"
        f"create database {target} template {source} owner odoo;\n"
        f"\\c {target}\n" + own_settings(ports, target) + (password_change(password) if password else "")
    )
    try:
        sql(layout, "postgres", script)
    finally:
        if source != TEMPLATE:
            sql(layout, "postgres", f"alter database {source} allow_connections true")
    _forget_mails(layout, target)
    files = (
        f"sed -i '/ {target}$/d' /etc/hosts; echo '127.0.0.1 {target}' >> /etc/hosts\n"
        f"cd {ODOO_DATA}/filestore 2> /dev/null || exit 0\n"
        f"rm -rf {target}; test ! -d {source} || cp -al {source} {target}"
    )
    run(in_root(layout, "root", ["sh", "-c", files]))


def own_settings(ports: Ports, name: str) -> str:
    """What makes a database its own: identity, addresses, and the SMTP login that tells its mails apart.

    The sequences tell Odoo's workers that what they remember of an earlier database of this name is void.
    """
    here = f"http://127.0.0.1:{ports.odoo}"
    parameters = {
        "database.uuid": str(uuid.uuid4()),
        "database.secret": str(uuid.uuid4()),
        "web.base.url": here,
        "web.base.url.freeze": "True",
        # The host is the database's name, see `DB_FILTER`. The port is not that of the two workers: when both wait for
        # the PDF program, neither could give it its style sheets.
        "report.url": f"http://{name}:{ports.longpolling}",
    }
    rows = ", ".join(f"('{key}', '{value}')" for key, value in parameters.items())
    mark = secrets.randbelow(2**40) + 1000
    return (
        f"insert into ir_config_parameter (key, value) values {rows} "
        "on conflict (key) do update set value = excluded.value;\n"
        "delete from ir_mail_server where name = 'sandbox';\n"
        "insert into ir_mail_server "
        "(name, smtp_host, smtp_port, smtp_user, smtp_pass, smtp_encryption, sequence, active) "
        f"values ('sandbox', '127.0.0.1', {ports.smtp}, '{name}{SMTP_DOMAIN}', 'any', 'none', 1, true);\n"
        f"select setval('base_registry_signaling', {mark}), setval('base_cache_signaling', {mark});\n"
    )


def password_change(password: str) -> str:
    """SQL that gives the administrator a password, hashed as Odoo hashes it.

    Hashed here, because Odoo would hash a plain one at the first login, where two first logins at once get in each
    other's way.
    """
    salt = secrets.token_bytes(16)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 25000)
    text = "$".join(base64.b64encode(part).decode().rstrip("=").replace("+", ".") for part in (salt, digest))
    return f"update res_users set password = '$pbkdf2-sha512$25000${text}' where login = 'admin';\n"


def sweep(layout: Layout) -> list[str]:
    """Drop the databases of runs that are over; returns their names."""
    gone = [name for name in names(layout) if not owner_lives(name)]
    for name in gone:
        drop(layout, name)
    return gone


def mail_files(layout: Layout, name: str) -> list[Path]:
    """The mails that a database sent, oldest first."""
    return sorted((layout.mails / name).glob("*.eml"))
