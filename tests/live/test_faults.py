"""`kill -9` and "answer lost" at every call of the commands that move money, then again: the same books.

Each run is a process of its own, on its own copy of a prepared company; see :mod:`tests.faults.runner`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from connector.session import Session
from tests.faults.runner import Command, Report, Trial, is_write
from tests.live import bank
from tests.live import payables as small
from tests.live.payables import ANNA, PASSWORD
from tests.live.users import create_user, sign_in
from tests.sandbox.server import Database, Sandbox

pytestmark = pytest.mark.live

SAMPLE = Path(__file__).parents[1] / "golden" / "triodos_csv_nl" / "mutations-9col-utf8.csv"


def tell(report: Report) -> None:
    """Say what was tried (seen with -rP or when it fails)."""
    writes = sum(map(is_write, report.calls))
    print(f"{len(report.calls)} calls, {writes} of them write; runs: {dict(report.points)}; "
          f"{report.known} killed readers left what another one had left; {report.seconds:.0f} s")
    print("\n".join(report.problems))


def test_pay_run_ends_the_same_wherever_it_was_broken_off(sandbox: Sandbox, fresh_database: Callable[[], Database],
                                                          tmp_path: Path) -> None:
    database = fresh_database()
    admin = sign_in(database)
    small.grant(admin, "account.group_account_user")
    create_user(admin, ANNA, PASSWORD)
    company = small.prepare(admin)
    company.bill("bakker", "121.00", "F-1")
    company.bill("bakker", "21.00", "C-1", refund=True)
    company.bill("visser", "60.50", "V-8")
    company.expense("emma", ["10.00", "12.50"])
    company.salary("emma", "2100.00")
    trial = Trial(sandbox, Command(("--json", "pay", "run", "--yes"), database, ANNA, PASSWORD), tmp_path)
    report = trial()
    tell(report)
    assert [row for row in trial.expected["files"] if '"kept in Odoo": true' in row] == trial.expected["files"]
    assert len(trial.expected["files"]) == 2
    assert report.problems == []


def test_bank_import_ends_the_same_wherever_it_was_broken_off(sandbox: Sandbox, tmp_path: Path,
                                                              fresh_database: Callable[[], Database]) -> None:
    database = fresh_database()
    admin: Session = bank.prepare(database)
    customer = bank.partner(admin, "Bakkerij Zonnebloem BV", "NL29RABO0300123450")
    bank.document(admin, "one", customer, "1210.00")
    trial = Trial(sandbox, Command(("--json", "bank", "import", str(SAMPLE)), database, bank.LOGINS[0], bank.PASSWORD),
                  tmp_path)
    report = trial()
    tell(report)
    assert report.problems == []
