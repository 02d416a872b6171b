from __future__ import annotations

from datetime import date

import pytest

from mappings.calendar import is_business_day, next_business_day


@pytest.mark.parametrize("day", [
    "2026-01-01", "2026-04-03", "2026-04-06", "2026-05-01", "2026-12-25", "2026-12-26", "2026-11-28", "2026-11-29",
    "2027-03-26", "2027-03-29",
])
def test_closing_days(day: str) -> None:
    assert not is_business_day(date.fromisoformat(day))


@pytest.mark.parametrize("day", ["2026-01-02", "2026-04-02", "2026-04-07", "2026-04-27", "2026-05-05", "2026-05-14",
                                 "2026-05-25", "2026-12-24", "2026-12-31"])
def test_dutch_holidays_are_days_on_which_banks_work(day: str) -> None:
    assert is_business_day(date.fromisoformat(day))


def test_the_next_business_day_may_be_the_day_itself() -> None:
    assert next_business_day(date(2026, 11, 26)) == date(2026, 11, 26)
    assert next_business_day(date(2026, 4, 3)) == date(2026, 4, 7)
    assert next_business_day(date(2026, 12, 25)) == date(2026, 12, 28)


def test_the_banks_own_holidays_count_too() -> None:
    assert next_business_day(date(2026, 4, 27), {date(2026, 4, 27)}) == date(2026, 4, 28)
