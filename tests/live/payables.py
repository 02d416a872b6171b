"""A company with something to pay, as small as a test needs it: two suppliers, an expense report, a salary."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any

from stdnum import iban as stdnum_iban

from connector import effects, records
from connector.effects import Call
from connector.session import Session
from connector.stock import ledger

OWN_IBAN = "NL19TRIO0338500014"
PASSWORD = "secret-of-the-test"
ANNA, BRAM = "anna@example.nl", "bram@example.nl"
_numbers = count(1)


def iban(number: int) -> str:
    """An invented Dutch IBAN with right check digits."""
    body = f"RABO{number:010d}"
    return f"NL{stdnum_iban.calc_check_digits('NL00' + body)}{body}"


@dataclass
class Payables:
    """What was put into Odoo: name → ids."""

    admin: Session
    partners: dict[str, int]
    accounts: dict[str, int]
    today: dt.date

    def bill(self, supplier: str, amount: str, reference: str, *, due: int = -1, refund: bool = False,
             **more: Any) -> int:
        """A posted bill (or credit note) without tax, due `due` days from today."""
        key = f"test-bill-{next(_numbers)}"
        day = self.today + dt.timedelta(days=due)
        move = effects.insert_once(self.admin, "account.move", {key: {
            "move_type": "in_refund" if refund else "in_invoice", "partner_id/.id": self.partners[supplier],
            "ref": reference, "invoice_date": min(day, self.today), "date": min(day, self.today),
            "invoice_date_due": day, **more, "invoice_line_ids": [
                {"name": reference, "quantity": 1, "price_unit": Decimal(amount),
                 "account_id/.id": self.accounts["cost"]}]}})[key]
        ledger.post(self.admin, [move])
        return move

    def salary(self, employee: str, amount: str) -> int:
        """A posted salary entry that names the employee."""
        key = f"test-salary-{next(_numbers)}"
        move = effects.insert_once(self.admin, "account.move", {key: {
            "move_type": "entry", "ref": "Salaris oktober", "date": self.today, "journal_id/.id": self.accounts["misc"],
            "line_ids": [
                {"account_id/.id": self.accounts["cost"], "name": "Salaris", "debit": Decimal(amount), "credit": 0},
                {"account_id/.id": self.accounts["wages"], "name": "Salaris oktober", "debit": 0,
                 "credit": Decimal(amount), "partner_id/.id": self.partners[employee],
                 "date_maturity": self.today}]}})[key]
        ledger.post(self.admin, [move])
        return move

    def expense(self, employee: str, amounts: Sequence[str]) -> int:
        """An approved expense report of several expenses."""
        number = next(_numbers)
        ids = effects.insert_once(self.admin, "hr.expense", {f"test-expense-{number}-{each}": {
            "name": f"Trein {each}", "employee_id/.id": self.accounts["employee"], "unit_amount": Decimal(amount),
            "quantity": 1, "product_id/.id": self.accounts["expense_product"],
            "account_id/.id": self.accounts["cost"], "payment_mode": "own_account",
        } for each, amount in enumerate(amounts)})
        key = f"test-sheet-{number}"
        sheet = effects.insert_once(self.admin, "hr.expense.sheet", {key: {
            "name": f"Declaratie {number}", "employee_id/.id": self.accounts["employee"],
            "expense_line_ids/.id": ",".join(map(str, ids.values()))}})[key]

        def state() -> str:
            return str(records.read(self.admin, "hr.expense.sheet", [sheet], ["state"])[0]["state"])

        for wanted, method in (("submit", "action_submit_sheet"), ("approve", "approve_expense_sheets")):
            effects.change_state(self.admin, state, lambda _, method=method: Call(  # type: ignore[misc]
                "hr.expense.sheet", method, ([sheet],)), lambda now, wanted=wanted: now == wanted)  # type: ignore[misc]
        return sheet


def prepare(admin: Session) -> Payables:
    """Own bank account, two suppliers and an employee with IBANs, accounts."""
    today = admin.today()
    partners = effects.insert_once(admin, "res.partner", {
        "test-bakker": {"name": "Bakker & Zn", "is_company": True},
        "test-visser": {"name": "Visser Advies", "is_company": True},
        "test-smit": {"name": "Smit Drukwerk", "is_company": True},
        "test-emma": {"name": "Emma de Jong", "type": "private"}})
    partners = {name.removeprefix("test-"): each for name, each in partners.items()}
    own = records.read(admin, "res.company", [admin.company_id], ["partner_id"])[0]["partner_id"][0]
    banks = effects.insert_once(admin, "res.partner.bank", {
        "test-bank-own": {"acc_number": OWN_IBAN, "partner_id/.id": own},
        **{f"test-bank-{name}": {"acc_number": iban(1000 + number), "partner_id/.id": each}
           for number, (name, each) in enumerate(partners.items())}})
    journals = {row["code"].strip(): row["id"] for row in records.search(admin, "account.journal", [], ["code"])}
    set_values(admin, "account.journal", journals["BNK1"], {"bank_account_id": banks["test-bank-own"]})
    payable = _type(admin, "payable")
    wages = effects.insert_once(admin, "account.account", {"test-wages": {
        "code": "1720", "name": "Netto lonen", "user_type_id/.id": payable, "reconcile": True}})["test-wages"]
    cost = records.search(admin, "account.account", [("internal_group", "=", "expense")], ["code"])[0]["id"]
    product = effects.insert_once(admin, "product.product", {"test-train": {
        "name": "Trein", "type": "service", "can_be_expensed": True}})["test-train"]
    employee = effects.insert_once(admin, "hr.employee", {"test-employee": {
        "name": "Emma de Jong", "address_home_id/.id": partners["emma"]}})["test-employee"]
    return Payables(admin, partners, {"wages": wages, "cost": cost, "misc": journals["MISC"], "bank": journals["BNK1"],
                                      "employee": employee, "expense_product": product}, today)


def _type(s: Session, internal_type: str) -> int:
    return int(records.search(s, "account.account.type", [("type", "=", internal_type)], ["name"])[0]["id"])


def set_values(s: Session, model: str, record: int, values: Mapping[str, Any]) -> None:
    """Write values on a record, as a person would."""
    def wanted() -> bool:
        row = s.call(model, "read", [record], list(values))[0]
        return all((row[name][0] if isinstance(row[name], list) else row[name]) == value
                   for name, value in values.items())

    effects.change_state(s, wanted, lambda _: Call(model, "write", ([record], dict(values))), lambda done: done)


def grant(s: Session, *groups: str) -> None:
    """Give the signed-in administrator groups that he lacks on a fresh database."""
    ids = [s.call("ir.model.data", "check_object_reference", *group.split("."))[1] for group in groups]

    def held() -> set[int]:
        return set(s.call("res.users", "read", [s.uid], ["groups_id"])[0]["groups_id"])

    effects.change_state(s, held, lambda _: Call(
        "res.users", "write", ([s.uid], {"groups_id": [(4, each) for each in ids]})), lambda now: set(ids) <= now)
