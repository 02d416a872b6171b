"""Settings: flag > environment > profile > section > default; the only reader of the environment.

`werkstroom.toml` is looked for in the working directory, unless `--config` or WERKSTROOM_CONFIG names a file. A field
that Werkstroom does not know is an error that names file and field, so that a typing mistake never becomes a default.
The password comes from the environment, an owner-only file or a command; a `password` field is refused.
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from connector.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_FILE = "werkstroom.toml"

_SHORT_NAMES = {
    "WERKSTROOM_URL": "url", "WERKSTROOM_DB": "db", "WERKSTROOM_USER": "user", "WERKSTROOM_PROTOCOL": "protocol",
    "WERKSTROOM_PASSWORD_FILE": "password_file", "WERKSTROOM_COMPANY": "company",
}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Timeouts(_Section):
    """Seconds to wait for a connection, and for an answer."""

    connect: float = Field(10, gt=0)
    read: float = Field(150, gt=0)


class Odoo(_Section):
    """Where Odoo is and who we are there."""

    url: str = ""
    db: str = ""
    user: str = ""
    password_file: Path | None = None
    password_command: tuple[str, ...] = ()
    protocol: Literal["auto", "xmlrpc"] = "auto"
    company: str = ""
    """Name of the company in a database with several; empty: the user's own."""
    timeouts: Timeouts = Timeouts()
    server_call_limit: float = Field(150, gt=0)
    """Seconds that a call whose answer was lost may still run on the server."""
    verify: bool | str = True


class Company(_Section):
    """Language and time zone of what is written and dated."""

    lang: str = "nl_NL"
    timezone: str = "Europe/Amsterdam"


class Payments(_Section):
    """How payment orders are made."""

    journal: str = "BNK1"
    profile: str = "triodos"
    include: tuple[Literal["bills", "expenses", "salaries"], ...] = ("bills", "expenses", "salaries")
    direct_debit_tag: str = "Incasso"
    net_wages_account: str = "1720"
    holidays: tuple[dt.date, ...] = ()
    out_dir: Path = Path("out")


class Settings(_Section):
    """Everything that can be set; see `werkstroom.example.toml`."""

    odoo: Odoo = Odoo()
    company: Company = Company()
    payments: Payments = Payments()
    password: SecretStr | None = Field(None, exclude=True, repr=False)
    """Never from the file: WERKSTROOM_PASSWORD or WERKSTROOM_API_KEY, else what `secret()` finds."""

    def secret(self) -> str:
        """Return the password or API key: from the environment, an owner-only file or a command.

        Raises:
            ConfigError: there is none, the file is readable by others, or the command fails.
        """
        if self.password is not None:
            return self.password.get_secret_value()
        if self.odoo.password_file is not None:
            return _secret_from_file(self.odoo.password_file.expanduser())
        if self.odoo.password_command:
            return _secret_from_command(self.odoo.password_command)
        raise ConfigError("No password is set.", remedy="Set WERKSTROOM_PASSWORD or WERKSTROOM_API_KEY, or [odoo] "
                                                        "password_file or password_command in werkstroom.toml.")

    def require_server(self) -> None:
        """Raise ConfigError unless url, database and user are known."""
        for field in ("url", "db", "user"):
            if not getattr(self.odoo, field):
                raise ConfigError(f"[odoo] {field} is not set.",
                                  remedy=f"Set it in werkstroom.toml, or WERKSTROOM_{field.upper()}.")
        if not self.odoo.url.startswith(("http://", "https://")):
            raise ConfigError(f'[odoo] url "{self.odoo.url}" does not begin with https:// or http://.',
                              remedy="Correct it in werkstroom.toml, or WERKSTROOM_URL.")


_SECTIONS: dict[str, type[_Section]] = {"odoo": Odoo, "company": Company, "payments": Payments}


def load(path: Path | None = None, *, profile: str | None = None) -> Settings:
    """Read settings from file and environment.

    Args:
        path: the file; None: WERKSTROOM_CONFIG, else `werkstroom.toml` in the working directory if it exists.
        profile: a section of `[profiles]` that is laid over the others; None: WERKSTROOM_PROFILE.

    Raises:
        ConfigError: names file and field.
    """
    named = path or (Path(os.environ["WERKSTROOM_CONFIG"]) if os.environ.get("WERKSTROOM_CONFIG") else None)
    file = named or Path(DEFAULT_FILE)
    content = _read(file, required=named is not None)
    profiles = content.pop("profiles", {})
    chosen = profile or os.environ.get("WERKSTROOM_PROFILE")
    if chosen:
        if chosen not in profiles:
            raise ConfigError(f'{file}: there is no profile "{chosen}".',
                              remedy=f"Known: {', '.join(sorted(profiles)) or 'none'}.")
        for section, fields in profiles[chosen].items():
            content[section] = {**content.get(section, {}), **fields}
    _refuse_passwords(content, file)
    _lay_environment_over(content)
    try:
        settings = Settings.model_validate(content)
    except ValidationError as error:
        raise ConfigError(_first_problem(error, file), remedy="See werkstroom.example.toml.") from None
    return _with_absolute_paths(settings, file)


def _lay_environment_over(content: dict[str, Any]) -> None:
    """Short names of `[odoo]`, and WERKSTROOM_<SECTION>__<FIELD> for any field; lists as "a,b"."""
    for name, value in os.environ.items():
        if name in _SHORT_NAMES:
            section, field = "odoo", _SHORT_NAMES[name]
        elif name.startswith("WERKSTROOM_") and "__" in name:
            section, field = name.removeprefix("WERKSTROOM_").lower().split("__", 1)
        else:
            continue
        is_list = section in _SECTIONS and "tuple" in str(_SECTIONS[section].model_fields.get(field, ""))
        content[section] = {**content.get(section, {}), field: value.split(",") if is_list else value}
    for name in ("WERKSTROOM_PASSWORD", "WERKSTROOM_API_KEY"):
        if os.environ.get(name):
            content["password"] = os.environ[name]


def _read(file: Path, *, required: bool) -> dict[str, Any]:
    try:
        content: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
        return content
    except FileNotFoundError:
        if required:
            raise ConfigError(f"There is no settings file {file}.", remedy="Check --config.") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}.") from error


def _refuse_passwords(content: dict[str, Any], file: Path) -> None:
    if "password" in content or "password" in content.get("odoo", {}) or "api_key" in content.get("odoo", {}):
        raise ConfigError(f"{file}: a password does not belong in this file.",
                          remedy="Use password_file (owner-only), password_command or WERKSTROOM_PASSWORD.")


def _first_problem(error: ValidationError, file: Path) -> str:
    problem = error.errors()[0]
    field = ".".join(str(part) for part in problem["loc"])
    what = "unknown field" if problem["type"] == "extra_forbidden" else problem["msg"]
    # The value may come from the file or from the environment: both are named.
    return f"{file} (or WERKSTROOM_{field.upper().replace('.', '__')}): {field}: {what}."


def _with_absolute_paths(settings: Settings, file: Path) -> Settings:
    """Count relative paths from the settings file."""
    base = file.resolve().parent
    payments = settings.payments.model_copy(update={"out_dir": base / settings.payments.out_dir.expanduser()})
    update: dict[str, Any] = {"payments": payments}
    if settings.odoo.password_file is not None:
        password_file = base / settings.odoo.password_file.expanduser()
        update["odoo"] = settings.odoo.model_copy(update={"password_file": password_file})
    return settings.model_copy(update=update)


def _secret_from_file(file: Path) -> str:
    try:
        mode = file.stat().st_mode
        if mode & 0o077:
            raise ConfigError(f"{file} can be read by others.", remedy=f"chmod 600 {file}")
        lines = file.read_text("utf-8").splitlines()
    except OSError as error:
        raise ConfigError(f"The password file {file} cannot be read ({error.strerror}).") from error
    if not lines or not lines[0]:
        raise ConfigError(f"The password file {file} is empty.")
    return lines[0]


def _secret_from_command(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"password_command {command[0]} failed ({type(error).__name__}).") from None
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise ConfigError(f"password_command {command[0]} ended with {done.returncode} and gave no password.")
    return lines[0]
