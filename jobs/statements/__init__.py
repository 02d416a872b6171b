"""Bank statements: each entry of the bank's once in Odoo, with balances that follow from each other."""

from jobs.plan import Job
from jobs.statements.apply import apply
from jobs.statements.plan import NAME, ImportOptions, exists, plan

JOB = Job(name=NAME, options=ImportOptions, plan=plan, apply=apply, exists=exists, pays_or_mails=lambda _: False)

__all__ = ["JOB", "ImportOptions"]
