"""Names and places: where the sandbox lives on the host and inside its root."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs

SUITE = "bullseye"
PACKAGES = ("odoo-14", "postgresql")
MODULES = (
    "account",
    "l10n_nl",
    "sale_management",
    "sale_timesheet",
    "hr_timesheet",
    "hr_expense",
    "hr_holidays",
    "purchase",
    "project",
    "contacts",
    "crm",
)
# Raise it when the way of starting changes: what an older checkout left running is then started again.
GENERATION = 2
TEMPLATE = "werkstroom_template"
# Every database signs in at the SMTP sink as `name@sandbox`. With a domain, because Odoo encodes a login without one
# as if all of it were a domain, and then refuses the "_" in it.
SMTP_DOMAIN = "@sandbox"
REPOSITORY = Path(__file__).resolve().parents[2]

# Inside the root. A directory of our own for everything that runs, so that Debian's own places stay as installed.
PG_BIN = "/usr/lib/postgresql/13/bin"
PG_DATA = "/var/lib/werkstroom/postgresql"
PG_SOCKET = "/run/werkstroom-postgresql"
ODOO_DATA = "/var/lib/werkstroom/odoo"
ODOO_CONF = "/etc/werkstroom/odoo.conf"
ODOO_RUN = "/run/werkstroom-odoo"


@dataclass(frozen=True)
class Layout:
    """The places on the host, all below one directory."""

    base: Path

    @classmethod
    def of_this_user(cls) -> Layout:
        """The sandbox of this user; XDG_CACHE_HOME moves it."""
        return cls(platformdirs.user_cache_path("werkstroom") / "sandbox")

    @property
    def root(self) -> Path:
        """The Debian root that everything but the SMTP sink runs in."""
        return self.base / "root"

    @property
    def provisioned(self) -> Path:
        """Marker, written when the root is complete; it lives in the root, so that it goes when the root goes."""
        return self.root / "werkstroom-provisioned"

    @property
    def state(self) -> Path:
        """What was started: ports and processes, as JSON."""
        return self.base / "state.json"

    @property
    def mails(self) -> Path:
        """The SMTP sink's store, a folder per database."""
        return self.base / "mails"

    @property
    def logs(self) -> Path:
        """Log files of every part."""
        return self.base / "logs"

    def inside(self, path: str) -> Path:
        """The host's name for a path inside the root."""
        return self.root / path.lstrip("/")
