"""What the live tests of `bank import` and `bank reconcile` share: a company with a Triodos journal and accountants."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr

from connector import effects, records
from connector.config import Company, Odoo, Settings
from connector.effects import Call
from connector.session import Session, connect
from connector.stock import ledger
from jobs.plan import Job, JobOptions, Summary
from jobs.running import run_job
from jobs.statements import JOB, ImportOptions
from mappings.money import display
from tests.sandbox.server import Database

IBAN = "NL19TRIO0338500014"
SAMPLES = Path(__file__).parents[1] / "golden" / "triodos_csv_nl"
PASSWORD = "accountant-1"
LOGINS = ("anna", "bram")
GROUPS = "account.group_account_user,account.group_account_invoice"
TODAY = dt.datetime(2026, 2, 15, 9, 0, tzinfo=dt.timezone.utc)

Options = TypeVar("Options", bound=JobOptions)


def administrator(database: Database) -> Session:
    """Sign in as the administrator, with the right to see bank statements."""
    s = _connect(database, database.login, database.password)
    group = s.call("ir.model.data", "check_object_reference", "account", "group_account_user")[1]
    effects.change_state(
        s, lambda: records.read(s, "res.users", [s.uid], ["groups_id"])[0]["groups_id"],
        lambda _: Call("res.users", "write", ([s.uid], {"groups_id": [(4, group)]})), lambda groups: group in groups)
    return s


def accountant(database: Database, login: str = LOGINS[0]) -> Session:
    """Sign in as one of the plain accountants; a session each thread."""
    return _connect(database, login, PASSWORD)


def _connect(database: Database, login: str, password: str) -> Session:
    settings = Settings(odoo=Odoo(url=database.url, db=database.name, user=login), company=Company(lang="en_US"),
                        password=SecretStr(password))
    s = connect(settings)
    s.clock = lambda: TODAY
    return s


def prepare(database: Database, *, iban: str = IBAN, groups: str = GROUPS) -> Session:
    """Give a fresh company its bank account and two accountants with the least rights that do."""
    s = administrator(database)
    [company] = records.read(s, "res.company", [s.company_id], ["partner_id"])
    if iban:
        account = effects.insert_once(s, "res.partner.bank", {"test-own": {
            "acc_number": iban, "partner_id/.id": company["partner_id"][0]}})["test-own"]
        effects.change_state(
            s, lambda: journal(s)["bank_account_id"],
            lambda _: Call("account.journal", "write", ([journal(s)["id"]], {"bank_account_id": account})), bool)
    effects.insert_once(s, "res.users", {f"test-{login}": {
        "login": login, "name": login, "password": PASSWORD, "groups_id/id": groups} for login in LOGINS})
    return s


def journal(s: Session) -> dict[str, Any]:
    """Return the bank journal."""
    return records.search(s, "account.journal", [("code", "=", "BNK1")], [
        "bank_account_id", "default_account_id", "suspense_account_id", "payment_debit_account_id",
        "payment_credit_account_id", "outbound_payment_method_ids"])[0]


def row(day: str, amount: str, *, name: str = "", account: str = "", code: str = "ET", text: str = "",
        own: str = IBAN) -> tuple[str, ...]:
    """Return a row of the bank's CSV without its balance; `amount` is signed."""
    value = Decimal(amount)
    return (dt.date.fromisoformat(day).strftime("%d-%m-%Y"), own, display(abs(value)),
            "Credit" if value > 0 else "Debet", name, account, code, text)


def csv_file(path: Path, rows: Iterable[Sequence[str]], opening: str | None = "0.00") -> Path:
    """Write a Triodos file; `opening` None writes the eight columns from before there was a balance."""
    lines = []
    balance = Decimal(opening or 0)
    for cells in rows:
        amount = Decimal(cells[2].replace(".", "").replace(",", "."))
        balance += amount if cells[3] == "Credit" else -amount
        full = [*cells, *([display(balance)] if opening is not None else [])]
        lines.append(",".join('"' + cell.replace('"', '""') + '"' for cell in full))
    path.write_text("\r\n".join(lines) + "\r\n", "utf-8")
    return path


def month(count: int, *, start: int = 0) -> list[tuple[str, ...]]:
    """Return some rows, each of its own text, three a day from the first of January on."""
    return [row((dt.date(2026, 1, 1) + dt.timedelta(days=number // 3)).isoformat(), f"{number + 1}.50",
                name=f"Klant {number}", text=f"Betaling {number}") for number in range(start, start + count)]


def import_files(s: Session, *paths: Path, journal: str | None = None) -> Summary:
    """Run `bank import`, without the matching behind it."""
    return run_job(s, JOB, ImportOptions(files=paths, journal=journal))


def lines(s: Session) -> list[dict[str, Any]]:
    """Return all bank lines in order of date."""
    rows = records.search(s, "account.bank.statement.line", [], [
        "date", "amount", "payment_ref", "statement_id", "is_reconciled", "partner_id", "partner_name",
        "account_number", "transaction_type", "narration", "ref", "state", "move_id"])
    return sorted(rows, key=lambda line: (line["date"], line["id"]))


def statements(s: Session) -> list[dict[str, Any]]:
    """Return all statements in order of their chain."""
    rows = records.search(s, "account.bank.statement", [], [
        "name", "date", "state", "reference", "balance_start", "balance_end_real", "difference", "line_ids",
        "previous_statement_id"])
    return sorted(rows, key=lambda each: (each["date"], each["id"]))


def closing(s: Session) -> float:
    """Return the last statement's closing balance."""
    return float(statements(s)[-1]["balance_end_real"])


def census(s: Session) -> dict[str, int]:
    """Count the records of every model that the administrator can count."""
    names = [each["model"] for each in records.search(s, "ir.model", [("transient", "=", False)], ["model"])]
    counts = {}
    for name in names:
        if name not in {"ir.logging", "bus.presence", "bus.bus", "res.users.log", "ir.translation"}:
            try:
                counts[name] = s.call(name, "search_count", [])
            except Exception:  # noqa: BLE001 - abstract models and views without a table
                continue
    return counts


def count(s: Session) -> dict[str, int]:
    """Count the records of the models that the bank's jobs write, and of all keys."""
    names = ("account.bank.statement", "account.bank.statement.line", "account.move", "account.move.line",
             "account.partial.reconcile", "res.partner.bank", "ir.attachment", "ir.model.data", "mail.message")
    return {name: s.call(name, "search_count", []) for name in names}


def race(database: Database, workers: int, job: Job[Options], options: Sequence[Options]) -> list[Summary | Exception]:
    """Run a job at once in several sessions of the two accountants in turn; return what each came to."""
    sessions = [accountant(database, LOGINS[number % 2]) for number in range(workers)]

    def work(number: int) -> Summary | Exception:
        try:
            return run_job(sessions[number], job, options[number % len(options)])
        except Exception as error:  # noqa: BLE001 - what came of it is what the test looks at
            return error

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, range(workers)))


def insert(s: Session, model: str, rows: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Insert records for a test."""
    return effects.insert_once(s, model, {f"test-{key}": values for key, values in rows.items()})


def partner(s: Session, name: str, iban: str = "") -> int:
    """Make a partner, with a bank account if there is an IBAN."""
    key = name.lower().replace(" ", "-")
    made = insert(s, "res.partner", {f"partner-{key}": {"name": name, "is_company": True}})[f"test-partner-{key}"]
    if iban:
        insert(s, "res.partner.bank", {f"account-{key}": {"acc_number": iban, "partner_id/.id": made}})
    return made


def document(s: Session, key: str, who: int, amount: str, *, kind: str = "out_invoice", ref: str = "",
             day: str = "2026-01-01") -> dict[str, Any]:
    """Make a posted invoice or bill without tax; return its number, its open line and what is open."""
    sale = kind.startswith("out")
    account = records.search(s, "account.account", [
        ("user_type_id", "=", s.call("ir.model.data", "check_object_reference", "account", "data_account_type_revenue"
                                     if sale else "data_account_type_expenses")[1])], ["code"])[0]
    made = insert(s, "account.move", {f"move-{key}": {
        "move_type": kind, "partner_id/.id": who, "invoice_date": day, "date": day, "ref": ref,
        "invoice_line_ids": [{"name": "werk", "quantity": 1, "price_unit": amount, "account_id/.id": account["id"],
                              "tax_ids/.id": ""}]}})[f"test-move-{key}"]
    ledger.post(s, [made])
    return open_line(s, made)


def open_line(s: Session, move: int) -> dict[str, Any]:
    """Return number, payment state and open line of a document."""
    [head] = records.read(s, "account.move", [move], ["name", "payment_state", "amount_residual", "payment_reference"])
    [line] = records.search(s, "account.move.line", [("move_id", "=", move), (
        "account_internal_type", "in", ("receivable", "payable"))], ["amount_residual", "reconciled"])
    return {**head, "line": line["id"], "residual": line["amount_residual"]}


def payments(s: Session, wanted: Mapping[str, tuple[int, str]]) -> dict[str, int]:
    """Post outgoing payments: reference → (payee, amount)."""
    method = s.call("ir.model.data", "check_object_reference", "account", "account_payment_method_manual_out")[1]
    own = records.search(s, "res.partner.bank", [("partner_id", "in", [who for who, _ in wanted.values()])],
                         ["partner_id"])
    banks = {each["partner_id"][0]: each["id"] for each in own}
    made = insert(s, "account.payment", {f"pay-{ref.lower()}": {
        "payment_type": "outbound", "partner_type": "supplier", "partner_id/.id": who, "amount": amount,
        "journal_id/.id": journal(s)["id"], "date": "2026-01-05", "ref": ref, "partner_bank_id/.id": banks.get(who, ""),
        "payment_method_id/.id": method} for ref, (who, amount) in wanted.items()})
    effects.change_state(
        s, lambda: [row["id"] for row in records.read(s, "account.payment", made.values(), ["state"])
                    if row["state"] == "draft"],
        lambda ids: Call("account.payment", "action_post", (ids,)), lambda ids: not ids)
    return dict(zip(wanted, made.values(), strict=True))
