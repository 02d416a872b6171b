"""The books as they stand in the database, in a form that is the same for two runs that did the same.

Read by SQL, past Odoo and past our connector: what judges them shares nothing with them. Left out is what differs
between two good runs: record ids, times, and the digest of a manifest (it holds the time at which it was made).
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.sandbox.server import Database, Sandbox

# The digest in end-to-end ids, keys and file names: c1-4-1a2b3c4d-2, WS-1-4-1A2B3C4D-2, note-i17-4-1a2b3c4d.
_DIGEST = re.compile(r"(-\d+-)(?:[0-9a-f]{8}|[0-9A-F]{8})(?![0-9A-Za-z])")

# Tables that grow by signing in or by looking, not by what a job does; subtypes go with their followers.
_NOT_COUNTED = ("res_users_log", "bus_bus", "bus_presence", "ir_logging", "mail_followers_mail_message_subtype_rel")

# A note is sent at most once; where its sender died, it is missing, with its marker or without, and so is the sender
# among the entry's followers. They are compared apart.
_NOTES = {"notes": "mail_message", "markers": "ir_attachment", "keys of markers": "ir_model_data",
          "followers": "mail_followers"}

_LINE = """select l.id, concat_ws(' | ', m.name, m.ref, a.code, l.name, l.balance) as label
           from account_move_line l join account_move m on m.id = l.move_id
           join account_account a on a.id = l.account_id"""
_PARTS = {
    "entries": """select m.name, m.ref, m.move_type, m.state, m.payment_state, m.date, m.amount_total,
                         m.amount_residual,
                         p.name partner
                  from account_move m left join res_partner p on p.id = m.partner_id""",
    "items": f"""select n.label as label, l.amount_residual, l.reconciled, l.date_maturity, m.state
                 from account_move_line l join ({_LINE}) n on n.id = l.id join account_move m on m.id = l.move_id""",
    "ties": f"""select d.label as debit, c.label as credit, r.amount
                from account_partial_reconcile r join ({_LINE}) d on d.id = r.debit_move_id
                join ({_LINE}) c on c.id = r.credit_move_id""",
    "payments": """select m.ref, m.name, m.state, y.amount, y.payment_type, m.date, p.name partner, b.acc_number iban,
                          m.is_move_sent sent, y.is_matched matched
                   from account_payment y join account_move m on m.id = y.move_id
                   left join res_partner p on p.id = y.partner_id
                   left join res_partner_bank b on b.id = y.partner_bank_id""",
    "reports": "select name, state from hr_expense_sheet",
    "statements": """select name, state, date, balance_start, balance_end_real, difference,
                            (select count(*) from account_bank_statement_line l where l.statement_id = s.id) lines
                     from account_bank_statement s""",
    "bank lines": """select m.date, l.amount, l.payment_ref, l.account_number, l.partner_name, p.name partner,
                            l.is_reconciled, l.amount_residual, m.state, s.name as statement
                     from account_bank_statement_line l join account_move m on m.id = l.move_id
                     left join res_partner p on p.id = l.partner_id
                     join account_bank_statement s on s.id = l.statement_id""",
    "keys": "select model, name from ir_model_data where module = 'werkstroom' and name not like 'note-%'",
    "keys of markers": "select model, name from ir_model_data where module = 'werkstroom' and name like 'note-%'",
    # What an order came to ("x", "o") is the same in all good runs; manifest and file hold its digest.
    "attachments": """select a.name, a.mimetype, a.description, m.name entry,
                             case when a.name like '%.txt' then a.checksum end as checksum
                      from ir_attachment a join account_move m on a.res_model = 'account.move' and m.id = a.res_id
                      where a.name not like 'note-%'""",
    "markers": """select a.name, m.name entry
                  from ir_attachment a join account_move m on a.res_model = 'account.move' and m.id = a.res_id
                  where a.name like 'note-%'""",
    "notes": """select m.name entry, g.body from mail_message g
                left join account_move m on g.model = 'account.move' and m.id = g.res_id
                where g.message_type = 'comment'""",
    "followers": """select m.name entry, p.name follower from mail_followers f join res_partner p on p.id = f.partner_id
                    join account_move m on f.res_model = 'account.move' and m.id = f.res_id""",
}
_FILES = """select coalesce(json_object_agg(name, checksum), '{}') from ir_attachment
            where name like 'pord-c%-f.xml'"""
_COUNTS = """select json_object_agg(name, n) from (
    select table_name as name, (xpath('/row/n/text()', query_to_xml(format('select count(*) n from %I', table_name),
           false, true, '')))[1]::text::int n
    from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE') each where n > 0"""


def dump(sandbox: Sandbox, database: Database, out: Path) -> dict[str, Any]:
    """Return everything that a run may have changed: part → sorted rows, and how many records each table holds.

    Args:
        sandbox: where the database is.
        database: the database.
        out: where payment files are written.
    """
    selects = [f"select json_build_object('part', '{part}', 'rows', (select json_agg(each) from ({query}) each));"
               for part, query in _PARTS.items()]
    answer = sandbox.sql(database, "\n".join([*selects, f"{_FILES};", f"{_COUNTS};"]))
    *parts, files, counts = _documents(answer)
    books: dict[str, Any] = {each["part"]: sorted(_plain(row) for row in each["rows"] or []) for each in parts}
    books["counts"] = {table: n for table, n in counts.items() if table not in _NOT_COUNTED}
    for part, table in _NOTES.items():
        books["counts"][table] -= len(books[part])
    books["files"] = [_file(path, files or {}) for path in sorted(out.iterdir(), key=lambda path: path.name)]
    books["files"].sort()
    return books


def differences(expected: Mapping[str, Any], found: Mapping[str, Any], *,
                notes_may_be_lost: bool = False) -> list[str]:
    """Return in words how two dumps differ."""
    said = []
    for part, rows in expected.items():
        if part == "counts":
            said += [f"{table}: {found[part].get(table, 0)} records instead of {rows.get(table, 0)}"
                     for table in sorted({*rows, *found[part]}) if rows.get(table, 0) != found[part].get(table, 0)]
            continue
        less, more = _minus(rows, found[part]), _minus(found[part], rows)
        said += [f"{part}, missing: {row}" for row in less if part not in _NOTES or not notes_may_be_lost]
        said += [f"{part}, too much: {row}" for row in more]
    return said


def _minus(rows: list[str], others: list[str]) -> list[str]:
    left = list(others)
    return [row for row in rows if row not in left or left.remove(row)]  # type: ignore[func-returns-value]


def _documents(answer: str) -> list[Any]:
    """psql prints one JSON document after the other, each over as many lines as it likes; nothing is an empty line."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(answer):
        if answer[at].isspace():
            at += 1
            continue
        document, at = decoder.raw_decode(answer, at)
        found.append(document)
    return found


def _plain(row: Mapping[str, Any]) -> str:
    return plain(json.dumps(row, ensure_ascii=False, sort_keys=True))


def plain(text: str) -> str:
    """Take digests out of a text."""
    return _DIGEST.sub(r"\1*", text)


def _file(path: Path, kept: Mapping[str, str]) -> str:
    """What a payment file says, read without our own reader, and whether Odoo keeps the same bytes."""
    content = path.read_bytes()
    row: dict[str, Any] = {"name": plain(path.name), "mode": oct(stat.S_IMODE(path.stat().st_mode)),
                           "kept in Odoo": hashlib.sha1(content).hexdigest() in kept.values()}
    if path.suffix == ".xml":
        root = ET.fromstring(content)
        row["sums"] = [each.text for each in root.iter() if each.tag.endswith(("}CtrlSum", "}NbOfTxs"))]
        row["transfers"] = [
            [each.text for each in transfer.iter() if each.text and each.tag.rpartition("}")[2] in (
                "EndToEndId", "InstdAmt", "Nm", "IBAN", "Ustrd", "Ref")]
            for transfer in root.iter() if transfer.tag.endswith("}CdtTrfTxInf")]
    return plain(json.dumps(row, ensure_ascii=False))
