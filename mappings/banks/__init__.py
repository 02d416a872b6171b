"""Bank profiles: what a bank takes, one TOML file a bank, each value with its source."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.resources import files

from mappings.errors import WerkstroomError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True, slots=True)
class BankProfile:
    """What a bank takes.

    `bic` is "" where the profile is of no bank in particular. `max_transactions` is per file. `batch_booking` asks for
    one line per batch on the statement. `notes` hold the sources, and what is still to be asked.
    """

    name: str
    bic: str
    pain_version: str
    max_transactions: int
    batch_booking: bool
    notes: tuple[str, ...]


def names() -> list[str]:
    """The names of the profiles there are."""
    return sorted(file.name.removesuffix(".toml") for file in files(__name__).iterdir() if file.name.endswith(".toml"))


def load(name: str) -> BankProfile:
    """The profile of a bank, e.g. "triodos".

    Raises:
        WerkstroomError: there is no such profile.
    """
    if name not in names():
        raise WerkstroomError(f"There is no bank profile {name!r}.", remedy=f"Known: {', '.join(names())}.")
    values = tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text("utf-8"))
    return BankProfile(name, values["bic"], values["pain_version"], values["max_transactions"],
                       values["batch_booking"], tuple(values["notes"]))
