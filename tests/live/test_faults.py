"""`kill -9` and "answer lost" at every call of the commands that move money, then again: the same books.

Each run is a process of its own, on its own copy of a prepared company; see :mod:`tests.faults.runner`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.runner import Trial
from tests.faults.slots import Command
from tests.live import bank
from tests.live import payables as small
from tests.live.payables import ANNA, PASSWORD
from tests.live.users import create_user, sign_in
from tests.sandbox.server import Database, Sandbox

pytestmark = pytest.mark.live


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
    print(report)
    # What all runs are compared with is itself right: each item in one file, whose bytes Odoo keeps.
    files = [json.loads(file) for file in trial.expected["files"]]
    assert [(file["sums"], file["kept in Odoo"], file["mode"]) for file in files] == [
        (["3", "183.00", "3", "183.00"], True, "0o600"), (["1", "2100.00", "1", "2100.00"], True, "0o600")]
    assert report.problems == []


def test_bank_import_ends_the_same_wherever_it_was_broken_off(sandbox: Sandbox, tmp_path: Path,
                                                              fresh_database: Callable[[], Database]) -> None:
    database = fresh_database()
    admin = bank.prepare(database)
    customer = bank.partner(admin, "Bakkerij Zonnebloem BV", "NL29RABO0300123450")
    invoice = bank.document(admin, "one", customer, "1210.00")
    twin = bank.row("2026-01-06", "-15.00", name="P. Jansen-Vos", text="Vrijwilligersvergoeding")
    paid = bank.row("2026-01-07", "1210.00", name="Bakkerij Zonnebloem BV", text=f"Factuur {invoice['name']}")
    file = bank.csv_file(tmp_path / "january.csv", [*bank.month(2), twin, twin, paid])
    trial = Trial(sandbox, Command(("--json", "bank", "import", str(file)), database, bank.LOGINS[0], bank.PASSWORD),
                  tmp_path)
    report = trial()
    print(report)
    assert [json.loads(line)["is_reconciled"] for line in trial.expected["bank lines"]].count(True) == 1
    assert len(trial.expected["bank lines"]) == 5
    assert report.problems == []
