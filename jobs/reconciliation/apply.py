"""Apply of `bank reconcile`: finish what dead runs left, match, read back; what did not come off is planned again."""

from __future__ import annotations

from connector.errors import OdooError, OutcomeUnknown, Refused
from connector.session import Session
from connector.stock import reconciliation
from jobs.plan import Applied, Change, Planned, Skipped, outcome_of
from jobs.reconciliation.plan import ReconcileOptions, Work, plan

ROUNDS = 3


def apply(s: Session, options: ReconcileOptions, planned: Planned) -> Applied:
    """Match what was planned."""
    ended: dict[str, Change] = {}
    skipped: list[Skipped] = []
    for _ in range(ROUNDS):
        undone = _round(s, planned, ended)
        if not undone:
            break
        # Somebody took the target, or a part of it, between plan and match: look what fits now.
        fresh = plan(s.read_only(), options)
        again = [name for name, work in fresh.work.items() if work.match and work.match.entry.move in undone]
        planned = fresh.only(again)
        skipped = [row for row in fresh.plan.skipped if row.target and row.target.model == reconciliation.LINE]
        if not again:
            break
    return Applied(tuple(ended.values()), tuple(skipped))


def _round(s: Session, planned: Planned, ended: dict[str, Change]) -> set[int]:
    """Carry out the changes once; return the entries (by their journal entry) that are open again."""
    left = {planned.work[change.identity].unfinished for change in planned.plan.changes} - {0}
    finished = reconciliation.finish(s, left) if left else None
    undone = set(finished.undone) if finished else set()
    matched: dict[int, Change] = {}
    for change in planned.plan.changes:
        work: Work = planned.work[change.identity]
        if work.match is None:
            ended[change.identity] = _finished(change, work.unfinished, finished)
            continue
        try:
            reconciliation.match(s, work.match.entry, work.match.items)
            matched[work.match.entry.move] = change
            ended[change.identity] = change.ended("done")
        except (Refused, OutcomeUnknown) as error:
            ended[change.identity] = outcome_of(change, error)
    if matched:
        try:
            finished = reconciliation.finish(s, matched)
        except OdooError as error:
            if not isinstance(error, (Refused, OutcomeUnknown)):
                raise
            ended |= {change.identity: outcome_of(change, error) for change in matched.values()}
            return undone
        for move, change in matched.items():
            ended[change.identity] = _finished(change, move, finished)
        undone |= finished.undone
    return undone


def _finished(change: Change, move: int, finished: reconciliation.Finished | None) -> Change:
    if finished and move in finished.refused:
        return outcome_of(change, finished.refused[move])
    if finished and move in finished.undone:
        return change.ended("unchanged", why="its target was taken meanwhile, so it is open again")
    return change.ended("done")
