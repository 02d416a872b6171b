from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mockbank.validate import validate  # type: ignore[import-untyped,unused-ignore]

from mappings.errors import MalformedFile, WerkstroomError
from mappings.formats import pain001
from mappings.formats.pain001 import VERSION, ReadTransfer, build, build_checked, read_back
from mappings.party import Party
from mappings.payment import CreditTransfer, PaymentBatch, PaymentOrder, PaymentRuleError
from tests.golden.orders import CREATED, DAY, DEBTOR, ORDERS, SALARIES, SUPPLIERS

GOLDEN = Path(__file__).parents[1] / "golden" / "pain001"


@pytest.mark.parametrize("name", ORDERS)
def test_the_bytes_are_golden(name: str) -> None:
    assert build_checked(ORDERS[name]) == (GOLDEN / f"{name}.xml").read_bytes()


@pytest.mark.parametrize("name", ORDERS)
def test_mock_bank_has_no_finding(name: str) -> None:
    assert validate(build_checked(ORDERS[name]), today=CREATED.date()) == []


def test_the_same_order_gives_the_same_bytes() -> None:
    first, second = BytesIO(), BytesIO()
    build(SUPPLIERS, first)
    build(SUPPLIERS, second)
    assert first.getvalue() == second.getvalue()
    assert first.getvalue().startswith(b'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022')
    assert b"\n" not in first.getvalue()


def test_what_was_written_reads_back() -> None:
    found = read_back(build_checked(SALARIES))
    assert (found.message_id, found.count, found.total) == ("WS-1-8-4E5F6071", 2, Decimal("4344.67"))
    first, second = found.batches
    assert (first.id, first.execution_date, first.debtor_account) == ("WS-1-8-4E5F6071-B1", DAY, DEBTOR.iban)
    assert (first.category_purpose, first.batch_booking, first.count) == ("SALA", True, 1)
    assert (second.batch_booking, second.total) == (False, Decimal("1999.00"))
    assert found.transfers == [
        ReadTransfer("WS-1-8-4E5F6071-1", "NL59ASNB0709123450", Decimal("2345.67"), "P. Jansen-Vos",
                     "Salaris november 2026"),
        ReadTransfer("WS-1-8-4E5F6071-2", "NL15INGB0001234560", Decimal("1999.00"), "M. de Wit", "")]


def test_the_time_of_making_may_have_a_zone() -> None:
    created = CREATED.replace(tzinfo=timezone(timedelta(hours=1)), microsecond=5)
    assert b"<CreDtTm>2026-11-24T09:15:03+01:00</CreDtTm>" in build_checked(replace(SUPPLIERS, created=created))


@pytest.mark.parametrize(("before", "after", "fault"), [
    (b"<CtrlSum>1358.36", b"<CtrlSum>1358.37", "B1/CtrlSum: it says 1358.37 and its transfers sum to 1358.36"),
    (b"<CtrlSum>1358.36</CtrlSum><InitgPty>", b"<CtrlSum>1358.3</CtrlSum><InitgPty>", "GrpHdr/CtrlSum"),
    (b"<NbOfTxs>4", b"<NbOfTxs>5", "NbOfTxs: it says 5 transfers and holds 4"),
    (b'"EUR">99.95', b'"EUR">99.96', "CtrlSum"), (b"<Cdtr>", b"<Cdtr><X/>", "X"),
    (b"pain.001.001.09", b"pain.001.001.03", "validation root"), (b"<Document", b"<!DOCTYPE x><Document", "DTD"),
    (b"<Dt>2026-11-26</Dt>", b"<Dt>2026-11-31</Dt>", "Dt"), (b"</Document>", b"", "Premature end"),
    (b"<PmtMtd>TRF</PmtMtd><BtchBookg>true</BtchBookg>", b"<BtchBookg>true</BtchBookg><PmtMtd>TRF</PmtMtd>", "Btch"),
])
def test_a_file_that_contradicts_itself_is_refused(before: bytes, after: bytes, fault: str) -> None:
    data = build_checked(SUPPLIERS)
    assert before in data
    with pytest.raises(MalformedFile, match=fault):
        read_back(data.replace(before, after), source="x.xml")


def _other_amount(write: Callable[[CreditTransfer], str]) -> Callable[[CreditTransfer], str]:
    return lambda transfer: write(replace(transfer, amount=transfer.amount + 1))


def _other_account(write: Callable[[CreditTransfer], str]) -> Callable[[CreditTransfer], str]:
    return lambda transfer: write(replace(transfer, creditor=replace(transfer.creditor, iban=DEBTOR.iban)))


def _other_text(write: Callable[[CreditTransfer], str]) -> Callable[[CreditTransfer], str]:
    return lambda transfer: write(replace(transfer, remittance="x", structured_reference=None))


def _twice(write: Callable[[CreditTransfer], str]) -> Callable[[CreditTransfer], str]:
    return lambda transfer: write(transfer) * 2


@pytest.mark.parametrize("fault", [_other_amount, _other_account, _other_text, _twice])
def test_the_builder_is_not_trusted(fault: Callable[[Callable[[CreditTransfer], str]], Callable[[CreditTransfer], str]],
                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pain001, "_transfer", fault(pain001._transfer))
    with pytest.raises(WerkstroomError):
        build_checked(SUPPLIERS)


def test_neither_is_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    header = pain001._batch_header
    monkeypatch.setattr(pain001, "_batch_header", lambda batch: header(replace(batch, execution_date=CREATED.date())))
    with pytest.raises(WerkstroomError, match="does not say what the order says"):
        build_checked(SUPPLIERS)


def test_foreign_files_read_back_too() -> None:
    data = build_checked(SUPPLIERS)
    data = data.replace(b"<NbOfTxs>4</NbOfTxs><CtrlSum>1358.36</CtrlSum><PmtTpInf>", b"<PmtTpInf>")
    data = data.replace(b"<Dt>2026-11-26</Dt>", b"<DtTm>2026-11-26T10:00:00+01:00</DtTm>")
    data = data.replace(b"<CtgyPurp><Cd>SUPP</Cd></CtgyPurp>", b"").replace(b"<BtchBookg>true</BtchBookg>", b"")
    [batch] = read_back(data).batches
    assert (batch.execution_date, batch.category_purpose, batch.batch_booking) == (None, None, False)


def test_the_version_is_the_one_of_the_profile() -> None:
    assert VERSION == "pain.001.001.09"


IBANS = st.sampled_from(["NL19TRIO0338500014", "NL29RABO0300123450", "BE21001234567803", "nl59 asnb 0709 1234 50",
                         "CH9300762011623852957", "NL28RABO0300123450", ""])
GOOD_IBANS = st.sampled_from(["NL19TRIO0338500014", "NL29RABO0300123450", "BE21001234567803"])
IDENTIFIERS = st.text("AZaz09-/:. ", min_size=1, max_size=35) | st.text(max_size=40)
NAMES = st.text(min_size=1, max_size=75)
PARTIES = st.builds(Party, NAMES, IBANS | GOOD_IBANS, st.sampled_from(["", "TRIONL2U", "NOTPROVIDED"]))
AMOUNTS = st.decimals(min_value="0.01", max_value="999999999.99", places=2) | st.decimals()
TRANSFERS = st.builds(CreditTransfer, IDENTIFIERS, AMOUNTS, PARTIES, st.text(max_size=150),
                      st.none() | st.sampled_from(["RF18539007547034", "9001041146812501"]) | st.text(max_size=20))
DATES = st.dates(date(2026, 11, 24), date(2030, 1, 1))
BATCHES = st.builds(PaymentBatch, IDENTIFIERS, DATES, PARTIES, st.none() | st.sampled_from(["SALA", "SUPP", "XXXX"]),
                    st.booleans(), st.lists(TRANSFERS, max_size=3).map(tuple))
WILD = st.builds(PaymentOrder, IDENTIFIERS, st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)), NAMES,
                 st.lists(BATCHES, max_size=3).map(tuple))


@st.composite
def sound(draw: st.DrawFn) -> PaymentOrder:
    """Orders whose every part is allowed, with any text."""
    name = st.text(max_size=20).map(lambda text: f"A{text}"[:20])
    money = st.integers(1, 99_999_999_999).map(lambda cents: Decimal(cents) / 100)
    batches = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        transfers = tuple(
            CreditTransfer(f"WS-1-2-ABCDEF01-{number}-{index}", draw(money), Party(draw(name), draw(GOOD_IBANS)),
                           draw(st.text(max_size=30)))
            for index in range(draw(st.integers(1, 4))))
        batches.append(PaymentBatch(f"WS-1-2-ABCDEF01-B{number}", draw(DATES), Party(draw(name), draw(GOOD_IBANS)),
                                    draw(st.sampled_from([None, "SUPP", "OTHR"])), draw(st.booleans()), transfers))
    return PaymentOrder("WS-1-2-ABCDEF01", CREATED, draw(name), tuple(batches))


@given(WILD | sound())
def test_any_order_is_refused_or_becomes_a_valid_file_of_the_same_totals(order: PaymentOrder) -> None:
    try:
        data = build_checked(order)
    except PaymentRuleError as error:
        assert error.remedy  # noqa: PT017
        return
    found = read_back(data)
    assert (found.count, found.total) == (order.count, order.total)
    assert validate(data, today=date(2026, 11, 24)) == []


@given(sound())
def test_a_sound_order_is_never_refused(order: PaymentOrder) -> None:
    assert read_back(build_checked(order)).total == order.total
