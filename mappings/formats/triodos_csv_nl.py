"""Triodos Bank, the Netherlands: the CSV download of internet banking, 8 columns (until 2019) or 9 (with balance)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from io import BytesIO, StringIO, TextIOWrapper
from sys import intern
from typing import BinaryIO

from mappings.errors import LimitExceeded, MalformedFile
from mappings.money import parse_amount
from mappings.party import Party, clean_iban, is_bic, is_iban, mask_iban, mask_ibans
from mappings.statement import Entry, Statement, chain_breaks

NAME = "Triodos NL CSV"

MAX_BYTES = 64 * 1024 * 1024  # some 300,000 entries

# The bank gives no header; these are the names in files that went through a spreadsheet. The last has no known name.
COLUMNS = ("Boekdatum", "Rekeningnummer", "Bedrag", "Debet / Credit", "Naam tegenrekening", "Tegenrekening", "Code",
           "Omschrijving", "Saldo")

# developer.triodos.com, "Proprietary bank transaction codes"; EICO and EIST as seen in returned direct debits.
CODES = {
    "AC": "Acceptgiro met kenmerk", "AN": "Acceptgiro zonder kenmerk", "AT": "Acceptgiro via internet",
    "BA": "Betaalautomaat", "CHIP": "Chipknip", "CO": "Correctie", "DB": "Diskettebetaling", "DV": "Dividend",
    "EI": "Europese incasso", "EICO": "Europese incasso, correctie", "EIST": "Europese incasso, storno",
    "ET": "Europese overboeking", "ETST": "Europese overboeking, storno", "GA": "Geldautomaat",
    "IB": "Interne boeking", "IC": "Incasso", "ID": "iDEAL", "IT": "Internettransactie", "KN": "Kosten",
    "KO": "Kasopname", "KS": "Kasstorting", "OV": "Overboeking", "PO": "Periodieke overboeking", "PR": "Provisie",
    "RE": "Rente", "RS": "Renteschenking", "ST": "Storno", "TG": "Spoedopdracht", "VL": "Lening",
    "VO": "Vordering overheid", "VV": "Vreemde valuta",
}
_REVERSALS = frozenset({"EICO", "EIST", "ETST", "ST"})

_DATE = re.compile(r"([0-9]{1,2})-([0-9]{1,2})-([0-9]{4})")
_OWN_IBAN = re.compile(r"NL[0-9]{2}TRIO[0-9]{10}")
_BBAN = re.compile(r"[0-9][0-9.]{0,14}")
_CODE = re.compile(r"[A-Z0-9]{0,4}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


def recognise(head: bytes) -> bool:
    """Whether a file that begins like this is ours: by the known header, or by date and Triodos account in row 1."""
    text = StringIO(head.removeprefix(b"\xef\xbb\xbf").decode("latin-1"), newline="")
    try:
        row = next((row for row in csv.reader(text, strict=True) if row), [])
    except csv.Error:
        return False
    if _is_header(row):
        return True
    if len(row) < 4 or not _DATE.fullmatch(row[0]):
        return False
    account = row[1].strip()
    return bool(_OWN_IBAN.fullmatch(account)) or (bool(_BBAN.fullmatch(account)) and row[3] in ("Debet", "Credit"))


def parse(stream: BinaryIO, *, source: str = "<stream>") -> Iterator[Statement]:
    """Read the statements of one file, one per own account in it.

    Args:
        stream: the file as received: "," between fields, quoted fully or where needed, with or without header, CRLF
            or LF, rows ascending or descending. UTF-8 with or without BOM, else ISO-8859-15. At most 64 MiB.
        source: the name used in error messages.
    Yields:
        Statements; amounts in EUR, credit > 0, debit < 0; dates without time zone; entries in the order of booking,
        opening and closing from the balance column, None in 8 columns. Text as the bank gave it, a line break being a
        blank. A legacy own account (before IBAN) has ten digits.
    Raises:
        MalformedFile: a row cannot be read (names line and column); no row is ever skipped.
        LimitExceeded: larger than we are willing to read.
    Source:
        facts/triodos-statements.md, section 1: rows of real downloads of 2014, 2019, 2021 and 2026, importers since
        2011. Encoding and the notation of a negative balance are not published.
    """
    reader = _RowReader(source)
    for line, row in _rows(stream, source):
        reader.add(line, row)
    for position, (account, entries) in enumerate(reader.entries.items(), 1):
        yield _statement(account, entries, source, position)


def _rows(stream: BinaryIO, source: str) -> Iterator[tuple[int, list[str]]]:
    """The rows with the line each begins on, without header and blank lines, all of the same width."""
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise LimitExceeded(f"larger than {MAX_BYTES // 1024 ** 2} MiB.", source=source)
    reader = csv.reader(TextIOWrapper(BytesIO(data), _encoding(data, source), newline=""), strict=True)
    width, line = 0, 1
    try:
        for row in reader:
            if row:
                header = not width and _is_header(row)
                width = width or len(row)
                if len(row) != width:
                    raise MalformedFile(f"it has {len(row)} columns, the rows before it {width}.", source=source,
                                        line=line)
                if width not in (8, 9):
                    raise MalformedFile(f"it has {width} columns, 8 or 9 are known.", source=source, line=line)
                if not header:
                    yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise MalformedFile(f"the quoting is broken ({error}).", source=source, line=line) from None


def _encoding(data: bytes, source: str) -> str:
    """The encoding of a file: UTF-8 if it is that throughout, else ISO-8859-15 (as the oldest importers have it)."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if data.startswith(b"\xef\xbb\xbf"):
            raise MalformedFile("it says it is UTF-8 and is not.", source=source,
                                line=data[:error.start].count(b"\n") + 1) from None
        return "iso-8859-15"
    return "utf-8-sig"


def _is_header(row: list[str]) -> bool:
    return len(row) in (8, 9) and all(
        cell.strip().casefold() == name.casefold() for cell, name in zip(row[:8], COLUMNS, strict=False))


class _RowReader:
    """Turns rows into entries per own account."""

    def __init__(self, source: str) -> None:
        self.entries: dict[str, list[Entry]] = {}
        self._source = source
        self._accounts: dict[str, str] = {}

    def add(self, line: int, row: list[str]) -> None:
        """Read one row and add its entry to those of its account."""
        for column, cell in enumerate(row):
            if not cell.isprintable() and _CONTROL.search(cell):
                # Mostly Windows-1252 read as ISO-8859-15: what the sign was, only a guess could say.
                raise self._malformed("it has a control character; download the file anew, without opening it in "
                                      "another program.", line, column)
        booking_date = self._date(line, row[0])
        if row[3] not in ("Debet", "Credit"):
            raise self._malformed(f"{row[3][:20]!r} is neither Debet nor Credit.", line, 3)
        if not _CODE.fullmatch(row[6]):
            raise self._malformed(f"{row[6][:20]!r} is no transaction code.", line, 6)
        amount = self._amount(line, row, 2)
        if amount < 0:
            raise self._malformed("the amount is negative; Debet or Credit gives the sign.", line, 2)
        code = intern(row[6])
        entries = self.entries.setdefault(self._account(line, row[1]), [])
        entries.append(Entry(
            position=len(entries) + 1, booking_date=booking_date,
            amount=-amount if row[3] == "Debet" else amount, counterparty=_party(row[4], row[5]),
            text=_one_line(row[7]), code=code, code_text=CODES.get(code, ""), reversal=code in _REVERSALS,
            balance_after=self._amount(line, row, 8) if len(row) == 9 else None))

    def _malformed(self, message: str, line: int, column: int) -> MalformedFile:
        return MalformedFile(mask_ibans(message), source=self._source, line=line, field=COLUMNS[column])

    def _amount(self, line: int, row: list[str], column: int) -> Decimal:
        try:
            return parse_amount(row[column])
        except ValueError as error:
            raise self._malformed(f"{error}.", line, column) from None

    def _date(self, line: int, text: str) -> date:
        found = _DATE.fullmatch(text)
        try:
            if found:
                return date(int(found[3]), int(found[2]), int(found[1]))
        except ValueError:
            pass
        raise self._malformed(f"{text[:20]!r} is no date such as 31-01-2026.", line, 0)

    def _account(self, line: int, text: str) -> str:
        if text not in self._accounts:
            account = text.strip()
            if _BBAN.fullmatch(account):
                # Filled up as in the IBAN that came of it, and in every MT940 file.
                account = account.replace(".", "").zfill(10)
                if len(account) != 10:
                    raise self._malformed(f"{mask_iban(account)} is no Triodos account.", line, 1)
            elif not _OWN_IBAN.fullmatch(account) or not is_iban(account):
                raise self._malformed(f"{mask_iban(account)} is no Dutch Triodos account.", line, 1)
            self._accounts[text] = account
        return self._accounts[text]


@lru_cache(maxsize=4096)
def _party(name: str, column: str) -> Party:
    """The counterparty; its column is "BIC IBAN", an IBAN, a number from before it, or what another country has.

    Most are seen often: one object for all their entries saves memory and checks.
    """
    first, _, rest = column.strip().partition(" ")
    bic, number = (first, rest.strip()) if rest and is_bic(first) else ("", column.strip())
    iban = clean_iban(number)
    if is_iban(iban):
        return Party(_one_line(name), iban, bic)
    return Party(_one_line(name), "", bic, number.replace(".", "") if _BBAN.fullmatch(number) else number)


def _one_line(text: str) -> str:
    return _LINE_BREAK.sub(" ", text).strip()


def _statement(account: str, entries: list[Entry], source: str, position: int) -> Statement:
    ordered = [entry if entry.position == number else replace(entry, position=number)
               for number, entry in enumerate(_in_booking_order(entries), 1)]
    dates = [entry.booking_date for entry in ordered]
    first, last = ordered[0], ordered[-1]
    return Statement(
        account=account, currency="EUR", from_date=min(dates), to_date=max(dates),
        opening=None if first.balance_after is None else first.balance_after - first.amount,
        closing=last.balance_after, entries=ordered, source=source, position=position)


def _in_booking_order(entries: list[Entry]) -> list[Entry]:
    """The entries as they were booked: the order in which the balances follow from each other, else by date.

    An order that no balance confirms is kept for `check` to report. Where both directions hold (one day, +x and -x),
    the file's own is taken, as in all real files seen.
    """
    turned = entries[::-1]
    ways = [entries, turned] if entries[0].booking_date <= entries[-1].booking_date else [turned, entries]
    by_date = [sorted(way, key=lambda entry: entry.booking_date) for way in ways]
    if entries[0].balance_after is not None:
        for way in (*ways, *by_date):
            if next(chain_breaks(way), None) is None:
                return way
    return by_date[0]
