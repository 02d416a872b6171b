from __future__ import annotations

import csv
import re
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.errors import LimitExceeded, MalformedFile
from mappings.formats import triodos_csv_nl
from mappings.formats.triodos_csv_nl import COLUMNS, parse, recognise
from mappings.money import display
from mappings.party import Party
from mappings.statement import Statement, check

OWN, SAVINGS = "NL19TRIO0338500014", "NL66TRIO2024001238"
GOLDEN = Path(__file__).parents[1] / "golden" / "triodos_csv_nl"
ROW = ["02-01-2026", OWN, "10,00", "Credit", "Naam", "RABONL2U NL29RABO0300123450", "ET", "tekst", "110,00"]


def written(*rows: list[str], end: str = "\r\n", quoting: int = csv.QUOTE_ALL) -> bytes:
    stream = StringIO(newline="")
    csv.writer(stream, lineterminator=end, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return stream.getvalue().encode()


def parsed(data: bytes) -> list[Statement]:
    return list(parse(BytesIO(data), source="t.csv"))


def one(data: bytes) -> Statement:
    [statement] = parsed(data)
    return statement


def changed(column: int, text: str) -> bytes:
    row = list(ROW)
    row[column] = text
    return written(ROW, row)


@pytest.mark.parametrize(("column", "text", "message"), [
    (0, "2026-01-02", "Boekdatum: '2026-01-02' is no date"), (0, "31-02-2026", "'31-02-2026' is no date"),
    (0, "", "is no date"), (0, "02-01-26", "is no date"), (0, "02-01-2026 ", "is no date"),
    (1, "NL18TRIO0338500014", "Rekeningnummer: NL18 … 0014 is no Dutch Triodos account"),
    (1, "NL29RABO0300123450", "no Dutch Triodos account"), (1, "", "no Dutch Triodos account"),
    (1, "33.85.00.014.99", "no Triodos account"),
    (2, "10.00", "Bedrag: '10.00' is not an amount"), (2, "-10,00", "the amount is negative"), (2, "", "not an amount"),
    (3, "Debit", "Debet / Credit: 'Debit' is neither Debet nor Credit"), (3, "", "neither Debet nor Credit"),
    (3, "credit", "neither Debet nor Credit"), (6, "ET?", "Code: 'ET\\?' is no transaction code"),
    (6, "OVERIG", "no transaction code"), (7, "a\x07b", "Omschrijving: it has a control character"),
    (4, "caf\x96", "Naam tegenrekening: it has a control character"), (8, "", "Saldo: '' is not an amount"),
    (8, "110", "Saldo: '110' is not an amount"),
])
def test_a_bad_cell_refuses_the_file(column: int, text: str, message: str) -> None:
    with pytest.raises(MalformedFile, match=f"t.csv, line 2, .*{message}") as caught:
        parsed(changed(column, text))
    assert (caught.value.line, caught.value.field) == (2, COLUMNS[column])


@pytest.mark.parametrize(("rows", "message"), [
    ([ROW, ROW[:8]], "line 2: it has 8 columns, the rows before it 9"),
    ([ROW, [*ROW, ""]], "line 2: it has 10 columns, the rows before it 9"),
    ([ROW, ["x"]], "line 2: it has 1 columns"), ([ROW[:7]], "line 1: it has 7 columns, 8 or 9 are known"),
    ([list(COLUMNS[:8]), ROW], "line 2: it has 9 columns, the rows before it 8"),
    ([[*COLUMNS[:7], "Mededelingen"], ROW[:8]], "line 1, Boekdatum: 'Boekdatum' is no date"),
    ([ROW, list(COLUMNS)], "line 2, Boekdatum"),
])
def test_a_row_of_another_shape_refuses_the_file(rows: list[list[str]], message: str) -> None:
    with pytest.raises(MalformedFile, match=message):
        parsed(written(*rows))


def test_messages_hold_no_iban_of_a_shifted_row() -> None:
    for column in (0, 2, 3, 6, 8):
        with pytest.raises(MalformedFile) as caught:
            parsed(changed(column, "NL29RABO0300123450"))
        assert "NL29 … 3450" in str(caught.value)


def test_broken_quoting_refuses_the_file() -> None:
    for data in (written(ROW) + b'"02-01-2026","x', written(ROW).replace(b'"Naam"', b'"Na"am"'),
                 written(ROW, ROW).replace(b'"tekst"', b'"tekst', 1)):
        with pytest.raises(MalformedFile, match="quoting is broken"):
            parsed(data)


def test_lines_are_counted_where_rows_begin() -> None:
    row = [*ROW[:7], "een\ntwee\ndrie", ROW[8]]
    with pytest.raises(MalformedFile, match="line 5, Bedrag"):
        parsed(written(row, [*row[:2], "x", *row[3:]]).replace(b"\r\n", b"\n\n", 1))


def test_encodings() -> None:
    row = [*ROW[:4], "Brûlée €", *ROW[5:]]
    text = written(row).decode()
    for data in (text.encode(), b"\xef\xbb\xbf" + text.encode(), text.encode("iso-8859-15")):
        assert recognise(data)
        assert one(data).entries[0].counterparty.name == "Brûlée €"
    with pytest.raises(MalformedFile, match="line 1: it says it is UTF-8 and is not"):
        parsed(b"\xef\xbb\xbf" + text.encode("iso-8859-15"))
    with pytest.raises(MalformedFile, match="control character"):  # a spreadsheet's Windows-1252: never guessed
        parsed(text.encode("cp1252"))


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("width", [8, 9])
def test_every_layout_reads_alike(end: str, quoting: int, header: bool, width: int) -> None:
    rows = [list(COLUMNS), ROW] if header else [ROW]
    data = written(*(row[:width] for row in rows), end=end, quoting=quoting)
    assert recognise(data)
    [entry] = one(data).entries
    assert (entry.booking_date, entry.amount, entry.text) == (date(2026, 1, 2), Decimal("10.00"), "tekst")
    assert entry.balance_after == (Decimal("110.00") if width == 9 else None)
    assert one(data).opening == (Decimal("100.00") if width == 9 else None)


def test_a_header_alone_gives_nothing() -> None:
    assert parsed(written(list(COLUMNS))) == []


@pytest.mark.parametrize(("column", "party"), [
    ("RABONL2U NL29RABO0300123450", Party("Naam", "NL29RABO0300123450", "RABONL2U")),
    ("NL29RABO0300123450", Party("Naam", "NL29RABO0300123450")),
    ("NL29 RABO 0300 1234 50", Party("Naam", "NL29RABO0300123450")),
    ("TRWIBEB1XXX BE21001234567803", Party("Naam", "BE21001234567803", "TRWIBEB1XXX")),
    ("NL28RABO0300123450", Party("Naam", account="NL28RABO0300123450")),
    ("CITIUS33 0012345678", Party("Naam", "", "CITIUS33", "0012345678")),
    ("98.76.54.321", Party("Naam", account="987654321")), ("1234567", Party("Naam", account="1234567")),
    ("", Party("Naam")), ("P 123-x", Party("Naam", account="P 123-x")),
])
def test_the_counterparty_column(column: str, party: Party) -> None:
    assert one(written([*ROW[:5], column, *ROW[6:]])).entries[0].counterparty == party


def test_text_is_kept_but_for_line_breaks() -> None:
    entry = one(written([*ROW[:7], ' (NAAM     )\r\ntwee; "a", b\nc ', ROW[8]])).entries[0]
    assert entry.text == '(NAAM     ) twee; "a", b c'


def test_codes_are_said_in_words_and_unknown_ones_kept() -> None:
    for code, words, reversal in (("EIST", "Europese incasso, storno", True), ("KN", "Kosten", False),
                                  ("ZZ", "", False), ("", "", False)):
        entry = one(written([*ROW[:6], code, *ROW[7:]])).entries[0]
        assert (entry.code, entry.code_text, entry.reversal) == (code, words, reversal)


def test_every_own_account_is_a_statement_of_its_own() -> None:
    first, second = parsed(written(ROW, [ROW[0], SAVINGS, *ROW[2:]], [*ROW[:8], "120,00"]))
    assert (first.account, len(first.entries), first.opening, first.closing) == (OWN, 2, Decimal(100), Decimal(120))
    assert (second.account, len(second.entries), second.position) == (SAVINGS, 1, 2)


def test_a_legacy_account_has_ten_digits() -> None:
    assert one(written([ROW[0], "33.85.00.014", *ROW[2:]])).account == "0338500014"
    assert one(written([ROW[0], "338500014", *ROW[2:]])).account == "0338500014"


def test_descending_rows_are_turned() -> None:
    data = (GOLDEN / "mutations-9col-utf8.csv").read_bytes()
    ascending, descending = one(data), one(b"\n".join(reversed(data.splitlines())))
    assert descending == ascending


def test_days_descending_with_rows_ascending_within_are_put_in_order() -> None:
    rows = list(csv.reader(StringIO((GOLDEN / "mutations-9col-utf8.csv").read_text("utf-8"))))
    rows.sort(key=lambda row: tuple(reversed(row[0].split("-"))), reverse=True)
    assert one(written(*rows)) == one((GOLDEN / "mutations-9col-utf8.csv").read_bytes())


def test_without_balances_rows_go_by_date() -> None:
    data = (GOLDEN / "mutations-8col.csv").read_bytes()
    turned = one(b"\n".join(reversed(data.splitlines())))
    assert turned == one(data)


def test_rows_that_no_order_chains_are_kept_and_reported() -> None:
    rows = list(csv.reader(StringIO((GOLDEN / "mutations-9col-utf8.csv").read_text("utf-8"))))
    del rows[5]
    statement = one(written(*rows))
    assert len(statement.entries) == 16
    assert [each.code for each in check(statement) if not each.ok] == ["balance", "chain"]


def test_twins_survive() -> None:
    assert len(one(written(ROW[:8], ROW[:8])).entries) == 2


def test_the_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triodos_csv_nl, "MAX_BYTES", 100)
    with pytest.raises(LimitExceeded):
        parsed(written(ROW, ROW))


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n"), max_size=40)
BOOKING = st.tuples(st.integers(0, 3), st.integers(0, 10**9), st.booleans(), TEXT, TEXT)


@given(st.lists(BOOKING, min_size=1, max_size=12), st.integers(-10**9, 10**9), st.booleans(), st.booleans())
def test_what_is_written_is_read(bookings: list[tuple[int, int, bool, str, str]], start: int, turn: bool,
                                 minimal: bool) -> None:
    day, balance, rows, meant = date(2026, 1, 1), Decimal(start) / 100, [], []
    for step, cents, debit, name, text in bookings:
        day += timedelta(days=step)
        amount = Decimal(-cents if debit else cents) / 100
        balance += amount
        rows.append([f"{day:%d-%m-%Y}", OWN, display(abs(amount)), "Debet" if debit else "Credit", name, "", "ET", text,
                     display(balance)])
        meant.append((day, amount, re.sub("\n", " ", name).strip(), re.sub("\n", " ", text).strip(), balance))
    # On a single day a turned file may chain both ways; the file's own direction is taken then.
    turn = turn and rows[0][0] != rows[-1][0]
    data = written(*(reversed(rows) if turn else rows), quoting=csv.QUOTE_MINIMAL if minimal else csv.QUOTE_ALL)
    statement = one(data)
    assert [(e.booking_date, e.amount, e.counterparty.name, e.text, e.balance_after) for e in statement.entries] \
        == meant
    assert all(each.ok for each in check(statement))
    assert statement.opening == Decimal(start) / 100
