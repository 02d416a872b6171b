"""The general ledger of a stock Odoo: lock dates, open payable items, posting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from connector import effects, records
from connector.effects import Call
from connector.errors import MissingRecord
from connector.records import Row, rel
from connector.session import ReadSession, Session
from mappings.odoo.payable import ITEM_FIELDS, MOVE_FIELDS, PARTNER_FIELDS, PayableItem, payable_item

LOCKS = ("period_lock_date", "fiscalyear_lock_date", "tax_lock_date")


def lock_date(s: ReadSession) -> dt.date | None:
    """Return the latest of the company's lock dates: what is dated on or before it is locked, for us too.

    An adviser may still book between `period_lock_date` and `fiscalyear_lock_date`; Werkstroom asks a person instead.
    """
    row = records.read(s, "res.company", [s.company_id], LOCKS)[0]
    dates = [dt.date.fromisoformat(row[name]) for name in LOCKS if row[name]]
    return max(dates, default=None)


def open_payables(s: ReadSession) -> list[PayableItem]:
    """Return all open posted payable items of the company, debits (credit notes, loose payments) included."""
    lines = records.search(s, "account.move.line", [
        ("account_internal_type", "=", "payable"), ("parent_state", "=", "posted"), ("reconciled", "=", False),
        ("amount_residual", "!=", 0), ("company_id", "=", s.company_id)], ITEM_FIELDS)
    return payables(s, lines)


def payables(s: ReadSession, lines: Sequence[Row]) -> list[PayableItem]:
    """Complete move lines with their entries and partners, one read per model.

    Partners are searched, not read: a private address that this user may not see would fail the whole read.
    """
    moves = records.by_id(s, "account.move", (rel(line["move_id"]) for line in lines), MOVE_FIELDS)
    partners = visible_partners(s, {rel(line["partner_id"]) for line in lines} - {0}, PARTNER_FIELDS)
    accounts = records.by_id(s, "account.account", (rel(line["account_id"]) for line in lines), ["code"])
    return [payable_item(line, moves[rel(line["move_id"])], partners.get(rel(line["partner_id"])),
                         accounts[rel(line["account_id"])]["code"])
            for line in lines if rel(line["move_id"]) in moves]


def visible_partners(s: ReadSession, partners: Collection[int], fields: Sequence[str]) -> dict[int, Row]:
    """Return those partners, archived ones included, that this user may see."""
    rows = s.call("res.partner", "search_read", [("id", "in", sorted(partners))], list(fields),
                  context={"active_test": False}) if partners else []
    return {row["id"]: row for row in rows}


def post(s: Session, moves: Sequence[int]) -> bool:
    """Post draft entries, all in one call.

    By the wizard that posts drafts only: `action_post` posts a posted entry again on 14, which doubles its analytic
    lines.

    Returns:
        whether one of them was still a draft.

    Raises:
        Refused: Odoo refuses one of them, and with it all.
        MissingRecord: one was deleted.
    """
    acted = False

    def unposted() -> list[int]:
        states = {row["id"]: row["state"] for row in records.read(s, "account.move", moves, ["state"])}
        if gone := set(moves) - set(states):
            raise MissingRecord(f"Entry {', '.join(map(str, sorted(gone)))} was deleted.", model="account.move",
                                remedy="Run the command again.")
        return [move for move, state in states.items() if state != "posted"]

    def confirm(ids: list[int]) -> Call:
        nonlocal acted
        acted = True
        context = {"active_model": "account.move", "active_ids": ids}
        # With force, a later date that a person set is kept and not put off.
        wizard = effects.wizard(s, "validate.account.move", {"force_post": True}, context)
        return Call("validate.account.move", "validate_move", ([wizard],), context)

    effects.change_state(s, unposted, confirm, lambda ids: not ids)
    return acted
