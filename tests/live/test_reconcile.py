"""`bank reconcile` on the real Odoo: what is certain is matched once, what is not stays open and is listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from connector import effects, records
from connector.effects import Call
from connector.errors import AccessDenied
from connector.session import Session
from connector.stock import reconciliation
from jobs.cli.bank import bank as bank_group
from jobs.command import App
from jobs.plan import Summary
from jobs.reconciliation import JOB, ReconcileOptions
from jobs.running import apply_saved, run_job
from mappings.odoo.open_item import LABEL
from tests.live import bank
from tests.live.interrupt import at_every_write
from tests.sandbox.server import Database, Sandbox

pytestmark = pytest.mark.live

KEES, LIES = "NL29RABO0300123450", "NL54ABNA0417123450"
UNKNOWN = "NL15INGB0001234560"
BATCH = "WS-1-1-ABCDEF12"


@pytest.fixture(scope="module")
def prepared(fresh_database: Callable[[], Database]) -> Database:
    """A company with invoices to two customers, a bill and three payments, to be copied."""
    database = fresh_database()
    admin = bank.prepare(database)
    kees, lies = bank.partner(admin, "Kees BV", KEES), bank.partner(admin, "Lies BV", LIES)
    stranger = bank.partner(admin, "Piet")
    for key, who, amount in (("a", kees, "605.00"), ("b", kees, "1210.00"), ("c", stranger, "99.95")):
        bank.document(admin, key, who, amount)
    bank.document(admin, "bill", lies, "48.40", kind="in_invoice", ref="EN-000451")
    bank.payments(admin, {f"{BATCH}-1": (lies, "100.00"), f"{BATCH}-2": (kees, "50.00"),
                          "WS-1-2-ABCDEF99-1": (lies, "77.00")})
    return database


@pytest.fixture
def company(sandbox: Sandbox, prepared: Database) -> Iterator[Database]:
    database = sandbox.copy_database(prepared)
    yield database
    sandbox.drop_database(database)


@pytest.fixture
def accountant(company: Database) -> Session:
    return bank.accountant(company)


@pytest.fixture
def admin(company: Database) -> Session:
    return bank.administrator(company)


A, B, C = "INV/2026/01/0001", "INV/2026/01/0002", "INV/2026/01/0003"


def arrive(s: Session, folder: Path, *rows: tuple[str, ...]) -> None:
    """Let the bank book rows, and import them."""
    assert bank.import_files(s, bank.csv_file(folder / "bank.csv", rows)).exit_code == 0


def reconcile(s: Session) -> Summary:
    return run_job(s, JOB, ReconcileOptions())


def codes(summary: Summary) -> list[str]:
    return sorted(row.code for row in summary.skipped)


def invoice(s: Session, number: str) -> dict[str, Any]:
    [found] = records.search(s, "account.move", [("name", "=", number)], ["payment_state"])
    return bank.open_line(s, found["id"])


def labels(s: Session) -> list[str]:
    return [row["name"] for row in records.search(s, "account.move.line", [("name", "=like", f"{LABEL}%")], ["name"])]


def matched(s: Session) -> list[bool]:
    return [bool(line["is_reconciled"]) for line in bank.lines(s)]


def paid(day: str, amount: str, text: str, account: str = KEES, **more: str) -> tuple[str, ...]:
    return bank.row(day, amount, name="iemand", account=f"RABONL2U {account}" if account else "", text=text, **more)


# --- what is matched, and what is not --------------------------------------------------------------------------------

MONTH = (
    paid("2026-01-02", "400.00", f"deel van {A}"),
    paid("2026-01-03", "1210.00", "factuur INV-2026-01-0002, bedankt"),
    paid("2026-01-04", "99.95", C, UNKNOWN),
    paid("2026-01-05", "-48.40", "EN-000451 EN2026010045 Voorschot", LIES, code="EI"),
    bank.row("2026-01-06", "-150.00", text=f"{BATCH}-B1 {BATCH}.xml 05-01-2026 2"),
    paid("2026-01-07", "-77.00", "iets", LIES),
    bank.row("2026-01-08", "-6.75", text="Kosten", code="KN"),
    paid("2026-01-09", "12.00", "?", ""),
)


def test_a_month(accountant: Session, admin: Session, tmp_path: Path) -> None:
    """By number, by batch and total, by amount and IBAN; the rest stays open and is listed with its reason."""
    arrive(accountant, tmp_path, *MONTH)
    accounts = admin.call("res.partner.bank", "search_count", [])
    before = accountant.transport.traffic.calls
    summary = reconcile(accountant)
    assert accountant.transport.traffic.calls - before <= 25
    assert (summary.state, summary.exit_code, codes(summary)) == ("done", 1, ["costs", "partial", "unknown"])
    assert [change.outcome for change in summary.changes] == ["done"] * 5
    partial = next(row for row in summary.skipped if row.code == "partial")
    assert partial.why == f"partial: invoice {A} has 605,00 open, 400,00 came in"
    assert matched(admin) == [False, True, True, True, True, True, False, False]
    assert [invoice(admin, number)["payment_state"] for number in (A, B, C)] == ["not_paid", "paid", "paid"]
    assert all(row["is_matched"] for row in records.search(admin, "account.payment", [], ["is_matched"]))
    assert labels(admin) == []
    # Whose account it came from was not known; whose invoice it paid is. No bank account is learned from that.
    assert bank.lines(admin)[2]["partner_id"][1] == "Piet"
    assert admin.call("res.partner.bank", "search_count", []) == accounts

    counted = bank.census(admin)
    before = accountant.transport.traffic.calls
    again = reconcile(accountant)
    assert accountant.transport.traffic.calls - before <= 5
    assert (again.state, again.exit_code, again.changes) == ("nothing to do", 1, ())
    assert codes(again) == ["costs", "partial", "unknown"]
    assert bank.census(admin) == counted


def test_a_batch_shows_count_and_total_only(accountant: Session, tmp_path: Path) -> None:
    arrive(accountant, tmp_path, bank.row("2026-01-06", "-150.00", text=f"{BATCH}-B1 loon.xml"))
    shown = reconcile(accountant).model_dump_json()
    assert "2 payments of" in shown
    assert "Kees" not in shown
    assert "Lies" not in shown


@pytest.mark.parametrize(("row", "code"), [
    (bank.row("2026-01-06", "-149.00", text=f"{BATCH}-B1 x.xml"), "batch_total"),
    (bank.row("2026-01-06", "-150.00", text="WS-1-9-00000000-B1 x.xml"), "batch_unknown"),
    (paid("2026-01-06", "700.00", A), "overpaid"),
    (paid("2026-01-06", "1000.00", f"{A} en {B}"), "ambiguous"),
    (paid("2026-01-06", "605.00", "zonder nummer"), "no_number"),
    (paid("2026-01-06", "605.00", f"{A}1"), "no_number"),
    (paid("2026-01-06", "-50.00", f"{A} AC04", code="ETST"), "returned"),
])
def test_what_is_not_certain_stays_open(accountant: Session, admin: Session, tmp_path: Path, row: tuple[str, ...],
                                        code: str) -> None:
    arrive(accountant, tmp_path, row)
    summary = reconcile(accountant)
    assert (summary.changes, codes(summary), summary.exit_code) == ((), [code], 1)
    assert matched(admin) == [False]


def test_one_entry_for_two_invoices_of_a_customer(accountant: Session, admin: Session, tmp_path: Path) -> None:
    arrive(accountant, tmp_path, paid("2026-01-06", "1815.00", f"{A} {B}"))
    assert reconcile(accountant).exit_code == 0
    assert invoice(admin, A)["payment_state"] == invoice(admin, B)["payment_state"] == "paid"


def test_an_invoice_paid_twice_is_settled_by_the_first(accountant: Session, admin: Session, tmp_path: Path) -> None:
    arrive(accountant, tmp_path, paid("2026-01-06", "605.00", A), paid("2026-01-07", "605.00", f"nogmaals {A}"))
    summary = reconcile(accountant)
    assert (codes(summary), matched(admin)) == (["paid_twice"], [True, False])


def test_two_equal_payments_to_one_account_are_ambiguous(accountant: Session, admin: Session, tmp_path: Path) -> None:
    lies = records.search(admin, "res.partner", [("name", "=", "Lies BV")], ["name"])[0]["id"]
    bank.payments(admin, {"WS-1-3-ABCDEF98-1": (lies, "77.00")})
    arrive(accountant, tmp_path, paid("2026-01-07", "-77.00", "iets", LIES),
           paid("2026-01-08", "-77.00", "WS-1-3-ABCDEF98-1", LIES))
    summary = reconcile(accountant)
    assert (codes(summary), matched(admin)) == (["ambiguous"], [False, True])
    # Now that one of the two is matched, the other is certain.
    assert reconcile(accountant).exit_code == 0


# --- persons, locks, rights, saved plans -----------------------------------------------------------------------------

def test_an_unreconcile_by_a_person_is_his_decision(accountant: Session, admin: Session, tmp_path: Path) -> None:
    """14: it looked half done, and was matched again."""
    arrive(accountant, tmp_path, paid("2026-01-06", "605.00", A))
    reconcile(accountant)
    line = invoice(admin, A)["line"]
    effects.change_state(
        admin, lambda: admin.call("account.move.line", "read", [line], ["reconciled"])[0]["reconciled"],
        lambda _: Call("account.move.line", "remove_move_reconcile", ([line],)), lambda tied: not tied)
    for _ in range(2):
        summary = reconcile(accountant)
        assert (summary.state, codes(summary)) == ("nothing to do", ["open_credit"])
    assert invoice(admin, A)["residual"] == 605.0


def test_a_target_taken_in_part_meanwhile_is_undone(accountant: Session, admin: Session, tmp_path: Path) -> None:
    """14 reconciles what is left and keeps the rest as a credit under the target's name."""
    arrive(accountant, tmp_path, paid("2026-01-06", "605.00", A), paid("2026-01-07", "40.00", "losse betaling"))
    planned = JOB.plan(accountant.read_only(), ReconcileOptions())
    loose = bank.lines(admin)[1]["id"]
    target = {"id": invoice(admin, A)["line"], "balance": -40.0}
    effects.change_state(
        admin, lambda: admin.call("account.bank.statement.line", "read", [loose], ["is_reconciled"])[0],
        lambda _: Call("account.bank.statement.line", "reconcile", ([loose],), kwargs={"lines_vals_list": [target]}),
        lambda row: row["is_reconciled"])
    applied = JOB.apply(accountant, ReconcileOptions(), planned)
    assert [change.outcome for change in applied.changes] == ["unchanged"]
    assert [row.code for row in applied.skipped] == ["overpaid"]
    assert (matched(admin), labels(admin), invoice(admin, A)["residual"]) == ([False, True], [], 565.0)
    assert codes(reconcile(accountant)) == ["overpaid"]


def test_what_a_dead_run_left_is_finished(accountant: Session, admin: Session, tmp_path: Path) -> None:
    """Matched and not named; and untied before it was named, its target open still."""
    arrive(accountant, tmp_path, paid("2026-01-06", "605.00", A), paid("2026-01-07", "1210.00", B))
    entries = reconciliation.open_entries(accountant)
    items = {item.number: item for item in reconciliation.open_items(accountant)}
    reconciliation.match(accountant, entries[0], [items[A]])
    reconciliation.match(accountant, entries[1], [items[B]])
    line = invoice(admin, B)["line"]
    effects.change_state(
        admin, lambda: admin.call("account.move.line", "read", [line], ["reconciled"])[0]["reconciled"],
        lambda _: Call("account.move.line", "remove_move_reconcile", ([line],)), lambda tied: not tied)
    assert len(labels(admin)) == 2
    summary = reconcile(accountant)
    assert ([change.outcome for change in summary.changes], summary.exit_code) == (["done", "done"], 0)
    assert labels(admin) == []
    assert invoice(admin, A)["payment_state"] == invoice(admin, B)["payment_state"] == "paid"


def lock(admin: Session, day: str) -> None:
    change = Call("res.company", "write", ([admin.company_id], {"period_lock_date": day}))
    effects.change_state(
        admin, lambda: admin.call("res.company", "read", [admin.company_id], ["period_lock_date"])[0],
        lambda _: change, lambda row: row["period_lock_date"] == day)


def test_a_locked_period_is_said_and_not_looped(accountant: Session, admin: Session, tmp_path: Path) -> None:
    arrive(accountant, tmp_path, paid("2026-01-06", "605.00", A))
    lock(admin, "2026-01-31")
    for _ in range(2):
        summary = reconcile(accountant)
        assert (summary.changes, codes(summary), summary.exit_code) == ((), ["locked_period"], 1)
    assert matched(admin) == [False]


def test_a_period_locked_after_a_death_is_named_or_said(accountant: Session, admin: Session, tmp_path: Path) -> None:
    arrive(accountant, tmp_path, paid("2026-01-04", "99.95", C, UNKNOWN))
    items = {item.number: item for item in reconciliation.open_items(accountant)}
    reconciliation.match(accountant, reconciliation.open_entries(accountant)[0], [items[C]])
    lock(admin, "2026-01-31")
    assert reconcile(accountant).exit_code == 0
    assert (labels(admin), invoice(admin, C)["payment_state"]) == ([], "paid")


@pytest.mark.parametrize("groups", ["base.group_user", "account.group_account_readonly"])
def test_a_missing_right_is_said(fresh_database: Callable[[], Database], tmp_path: Path, groups: str) -> None:
    database = fresh_database()
    admin = bank.prepare(database, groups=groups)
    bank.document(admin, "a", bank.partner(admin, "Kees BV", KEES), "605.00")
    arrive(admin, tmp_path, paid("2026-01-06", "605.00", A))
    with pytest.raises(AccessDenied, match="Billing"):
        reconcile(bank.accountant(database))
    assert matched(admin) == [False]


def test_billing_rights_are_enough(fresh_database: Callable[[], Database], tmp_path: Path) -> None:
    database = fresh_database()
    admin = bank.prepare(database, groups="account.group_account_invoice")
    bank.document(admin, "a", bank.partner(admin, "Kees BV", KEES), "605.00")
    arrive(admin, tmp_path, paid("2026-01-06", "605.00", A))
    assert reconcile(bank.accountant(database)).exit_code == 0
    assert (matched(admin), labels(admin)) == ([True], [])


def test_a_saved_plan(accountant: Session, admin: Session, tmp_path: Path) -> None:
    arrive(accountant, tmp_path, paid("2026-01-06", "605.00", A), paid("2026-01-07", "1210.00", B))
    counted = bank.count(admin)
    saved = JOB.plan(accountant.read_only(), ReconcileOptions()).plan
    assert bank.count(admin) == counted
    assert [change.outcome for change in apply_saved(accountant, JOB, saved).changes] == ["done", "done"]
    assert [change.outcome for change in apply_saved(accountant, JOB, saved).changes] == ["unchanged", "unchanged"]


def test_the_command(company: Database, accountant: Session, admin: Session, tmp_path: Path) -> None:
    """Imports, and carries the reconcile run as its child; again there is nothing to do."""
    path = bank.csv_file(tmp_path / "bank.csv", [paid("2026-01-06", "605.00", A)])
    counted = bank.count(admin)
    app = App(json=True, _settings=accountant.settings, _session=accountant)
    dry = CliRunner().invoke(bank_group, ["import", str(path), "--dry-run"], obj=app)
    assert (dry.exit_code, '"kind": "plan"' in dry.stdout, bank.count(admin) == counted) == (0, True, True), dry.output
    done = CliRunner().invoke(bank_group, ["import", str(path)], obj=app)
    assert done.exit_code == 0, done.output
    summary = Summary.model_validate_json(done.stdout)
    assert (summary.job, summary.state) == ("bank import", "done")
    assert [(child.job, child.state) for child in summary.children] == [("bank reconcile", "done")]
    again = CliRunner().invoke(bank_group, ["import", str(path)], obj=app)
    summary = Summary.model_validate_json(again.stdout)
    assert [summary.state, summary.children[0].state] == ["nothing to do"] * 2
    table = CliRunner().invoke(bank_group, ["reconcile"], obj=App(_settings=accountant.settings, _session=accountant))
    assert table.exit_code == 0, table.output


# --- races and kills -------------------------------------------------------------------------------------------------

def _right(admin: Session) -> None:
    assert matched(admin) == [False, True, True, True, True, True, False, False]
    assert [invoice(admin, number)["payment_state"] for number in (A, B, C)] == ["not_paid", "paid", "paid"]
    assert invoice(admin, A)["residual"] == 605.0
    assert labels(admin) == []
    # Nothing stands open on an account for a second time.
    assert records.search(admin, "account.move.line", [
        ("statement_line_id", "!=", False), ("reconciled", "=", False), ("parent_state", "=", "posted"),
        ("account_internal_type", "in", ("receivable", "payable"))], ["name"]) == []


@pytest.mark.parametrize("attempt", range(3))
def test_eight_at_once(company: Database, accountant: Session, admin: Session, tmp_path: Path, attempt: int) -> None:
    arrive(accountant, tmp_path, *MONTH)
    ends = bank.race(company, 8, JOB, [ReconcileOptions()])
    assert all(isinstance(end, Summary) and end.exit_code == 1 for end in ends), ends
    _right(admin)
    assert reconcile(accountant).state == "nothing to do"


def test_killed_or_deaf_at_every_write(sandbox: Sandbox, prepared: Database, tmp_path: Path) -> None:
    ready = sandbox.copy_database(prepared)
    arrive(bank.accountant(ready), tmp_path, *MONTH)

    def fresh() -> Session:
        return bank.accountant(sandbox.copy_database(ready))

    def check(s: Session, where: str) -> None:
        try:
            _right(s)
        except AssertionError as error:
            raise AssertionError(where) from error
        assert reconcile(s).state == "nothing to do", where

    assert at_every_write(reconcile, fresh, check) == 6
