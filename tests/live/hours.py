"""A small service company with hours to bill, filled through the connector, and its two accountants.

Three orders: Bakker (hours and a fixed-price line), Jansen (two rates, one of them by the day) and Mulder (hours only).
October 2026 is the month that is billed.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass

from pydantic import SecretStr

from connector import effects, records
from connector.config import Company as CompanySettings
from connector.config import Odoo, Settings
from connector.effects import Call
from connector.records import rel
from connector.session import Session, connect
from jobs.invoicing.options import InvoiceOptions
from tests.live.users import create_user
from tests.sandbox.server import Database, Sandbox

FIRST, LAST = dt.date(2026, 10, 1), dt.date(2026, 10, 31)
PASSWORD = "quite-secret"  # of users in a database that lives for one test
GROUPS = ("account.group_account_invoice", "hr_timesheet.group_hr_timesheet_approver",
          "sales_team.group_sale_salesman_all_leads")
ANNA, BRAM = PEOPLE = ("anna@example.com", "bram@example.com")


@dataclass(frozen=True)
class Company:
    """The filled database; ids by short names."""

    database: Database
    orders: dict[str, int]
    tasks: dict[str, int]
    lines: dict[str, int]
    customers: dict[str, int]
    employees: dict[str, int]


def settings(database: Database, login: str, password: str) -> Settings:
    return Settings(odoo=Odoo(url=database.url, db=database.name, user=login, server_call_limit=5),
                    company=CompanySettings(lang="en_US"), password=SecretStr(password))


def admin(database: Database) -> Session:
    return connect(settings(database, database.login, database.password))


def accountant(database: Database, login: str = ANNA) -> Session:
    """Sign in as an accountant with the rights that invoicing needs, and no others."""
    return connect(settings(database, login, PASSWORD))


def options(**changes: object) -> InvoiceOptions:
    return InvoiceOptions.model_validate({"first": FIRST, "last": LAST, **changes})


def company(sandbox: Sandbox) -> Company:
    """A copy of the filled database, which is made once per test run."""
    made = _filled(sandbox)
    return Company(sandbox.copy_database(made.database), made.orders, made.tasks, made.lines, made.customers,
                   made.employees)


@functools.cache
def _filled(sandbox: Sandbox) -> Company:
    database = sandbox.create_database()
    s = admin(database)
    for login in PEOPLE:
        create_user(s, login, PASSWORD, GROUPS)
    employees = effects.insert_once(s, "hr.employee", {
        f"test-employee-{name.lower()}": {"name": f"{name} de Tester", "timesheet_cost": "45"}
        for name in ("Els", "Joost")})
    customers = effects.insert_once(s, "res.partner", {
        f"test-customer-{name.lower()}": {"name": f"{name} BV", "is_company": True, "street": "Dorpsstraat 1",
                                          "email": f"{name.lower()}@example.org", "city": "Utrecht", "zip": "3511 AA"}
        for name in ("Bakker", "Jansen", "Mulder")})
    orders, lines, tasks = _orders(s, customers)
    made = Company(database, orders, tasks, lines,
                   {key.removeprefix("test-customer-"): record for key, record in customers.items()},
                   {key.removeprefix("test-employee-"): record for key, record in employees.items()})
    note(s, made, "bakker", "2026-10-05", 6, key="a1")
    note(s, made, "bakker", "2026-10-06", 8.5, key="a2", employee="joost")
    note(s, made, "jansen", "2026-10-07", 4.25, key="b1")
    note(s, made, "jansen-days", "2026-10-08", 12, key="b2")
    note(s, made, "mulder", "2026-10-09", 1.3333333, key="c1")
    return made


def ref(s: Session, external_id: str) -> int:
    module, name = external_id.split(".")
    return int(s.call("ir.model.data", "check_object_reference", module, name)[1])


def _orders(s: Session, customers: dict[str, int]) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    hour, day, piece = ref(s, "uom.product_uom_hour"), ref(s, "uom.product_uom_day"), ref(s, "uom.product_uom_unit")
    tax = records.search(s, "account.tax", [("type_tax_use", "=", "sale"), ("amount", "=", 21)], ["name"])[0]["id"]
    common = {"type": "service", "taxes_id/.id": tax}
    by_hours = {"invoice_policy": "delivery", "service_type": "timesheet", "service_tracking": "task_in_project"}
    products = effects.insert_once(s, "product.product", {
        "test-product-hours": {**common, **by_hours, "name": "Consultancy", "list_price": "95",
                               "uom_id/.id": hour, "uom_po_id/.id": hour},
        "test-product-days": {**common, **by_hours, "name": "Training", "list_price": "800",
                              "uom_id/.id": day, "uom_po_id/.id": day},
        "test-product-fixed": {**common, "name": "Set-up", "list_price": "500", "invoice_policy": "order",
                               "service_type": "manual", "service_tracking": "no", "uom_id/.id": piece,
                               "uom_po_id/.id": piece}})
    hours, days, fixed = (products[f"test-product-{name}"] for name in ("hours", "days", "fixed"))
    wanted = {"bakker": {"bakker": (hours, "95"), "bakker-fixed": (fixed, "500")},
              "jansen": {"jansen": (hours, "110"), "jansen-days": (days, "800")},
              "mulder": {"mulder": (hours, "87.50")}}
    rows = {f"test-order-{name}": {
        "partner_id/.id": customers[f"test-customer-{name}"],
        "order_line": [{"product_id/.id": product, "name": line.title(), "product_uom_qty": "1",
                        "price_unit": price} for line, (product, price) in content.items()]}
            for name, content in wanted.items()}
    ids = effects.insert_once(s, "sale.order", rows)
    orders = {key.removeprefix("test-order-"): record for key, record in ids.items()}
    for order in orders.values():
        effects.change_state(s, functools.partial(records.read, s, "sale.order", [order], ["state"]),
                             lambda _, order=order: Call("sale.order", "action_confirm", ([order],)),  # type: ignore[misc]
                             lambda rows: rows[0]["state"] == "sale")
    found = records.search(s, "sale.order.line", [("order_id", "in", list(orders.values()))], ["name", "task_id"])
    names = {name.title(): name for content in wanted.values() for name in content}
    return (orders, {names[row["name"]]: row["id"] for row in found},
            {names[row["name"]]: rel(row["task_id"]) for row in found if row["task_id"]})


def note(s: Session, made: Company, task: str, day: str, quantity: float, *, key: str, employee: str = "els") -> int:
    """Note hours on a task; returns the timesheet line."""
    row = records.read(s, "project.task", [made.tasks[task]], ["project_id"])[0]
    values = {"name": f"Work {key}", "date": day, "unit_amount": str(quantity), "task_id/.id": made.tasks[task],
              "project_id/.id": rel(row["project_id"]), "employee_id/.id": made.employees[employee]}
    return effects.insert_once(s, "account.analytic.line", {f"test-hours-{key}": values})[f"test-hours-{key}"]
