"""Runs the company's month with the real jobs, and plays the bank in between.

    fill  →  invoice run  →  pay run  →  the bank books, customers pay  →  bank import  →  bank reconcile

The month is the last one, and all of it happens today or on the next business day: the jobs run as they always do.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from connector import records
from connector.session import ReadSession, Session
from connector.stock import order_book
from jobs.demo import bank, data
from jobs.demo.bank import Booking
from jobs.demo.company import Company, fill, sign_in
from jobs.demo.state import State, look
from jobs.invoicing import JOB as INVOICING
from jobs.invoicing.options import InvoiceOptions
from jobs.payments import JOB as PAYMENTS
from jobs.payments.apply import write_file
from jobs.payments.options import PayOptions
from jobs.plan import Job, Options, Plan, Skipped, Summary, strongest, write_private
from jobs.reconciliation import JOB as RECONCILIATION
from jobs.reconciliation import ReconcileOptions
from jobs.running import run_job
from jobs.statements import JOB as STATEMENTS
from jobs.statements import ImportOptions
from mappings.calendar import next_business_day
from mappings.money import from_wire, round_half_up

EXPECTED = Counter({"partial": 1, "costs": 1})
"""What a person has to look at in the end: the customer who paid a part, and the bank's costs."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo did and left; `left` is what the jobs would do and skip if they ran again."""

    company: Company
    jobs: tuple[Summary, ...]
    left: tuple[Plan, ...]
    before: State
    after: State
    files: tuple[Path, ...]

    @property
    def open(self) -> tuple[Skipped, ...]:
        """What is open in the end, and why."""
        return tuple(dict.fromkeys(row for plan in self.left for row in plan.skipped))

    @property
    def as_expected(self) -> bool:
        """Nothing is left to do, and only those rows need a person, then or on the way, that are meant to."""
        rows = dict.fromkeys((*self.open, *(row for job in self.jobs for row in job.skipped)))
        return not any(plan.changes for plan in self.left) and Counter(
            row.code for row in rows if row.needs_person) == EXPECTED

    @property
    def exit_code(self) -> int:
        """0 when the open list is the expected one."""
        failed = [job.exit_code for job in self.jobs if job.exit_code > 1]
        return strongest([*failed, int(not self.as_expected)])


def run(admin: Session, out: Path, passwords: dict[str, str], say: Say) -> Outcome:
    """Fill the database of this administrator and run last month; a second run finds everything done.

    Args:
        admin: signed in to an empty database, or to one that the demo filled.
        out: the directory for the payment files and the bank's download.
        passwords: login → password, given to the two accountants.
        say: told what is going on.

    Raises:
        WerkstroomError: the database is not empty, or something could not be done; running it again goes on.
    """
    last_month = admin.today().replace(day=1) - dt.timedelta(days=1)
    company = fill(admin, month=last_month.replace(day=1), passwords=passwords, say=say)
    accountant = sign_in(admin, company.accountant, passwords[company.accountant])
    payments = accountant.settings.payments.model_copy(update={"out_dir": out})
    accountant.settings = accountant.settings.model_copy(update={"payments": payments})
    before = look(accountant, company)
    say(f"{company.accountant} runs {company.month:%m-%Y}")
    invoice = InvoiceOptions(first=company.month, last=company.last_day, post=True, send=True)
    pay = PayOptions(due=company.due)
    jobs = [_run(accountant, INVOICING, invoice, say), _run(accountant, PAYMENTS, pay, say)]
    bookings, files = _bank(accountant, company)
    evening = dt.datetime.combine(max(booking.date for booking in bookings), dt.time(18, 0))
    download = out / bank.file_name(evening)
    write_private(download, bank.download(bookings, company.iban, company.opening))
    say(f"the bank booked {len(bookings)} entries until {evening:%d-%m-%Y}")
    jobs += [_run(accountant, STATEMENTS, ImportOptions(files=(download,)), say),
             _run(accountant, RECONCILIATION, ReconcileOptions(), say)]
    reader = accountant.read_only()
    left = (INVOICING.plan(reader, invoice).plan, PAYMENTS.plan(reader, pay).plan,
            RECONCILIATION.plan(reader, ReconcileOptions()).plan)
    return Outcome(company, tuple(jobs), left, before, look(reader, company), (*files, download))


def _run(s: Session, job: Job[Options], options: Options, say: Say) -> Summary:
    summary = run_job(s, job, options)
    counts = ", ".join(f"{count} {what}" for what, count in summary.counts.items() if count)
    say(f"{job.name}: {summary.state}" + (f" ({counts})" if counts else ""))
    return summary


# --- the bank's side -------------------------------------------------------------------------------------------------

def _bank(s: Session, company: Company) -> tuple[list[Booking], list[Path]]:
    """Return what happens on the account: our payment files, what suppliers and customers do, the bank's costs."""
    bookings, files = [], []
    for order in order_book.read(s).orders.values():
        if order.outcome == "out":
            # The same bytes under the same name, however often the demo runs.
            path = Path(write_file(s, order, order_book.file_content(s, order)).path)
            files.append(path)
            bookings += bank.carry_out(path.read_bytes(), path.name, company.iban)
    day = max((booking.date for booking in bookings), default=next_business_day(s.today()))
    bookings += _direct_debits(s, company)
    bookings += _customers(s, company, day)
    bookings.append(Booking(day, -data.BANK_COSTS, "KN", f"Kosten betalingsverkeer {company.month:%m-%Y}"))
    return bookings, files


def _customers(s: ReadSession, company: Company, day: dt.date) -> Iterator[Booking]:
    """Customers pay the invoices of the month's hours, one of them a part; quickly, as this is a demo."""
    hours = records.search(s, "account.analytic.line", [
        ("timesheet_invoice_id.state", "=", "posted"), ("date", ">=", company.month.isoformat()),
        ("date", "<=", company.last_day.isoformat())], ["timesheet_invoice_id"])
    billed = [("id", "in", sorted({row["timesheet_invoice_id"][0] for row in hours}))]
    for key, invoice in _documents(s, billed, data.CUSTOMERS):
        customer = data.CUSTOMERS[key]
        amount = round_half_up(from_wire(invoice["amount_total"]) * data.CUSTOMERS_PAY[key])
        yield Booking(day, amount, "ET", f"Factuur {invoice['name']}", customer.name, customer.iban)


def _direct_debits(s: ReadSession, company: Company) -> Iterator[Booking]:
    """Suppliers who debit us do so on the day the month's bill is due."""
    bills = [("move_type", "=", "in_invoice"), ("state", "=", "posted"),
             ("invoice_date", ">=", company.month.isoformat()), ("invoice_date", "<=", company.last_day.isoformat())]
    for key, bill in _documents(s, bills, {key: data.SUPPLIERS[key] for key in data.DIRECT_DEBIT}):
        supplier = data.SUPPLIERS[key]
        yield Booking(dt.date.fromisoformat(bill["invoice_date_due"]), -from_wire(bill["amount_total"]), "EI",
                      f"{data.CREDITOR_ID} {data.MANDATE} Factuur {bill['ref']}", supplier.name, supplier.iban)


def _documents(s: ReadSession, domain: records.Domain,
               partners: Mapping[str, data.Partner]) -> Iterator[tuple[str, records.Row]]:
    """Yield the invoices or bills of a domain that are of one of these, with his key."""
    keys = {partner.name: key for key, partner in partners.items()}
    for row in records.pages(s, "account.move", domain, ["name", "ref", "amount_total", "invoice_date_due",
                                                         "commercial_partner_id"]):
        key = keys.get(row["commercial_partner_id"][1])
        if key:
            yield key, row


def sha256(path: Path) -> str:
    """Return the digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
