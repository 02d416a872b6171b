"""Plan of `bank reconcile`: reads open entries and open items, writes nothing."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector import records
from connector.errors import AccessDenied
from connector.session import ReadSession
from connector.stock import ledger, reconciliation
from jobs.plan import Change, JobOptions, Planned, Ref, Skipped, facts, make_plan
from jobs.reconciliation.rules import Match, Matcher, Unmatched
from mappings.money import display
from mappings.odoo.open_item import Counterpart, OpenItem
from mappings.odoo.statement_line import BankLine

NAME = "bank reconcile"


class ReconcileOptions(JobOptions):
    """There are none yet."""


@dataclass(frozen=True, slots=True)
class Work:
    """What `apply` needs of a change: a match to make, or the entry whose match a dead run left unfinished."""

    match: Match | None = None
    unfinished: int = 0


def plan(s: ReadSession, options: ReconcileOptions) -> Planned:
    """Plan the matches; what stays open is listed with its reason.

    Raises:
        AccessDenied: the user may not match bank entries.
    """
    try:
        entries = reconciliation.open_entries(s)
    except AccessDenied:
        s.require_groups(NAME, reconciliation.RIGHTS)  # says which right, and who grants it
        raise
    items = reconciliation.open_items(s)
    left = reconciliation.labelled(s)
    decisions = list(Matcher(items).decide(entries))
    matches = [decision for decision in decisions if isinstance(decision, Match)]
    lock = None
    if matches or left:
        s.require_groups(NAME, reconciliation.RIGHTS)
        lock = ledger.lock_date(s)
    changes: list[Change] = []
    skipped: list[Skipped] = []
    work: dict[str, Work] = {}
    for move, group in _by_move(left).items():
        if lock and group[0].date <= lock and not all(each.reconciled for each in group):
            skipped.append(_locked(f"match of {group[0].date} that was broken off", lock,
                                   Ref(model="account.move", id=move)))
            continue
        change = _unfinished(move, group)
        changes.append(change)
        work[change.identity] = Work(unfinished=move)
    for match in matches:
        if lock and match.entry.date <= lock:
            skipped.append(_locked(describe(match.entry), lock, entry_ref(match.entry)))
            continue
        change = _match(match)
        changes.append(change)
        work[change.identity] = Work(match)
    skipped += [_open_entry(decision) for decision in decisions if isinstance(decision, Unmatched)]
    skipped += _open_credits(items)
    return Planned(make_plan(s, NAME, options, changes, skipped), work)


def exists(s: ReadSession, options: ReconcileOptions, change: Change) -> bool:
    """Whether the entry of a change is matched by now, and a broken off match finished."""
    if change.target is None:
        return False
    if change.target.model == reconciliation.LINE:
        rows = records.read(s, reconciliation.LINE, [change.target.id], ["is_reconciled"])
        return bool(rows and rows[0]["is_reconciled"])
    return change.target.id not in {each.move for each in reconciliation.labelled(s)}


def describe(entry: BankLine) -> str:
    """Return an entry in words."""
    name = f"{entry.name}: " if entry.name else ""
    return f"{entry.date} {display(entry.amount)} {name}{entry.text}"


def entry_ref(entry: BankLine) -> Ref:
    """Return the reference of an entry."""
    return Ref(model=reconciliation.LINE, id=entry.id, name=entry.text)


def _match(match: Match) -> Change:
    items = match.items
    # Of a batch count and total only: it may be salaries.
    named = () if any(item.kind == "payment" for item in items) else tuple(
        Ref(model=item.model, id=item.document, name=item.number) for item in items)
    return Change(
        action="reconcile", target=entry_ref(match.entry), model=reconciliation.LINE,
        what=f"{describe(match.entry)} with {match.what}", why=match.why, date=match.entry.date,
        amount=match.entry.amount, records=named,
        facts=facts(str(match.entry.amount), [(item.line, str(item.residual)) for item in items]))


def _unfinished(move: int, group: Sequence[Counterpart]) -> Change:
    settled = all(each.reconciled for each in group)
    total = -sum((each.balance for each in group), Decimal("0.00"))
    return Change(
        action="reconcile", target=Ref(model="account.move", id=move), model=reconciliation.ITEM,
        what=f"match of {group[0].date} over {display(total)}", date=group[0].date,
        why=f"a run that was broken off left it {'to be named' if settled else 'half done'}",
        facts=facts([(each.line, each.target, str(each.residual)) for each in group]))


def _by_move(left: Sequence[Counterpart]) -> dict[int, list[Counterpart]]:
    groups: dict[int, list[Counterpart]] = defaultdict(list)
    for each in left:
        groups[each.move].append(each)
    return groups


def _locked(what: str, lock: dt.date, target: Ref) -> Skipped:
    return Skipped(code="locked_period", target=target, what=what, why=f"the books are locked up to {lock}",
                   remedy="Unlock the period in Odoo, or match it there.", needs_person=True)


def _open_entry(left: Unmatched) -> Skipped:
    return Skipped(code=left.code, target=entry_ref(left.entry), what=describe(left.entry), why=left.why,
                   remedy=left.remedy, needs_person=True, amount=left.entry.amount)


def _open_credits(items: Sequence[OpenItem]) -> Iterator[Skipped]:
    for item in items:
        if item.kind == "credit":
            yield Skipped(
                code="open_credit", target=Ref(model="account.move", id=item.document, name=item.number),
                what=f"{item.date} {item.number} of {item.partner_name or 'nobody named'}", needs_person=True,
                amount=-item.residual, why="a bank entry that stands on the account and settles nothing: "
                "somebody undid its match, or it is the rest of one", remedy="Match it with a document in Odoo.")
