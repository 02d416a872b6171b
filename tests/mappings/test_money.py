from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.money import display, exact, format_amount, from_wire, parse_amount, round_half_up, to_wire

AMOUNTS = st.decimals(min_value="-99999999999.99", max_value="99999999999.99", places=2, allow_nan=False)


@pytest.mark.parametrize(("text", "amount"), [
    ("3.200,00", "3200.00"), ("3200,00", "3200.00"), ("-0,15", "-0.15"), ("0,42", "0.42"), ("-5.577,09", "-5577.09"),
    ("1.014.432,92", "1014432.92"), ("-0,00", "0.00"),
])
def test_reads_dutch_amounts(text: str, amount: str) -> None:
    assert str(parse_amount(text)) == amount


@pytest.mark.parametrize("text", [
    "", " 1,00", "1,00 ", "1", "1,0", "1,000", "1.00", "1210.00", "1.00,00", "12.34.567,00", "1234.567,00", "0.100,00",
    "+1,00", "1,00-", "--1,00", "1e3,00", "١,٠٠", "1.000.00", "NaN", "9" * 16 + ",00", "1,00\n",
])
def test_refuses_what_is_no_dutch_amount(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        parse_amount(text)


@given(AMOUNTS)
def test_an_amount_shown_in_dutch_reads_back(amount: Decimal) -> None:
    assert parse_amount(display(amount)) == amount


@given(AMOUNTS)
def test_an_amount_survives_odoo(amount: Decimal) -> None:
    assert from_wire(to_wire(amount)) == amount


@pytest.mark.parametrize(("value", "amount"), [
    (0.1 + 0.2, "0.30"), (2.675, "2.68"), (-2.675, "-2.68"), (1.005, "1.01"), (-0.0, "0.00"), (7, "7.00"),
    (1e16, "10000000000000000.00"), (1e-9, "0.00"),
])
def test_floats_end_by_their_shortest_notation(value: float, amount: str) -> None:
    assert str(from_wire(value)) == amount


def test_the_digits_are_the_currencys() -> None:
    assert str(from_wire(1234.5, 0)) == "1235"
    assert str(from_wire(1.2345, 3)) == "1.235"
    assert format_amount(Decimal(5), 0) == "5"


@pytest.mark.parametrize("value", [False, True, float("nan"), float("inf"), "1.0", None])
def test_only_numbers_come_off_the_wire(value: float) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        from_wire(value)


@pytest.mark.parametrize("text", ["123456789012345678.91", "NaN", "Infinity"])
def test_refuses_to_send_what_a_float_would_change(text: str) -> None:
    with pytest.raises(ValueError, match="does not survive"):
        to_wire(Decimal(text))


def test_halves_go_away_from_zero() -> None:
    assert [str(round_half_up(Decimal(each))) for each in ("0.005", "-0.005", "0.015", "-0.004")] \
        == ["0.01", "-0.01", "0.02", "0.00"]


def test_too_large_and_not_finite_are_refused() -> None:
    for text in ("1E+30", "NaN", "Infinity"):
        with pytest.raises(ValueError, match="amount"):
            round_half_up(Decimal(text))


@pytest.mark.parametrize(("amount", "text"), [
    ("1E+2", "100.00"), ("1210", "1210.00"), ("-6.75", "-6.75"), ("0E-9", "0.00"), ("-0", "0.00"), ("1.500", "1.50"),
])
def test_amounts_are_written_plainly(amount: str, text: str) -> None:
    assert format_amount(Decimal(amount)) == text


def test_nothing_is_rounded_away_in_writing() -> None:
    for write in (format_amount, display, exact):
        with pytest.raises(ValueError, match="more than 2 decimals"):
            write(Decimal("1.005"))


def test_display_follows_the_language() -> None:
    assert display(Decimal("-1210")) == "-1.210,00"
    assert display(Decimal("1210"), "en_US") == "1,210.00"
