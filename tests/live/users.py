"""Signing in to a database of the sandbox, and plain accountants with the minimal rights."""

from __future__ import annotations

from connector import effects
from connector.config import Settings
from connector.effects import Call
from connector.session import Session, connect
from tests.sandbox.server import Database

ACCOUNTANT_GROUPS = (
    "account.group_account_invoice", "account.group_account_user", "base.group_private_addresses",
    "hr_timesheet.group_hr_timesheet_approver", "sales_team.group_sale_salesman_all_leads")


def sign_in(database: Database, login: str = "", password: str = "", **payments: object) -> Session:
    """A session of one user, the administrator by default; `payments` are settings of `[payments]`."""
    return connect(Settings.model_validate({
        "odoo": {"url": database.url, "db": database.name, "user": login or database.login},
        "password": password or database.password, "company": {"lang": "en_US"}, "payments": payments}))


def create_user(admin: Session, login: str, password: str, groups: tuple[str, ...] = ACCOUNTANT_GROUPS) -> None:
    """An internal user with exactly these groups."""
    key = f"test-user-{login.split('@')[0]}"
    user = effects.insert_once(admin, "res.users", {key: {
        "name": login.split("@")[0].capitalize(), "login": login, "email": login, "password": password,
        "groups_id/id": ",".join(("base.group_user", *groups))}})[key]
    # Odoo adds the groups of its template user; only what is named here is granted.
    wanted = [admin.call("ir.model.data", "check_object_reference", *group.split("."))[1]
              for group in ("base.group_user", *groups)]

    def held() -> set[int]:
        return set(admin.call("res.users", "read", [user], ["groups_id"])[0]["groups_id"])

    effects.change_state(admin, held, lambda _: Call("res.users", "write", ([user], {"groups_id": [(6, 0, wanted)]})),
                         lambda now: set(wanted) <= now)
