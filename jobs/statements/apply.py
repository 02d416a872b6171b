"""Apply of `bank import`: every change through the connector's effects; one that fails does not stop the others."""

from __future__ import annotations

from connector.errors import OutcomeUnknown, Refused
from connector.session import Session
from connector.stock import statements
from jobs.plan import Applied, Change, Planned, Ref, outcome_of
from jobs.statements.plan import ImportOptions, Work
from mappings.odoo.statement_line import OdooStatement


def apply(s: Session, options: ImportOptions, planned: Planned) -> Applied:
    """Import what was planned."""
    changes = []
    for change in planned.plan.changes:
        try:
            changes.append(_carry_out(s, change, planned.work[change.identity]))
        except (Refused, OutcomeUnknown) as error:
            changes.append(outcome_of(change, error))
    return Applied(tuple(changes))


def _carry_out(s: Session, change: Change, work: Work) -> Change:
    if work.first is not None and work.opening is not None:
        statements.set_opening(s, work.journal, work.first, work.opening)
        return change.ended("done", _ref(work.first))
    if work.broken is not None:
        statements.link(s, work.journal, work.broken.date)
        return change.ended("done", _ref(work.broken))
    added = statements.add(s, work.batch, work.known) if work.batch else None
    settled = [added] if added else []
    for statement in work.unfinished:
        if added is None or statement.id != added.id:
            settled.append(statements.settle(s, work.journal, statement.id, statement.date))
    # Nothing of it landed in a statement of ours: other processes were first with every entry.
    return change.ended("done" if settled else "unchanged", *map(_ref, settled))


def _ref(statement: OdooStatement) -> Ref:
    return Ref(model=statements.STATEMENT, id=statement.id, name=statement.name)
