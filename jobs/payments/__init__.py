"""Payment orders: bills, expenses and salaries become one file that the bank accepts, each order."""

from jobs.payments.apply import apply, exists
from jobs.payments.options import PayOptions
from jobs.payments.plan import NAME, plan
from jobs.plan import Job

JOB = Job(NAME, PayOptions, plan, apply, exists, pays_or_mails=lambda _: True)
