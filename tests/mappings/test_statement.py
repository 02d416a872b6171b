from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from mappings.party import Party
from mappings.statement import Entry, Statement, check, entry_key_digest, normalise, to_json, twin_numbers

OWN = "NL19TRIO0338500014"
BAKERY = Entry(1, date(2026, 1, 2), Decimal("1210.00"), text="Factuur 2026-0001", balance_after=Decimal("2460.00"),
               counterparty=Party("Bakkerij Zonnebloem BV", "NL29RABO0300123450", "RABONL2U"))
COSTS = Entry(2, date(2026, 1, 2), Decimal("-6.75"), text="Kosten van 01-10-2025 tot en met 31-12-2025", code="KN",
              balance_after=Decimal("2453.25"))
NO_IBAN = Entry(3, date(2026, 1, 3), Decimal("-1"), counterparty=Party("Crème & Zn", account="1234567"),
                balance_after=Decimal("2452.25"))


def statement(*entries: Entry, opening: str | None = "1250.00", closing: str | None = "2452.25") -> Statement:
    return Statement(OWN, "EUR", date(2026, 1, 2), date(2026, 1, 3), Decimal(opening) if opening else None,
                     Decimal(closing) if closing else None, list(entries))


def test_three_digests_are_fixed_for_ever() -> None:
    assert [entry_key_digest(OWN, each) for each in (BAKERY, COSTS, NO_IBAN)] \
        == ["8e55b7f0ed0f26d5", "a2b782b19a52a677", "6efb351efefcd69c"]


def test_the_banks_own_reference_is_the_identity_where_there_is_one() -> None:
    entry = replace(BAKERY, bank_reference="REF-1")
    assert entry_key_digest(OWN, entry) == "737f8d515746335d"
    assert entry_key_digest(OWN, replace(entry, text="other", amount=Decimal(1))) == "737f8d515746335d"
    assert entry_key_digest("NL66TRIO2024001238", entry) != "737f8d515746335d"


@pytest.mark.parametrize("change", [
    {"balance_after": None}, {"position": 9}, {"value_date": date(2026, 1, 5)}, {"code": "XX"},
    {"amount": Decimal("1210.0")}, {"text": " FACTUUR  2026 0001. "},
    {"counterparty": Party("another spelling", "NL29RABO0300123450")},
])
def test_a_digest_survives_what_downloads_change(change: dict[str, object]) -> None:
    changed = replace(BAKERY, **change)  # type: ignore[arg-type]
    assert entry_key_digest(OWN, changed) == entry_key_digest(OWN, BAKERY)


@pytest.mark.parametrize("change", [
    {"amount": Decimal("-1210.00")}, {"booking_date": date(2026, 1, 3)}, {"currency": "USD"}, {"text": "Factuur 2"},
    {"counterparty": Party("Bakkerij Zonnebloem BV", "NL59ASNB0709123450")},
])
def test_a_digest_tells_entries_apart(change: dict[str, object]) -> None:
    changed = replace(BAKERY, **change)  # type: ignore[arg-type]
    assert entry_key_digest(OWN, changed) != entry_key_digest(OWN, BAKERY)


def test_normalised_text_is_letters_and_digits() -> None:
    assert normalise(" Straße_1 – Ｎｏ. 7 ﬁn!") == "strasse1no7fin"


def test_twins_are_counted_in_the_order_of_booking() -> None:
    twins = twin_numbers(statement(COSTS, BAKERY, replace(COSTS, position=3), COSTS))
    assert [twin.k for twin in twins] == [1, 1, 2, 3]
    assert len({twin.digest for twin in twins}) == 2


def codes(each: Statement) -> list[tuple[str, bool]]:
    return [(one.code, one.ok) for one in check(each)]


def test_a_statement_that_adds_up() -> None:
    assert codes(statement(BAKERY, COSTS, NO_IBAN)) == [("currency", True), ("balance", True), ("chain", True)]


def test_a_wrong_sum_says_what_is_missing() -> None:
    wrong = statement(BAKERY, COSTS, closing="2500.00")
    assert codes(wrong) == [("currency", True), ("balance", False), ("chain", True)]
    assert "46.75 is missing" in check(wrong)[1].message


def test_a_broken_chain_names_the_first_entry() -> None:
    wrong = statement(BAKERY, replace(COSTS, balance_after=Decimal("1.00")), NO_IBAN)
    assert codes(wrong)[2] == ("chain", False)
    assert check(wrong)[2].message.startswith("2 balance(s) do not follow")
    assert "entry 2 of 2026-01-02: expected 2453.25, found 1.00" in check(wrong)[2].message


def test_no_balance_is_said_and_is_no_fault() -> None:
    bare = statement(replace(BAKERY, balance_after=None), opening=None, closing=None)
    assert codes(bare) == [("currency", True), ("no_balance", True)]
    assert "no balance in this file" in check(bare)[1].message


def test_two_currencies_are_a_fault() -> None:
    mixed = statement(replace(BAKERY, currency="USD"), COSTS, NO_IBAN)
    assert codes(mixed)[0] == ("currency", False)
    assert "USD" in check(mixed)[0].message


def test_a_statement_without_entries_adds_up_if_its_balances_are_equal() -> None:
    assert codes(statement(opening="1.00", closing="1.00")) == [("currency", True), ("balance", True)]
    assert codes(statement(opening="1.00", closing="2.00"))[1] == ("balance", False)


def test_json_holds_amounts_as_text() -> None:
    printed = to_json(statement(BAKERY, replace(COSTS, transactions=(NO_IBAN,)), NO_IBAN))
    assert printed["opening"] == "1250.00"
    assert printed["difference"] == "0.00"
    entries = printed["entries"]
    assert isinstance(entries, list)
    assert entries[1]["amount"] == "-6.75"
    assert entries[1]["booking_date"] == "2026-01-02"
    assert entries[1]["transactions"][0]["counterparty"]["account"] == "1234567"
