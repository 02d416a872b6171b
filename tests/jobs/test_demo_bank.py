"""The bank that the demo plays: our own parser reads what it writes, and it refuses what a bank would refuse."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from connector.errors import MalformedFile
from jobs.demo import bank, data
from jobs.demo.bank import Booking
from jobs.demo.company import Company
from jobs.demo.filling import working_days
from mappings.formats import open_statements
from mappings.party import is_iban
from mappings.statement import check

DAY = dt.date(2026, 11, 2)


def order(total: str = "30.55", account: str = data.IBAN, amounts: tuple[str, ...] = ("10.05", "20.50")) -> bytes:
    """A payment file with one batch."""
    transfers = "".join(f"<CdtTrfTxInf><Amt><InstdAmt Ccy='EUR'>{amount}</InstdAmt></Amt></CdtTrfTxInf>"
                        for amount in amounts)
    return (f"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.001.001.09'><CstmrCdtTrfInitn>"
            f"<GrpHdr><NbOfTxs>{len(amounts)}</NbOfTxs><CtrlSum>{total}</CtrlSum></GrpHdr>"
            f"<PmtInf><PmtInfId>WS-1-1-0A1B2C3D-B1</PmtInfId><ReqdExctnDt><Dt>{DAY}</Dt></ReqdExctnDt>"
            f"<DbtrAcct><Id><IBAN>{account}</IBAN></Id></DbtrAcct>{transfers}</PmtInf>"
            f"</CstmrCdtTrfInitn></Document>").encode()


def test_a_batch_is_booked_as_one_total_without_name_and_account() -> None:
    [booking] = bank.carry_out(order(), "pay.xml", data.IBAN)
    assert booking == Booking(DAY, Decimal("-30.55"), "ET", "WS-1-1-0A1B2C3D-B1 pay.xml 02-11-2026 2")


@pytest.mark.parametrize("file", [order(total="30.54"), order(account=data.CUSTOMERS["vos"].iban), b"<Document"])
def test_it_refuses_what_does_not_add_up(file: bytes) -> None:
    with pytest.raises(MalformedFile, match="the bank refuses it"):
        bank.carry_out(file, "pay.xml", data.IBAN)


def test_our_parser_reads_the_download(tmp_path: Path) -> None:
    bookings = [Booking(DAY + dt.timedelta(days=2), Decimal("1210.00"), "ET", 'factuur "1"', "Vos Techniek BV",
                        data.CUSTOMERS["vos"].iban),
                Booking(DAY, Decimal("-3692.26"), "ET", "WS-1-1-0A1B2C3D-B1 pay.xml 02-11-2026 4"),
                Booking(DAY, Decimal("-6.75"), "KN", "Kosten")]
    path = tmp_path / bank.file_name(dt.datetime(2026, 11, 5, 9, 0, 30))
    path.write_bytes(bank.download(bookings, data.IBAN, data.OPENING))
    [statement] = open_statements(path)
    assert path.name == "mutations20261105090030.csv"
    assert all(result.ok for result in check(statement))
    assert (statement.account, statement.opening) == (data.IBAN, data.OPENING)
    assert statement.closing == bank.balance_after(bookings, data.OPENING) == Decimal("15761.39")
    assert [(entry.booking_date, entry.amount, entry.code) for entry in statement.entries] == [
        (DAY, Decimal("-3692.26"), "ET"), (DAY, Decimal("-6.75"), "KN"),
        (DAY + dt.timedelta(days=2), Decimal("1210.00"), "ET")]
    payer = statement.entries[2]
    assert (payer.counterparty.name, payer.counterparty.iban, payer.counterparty.bic, payer.text) == (
        "Vos Techniek BV", data.CUSTOMERS["vos"].iban, "ABNANL2A", 'factuur "1"')


def test_every_account_of_the_demo_has_valid_digits() -> None:
    partners = [*data.CUSTOMERS.values(), *data.SUPPLIERS.values(), *(who.partner for who in data.EMPLOYEES.values())]
    ibans = [data.IBAN, *(partner.iban for partner in partners)]
    assert all(map(is_iban, ibans))
    assert len(set(ibans)) == len(ibans)


def test_the_story_fits_any_month() -> None:
    for number in range(48):
        company = Company(dt.date(2026 + number // 12, number % 12 + 1, 1))
        days = working_days(company.month)
        assert len(days) >= max(hours[3] for hours in data.HOURS)
        due = {key: days[bill.day - 1] + dt.timedelta(days=bill.due) for key, bill in data.BILLS.items()}
        assert {key for key, day in due.items() if day > company.due} == {"terpstra-later"}
