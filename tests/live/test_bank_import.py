"""`bank import` on the real Odoo: each entry once, whoever imports it, however often, wherever it is broken off."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from connector import effects
from connector.effects import Call
from connector.errors import AccessDenied, BalanceMismatch, ConfigError, InputError, UnknownFormat
from connector.session import Session
from jobs.plan import Summary
from jobs.running import apply_saved, run_job
from jobs.statements import JOB, ImportOptions
from tests.live import bank
from tests.live.interrupt import at_every_write
from tests.sandbox.server import Database, Sandbox

pytestmark = pytest.mark.live

LINE, STATEMENT = "account.bank.statement.line", "account.bank.statement"


@pytest.fixture(scope="module")
def prepared(fresh_database: Callable[[], Database]) -> Database:
    """A company with a bank account and two accountants, to be copied."""
    database = fresh_database()
    bank.prepare(database)
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


def codes(summary: Summary) -> list[str]:
    return [row.code for row in summary.skipped]


def keys(s: Session) -> list[str]:
    return sorted(row["name"] for row in s.call("ir.model.data", "search_read", [("name", "=like", "stl-%"), (
        "model", "=", LINE)], ["name"]))


def texts(s: Session) -> list[str]:
    return [line["payment_ref"] for line in bank.lines(s)]


# --- the sample month ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("first", sorted(path.name for path in bank.SAMPLES.glob("mutations-*.csv")
                                         if "overlap" not in path.name))
def test_every_sample_twice_and_overlapped(accountant: Session, admin: Session, first: str) -> None:
    """Whichever file comes first, also one without balances: seventeen lines and the bank's balance."""
    everything = [first, *sorted(path.name for path in bank.SAMPLES.glob("mutations-*.csv"))]
    for name in (*everything, *everything):
        summary = bank.import_files(accountant, bank.SAMPLES / name)
        assert summary.exit_code == 0, (name, summary.skipped)
    assert len(bank.lines(admin)) == 17
    [statement] = bank.statements(admin)
    assert (statement["balance_start"], statement["balance_end_real"], statement["state"]) == (
        1250.0, 14432.92, "posted")
    assert texts(admin).count("Vrijwilligersvergoeding") == 2


def test_all_samples_in_one_command(accountant: Session, admin: Session) -> None:
    summary = bank.import_files(accountant, *sorted(bank.SAMPLES.glob("mutations-*.csv")))
    assert (summary.state, len(bank.lines(admin)), bank.closing(admin)) == ("done", 17, 14432.92)


def test_what_lands_in_odoo(accountant: Session, admin: Session) -> None:
    customer = bank.partner(admin, "Bakkerij", "NL29RABO0300123450")
    bank.import_files(accountant, bank.SAMPLES / "mutations-9col-utf8.csv")
    paid, costs = bank.lines(admin)[:2]
    assert (paid["date"], paid["amount"], paid["payment_ref"]) == ("2026-01-02", 1210.0, "Factuur 2026-0001")
    assert (paid["partner_name"], paid["account_number"], paid["transaction_type"]) == (
        "Bakkerij Zonnebloem BV", "NL29RABO0300123450", "ET")
    assert paid["partner_id"][0] == customer
    assert "BIC: RABONL2U" in paid["narration"]
    assert "Saldo na boeking: 2.460,00" in paid["narration"]
    assert (costs["partner_id"], costs["partner_name"], costs["account_number"]) == (None, None, None)
    assert "Interne boeking" in texts(admin)  # an entry without text


def test_again_is_nothing_to_do_and_not_one_record_more(accountant: Session, admin: Session) -> None:
    path = bank.SAMPLES / "mutations-9col-utf8.csv"
    before = accountant.transport.traffic.calls
    first = bank.import_files(accountant, path)
    assert accountant.transport.traffic.calls - before <= 12
    assert (first.state, first.exit_code, first.totals) == ("done", 0, {"EUR": first.changes[0].amount})
    counted = bank.census(admin)
    before = accountant.transport.traffic.calls
    again = bank.import_files(accountant, path)
    assert accountant.transport.traffic.calls - before <= 6
    assert (again.state, again.exit_code, again.changes) == ("nothing to do", 0, ())
    assert bank.census(admin) == counted


def test_a_dry_run_writes_nothing(accountant: Session, admin: Session) -> None:
    counted = bank.census(admin)
    planned = JOB.plan(accountant.read_only(), ImportOptions(files=(bank.SAMPLES / "mutations-9col-utf8.csv",)))
    assert len(planned.plan.changes) == 1
    assert bank.census(admin) == counted


def test_a_saved_plan_can_be_applied_and_repeated(accountant: Session, admin: Session) -> None:
    options = ImportOptions(files=(bank.SAMPLES / "mutations-9col-utf8.csv",))
    saved = JOB.plan(accountant.read_only(), options).plan
    assert apply_saved(accountant, JOB, saved).changes[0].outcome == "done"
    assert apply_saved(accountant, JOB, saved).changes[0].outcome == "unchanged"
    assert len(bank.lines(admin)) == 17


# --- overlap, twins, order -------------------------------------------------------------------------------------------

def test_overlapping_files_add_what_is_new(accountant: Session, admin: Session, tmp_path: Path) -> None:
    rows = bank.month(30)
    bank.import_files(accountant, bank.csv_file(tmp_path / "a.csv", rows[:18]))
    balance = sum((number + 1.5 for number in range(9)), 0.0)
    summary = bank.import_files(accountant, bank.csv_file(tmp_path / "b.csv", rows[9:], opening=f"{balance:.2f}"))
    assert summary.exit_code == 0, summary.skipped
    assert "12 entries" in summary.changes[0].what
    assert len(texts(admin)) == len(set(texts(admin))) == 30
    chain = bank.statements(admin)
    assert [each["balance_start"] for each in chain] == [0.0, chain[0]["balance_end_real"]]
    assert bank.closing(admin) == sum(number + 1.5 for number in range(30))


def test_genuine_twins_stay_and_reordered_rows_add_nothing(accountant: Session, admin: Session, tmp_path: Path) -> None:
    twin = bank.row("2026-01-05", "-15.00", name="P. Jansen", text="Vergoeding")
    rows = [bank.row("2026-01-05", "100.00", text="a"), twin, twin, bank.row("2026-01-05", "50.00", text="b")]
    bank.import_files(accountant, bank.csv_file(tmp_path / "a.csv", rows))
    assert texts(admin).count("Vergoeding") == 2
    turned = bank.csv_file(tmp_path / "b.csv", rows)
    turned.write_text("\r\n".join(reversed(turned.read_text().splitlines())) + "\r\n")
    assert bank.import_files(accountant, turned).state == "nothing to do"
    assert len(texts(admin)) == 4


def test_an_earlier_month_goes_before(accountant: Session, admin: Session, tmp_path: Path) -> None:
    later = bank.csv_file(tmp_path / "b.csv", [bank.row("2026-02-02", "5.00", text="b")], "15.00")
    bank.import_files(accountant, later)
    summary = bank.import_files(accountant, bank.csv_file(tmp_path / "a.csv", [
        bank.row("2026-01-02", "10.00", text="a")], "5.00"))
    assert summary.exit_code == 0
    assert [(each["balance_start"], each["balance_end_real"]) for each in bank.statements(admin)] == [
        (5.0, 15.0), (15.0, 20.0)]


def test_more_than_one_call_of_lines(accountant: Session, admin: Session, tmp_path: Path) -> None:
    rows = bank.month(450)
    assert bank.import_files(accountant, bank.csv_file(tmp_path / "a.csv", rows)).exit_code == 0
    assert len(set(texts(admin))) == 450
    assert len(bank.statements(admin)) == 1


# --- what was there before, what a person does -----------------------------------------------------------------------

def by_hand(admin: Session, key: str, day: str, amount: str, text: str, **values: str) -> None:
    """Enter a line as the old bookkeeper did."""
    journal = bank.journal(admin)["id"]
    made = bank.insert(admin, STATEMENT, {f"old-{key}": {"journal_id/.id": journal, "date": day, "name": f"oud {key}"}})
    bank.insert(admin, LINE, {f"line-{key}": {"statement_id/.id": made[f"test-old-{key}"], "date": day,
                                              "amount": amount, "payment_ref": text, **values}})
    total = float(amount)
    [statement] = admin.call(STATEMENT, "read", list(made.values()), ["balance_start"])
    end = {"balance_end_real": statement["balance_start"] + total}
    effects.prepare(admin, Call(STATEMENT, "write", (list(made.values()), end)))
    effects.change_state(admin, lambda: admin.call(STATEMENT, "read", list(made.values()), ["state"])[0]["state"],
                         lambda _: Call(STATEMENT, "button_post", (list(made.values()),)),
                         lambda state: state == "posted")
    # Not one of ours: no key.
    effects.prepare(admin, Call("ir.model.data", "unlink", (admin.call("ir.model.data", "search", [
        ("name", "=like", f"test-line-{key}%")]),)))


def test_lines_from_before_are_recognised_by_content(accountant: Session, admin: Session, tmp_path: Path) -> None:
    by_hand(admin, "a", "2026-01-02", "10.00", "Factuur  7 !")
    by_hand(admin, "b", "2026-01-02", "20.00", "zelfde")
    rows = [bank.row("2026-01-02", "10.00", text="factuur 7"), bank.row("2026-01-02", "20.00", text="Zelfde"),
            bank.row("2026-01-02", "20.00", text="Zelfde"), bank.row("2026-01-03", "1.00", text="nieuw")]
    summary = bank.import_files(accountant, bank.csv_file(tmp_path / "a.csv", rows))
    assert (summary.exit_code, codes(summary)) == (0, ["there_by_hand"])
    assert sorted(texts(admin)) == ["Factuur  7 !", "Zelfde", "nieuw", "zelfde"]
    assert bank.closing(admin) == 51.0
    assert bank.import_files(accountant, tmp_path / "a.csv").state == "nothing to do"


def test_a_look_alike_waits_for_a_person(accountant: Session, admin: Session, tmp_path: Path) -> None:
    by_hand(admin, "a", "2026-01-05", "10.00", "betaald door Kees", account_number="NL29RABO0300123450")
    rows = [bank.row("2026-01-07", "10.00", name="Kees", account="RABONL2U NL29RABO0300123450", text="factuur 7")]
    summary = bank.import_files(accountant, bank.csv_file(tmp_path / "a.csv", rows, opening=None))
    assert (summary.exit_code, summary.changes) == (1, ())
    assert "look_alike" in codes(summary)
    assert texts(admin) == ["betaald door Kees"]


def test_a_line_that_the_bank_does_not_have_is_said(accountant: Session, admin: Session, tmp_path: Path) -> None:
    rows = [bank.row("2026-01-05", "10.00", text="a"), bank.row("2026-01-09", "10.00", text="b")]
    bank.import_files(accountant, bank.csv_file(tmp_path / "a.csv", rows))
    by_hand(admin, "x", "2026-01-06", "3.00", "bestaat niet")
    summary = bank.import_files(accountant, tmp_path / "a.csv")
    assert (summary.exit_code, "not_at_the_bank" in codes(summary)) == (1, True)


def test_a_deleted_line_comes_back_and_that_is_said(accountant: Session, admin: Session, tmp_path: Path) -> None:
    path = bank.csv_file(tmp_path / "a.csv", bank.month(9))
    bank.import_files(accountant, path)
    victim = bank.lines(admin)[4]
    effects.change_state(admin, lambda: admin.call(LINE, "search_count", [("id", "=", victim["id"])]),
                         lambda _: Call(LINE, "unlink", ([victim["id"]],)), lambda count: count == 0)
    summary = bank.import_files(accountant, path)
    assert (summary.exit_code, summary.state) == (0, "done")
    assert "came_back" in codes(summary)
    assert len(set(texts(admin))) == len(texts(admin)) == 9
    assert bank.closing(admin) == sum(number + 1.5 for number in range(9))
    assert all(each["difference"] == 0 for each in bank.statements(admin)[:1])
    assert bank.import_files(accountant, path).state == "nothing to do"


# --- files that are refused ------------------------------------------------------------------------------------------

def refused(accountant: Session, admin: Session, error: type[Exception], *paths: Path, journal: str | None = None,
            ) -> str:
    counted = bank.count(admin)
    with pytest.raises(error) as caught:
        bank.import_files(accountant, *paths, journal=journal)
    assert bank.count(admin) == counted
    assert bank.IBAN not in str(caught.value)
    return str(caught.value)


def test_a_gap_is_refused_with_both_balances_and_dates(accountant: Session, admin: Session, tmp_path: Path) -> None:
    bank.import_files(accountant, bank.csv_file(tmp_path / "a.csv", [bank.row("2026-01-02", "10.00", text="a")]))
    said = refused(accountant, admin, BalanceMismatch, bank.csv_file(
        tmp_path / "b.csv", [bank.row("2026-01-05", "1.00", text="b")], opening="12.50"))
    for part in ("10,00", "12,50", "2026-01-04", "2026-01-05", "BNK1"):
        assert part in said


def test_one_bad_file_stops_all_of_them(accountant: Session, admin: Session, tmp_path: Path) -> None:
    good = bank.csv_file(tmp_path / "a.csv", bank.month(3))
    bad = bank.csv_file(tmp_path / "b.csv", bank.month(3))
    bad.write_text(bad.read_text().replace('"4,00"', '"5,00"').replace('"1,50"', '"1,51"', 1))
    refused(accountant, admin, BalanceMismatch, good, bad)
    foreign = tmp_path / "c.csv"
    foreign.write_text('"Datum","Naam / Omschrijving","Rekening"\n"20260101","x","NL01INGB0000000000"\n')
    refused(accountant, admin, UnknownFormat, good, foreign)
    refused(accountant, admin, InputError, good, tmp_path / "none.csv")


def test_a_locked_period_refuses_the_file(accountant: Session, admin: Session, tmp_path: Path) -> None:
    path = bank.csv_file(tmp_path / "a.csv", bank.month(9))
    lock(admin, "2026-01-01")
    said = refused(accountant, admin, InputError, path)
    assert "2026-01-01" in said
    lock(admin, "2025-12-31")
    assert bank.import_files(accountant, path).exit_code == 0


def lock(admin: Session, day: str) -> None:
    change = Call("res.company", "write", ([admin.company_id], {"period_lock_date": day}))
    effects.change_state(
        admin, lambda: admin.call("res.company", "read", [admin.company_id], ["period_lock_date"])[0],
        lambda _: change, lambda row: row["period_lock_date"] == day)


def test_the_account_decides_the_journal(accountant: Session, admin: Session, tmp_path: Path) -> None:
    other = "NL66TRIO2024001238"
    path = bank.csv_file(tmp_path / "a.csv", [bank.row("2026-01-02", "10.00", own=other)])
    assert "NL66 … 1238" in refused(accountant, admin, ConfigError, path)
    refused(accountant, admin, InputError, path, journal="BNK1")
    assert "BNK1" in refused(accountant, admin, ConfigError, path, journal="NOPE")
    legacy = bank.csv_file(tmp_path / "b.csv", [bank.row("2011-05-02", "10.00", own="33.85.00.014")])
    assert bank.import_files(accountant, legacy).exit_code == 0


def test_a_journal_without_account_must_be_named(fresh_database: Callable[[], Database], tmp_path: Path) -> None:
    database = fresh_database()
    admin = bank.prepare(database, iban="")
    s = bank.accountant(database)
    path = bank.csv_file(tmp_path / "a.csv", bank.month(3))
    refused(s, admin, ConfigError, path)
    assert bank.import_files(s, path, journal="BNK1").exit_code == 0


@pytest.mark.parametrize("groups", ["base.group_user", "account.group_account_invoice"])
def test_a_missing_right_is_said_and_nothing_written(fresh_database: Callable[[], Database], tmp_path: Path,
                                                     groups: str) -> None:
    database = fresh_database()
    admin = bank.prepare(database, groups=groups)
    said = refused(bank.accountant(database), admin, AccessDenied, bank.csv_file(tmp_path / "a.csv", bank.month(3)))
    assert "Show Full Accounting Features" in said


def test_a_partial_first_day_waits_for_a_person(accountant: Session, admin: Session, tmp_path: Path) -> None:
    rows = [bank.row("2026-01-05", "10.00", text="koffie"), bank.row("2026-01-05", "10.00", text="koffie")]
    bank.import_files(accountant, bank.csv_file(tmp_path / "noon.csv", rows[:1]))
    # From noon on: an equal entry, which would look like the one that is there.
    summary = bank.import_files(accountant, bank.csv_file(tmp_path / "evening.csv", rows[1:], opening="10.00"))
    assert (summary.exit_code, codes(summary), len(texts(admin))) == (1, ["partial_day"], 1)
    # The whole day solves it.
    assert bank.import_files(accountant, bank.csv_file(tmp_path / "day.csv", rows)).exit_code == 0
    assert len(texts(admin)) == 2


# --- races and kills -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("attempt", range(3))
def test_eight_at_once_with_the_same_file(company: Database, admin: Session, tmp_path: Path, attempt: int) -> None:
    path = bank.csv_file(tmp_path / "a.csv", bank.month(20))
    ends = bank.race(company, 8, JOB, [ImportOptions(files=(path,))])
    assert all(isinstance(end, Summary) and end.exit_code == 0 for end in ends), ends
    _each_once(company, admin, 20, path)


@pytest.mark.parametrize("attempt", range(3))
def test_eight_at_once_with_overlapping_files(company: Database, admin: Session, tmp_path: Path, attempt: int) -> None:
    rows, paths = bank.month(40), []
    for number in range(4):
        start = number * 6
        opening = sum(each + 1.5 for each in range(start))
        paths.append(bank.csv_file(tmp_path / f"{number}.csv", rows[start:start + 22], f"{opening:.2f}"))
    # The first entry of all is there, so that every file has a balance to follow on.
    bank.import_files(bank.accountant(company), bank.csv_file(tmp_path / "x.csv", rows[:18]))
    ends = bank.race(company, 8, JOB, [ImportOptions(files=(path,)) for path in paths])
    assert [end for end in ends if not isinstance(end, Summary) or end.exit_code] == []
    _each_once(company, admin, 40, *paths)


def _each_once(company: Database, admin: Session, count: int, *paths: Path) -> None:
    for path in paths:
        run_job(bank.accountant(company), JOB, ImportOptions(files=(path,)))
    counted = bank.count(admin)
    for path in paths:
        again = run_job(bank.accountant(company), JOB, ImportOptions(files=(path,)))
        assert (again.state, again.exit_code) == ("nothing to do", 0), again
    assert bank.count(admin) == counted
    assert len(texts(admin)) == len(set(texts(admin))) == count
    chain = bank.statements(admin)
    assert chain[-1]["balance_end_real"] == pytest.approx(sum(number + 1.5 for number in range(count)))
    for before, this in pairwise(chain):
        assert this["balance_start"] == before["balance_end_real"]
    assert all(each["state"] == "posted" or not each["line_ids"] for each in chain)
    assert all(each["difference"] == 0 for each in chain)


def test_killed_or_deaf_at_every_write(sandbox: Sandbox, prepared: Database, tmp_path: Path,
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """Two calls of lines, so that it can die between them; the end state is that of an undisturbed run."""
    monkeypatch.setattr("connector.stock.statements.CHUNK", 5)
    path = bank.csv_file(tmp_path / "a.csv", bank.month(8), opening="100.00")
    ends: list[object] = []

    def fresh() -> Session:
        return bank.accountant(sandbox.copy_database(prepared))

    def check(s: Session, where: str) -> None:
        statements = [(each["name"], each["state"], each["balance_start"], each["balance_end_real"],
                       len(each["line_ids"])) for each in bank.statements(s)]
        ends.append((texts(s), keys(s), statements))
        assert ends[-1] == ends[0], where
        assert bank.import_files(s, path).state == "nothing to do", where

    assert at_every_write(lambda s: bank.import_files(s, path), fresh, check) == 5


def test_two_statements_born_together_are_linked(accountant: Session, admin: Session, tmp_path: Path) -> None:
    """14: both get no previous statement and start at zero; the next import links them again."""
    bank.import_files(accountant, bank.csv_file(tmp_path / "a.csv", bank.month(6)))
    bank.import_files(accountant, bank.csv_file(tmp_path / "b.csv", bank.month(3, start=6), "24.00"))
    second = bank.statements(admin)[1]
    effects.prepare(admin, Call(STATEMENT, "write", ([second["id"]], {
        "balance_start": 0.0, "balance_end_real": 25.5})))
    summary = bank.import_files(accountant, tmp_path / "b.csv")
    assert (summary.state, [change.action for change in summary.changes]) == ("done", ["post"])
    assert [(each["balance_start"], each["balance_end_real"]) for each in bank.statements(admin)] == [
        (0.0, 24.0), (24.0, 49.5)]


def test_an_empty_statement_is_used_by_the_next_import(accountant: Session, admin: Session, tmp_path: Path) -> None:
    journal = bank.journal(admin)["id"]
    effects.insert_once(accountant, STATEMENT, {f"stm-j{journal}-{'0' * 16}-1": {
        "journal_id/.id": journal, "date": "2026-01-01", "name": "left"}})
    bank.import_files(accountant, bank.csv_file(tmp_path / "a.csv", bank.month(6)))
    [statement] = bank.statements(admin)
    assert (statement["state"], len(statement["line_ids"]), statement["date"]) == (
        "posted", 6, dt.date(2026, 1, 2).isoformat())
