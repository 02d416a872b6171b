"""Which open items an entry settles: decided on plain data."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.reconciliation.rules import Decision, Match, Matcher, Unmatched, Words
from mappings.odoo.open_item import Kind, OpenItem
from mappings.odoo.statement_line import BankLine

KEES = "NL29RABO0300123450"


def entry(amount: str, text: str, *, record: int = 1, account: str = "", code: str = "ET", partner: int = 0,
          ) -> BankLine:
    return BankLine(id=record, date=dt.date(2026, 1, record), amount=Decimal(amount), text=text, name="",
                    account=account, code=code, reference="", statement=1, journal=7, move=record, partner=partner,
                    reconciled=False)


def item(line: int, residual: str, *references: str, kind: Kind = "invoice", partner: int = 1, iban: str = "",
         ) -> OpenItem:
    return OpenItem(line=line, kind=kind, document=line, number=references[0] if references else "", partner=partner,
                    references=references, residual=Decimal(residual), date=dt.date(2026, 1, 1), partner_name="",
                    iban=iban)


def decide(row: BankLine, *items: OpenItem) -> Decision:
    [decision] = Matcher(items).decide([row])
    return decision


def lines(decision: Decision) -> list[int]:
    assert isinstance(decision, Match), decision
    return [each.line for each in decision.items]


def code(decision: Decision) -> str:
    assert isinstance(decision, Unmatched), decision
    return decision.code


A = item(1, "605.00", "INV/2026/00001")
B = item(2, "1210.00", "INV/2026/00002")
BILL = item(3, "-48.40", "BILL/2026/0001", "EN-000451", kind="bill", partner=2)
P1, P2 = (item(number, "-50.00", f"WS-1-3-ABCDEF12-{number}", kind="payment", partner=number, iban=KEES)
          for number in (1, 2))


@pytest.mark.parametrize("text", [
    "INV/2026/00001", "factuur inv-2026-00001.", "Betaling INV202600001 dank", "12INV/2026/00001", "ＩＮＶ/2026/00001",
])
def test_a_number_is_found_however_it_is_written(text: str) -> None:
    assert lines(decide(entry("605.00", text), A, B)) == [1]


@pytest.mark.parametrize("text", ["INV/2026/000011", "factuurINV/2026/00001", "PINV/2026/00001", "2026/00001", ""])
def test_a_number_inside_another_is_not_it(text: str) -> None:
    assert code(decide(entry("605.00", text), A)) == "unknown"


@given(st.text(max_size=30), st.text(min_size=1, max_size=12))
def test_words_hold_themselves(text: str, number: str) -> None:
    words = Words(number)
    assert not words.is_number or Words(f"{text} {number} {text}").hold(words)


def test_bills_go_out() -> None:
    assert lines(decide(entry("-48.40", "NL69ZZZ EN-000451 EN2026010045"), A, BILL)) == [3]
    assert code(decide(entry("48.40", "EN-000451"), BILL)) == "ambiguous"


def test_short_references_name_nothing() -> None:
    assert code(decide(entry("5.00", "huur 17"), item(1, "5.00", "17"))) == "unknown"
    assert code(decide(entry("5.00", "huur januari"), item(1, "5.00", "januari"))) == "unknown"


@pytest.mark.parametrize(("amount", "outcome"), [("400.00", "partial"), ("700.00", "overpaid"), ("604.99", "partial")])
def test_there_is_no_tolerance(amount: str, outcome: str) -> None:
    assert code(decide(entry(amount, "INV/2026/00001"), A)) == outcome


def test_the_reason_names_both_amounts() -> None:
    decision = decide(entry("400.00", "INV/2026/00001"), A)
    assert isinstance(decision, Unmatched)
    assert decision.why == "partial: invoice INV/2026/00001 has 605,00 open, 400,00 came in"


def test_several_invoices_and_a_credit_note_of_one_customer() -> None:
    note = item(4, "-105.00", "RINV/2026/00001")
    assert lines(decide(entry("1815.00", "INV/2026/00001 + INV/2026/00002"), A, B)) == [1, 2]
    assert lines(decide(entry("500.00", "INV/2026/00001 min RINV/2026/00001"), A, note)) == [1, 4]
    assert code(decide(entry("1000.00", "INV/2026/00001 INV/2026/00002"), A, B)) == "ambiguous"


def test_invoices_of_two_customers_are_for_a_person() -> None:
    other = item(5, "10.00", "INV/2026/00005", partner=9)
    assert code(decide(entry("615.00", "INV/2026/00001 INV/2026/00005"), A, other)) == "ambiguous"


def test_one_number_on_two_bills_is_for_a_person() -> None:
    twice = item(6, "-48.40", "EN-000451", kind="bill", partner=3)
    assert code(decide(entry("-48.40", "EN-000451"), BILL, twice)) == "ambiguous"


def test_an_item_is_settled_once() -> None:
    both = list(Matcher([A]).decide([entry("605.00", "INV/2026/00001"), entry("605.00", "INV/2026/00001", record=2)]))
    assert (lines(both[0]), code(both[1])) == ([1], "paid_twice")


def test_a_batch_by_its_id_and_total() -> None:
    text = "WS-1-3-ABCDEF12-B1 WS-1-3-ABCDEF12.xml 05-01-2026 2"
    stranger = item(9, "-50.00", "WS-1-3-ABCDEF99-1", kind="payment")
    assert lines(decide(entry("-100.00", text), P1, P2, stranger)) == [1, 2]
    assert code(decide(entry("-99.00", text), P1, P2)) == "batch_total"
    assert code(decide(entry("-50.00", text), stranger)) == "batch_unknown"


def test_a_batch_names_nobody() -> None:
    decision = decide(entry("-100.00", "WS-1-3-ABCDEF12-B1"), P1, P2)
    assert isinstance(decision, Match)
    assert decision.what == "2 payments of WS-1-3-ABCDEF12"


def test_a_payment_by_amount_and_iban() -> None:
    assert lines(decide(entry("-50.00", "iets", account=KEES), P1)) == [1]
    assert code(decide(entry("-50.00", "iets", account=KEES), P1, P2)) == "ambiguous"
    assert lines(decide(entry("-50.00", "WS-1-3-ABCDEF12-2", account=KEES), P1, P2)) == [2]
    assert code(decide(entry("-50.00", "iets", account="NL15INGB0001234560"), P1)) == "unknown"
    assert code(decide(entry("-50.00", "iets"), item(1, "-50.00", "WS-1-3-ABCDEF12-1", kind="payment"))) == "unknown"


@pytest.mark.parametrize(("row", "outcome"), [
    (entry("-6.75", "Kosten", code="KN"), "costs"),
    (entry("605.00", "INV/2026/00001", code="ETST"), "returned"),
    (entry("605.00", "bedankt", partner=1), "no_number"),
    (entry("605.00", "bedankt"), "unknown"),
])
def test_what_is_left_has_a_reason(row: BankLine, outcome: str) -> None:
    assert code(decide(row, A)) == outcome
