"""Decimal money: the one rounding rule, the notations we read and write, and the place where Odoo's floats end."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

CENT = Decimal("0.01")

# 15 digits keep a sum of 100,000 amounts inside Decimal's 28 and are more than any bank account holds.
_DUTCH = re.compile(r"-?(?:[0-9]{1,15}|[1-9][0-9]{0,2}(?:\.[0-9]{3}){1,4}),[0-9]{2}")


def parse_amount(text: str) -> Decimal:
    """Read an amount in Dutch notation, as banks write it.

    Args:
        text: "3.200,00", "3200,00" or "-0,15": two decimals always, thousands with "." complete or not at all.
    Returns:
        The amount, exact, two decimals; never a negative zero.
    Raises:
        ValueError: anything else, also "1.00,00", "1,5", "1210.00", a trailing minus or blanks around it.
    Source:
        rows of real Triodos downloads ("3.200,00", "-0,15"); how Triodos writes a negative balance is not published.
    """
    if not _DUTCH.fullmatch(text):
        raise ValueError(f"{text[:30]!r} is not an amount such as 3.200,00")
    return Decimal(text.replace(".", "").replace(",", ".")) + 0


def round_half_up(amount: Decimal, digits: int = 2) -> Decimal:
    """Round to `digits` decimals, halves away from zero: the only rounding in Werkstroom, and Odoo's own.

    Raises:
        ValueError: not a finite amount, or too large to hold `digits` decimals exactly.
    """
    if not amount.is_finite():
        raise ValueError(f"{amount} is not an amount")
    try:
        return amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) + 0
    except InvalidOperation:
        raise ValueError(f"{amount} is too large for an amount") from None


def exact(amount: Decimal, digits: int = 2) -> Decimal:
    """The same amount with exactly `digits` decimals; nothing is rounded away.

    Raises:
        ValueError: the amount has more decimals than that, or is not finite.
    """
    rounded = round_half_up(amount, digits)
    if rounded != amount:
        raise ValueError(f"{amount} has more than {digits} decimals")
    return rounded


def format_amount(amount: Decimal, digits: int = 2) -> str:
    """Write an amount plainly: "1210.00", "-6.75"; never an exponent, a separator or "-0.00".

    Raises:
        ValueError: the amount has more than `digits` decimals, or is not finite.
    """
    return f"{exact(amount, digits):f}"


def from_wire(value: float, digits: int = 2) -> Decimal:
    """Turn an amount as Odoo sends it (a float, sometimes an int) into Decimal: the single place where floats end.

    Args:
        value: e.g. 0.30000000000000004; its shortest notation (repr) is read, so 2.675 is 2.675 and not 2.67499….
        digits: decimals of the currency.
    Raises:
        ValueError: not a finite number, or a bool, which is how Odoo says "empty".
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{value!r} is not an amount")
    return round_half_up(Decimal(repr(value)), digits)


def to_wire(amount: Decimal) -> float:
    """Turn an amount into the float Odoo's API takes.

    Raises:
        ValueError: the float would read back as another amount (more than about 15 digits), or is not finite.
    """
    value = float(amount)
    if not amount.is_finite() or Decimal(repr(value)) != amount:
        raise ValueError(f"{amount} does not survive the way to Odoo")
    return value + 0.0


def display(amount: Decimal, lang: str = "nl_NL") -> str:
    """Write an amount for people: "1.210,00"; in English "1,210.00".

    Raises:
        ValueError: the amount has more than two decimals, or is not finite.
    """
    english = f"{exact(amount):,f}"
    return english if lang.startswith("en") else english.translate(str.maketrans(",.", ".,"))
