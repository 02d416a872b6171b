"""The books before the month is run: bills, an expense report, net wages, and what the bank account holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from connector import records
from connector.session import Session
from connector.stock import ledger
from jobs.demo import data
from jobs.demo.filling import insert, lead_on, month_after, ref, taxes_for, working_days


def fill_books(s: Session, month: dt.date) -> None:
    """Fill in everything that is payable, and the bank's opening balance."""
    accounts = _accounts(s)
    _bills(s, month, accounts)
    _expenses(s, month, accounts)
    _entries(s, month, accounts)


def _accounts(s: Session) -> dict[str, int]:
    """Return the accounts by code, with a payable one for net wages, which the Dutch chart lacks."""
    wages = s.settings.payments.net_wages_account
    if not s.call("account.account", "search_count", [("code", "=", wages)]):
        insert(s, "account.account", {"account-net-wages": {
            "code": wages, "name": "Te betalen netto lonen", "reconcile": True,
            "user_type_id/id": "account.data_account_type_payable"}})
    rows = records.search(s, "account.account", [("company_id", "=", s.company_id)], ["code"])
    return {row["code"]: row["id"] for row in rows}


def _bills(s: Session, month: dt.date, accounts: Mapping[str, int]) -> None:
    taxes = taxes_for(s, "purchase")
    days = working_days(month)
    [journal] = records.search(s, "account.journal", [("code", "=", "BILL")], ["code"])
    rows = {}
    for key, bill in data.BILLS.items():
        date = days[bill.day - 1]
        rows[f"bill-{key}"] = {
            "move_type": "in_refund" if bill.credit_note else "in_invoice", "journal_id/.id": journal["id"],
            "partner_id/id": ref(f"partner-{bill.supplier}"), "ref": bill.number, "invoice_date": date, "date": date,
            "invoice_date_due": date + dt.timedelta(days=bill.due), "payment_reference": bill.payment_reference,
            "partner_bank_id/id": ref(f"account-{bill.supplier}") if bill.bank_account_given else "",
            "invoice_line_ids": [{"name": bill.what, "account_id/.id": accounts[bill.account], "quantity": 1,
                                  "price_unit": bill.net, "tax_ids/.id": taxes[bill.tax]}]}
    ledger.post(s, list(insert(s, "account.move", rows).values()))


def _expenses(s: Session, month: dt.date, accounts: Mapping[str, int]) -> None:
    who, name, lines = data.EXPENSE_REPORT
    days = working_days(month)
    insert(s, "hr.expense", {f"expense-{key}": {
        "name": what, "employee_id/id": ref(f"employee-{who}"), "date": days[day - 1], "quantity": 1,
        "product_id/id": "hr_expense.product_product_fixed_cost", "unit_amount": amount, "payment_mode": "own_account",
        "account_id/.id": accounts[data.EXPENSE_ACCOUNT]} for key, day, what, amount in lines})
    sheet = insert(s, "hr.expense.sheet", {"expense-report": {
        "name": name, "employee_id/id": ref(f"employee-{who}"),
        "expense_line_ids/id": ",".join(ref(f"expense-{key}") for key, *_ in lines)}})
    lead_on(s, "hr.expense.sheet", sheet.values(), "draft", "action_submit_sheet")
    lead_on(s, "hr.expense.sheet", sheet.values(), "submit", "approve_expense_sheets")


def _entries(s: Session, month: dt.date, accounts: Mapping[str, int]) -> None:
    """Net wages, as the payroll office's entry would book them, and what stood on the bank account before."""
    [misc] = records.search(s, "account.journal", [("code", "=", "MISC")], ["code"])
    [bank] = records.search(s, "account.journal", [("code", "=", "BNK1")], ["default_account_id"])
    last_day = month_after(month) - dt.timedelta(days=1)
    name = f"{data.MONTHS[month.month - 1]} {month.year}"
    staff = data.EMPLOYEES.values()
    gross, net = sum(who.gross for who in staff), sum(who.net for who in staff)
    wages = [{"name": f"Bruto lonen {name}", "account_id/.id": accounts[data.GROSS_WAGES], "debit": gross},
             {"name": f"Loonheffing {name}", "account_id/.id": accounts[data.WAGE_TAX], "credit": gross - net},
             *({"name": f"Salaris {name}", "account_id/.id": accounts[s.settings.payments.net_wages_account],
                "credit": who.net, "partner_id/id": ref(f"partner-{key}"), "date_maturity": last_day}
               for key, who in data.EMPLOYEES.items())]
    balance = [{"name": "Banksaldo", "account_id/.id": bank["default_account_id"][0], "debit": data.OPENING},
               {"name": "Banksaldo", "account_id/.id": accounts[data.OPENING_BALANCE], "credit": data.OPENING}]
    ids = insert(s, "account.move", {
        "entry-opening": {"move_type": "entry", "journal_id/.id": misc["id"], "ref": "Beginbalans",
                          "date": month - dt.timedelta(days=1), "line_ids": balance},
        "entry-wages": {"move_type": "entry", "journal_id/.id": misc["id"], "ref": f"Lonen {name}",
                        "date": last_day, "line_ids": wages}})
    ledger.post(s, list(ids.values()))
