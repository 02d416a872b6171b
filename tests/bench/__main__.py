"""`make bench`: what each job costs, in API calls first, then in seconds on this machine.

API calls are what a user pays for on a slow line; they do not depend on the machine. Seconds are for orientation.
"""

from __future__ import annotations

import datetime as dt
import io
import tempfile
import time
from collections.abc import Callable, Iterator
from decimal import Decimal

from rich.console import Console
from rich.table import Table

from jobs.invoicing import JOB as INVOICING
from jobs.invoicing.options import InvoiceOptions
from jobs.payments import JOB as PAYMENTS
from jobs.payments import PayOptions
from jobs.reconciliation import JOB as RECONCILIATION
from jobs.reconciliation import ReconcileOptions
from jobs.running import run_job
from mappings.formats import pain001, triodos_csv_nl
from mappings.party import Party
from mappings.payment import CreditTransfer, PaymentBatch, PaymentOrder
from tests.live.company import new_company
from tests.sandbox import server


def jobs() -> Iterator[tuple[str, int, float]]:
    """The demo company's month, each job once with work to do and once without."""
    with tempfile.TemporaryDirectory() as folder:
        company = new_company(server.up(), {"payments": {"out_dir": folder}})
        s, month = company.accountant, company.company
        hours = InvoiceOptions(first=month.month, last=month.last_day, post=True, send=True)
        steps: tuple[tuple[str, Callable[[], object]], ...] = (
            ("invoice run --post --send, 4 invoices", lambda: run_job(s, INVOICING, hours)),
            ("invoice run again", lambda: run_job(s, INVOICING, hours)),
            ("pay run, 2 orders of 8 payments", lambda: run_job(s, PAYMENTS, PayOptions(due=month.due))),
            ("pay run again", lambda: run_job(s, PAYMENTS, PayOptions(due=month.due))),
            ("bank reconcile, nothing imported", lambda: run_job(s, RECONCILIATION, ReconcileOptions())),
        )
        for name, act in steps:
            calls, started = s.transport.traffic.calls, time.perf_counter()
            act()
            yield name, s.transport.traffic.calls - calls, time.perf_counter() - started


def formats() -> Iterator[tuple[str, int, float]]:
    """The file formats, on many rows; they call nothing."""
    row = ('"02-01-2026","NL19TRIO0338500014","12,10","Debet","Visser","RABONL2U NL29RABO0300123450","ET",'
           '"Factuur {}","{}"\n')
    balances = (f"{-12.10 * number:.2f}".replace(".", ",") for number in range(1, 10_001))
    text = "".join(row.format(number, balance) for number, balance in enumerate(balances)).encode()
    started = time.perf_counter()
    statements = list(triodos_csv_nl.parse(io.BytesIO(text)))
    yield f"Triodos CSV, {len(statements[0].entries)} entries read", 0, time.perf_counter() - started
    payee = Party(name="Visser", iban="NL29RABO0300123450")
    transfers = tuple(CreditTransfer(f"WS-1-1-00000000-{number}", Decimal("12.10"), payee, f"F-{number}")
                      for number in range(10_000))
    batch = PaymentBatch("WS-1-1-00000000-B1", dt.date(2026, 11, 24), Party("Wij", "NL19TRIO0338500014", "TRIONL2U"),
                         None, True, transfers)
    started = time.perf_counter()
    pain001.build_checked(PaymentOrder("WS-1-1-00000000", dt.datetime(2026, 11, 24), "Wij", (batch,)))
    yield "pain.001, 10,000 payments built, checked and read back", 0, time.perf_counter() - started


def main() -> None:
    """Measure, and print a table."""
    table = Table(show_edge=False)
    table.add_column("what")
    table.add_column("API calls", justify="right")
    table.add_column("seconds", justify="right")
    for source in (formats, jobs):
        for name, calls, seconds in source():
            table.add_row(name, str(calls or ""), f"{seconds:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
