"""The options of `invoice run`."""

from __future__ import annotations

import datetime as dt

from pydantic import model_validator

from jobs.plan import JobOptions


class InvoiceOptions(JobOptions):
    """Which hours are billed, and how far: draft, posted, mailed."""

    first: dt.date
    last: dt.date
    customer: str = ""
    post: bool = False
    send: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> InvoiceOptions:
        if self.first > self.last:
            raise ValueError("the period ends before it begins")
        return self
