"""The days on which SEPA payments are executed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from dateutil.easter import easter


def is_business_day(day: date, extra_holidays: Collection[date] = ()) -> bool:
    """Whether payments are settled on this day: no weekend and no TARGET closing day.

    Args:
        day: a calendar day in the Netherlands.
        extra_holidays: further days on which the own bank does not execute.
    Source:
        ECB, "Long-term calendar for TARGET closing days" (press release of 14 December 2000, in force since 2002):
        1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December.
    """
    sunday = easter(day.year)
    closed = (day.month, day.day) in {(1, 1), (5, 1), (12, 25), (12, 26)} \
        or day in {sunday - timedelta(days=2), sunday + timedelta(days=1)}
    return day.weekday() < 5 and not closed and day not in extra_holidays


def next_business_day(day: date, extra_holidays: Collection[date] = ()) -> date:
    """This day if it is a business day, else the first one after it."""
    while not is_business_day(day, extra_holidays):
        day += timedelta(days=1)
    return day
