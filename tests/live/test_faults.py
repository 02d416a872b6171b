"""`kill -9` and "answer lost" at every call of `bank import`, then again: the same books.

Each run is a process of its own, on its own copy of a prepared company; see :mod:`tests.faults.runner`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from connector.session import Session
from tests.faults.runner import Command, Report, Trial, is_write
from tests.live import bank
from tests.sandbox.server import Database, Sandbox

pytestmark = pytest.mark.live

SAMPLE = Path(__file__).parents[1] / "golden" / "triodos_csv_nl" / "mutations-9col-utf8.csv"


def tell(report: Report) -> None:
    """Say what was tried (seen with -rP or when it fails)."""
    writes = sum(map(is_write, report.calls))
    print(f"{len(report.calls)} calls, {writes} of them write; runs: {dict(report.points)}; "
          f"{report.known} killed readers left what another one had left; {report.seconds:.0f} s")
    print("\n".join(report.problems))


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
