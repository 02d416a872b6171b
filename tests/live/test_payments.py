"""`pay run` on a real Odoo, as a plain accountant: once, again, many at once, and with people at work in between."""

from __future__ import annotations

import base64
import datetime as dt
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from connector import effects, records
from connector.effects import Call
from connector.errors import AccessDenied, Changed, ConfigError
from connector.session import Session
from connector.stock import order_book, payments
from jobs.payments import JOB, PayOptions
from jobs.payments import plan as looking
from jobs.payments.apply import cancel_order, next_manifest
from jobs.plan import Planned, Summary
from jobs.running import apply_saved, run_job
from mappings.formats import pain001
from tests.live import payables as small
from tests.live.interrupt import twin
from tests.live.payables import ANNA, BRAM, PASSWORD, Payables
from tests.live.users import create_user, sign_in
from tests.sandbox.server import Database, Sandbox

pytestmark = pytest.mark.live


@dataclass
class Books:
    """One database of its own, with something to pay."""

    database: Database
    admin: Session
    anna: Session
    bram: Session
    out: Path
    due: dt.date

    def run(self, s: Session | None = None, *, include: tuple[str, ...] = ("bills", "expenses", "salaries")) -> Summary:
        return run_job(s or self.anna, JOB, self.options(include))

    def plan(self, s: Session | None = None) -> Planned:
        return JOB.plan((s or self.anna).read_only(), self.options())

    def options(self, include: tuple[str, ...] = ("bills", "expenses", "salaries")) -> PayOptions:
        return PayOptions.model_validate({"due": self.due, "include": include})

    def residuals(self) -> dict[str, Decimal]:
        """Open payable items: reference → residual as we owe it."""
        rows = records.search(self.admin, "account.move.line", [
            ("account_internal_type", "=", "payable"), ("parent_state", "=", "posted"), ("amount_residual", "!=", 0)],
            ["name", "ref", "amount_residual"])
        return {row["ref"] or row["name"]: -Decimal(str(row["amount_residual"])) for row in rows}

    def live_payments(self) -> list[payments.Payment]:
        return [payment for payment in payments.ours(self.admin) if payment.state != "cancel"]

    def paid_in_files(self) -> Counter[str]:
        """End-to-end ids of all files on disk."""
        return Counter(transfer.end_to_end_id for path in sorted(self.out.glob("*.xml"))
                       for transfer in pain001.read_back(path.read_bytes()).transfers)


@pytest.fixture(scope="module")
def prepared(sandbox: Sandbox, fresh_database: Callable[[], Database]) -> Database:
    database = fresh_database()
    admin = sign_in(database)
    small.grant(admin, "account.group_account_user")
    for login in (ANNA, BRAM):
        create_user(admin, login, PASSWORD)
    company = small.prepare(admin)
    company.bill("bakker", "100.00", "F-1")
    company.bill("bakker", "50.50", "F-2")
    company.bill("bakker", "30.25", "C-1", refund=True)
    company.bill("visser", "12.10", "V-8")
    company.bill("visser", "75.10", "V-9", due=60)
    company.salary("emma", "2100.00")
    company.expense("emma", ["10.00", "12.50"])
    return database


@pytest.fixture
def books(prepared: Database, sandbox: Sandbox, tmp_path: Path) -> Books:
    database = sandbox.copy_database(prepared)
    admin = sign_in(database)
    return Books(database, admin, sign_in(database, ANNA, PASSWORD, out_dir=str(tmp_path)),
                 sign_in(database, BRAM, PASSWORD, out_dir=str(tmp_path)), tmp_path, admin.today())


def payables(books: Books) -> Payables:
    """The fixture's company again, to add something to pay."""
    return small.prepare(books.admin)


# --- once, and again -------------------------------------------------------------------------------------------------

def test_all_that_is_due_is_paid_once(books: Books) -> None:
    summary = books.run()
    assert (summary.state, summary.exit_code) == ("done", 0)
    assert {change.outcome for change in summary.changes} == {"done"}
    assert books.residuals() == {"V-9": Decimal("75.1")}
    totals = {(file.count, file.total) for file in summary.files}
    assert totals == {(3, Decimal("154.85")), (1, Decimal("2100.00"))}  # suppliers and expense; salaries alone
    assert sum(payment.amount for payment in books.live_payments()) == sum(file.total for file in summary.files)
    for file in summary.files:
        assert stat.S_IMODE(Path(file.path).stat().st_mode) == 0o600
    again = books.run(books.bram)
    assert (again.state, again.changes, again.files) == ("nothing to do", (), ())


def test_a_credit_note_is_netted_and_every_document_named(books: Books) -> None:
    books.run()
    texts = [transfer.remittance for path in books.out.glob("*.xml")
             for transfer in pain001.read_back(path.read_bytes()).transfers]
    assert "C-1 F-1 F-2" in texts
    assert {text.split()[0] for text in texts} == {"C-1", "V-8", "Declaratie", "Salaris"}


def test_a_plan_writes_nothing(books: Books) -> None:
    def count() -> dict[str, int]:
        return {model: books.admin.call(model, "search_count", []) for model in (
            "account.move", "account.move.line", "account.payment", "ir.attachment", "mail.message", "ir.model.data")}

    before = count()
    planned = books.plan()
    assert planned.plan.totals == {"EUR": Decimal("2254.85")}
    assert count() == before
    assert not list(books.out.iterdir())


def test_salaries_show_count_and_total_alone(books: Books, caplog: pytest.LogCaptureFixture) -> None:
    summary = books.run(include=("salaries",))
    shown = summary.model_dump_json() + books.plan().plan.model_dump_json() + caplog.text
    assert "1 salary" in shown
    assert "2100.00" in shown  # the total of one is its amount; see the next test for two
    paid = [change for change in summary.changes if change.action == "pay"]
    assert [change.target.model for change in paid if change.target] == ["res.company"]
    assert "Emma" not in summary.model_dump_json()


def test_two_salaries_show_no_single_amount(books: Books, caplog: pytest.LogCaptureFixture) -> None:
    payables(books).salary("emma", "1234.56")
    summary = books.run(include=("salaries",))
    shown = summary.model_dump_json() + caplog.text
    assert "2 salaries" in shown
    assert "3334.56" in shown
    assert "1234.56" not in shown
    assert "2100.00" not in shown


# --- many at once ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("choices", [
    [("bills", "expenses", "salaries")] * 8,
    [("bills",), ("bills", "expenses"), ("expenses",), ("bills", "salaries"), ("salaries",), ("bills",)]],
    ids=["same", "overlapping"])
def test_racers_with_any_choice_pay_each_item_once(books: Books, choices: list[tuple[str, ...]]) -> None:
    start, failures = threading.Barrier(len(choices)), []

    def run(number: int) -> None:
        session = twin((books.anna, books.bram)[number % 2])
        start.wait()
        try:
            books.run(session, include=choices[number])
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(choices))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for _ in range(2):
        last = books.run()
    assert last.state == "nothing to do"
    assert books.residuals() == {"V-9": Decimal("75.1")}
    assert max(books.paid_in_files().values()) == 1
    live = books.live_payments()
    assert sum(payment.amount for payment in live) == Decimal("2254.85")
    assert set(books.paid_in_files()) == {payment.reference for payment in live}


# --- people at work: each line of odoo-api.md section 14 that this version of Odoo shows -----------------------------

def pay_by_hand(s: Session, reference: str) -> int:
    """Open the payment wizard on a bill; returns the wizard, not confirmed."""
    move = records.search(s, "account.move", [("ref", "=", reference), ("move_type", "=", "in_invoice")], ["name"])[0]
    context = {"active_model": "account.move", "active_ids": [move["id"]]}
    return effects.wizard(s, "account.payment.register", {}, context)


def confirm_wizard(s: Session, wizard: int) -> None:
    effects.prepare(s, Call("account.payment.register", "action_create_payments", ([wizard],)))


def unreconcile(s: Session, payment: payments.Payment) -> None:
    tie = payments.settlements(s, {payment.id: payment.account})[payment.id]
    effects.prepare(s, Call("account.move.line", "remove_move_reconcile", ([tie.line],)))


def entry(books: Books, number: int, name: str) -> int:
    order = order_book.read(books.admin).orders[number]
    key = order.manifest.key if name == "manifest" else order.key(name)
    return int(books.admin.call("ir.model.data", "check_object_reference", "werkstroom", key)[1])


def delete(s: Session, model: str, record: int) -> None:
    effects.prepare(s, Call(model, "unlink", ([record],)))


def test_a_wizard_confirmed_after_us_is_named_and_nothing_is_paid_to_the_payee(books: Books) -> None:
    wizard = pay_by_hand(books.admin, "V-8")
    books.run()
    confirm_wizard(books.admin, wizard)  # Odoo adds a second, unreconciled payment
    payables(books).bill("visser", "5.00", "V-10")
    summary = books.run()
    rows = [row for row in summary.skipped if row.code == "held_payee"]
    assert len(rows) == 1
    assert "not matched" in rows[0].why
    assert summary.exit_code == 1
    assert "V-10" in books.residuals()


def test_a_bill_paid_by_hand_between_plan_and_apply_is_not_paid_again(books: Books) -> None:
    planned = books.plan()
    confirm_wizard(books.admin, pay_by_hand(books.admin, "V-8"))
    summary = apply_saved(books.anna, JOB, planned.plan)
    outcomes = {change.what: change.outcome for change in summary.changes}
    assert outcomes[next(what for what in outcomes if what.startswith("Visser"))] == "unchanged"
    assert len([payment for payment in books.live_payments() if payment.amount == Decimal("12.10")]) == 0


def test_a_changed_amount_refuses_the_saved_plan_before_the_first_write(books: Books) -> None:
    planned = books.plan()
    payables(books).bill("visser", "5.00", "V-10")
    with pytest.raises(Changed, match="Visser"):
        apply_saved(books.anna, JOB, planned.plan)
    assert not books.live_payments()


def test_a_saved_plan_applied_twice_is_unchanged_the_second_time(books: Books) -> None:
    planned = books.plan()
    first = apply_saved(books.anna, JOB, planned.plan)
    assert {change.outcome for change in first.changes} == {"done"}
    second = apply_saved(books.bram, JOB, planned.plan)
    assert {change.outcome for change in second.changes} == {"unchanged"}
    assert (second.state, second.exit_code) == ("nothing to do", 0)


def test_a_deleted_manifest_holds_its_payees_and_its_number(books: Books) -> None:
    books.run(include=("bills",))
    delete(books.admin, "ir.attachment", entry(books, 1, "manifest"))
    payables(books).bill("visser", "5.00", "V-10")
    summary = books.run()
    assert {row.code for row in summary.skipped} >= {"orphan", "held_payee"}
    assert "V-10" in books.residuals()
    assert min(order_book.read(books.admin).orders) == 2  # the number is not taken twice


def test_a_deleted_outcome_and_an_unreconciled_payment_pay_nothing_twice(books: Books) -> None:
    books.run(include=("bills",))
    visser = next(payment for payment in books.live_payments() if payment.amount == Decimal("12.10"))
    delete(books.admin, "ir.attachment", entry(books, 1, "x"))
    unreconcile(books.admin, visser)
    summary = books.run(include=("bills",))
    assert order_book.read(books.admin).orders[1].outcome == "out"  # a sent payment is the second witness
    assert not [change for change in summary.changes if change.action == "pay"]
    assert len(books.paid_in_files()) == 2
    assert [row.code for row in books.plan().plan.skipped if row.needs_person] == ["held"]


def test_an_unreconciled_payment_of_an_exported_order_waits_for_a_person(books: Books) -> None:
    books.run(include=("bills",))
    visser = next(payment for payment in books.live_payments() if payment.amount == Decimal("12.10"))
    unreconcile(books.admin, visser)
    summary = books.run(include=("bills",))
    assert not [change for change in summary.changes if change.action == "pay"]
    assert any("order 1" in row.why for row in summary.skipped)


def test_a_payment_reset_to_draft_after_export_is_named(books: Books) -> None:
    books.run(include=("bills",))
    visser = next(payment for payment in books.live_payments() if payment.amount == Decimal("12.10"))
    effects.prepare(books.admin, Call("account.payment", "action_draft", ([visser.id],)))
    summary = books.run(include=("bills",))
    assert {"payment_gone", "held"} <= {row.code for row in summary.skipped}
    assert len(books.paid_in_files()) == 2


def test_a_payment_cancelled_by_a_person_frees_its_bills_for_a_new_end_to_end_id(books: Books) -> None:
    books.run(include=("bills",))
    visser = next(payment for payment in books.live_payments() if payment.amount == Decimal("12.10"))
    payments.cancel(books.admin, [visser.id])
    assert "V-8" in books.residuals()
    books.run(include=("bills",))
    assert "V-8" not in books.residuals()
    assert len(books.paid_in_files()) == 3
    assert max(books.paid_in_files().values()) == 1


def test_a_payment_revived_after_its_order_was_cancelled_is_cancelled_again(books: Books) -> None:
    order = asked(books)
    order_book.pay_in_odoo(books.anna, order, held=())
    cancel_order(books.bram, order_book.read(books.bram).orders[1])
    assert not books.live_payments()
    # 14: a slow racer's action_post revives a cancelled payment and settles the bills with it, in no file for ever.
    number, visser = next((number, each) for number, each in order.payments.items() if each.amount == Decimal("12.10"))
    effects.prepare(books.admin, Call("account.payment", "action_post", ([visser.id],)))
    order_book.refresh(books.anna, order)
    payments.settle(books.anna, {number: order.payments[number]}, order.manifest)
    assert "V-8" not in books.residuals()
    for _ in range(2):  # the first run frees the bills, which its plan could not see yet
        summary = books.run(include=("bills",))
    assert summary.exit_code == 0
    assert 1 not in {payment.number for payment in books.live_payments()}
    assert set(books.paid_in_files()) == {payment.reference for payment in books.live_payments()}


def test_cancelling_an_exported_order_opens_its_bills_and_the_next_run_pays_them(books: Books) -> None:
    books.run(include=("bills",))
    before = books.paid_in_files()
    order = order_book.read(books.anna).orders[1]
    assert cancel_order(books.anna, order) == 2
    assert {"F-1", "F-2", "V-8"} <= set(books.residuals())
    assert cancel_order(books.bram, order_book.read(books.bram).orders[1]) == 0
    summary = books.run(include=("bills",))
    assert summary.state == "done"
    assert books.residuals().keys() & {"F-1", "F-2", "V-8", "C-1"} == set()
    assert not set(before) & set(books.paid_in_files() - before)


def asked(books: Books) -> order_book.Order:
    """An order for the two suppliers that was asked by a run that died right after."""
    options = PayOptions(due=books.due, include=("bills",))
    seen = looking.look(books.anna, options)
    manifest, _ = next_manifest(books.anna, seen, {change.identity: payees for change, payees
                                                   in looking.pay_changes(books.anna, seen)})
    assert manifest is not None
    assert order_book.ask(books.anna, manifest)
    return order_book.read(books.anna).orders[1]


def test_an_order_asked_by_a_run_that_died_is_finished_by_the_next(books: Books) -> None:
    asked(books)
    plan = books.plan(books.bram).plan
    assert [change.what for change in plan.changes if change.action == "export"] == ["finish payment order 1"]
    summary = books.run(books.bram)
    assert summary.exit_code == 0
    assert books.residuals() == {"V-9": Decimal("75.1")}
    assert len(summary.files) == 3


def test_a_manifest_that_was_changed_is_not_paid(books: Books) -> None:
    manifest = asked(books).manifest
    record = entry(books, 1, "manifest")
    time.sleep(1.1)  # Odoo's write_date counts seconds
    forged = manifest.dump().replace(small.iban(1001).encode(), small.iban(9999).encode())
    effects.prepare(books.admin, Call("ir.attachment", "write", ([record], {
        "datas": base64.b64encode(forged).decode()})))
    summary = books.run()
    assert "manifest_changed" in {row.code for row in summary.skipped}
    assert {row.code for row in summary.skipped if row.what.startswith("BILL")} >= {"held"}
    assert all(small.iban(9999) not in path.read_text() for path in books.out.glob("*.xml"))


# --- what is left out, and why ---------------------------------------------------------------------------------------

def test_each_reason_is_a_row(books: Books) -> None:
    company = payables(books)
    company.partners["nobank"] = effects.insert_once(books.admin, "res.partner", {
        "test-nobank": {"name": "Zonder Rekening"}})["test-nobank"]
    company.bill("nobank", "20.00", "Z-1")
    tag = effects.insert_once(books.admin, "res.partner.category", {"test-tag": {"name": "Incasso"}})["test-tag"]
    effects.prepare(books.admin, Call("res.partner", "write", (
        [company.partners["smit"]], {"category_id": [(6, 0, [tag])]})))
    company.bill("smit", "30.00", "S-1")
    rows = {row.code: row for row in books.plan().plan.skipped}
    assert rows["no_account"].needs_person
    assert not rows["direct_debit"].needs_person
    assert not rows["not_due"].needs_person
    assert "V-9" not in {change.what for change in books.plan().plan.changes}


def test_a_locked_period_skips_everything_with_the_reason(books: Books) -> None:
    day = books.admin.today() + dt.timedelta(days=7)
    effects.prepare(books.admin, Call("res.company", "write", (
        [books.admin.company_id], {"period_lock_date": day.isoformat()})))
    summary = books.run()
    assert [row.code for row in summary.skipped] == ["locked_period"]
    assert (summary.exit_code, summary.changes) == (1, ())


def test_a_user_who_may_not_see_private_addresses_is_told(books: Books) -> None:
    create_user(books.admin, "carl@example.nl", PASSWORD,
                ("account.group_account_invoice", "account.group_account_user"))
    carl = sign_in(books.database, "carl@example.nl", PASSWORD, out_dir=str(books.out))
    rows = {(row.code, row.what) for row in books.plan(carl).plan.skipped}
    assert ("hidden", "1 salary") in rows


def test_a_user_without_billing_rights_is_refused(books: Books) -> None:
    create_user(books.admin, "dora@example.nl", PASSWORD, ("sales_team.group_sale_salesman",))
    dora = sign_in(books.database, "dora@example.nl", PASSWORD)
    with pytest.raises(AccessDenied, match="Billing"):
        books.plan(dora)


def test_a_wrong_journal_is_a_setting_to_fix(books: Books) -> None:
    session = sign_in(books.database, ANNA, PASSWORD, journal="NOPE")
    with pytest.raises(ConfigError, match="NOPE"):
        books.plan(session)
