"""`werkstroom demo`, run as a user runs it; what it says is checked in Odoo, in the files and in the mails."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from connector import effects, records
from connector.session import Session, connect
from jobs.demo import data
from jobs.demo.company import opened, sign_in
from mappings.money import from_wire
from tests.live.books import counts, dump
from tests.live.company import settings_of
from tests.sandbox.server import Database, Sandbox

pytestmark = pytest.mark.live
ZERO = Decimal("0.00")


def werkstroom(database: Database, folder: Path, *arguments: str, login: str = "",
               password: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line as a user of a database, the administrator by default."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WERKSTROOM_")}
    environment |= {
        "WERKSTROOM_URL": database.url, "WERKSTROOM_DB": database.name, "WERKSTROOM_USER": login or database.login,
        "WERKSTROOM_PASSWORD": password or database.password, "WERKSTROOM_PAYMENTS__OUT_DIR": str(folder)}
    command = [str(Path(sys.executable).with_name("werkstroom")), *arguments]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=300,
                          check=False)


@dataclass(frozen=True)
class Demo:
    """A database after the demo, and where it wrote."""

    database: Database
    folder: Path
    admin: Session
    run: subprocess.CompletedProcess[str]

    @property
    def summary(self) -> dict[str, Any]:
        """What it wrote down about itself."""
        content: dict[str, Any] = json.loads((self.folder / "build/demo/summary.json").read_text("utf-8"))
        return content

    def files(self, suffix: str) -> list[Path]:
        """The files it wrote."""
        return [Path(file["path"]) for file in self.summary["files"] if file["path"].endswith(suffix)]

    def read(self, model: str, domain: records.Domain, *fields: str) -> list[records.Row]:
        """Read as the administrator."""
        return records.search(self.admin, model, domain, fields)


@pytest.fixture(scope="module")
def demo(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    database = sandbox.create_database()
    folder = tmp_path_factory.mktemp("demo")
    done = werkstroom(database, folder, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    yield Demo(database, folder, connect(settings_of(database)), done)
    sandbox.drop_database(database)


def test_it_says_what_it_does_and_where_to_look(demo: Demo) -> None:
    assert "invoice run: done" in demo.run.stderr
    assert "bank reconcile: done" in demo.run.stderr
    for wanted in ("hours to invoices", "left open, and why", "/web?db=", "log in as admin"):
        assert wanted in demo.run.stdout
    assert demo.database.password not in demo.run.stdout + demo.run.stderr


def test_the_summary_is_private_and_complete(demo: Demo) -> None:
    path = demo.folder / "build/demo/summary.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    summary = demo.summary
    assert list(summary) == ["url", "database", "login", "password", "jobs", "files", "matched", "open"]
    assert (summary["database"], summary["password"]) == (demo.database.name, demo.database.password)
    assert [job["job"] for job in summary["jobs"]] == ["invoice run", "pay run", "bank import", "bank reconcile"]
    assert (summary["matched"], summary["open"]) == (6, 2)
    for file in summary["files"]:
        assert stat.S_IMODE(Path(file["path"]).stat().st_mode) == 0o600


def test_every_invoice_is_posted_with_pdf_and_mailed_once(demo: Demo, sandbox: Sandbox) -> None:
    invoices = demo.read("account.move", [("move_type", "=", "out_invoice")], "name", "state", "partner_id")
    assert len(invoices) == len(data.ORDERS)
    assert {invoice["state"] for invoice in invoices} == {"posted"}
    addresses = {row["id"]: row["email"] for row in demo.read("res.partner", [], "email")}
    mails = sandbox.mails(demo.database)
    assert len(mails) == len(invoices)
    for invoice in invoices:
        pdfs = demo.read("ir.attachment", [("res_model", "=", "account.move"), ("res_id", "=", invoice["id"]),
                                           ("mimetype", "=", "application/pdf")], "name")
        # Stock Odoo 14 keeps what was mailed beside it, under the template's name.
        assert [pdf["name"] for pdf in pdfs].count(f"{invoice['name'].replace('/', '_')}.pdf") == 1
        [mail] = [mail for mail in mails if invoice["name"] in str(mail["Subject"])]
        assert mail["X-Envelope-To"] == addresses[invoice["partner_id"][0]]
        assert _pdf_of(mail).startswith(b"%PDF")


def _pdf_of(mail: EmailMessage) -> bytes:
    [part] = [part for part in mail.iter_attachments() if part.get_content_type() == "application/pdf"]
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def test_all_hours_of_the_month_are_billed_and_nothing_else(demo: Demo) -> None:
    hours = demo.read("account.analytic.line", [("so_line", "!=", False)], "unit_amount", "timesheet_invoice_id")
    assert all(line["timesheet_invoice_id"] for line in hours)
    lines = demo.read("account.move.line", [("move_id.move_type", "=", "out_invoice"),
                                            ("exclude_from_invoice_tab", "=", False)], "quantity", "product_id")
    assert sum(from_wire(line["quantity"]) for line in lines) == sum(from_wire(line["unit_amount"]) for line in hours)


def test_what_the_files_pay_is_paid_in_odoo_exactly_once(demo: Demo) -> None:
    transfers = [transfer for path in demo.files(".xml") for transfer in _transfers(path)]
    payments = demo.read("account.payment", [], "ref", "state", "amount", "is_matched")
    assert {payment["state"] for payment in payments} == {"posted"}
    paid = [(payment["ref"].split()[0], from_wire(payment["amount"])) for payment in payments]
    assert sorted(paid) == sorted(transfers)
    assert all(payment["is_matched"] for payment in payments)
    debited = [bill.number for bill in data.BILLS.values() if bill.supplier in data.DIRECT_DEBIT]
    later = [data.BILLS["terpstra-later"].number]
    for line in _payable_lines(demo):
        document = demo.read("account.move", [("id", "=", line["move_id"][0])], "ref", "amount_residual")[0]
        if document["ref"] in later:
            assert from_wire(line["amount_residual"]) == from_wire(line["balance"])
        else:
            assert from_wire(line["amount_residual"]) == ZERO
            parts = demo.read("account.partial.reconcile", [
                "|", ("debit_move_id", "=", line["id"]), ("credit_move_id", "=", line["id"])], "amount")
            assert sum(from_wire(part["amount"]) for part in parts) == abs(from_wire(line["balance"]))
    wanted = -sum(from_wire(line["balance"]) for line in _payable_lines(demo)) - sum(
        from_wire(bill["amount_total"]) for bill in demo.read("account.move", [("ref", "in", [*debited, *later])],
                                                              "amount_total"))
    assert sum(amount for _, amount in transfers) == wanted


def _payable_lines(demo: Demo) -> list[records.Row]:
    """Lines of bills, credit notes, expenses and wages; not those of payments and bank entries."""
    return demo.read("account.move.line", [
        ("account_internal_type", "=", "payable"), ("parent_state", "=", "posted"), ("payment_id", "=", False),
        ("move_id.statement_line_id", "=", False)], "balance", "amount_residual", "move_id")


def _transfers(path: Path) -> list[tuple[str, Decimal]]:
    """Read a payment file without our own code, and check its sums."""
    root = ElementTree.parse(path).getroot()
    name = {"p": root.tag[1:].partition("}")[0]}
    found = [(transfer.findtext("p:PmtId/p:EndToEndId", "", name),
              Decimal(transfer.findtext("p:Amt/p:InstdAmt", "", name)))
             for transfer in root.iterfind(".//p:CdtTrfTxInf", name)]
    assert Decimal(root.findtext(".//p:GrpHdr/p:CtrlSum", "", name)) == sum(amount for _, amount in found)
    assert int(root.findtext(".//p:GrpHdr/p:NbOfTxs", "", name)) == len(found)
    return found


def test_salaries_are_a_file_of_their_own_and_named_nowhere(demo: Demo) -> None:
    texts = {path.name: path.read_text("utf-8") for path in demo.files(".xml")}
    wages = [name for name, text in texts.items() if data.EMPLOYEES["fatima"].partner.iban in text]
    assert len(texts) == 2
    assert len(wages) == 1
    assert data.SUPPLIERS["hoek"].iban not in texts[wages[0]]
    said = demo.run.stdout + demo.run.stderr + json.dumps(demo.summary)
    assert not any(who.partner.iban in said for who in data.EMPLOYEES.values())
    assert "Fatima" not in said
    assert "Sanne" not in said


def test_the_account_holds_in_odoo_what_the_bank_says(demo: Demo) -> None:
    [csv] = demo.files(".csv")
    last = csv.read_text("iso-8859-15").splitlines()[-1]
    balance = Decimal(last.split('","')[-1].strip('"').replace(".", "").replace(",", "."))
    [journal] = demo.read("account.journal", [("code", "=", "BNK1")], "default_account_id")
    lines = demo.read("account.move.line", [("account_id", "=", journal["default_account_id"][0]),
                                            ("parent_state", "=", "posted")], "balance")
    assert sum((from_wire(line["balance"]) for line in lines), ZERO) == balance
    [statement] = demo.read("account.bank.statement", [], "state", "balance_start", "balance_end_real", "difference")
    assert from_wire(statement["balance_start"]) == data.OPENING
    assert from_wire(statement["balance_end_real"]) == balance
    assert from_wire(statement["difference"]) == ZERO


def test_only_the_listed_entries_are_open(demo: Demo) -> None:
    left = demo.read("account.bank.statement.line", [("is_reconciled", "=", False)], "amount", "payment_ref")
    assert sorted(from_wire(line["amount"]) for line in left) == sorted(
        [-data.BANK_COSTS, _half_of_waterland(demo)])
    rows = [row for job in demo.summary["jobs"] for row in job["skipped"] if row["needs_person"]]
    assert Counter(row["code"] for row in rows) == {"partial": 1, "costs": 1}


def _half_of_waterland(demo: Demo) -> Decimal:
    [invoice] = demo.read("account.move", [("move_type", "=", "out_invoice"), (
        "commercial_partner_id.name", "=", data.CUSTOMERS["waterland"].name)], "amount_total", "amount_residual")
    assert invoice["amount_total"] == invoice["amount_residual"]
    return (from_wire(invoice["amount_total"]) / 2).quantize(Decimal("0.01"), "ROUND_HALF_UP")


def test_every_job_again_has_nothing_to_do(demo: Demo, sandbox: Sandbox) -> None:
    company = opened(demo.admin)
    assert company is not None
    for login in (company.accountant, company.assistant):
        sign_in(demo.admin, login, "again-and-again")
    before, books, mails = counts(demo.admin), dump(demo.admin), len(sandbox.mails(demo.database))
    assert before["account.move"] > len(data.BILLS)
    [csv] = demo.files(".csv")
    for arguments, code in (
            (["invoice", "run", "--from", str(company.month), "--to", str(company.last_day), "--post", "--send"], 0),
            (["pay", "run", "--due", str(company.due)], 0), (["bank", "import", str(csv)], 1),
            (["bank", "reconcile"], 1)):
        for login in (company.accountant, company.assistant):
            done = werkstroom(demo.database, demo.folder, "--json", *arguments, "--yes", login=login,
                              password="again-and-again")
            assert done.returncode == code, done.stdout + done.stderr
            assert json.loads(done.stdout)["state"] == "nothing to do"
    assert counts(demo.admin) == before
    assert dump(demo.admin) == books
    assert len(sandbox.mails(demo.database)) == mails


def test_the_demo_again_changes_nothing(demo: Demo, sandbox: Sandbox) -> None:
    before, books, mails = counts(demo.admin), dump(demo.admin), len(sandbox.mails(demo.database))
    files = {path: path.read_bytes() for path in demo.folder.glob("build/demo/*.[xc]*")}
    done = werkstroom(demo.database, demo.folder, "--json", "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert "password" not in document
    assert {job["state"] for job in document["jobs"]} == {"nothing to do"}
    assert counts(demo.admin) == before
    assert dump(demo.admin) == books
    assert {path: path.read_bytes() for path in demo.folder.glob("build/demo/*.[xc]*")} == files
    assert len(sandbox.mails(demo.database)) == mails


def test_a_database_that_is_not_empty_is_refused(fresh_database: Callable[[], Database], tmp_path: Path) -> None:
    database = fresh_database()
    admin = connect(settings_of(database))
    effects.insert_once(admin, "crm.lead", {"test-lead": {"name": "Een kans"}})
    before = counts(admin)
    done = werkstroom(database, tmp_path, "demo")
    assert done.returncode == 2
    assert done.stderr.strip().endswith(
        f"Database {database.name} is not empty: it has 1 leads. The demo fills a company in; give it a fresh database "
        "([odoo] db, WERKSTROOM_DB).")
    assert counts(admin) == before
    assert not list(tmp_path.iterdir())


def test_an_order_that_the_bank_has_booked_is_not_cancelled(demo: Demo) -> None:
    """Cancelled, its bills would be open and the next run would pay them again."""
    before = demo.read("account.payment", [], "state")
    done = werkstroom(demo.database, demo.folder, "pay", "cancel", "1", "--yes")
    assert done.returncode == 6, done.stderr
    assert "booked on the bank statement" in done.stderr
    assert demo.read("account.payment", [], "state") == before
    listed = werkstroom(demo.database, demo.folder, "--json", "pay", "list")
    assert [order["state"] for order in json.loads(listed.stdout)["orders"]] == ["booked by the bank"] * 2
