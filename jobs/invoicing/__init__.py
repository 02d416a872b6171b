"""Hours become invoices: billed by Odoo's own wizard, posted, printed and mailed."""

from jobs.invoicing.apply import apply
from jobs.invoicing.options import InvoiceOptions
from jobs.invoicing.plan import NAME, exists, plan
from jobs.plan import Job

JOB = Job(name=NAME, options=InvoiceOptions, plan=plan, apply=apply, exists=exists,
          pays_or_mails=lambda options: options.send)

__all__ = ["JOB", "InvoiceOptions"]
