"""Fills an empty database with a small service company and its month, through the connector's effects only.

Every record has a key (`demo-…`), so a filling that was broken off is finished by the next one, and a second one
changes nothing. What is filled in stands in :mod:`jobs.demo.data`.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import SecretStr

from connector import effects, records
from connector.effects import Call
from connector.errors import AuthenticationFailed, Changed, ConfigError
from connector.session import ReadSession, Session, connect
from jobs.demo import data
from jobs.demo.books import fill_books
from jobs.demo.filling import ids_of, insert, lead_on, month_after, overwrite, ref, taxes_for, working_days

MARKER = "demo-company"
_TRACES = {"sale.order": "sale orders", "account.move": "journal entries", "crm.lead": "leads",
           "account.bank.statement": "bank statements", "hr.expense": "expenses", "account.payment": "payments"}


@dataclass(frozen=True, slots=True)
class Company:
    """The company as filled in; `month` is the one that its database was filled for first."""

    month: dt.date
    accountant: str = data.ACCOUNTANT
    assistant: str = data.ASSISTANT
    iban: str = data.IBAN
    opening: Decimal = data.OPENING

    @property
    def last_day(self) -> dt.date:
        """The last day of the month."""
        return month_after(self.month) - dt.timedelta(days=1)

    @property
    def due(self) -> dt.date:
        """Everything that is payable is due by then, but for one bill: the last day of the month after."""
        return month_after(month_after(self.month)) - dt.timedelta(days=1)


def fill(s: Session, *, month: dt.date, passwords: Mapping[str, str], say: Callable[[str], None] = lambda _: None,
         ) -> Company:
    """Fill the database, or finish what an earlier filling left.

    Args:
        s: signed in as the administrator.
        month: its first day.
        passwords: login → password of the two accountants, `data.ACCOUNTANTS`.
        say: told what is being filled in.

    Returns:
        the company; its month is the one of the first filling.

    Raises:
        ConfigError: the database is not empty, or has no Dutch chart of accounts.
        MissingFeature: a module is missing.
        Refused: Odoo refuses something.
    """
    company = Company(_begin(s, month))
    say("own company, users and rights")
    _own_company(s)
    _users(s, passwords)
    say("partners, employees and products")
    _partners(s)
    _employees(s)
    _products(s)
    say("sale orders, projects and tasks")
    _orders(s, company)
    say("a month of hours")
    _hours(s, company)
    say("bills, expenses, salaries and the bank's opening balance")
    fill_books(s, company.month)
    return company


def opened(s: Session) -> Company | None:
    """Return the company if this database was filled by the demo; None: it was not."""
    content = _marker(s)
    return Company(_month_in(content)) if content else None


def sign_in(s: Session, login: str, password: str) -> Session:
    """Return a session of another user, whom the administrator of `s` gives this password unless he has it already."""
    odoo = s.settings.odoo.model_copy(update={"user": login})
    settings = s.settings.model_copy(update={"odoo": odoo, "password": SecretStr(password)})

    def attempt() -> Session | None:
        try:
            return connect(settings)
        except AuthenticationFailed:
            return None

    users = records.search(s, "res.users", [("login", "=", login)], ["login"])
    change = Call("res.users", "write", ([user["id"] for user in users], {"password": password}))
    session = effects.change_state(s, attempt, lambda _: change, lambda session: session is not None)
    if session is None:
        raise Changed(f"{login} got another password meanwhile.", remedy="Run the command again.")
    session.clock = s.clock
    return session


# --- is it empty? ----------------------------------------------------------------------------------------------------

def _begin(s: Session, month: dt.date) -> dt.date:
    """Mark the database as the demo's, once it is known to be empty; the month in the marker holds."""
    s.require_modules("demo", {"account.move": "account", "sale.order": "sale_management", "hr.expense": "hr_expense",
                               "project.sale.line.employee.map": "sale_timesheet"})
    if not _marker(s):
        _require_empty(s)
    content = json.dumps({"month": month.replace(day=1).isoformat()}).encode()
    here = ("res.company", s.company_id)
    return _month_in(effects.attach(s, {MARKER: (f"{MARKER}.json", content)}, here)[MARKER].content)


def _marker(s: ReadSession) -> bytes:
    rows = records.search(s, "ir.attachment", [("res_model", "=", "res.company"), ("res_id", "=", s.company_id),
                                               ("name", "=", f"{MARKER}.json")], ["datas"])
    return base64.b64decode(rows[0]["datas"] or "") if rows else b""


def _month_in(content: bytes) -> dt.date:
    return dt.date.fromisoformat(json.loads(content)["month"])


def _require_empty(s: ReadSession) -> None:
    found = {text: s.call(model, "search_count", []) for model, text in _TRACES.items()}
    found["employees"] = s.call("hr.employee", "search_count", [("user_id", "!=", s.uid)])
    found["users"] = s.call("res.users", "search_count", [("share", "=", False), ("id", "!=", s.uid)])
    if any(found.values()):
        there = ", ".join(f"{count} {text}" for text, count in found.items() if count)
        raise ConfigError(f"Database {s.server.db} is not empty: it has {there}.",
                          remedy="The demo fills a company in; give it a fresh database ([odoo] db, WERKSTROOM_DB).")


# --- own company and users -------------------------------------------------------------------------------------------

def _own_company(s: Session) -> None:
    _install_dutch(s)
    [company] = records.read(s, "res.company", [s.company_id], ["partner_id", "chart_template_id", "currency_id"])
    if company["chart_template_id"] is None or company["currency_id"][1] != "EUR":
        raise ConfigError(f"{s.company_name} keeps no books in euro yet.",
                          remedy="Install the Odoo module l10n_nl and choose its chart of accounts.")
    [country] = records.search(s, "res.country", [("code", "=", "NL")], ["code"])
    overwrite(s, "res.company", s.company_id, {**data.COMPANY, "country_id": country["id"]})
    s.company_name = data.COMPANY["name"]
    insert(s, "res.bank", {"bank-triodos": {"name": "Triodos Bank NV", "bic": data.BIC}})
    account = insert(s, "res.partner.bank", {"account-own": {
        "acc_number": data.IBAN, "partner_id/.id": company["partner_id"][0], "bank_id/id": ref("bank-triodos")}})
    [journal] = records.search(s, "account.journal", [("code", "=", "BNK1")], ["name"])
    overwrite(s, "account.journal", journal["id"], {"name": "Triodos", "bank_account_id": account["account-own"]})


def _install_dutch(s: Session) -> None:
    """Its customers are Dutch, and so are their invoices."""
    def installed() -> bool:
        return bool(s.call("res.lang", "search_count", [("code", "=", "nl_NL")]))

    if not installed():
        wizard = effects.wizard(s, "base.language.install", {"lang": "nl_NL"}, {})
        effects.change_state(s, installed, lambda _: Call("base.language.install", "lang_install", ([wizard],)), bool)


def _users(s: Session, passwords: Mapping[str, str]) -> None:
    _grant(s, s.uid, "account", "group_account_user")
    # Without an e-mail address at first: with one, Odoo mails an invitation.
    ids = insert(s, "res.users", {f"user-{login.partition('@')[0]}": {
        "login": login, "name": name, "password": passwords[login], "groups_id/id": ",".join(data.RIGHTS),
        "lang": "nl_NL", "tz": "Europe/Amsterdam"} for login, name in data.ACCOUNTANTS.items()})
    for login, user in zip(data.ACCOUNTANTS, ids.values(), strict=True):
        overwrite(s, "res.users", user, {"email": login})


def _grant(s: Session, user: int, module: str, name: str) -> None:
    group = s.call("ir.model.data", "check_object_reference", module, name)[1]
    effects.change_state(
        s, lambda: records.read(s, "res.users", [user], ["groups_id"])[0]["groups_id"],
        lambda _: Call("res.users", "write", ([user], {"groups_id": [(4, group)]})), lambda groups: group in groups)


# --- partners, employees, products -----------------------------------------------------------------------------------

def _partners(s: Session) -> None:
    insert(s, "res.partner.category", {"tag-incasso": {"name": s.settings.payments.direct_debit_tag}})
    terms = {15: "account.account_payment_term_15days", 30: "account.account_payment_term_30days"}
    rows: dict[str, dict[str, Any]] = {}
    for key, partner in data.CUSTOMERS.items():
        rows[key] = {**_address(partner), "customer_rank": 1, "property_payment_term_id/id": terms[partner.days]}
    for key, partner in data.SUPPLIERS.items():
        tag = ref("tag-incasso") if key in data.DIRECT_DEBIT else ""
        rows[key] = {**_address(partner), "supplier_rank": 1, "category_id/id": tag}
    for key, employee in data.EMPLOYEES.items():
        rows[key] = {**_address(employee.partner), "is_company": False, "type": "private"}
    insert(s, "res.partner", {f"partner-{key}": row for key, row in rows.items()})
    insert(s, "res.partner", {f"partner-{key}-invoice": {
        "parent_id/id": ref(f"partner-{key}"), "type": "invoice", "name": name, "email": email, "lang": "nl_NL"}
        for key, (name, email) in data.INVOICE_ADDRESSES.items()})
    everybody = {**data.CUSTOMERS, **data.SUPPLIERS, **{key: who.partner for key, who in data.EMPLOYEES.items()}}
    insert(s, "res.partner.bank", {f"account-{key}": {
        "acc_number": partner.iban, "partner_id/id": ref(f"partner-{key}")} for key, partner in everybody.items()})


def _address(partner: data.Partner) -> dict[str, Any]:
    return {"name": partner.name, "is_company": True, "type": "contact", "street": partner.street, "zip": partner.zip,
            "city": partner.city, "country_id/id": f"base.{partner.country}", "email": partner.email,
            "vat": partner.vat, "lang": "nl_NL"}


def _employees(s: Session) -> None:
    insert(s, "hr.employee", {f"employee-{key}": {
        "name": who.partner.name, "job_title": who.job, "work_email": who.partner.email,
        "timesheet_cost": who.hourly_cost, "address_home_id/id": ref(f"partner-{key}"),
        "bank_account_id/id": ref(f"account-{key}")} for key, who in data.EMPLOYEES.items()})


def _products(s: Session) -> None:
    tax = taxes_for(s, "sale")["21% BTW diensten"]
    insert(s, "product.product", {f"product-{code}": {
        "name": name, "default_code": code.upper(), "type": "service", "list_price": price, "taxes_id/.id": tax,
        "uom_id/id": unit, "uom_po_id/id": unit, "invoice_policy": "delivery" if hourly else "order",
        "service_type": "timesheet" if hourly else "manual", "service_tracking": "task_in_project" if hourly else "no"}
        for code, (name, price, hourly) in data.PRODUCTS.items()
        for unit in ["uom.product_uom_hour" if hourly else "uom.product_uom_unit"]})


# --- orders and hours ------------------------------------------------------------------------------------------------

def _orders(s: Session, company: Company) -> None:
    terms = {15: "account.account_payment_term_15days", 30: "account.account_payment_term_30days"}
    ids = insert(s, "sale.order", {f"order-{key}": {
        "partner_id/id": ref(f"partner-{key}"), "client_order_ref": order.project,
        "date_order": f"{company.month} 08:00:00", "payment_term_id/id": terms[data.CUSTOMERS[key].days],
        "order_line": [{"product_id/id": ref(f"product-{code}"), "product_uom_qty": quantity}
                       for code, quantity in order.lines]} for key, order in data.ORDERS.items()})
    lead_on(s, "sale.order", ids.values(), "draft", "action_confirm")
    lines = _order_lines(s)
    insert(s, "project.task", {f"task-{key}-{code}": {
        "name": name, "project_id/.id": lines[key, product]["project_id"][0], "sale_line_id/.id":
        lines[key, product]["id"], "planned_hours": hours, "user_id/id": "", "partner_id/id": ref(f"partner-{key}")}
        for key, order in data.ORDERS.items() for code, product, name, hours in order.tasks})


def _order_lines(s: ReadSession) -> dict[tuple[str, str], records.Row]:
    """Return the order lines by customer and product."""
    orders = ids_of(s, "sale.order", "order-")
    products = ids_of(s, "product.product", "product-")
    lines = records.search(s, "sale.order.line", [("order_id", "in", list(orders))],
                           ["order_id", "product_id", "project_id", "task_id"])
    return {(orders[line["order_id"][0]], products[line["product_id"][0]]): line for line in lines}


def _hours(s: Session, company: Company) -> None:
    lines = _order_lines(s)
    tasks = {key: task for task, key in ids_of(s, "project.task", "task-").items()}
    internal = insert(s, "project.project", {"project-internal": {"name": "Intern", "allow_timesheets": True}})
    days = working_days(company.month)
    rows: dict[str, dict[str, Any]] = {}
    for number, (who, customer, task, day, hours, what) in enumerate(data.HOURS, 1):
        row = {"employee_id/id": ref(f"employee-{who}"), "date": days[day - 1], "unit_amount": hours, "name": what}
        if customer == data.INTERNAL:
            rows[f"hours-{number}"] = {**row, "project_id/.id": internal["project-internal"]}
            continue
        of_task = tasks.get(f"{customer}-{task}") or lines[customer, task]["task_id"][0]
        any_line = next(line for (key, _), line in lines.items() if key == customer and line["project_id"])
        rows[f"hours-{number}"] = {**row, "project_id/.id": any_line["project_id"][0], "task_id/.id": of_task}
    insert(s, "account.analytic.line", rows)
