"""Reconciliation: bank entries ↔ open invoices, bills and payments."""

from jobs.plan import Job
from jobs.reconciliation.apply import apply
from jobs.reconciliation.plan import NAME, ReconcileOptions, exists, plan

JOB = Job(name=NAME, options=ReconcileOptions, plan=plan, apply=apply, exists=exists, pays_or_mails=lambda _: False)

__all__ = ["JOB", "ReconcileOptions"]
