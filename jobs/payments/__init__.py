"""Payment orders: bills, expenses and salaries become one file that the bank accepts, each order."""

from jobs.payments import apply, plan
from jobs.payments.options import PayOptions
from jobs.plan import Job

JOB = Job(plan.NAME, PayOptions, plan.plan, apply.apply, apply.exists, pays_or_mails=lambda _: True)

__all__ = ["JOB", "PayOptions"]
