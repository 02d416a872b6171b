"""What `werkstroom pay run` can be told."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from jobs.plan import JobOptions

Include = Literal["bills", "expenses", "salaries"]


class PayOptions(JobOptions):
    """Which open items are paid.

    `due`: those due on that day or before. `include`: of which kinds.
    """

    due: dt.date
    include: tuple[Include, ...] = ("bills", "expenses", "salaries")
