"""Plays the bank: carries out payment files, and writes the download in which it shows what happened on the account.

It shares no code with our builder and parser, so that a mistake in one of them does not hide in the other. Layout and
texts are those of Triodos Bank in the Netherlands (9 columns, all quoted, no header, balance after each row); it books
a payment batch as one total, without name and account, with its id, the file's name, the date of authorisation and
the number of transactions as text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from xml.etree import ElementTree

from connector.errors import MalformedFile

BICS = {"ABNA": "ABNANL2A", "ASNB": "ASNBNL21", "BUNQ": "BUNQNL2A", "INGB": "INGBNL2A", "KNAB": "KNABNL2H",
        "RABO": "RABONL2U", "SNSB": "SNSBNL2A", "TRIO": "TRIONL2U"}


@dataclass(frozen=True, slots=True)
class Booking:
    """A line on the account; what came in is positive."""

    date: dt.date
    amount: Decimal
    code: str
    text: str
    name: str = ""
    iban: str = ""


def carry_out(payment_file: bytes, name: str, account: str) -> list[Booking]:
    """Book a payment file: each of its batches as one total.

    Args:
        payment_file: a pain.001 message of any version.
        name: its file name, as uploaded.
        account: the account that is logged in.

    Raises:
        MalformedFile: the sums or numbers in it do not agree, or it debits another account: the bank refuses it.
    """
    try:
        # Our own bytes, a moment old: not a stranger's file.
        root = ElementTree.fromstring(payment_file)  # noqa: S314
    except ElementTree.ParseError as error:
        raise MalformedFile(f"the bank refuses it: {error}.", source=name) from error
    namespace = {"p": root.tag[1:].partition("}")[0]}

    def text(element: ElementTree.Element, path: str) -> str:
        return (element.findtext("/".join(f"p:{tag}" for tag in path.split("/")), "", namespace)).strip()

    bookings, count, total = [], 0, Decimal(0)
    for batch in root.iterfind(".//p:PmtInf", namespace):
        amounts = [Decimal(text(transfer, "Amt/InstdAmt")) for transfer in batch.iterfind("p:CdtTrfTxInf", namespace)]
        if text(batch, "DbtrAcct/Id/IBAN") != account:
            raise MalformedFile("the bank refuses it: it debits another account.", source=name, field="DbtrAcct")
        day = dt.date.fromisoformat(text(batch, "ReqdExctnDt/Dt") or text(batch, "ReqdExctnDt"))
        bookings.append(Booking(day, -sum(amounts, Decimal(0)), "ET",
                                f"{text(batch, 'PmtInfId')} {name} {_day(day)} {len(amounts)}"))
        count, total = count + len(amounts), total + sum(amounts, Decimal(0))
    header = root.find(".//p:GrpHdr", namespace)
    if header is None or (int(text(header, "NbOfTxs")), Decimal(text(header, "CtrlSum"))) != (count, total):
        raise MalformedFile("the bank refuses it: its number or sum of payments is not that of its header.",
                            source=name, field="GrpHdr")
    return bookings


def download(bookings: Iterable[Booking], account: str, opening: Decimal) -> bytes:
    """Return the CSV download of these bookings, and the balance after each, in order of date."""
    rows, balance = [], opening
    for booking in sorted(bookings, key=lambda booking: booking.date):
        balance += booking.amount
        bic = BICS.get(booking.iban[4:8], "")
        fields = [_day(booking.date), account, _dutch(abs(booking.amount)), "Debet" if booking.amount < 0 else "Credit",
                  booking.name, f"{bic} {booking.iban}".strip(), booking.code, booking.text, _dutch(balance)]
        rows.append(",".join('"' + field.replace('"', '""') + '"' for field in fields))
    return "".join(f"{row}\r\n" for row in rows).encode("iso-8859-15")


def balance_after(bookings: Iterable[Booking], opening: Decimal) -> Decimal:
    """Return what the account holds in the end."""
    return opening + sum((booking.amount for booking in bookings), Decimal(0))


def file_name(moment: dt.datetime) -> str:
    """Return what the bank calls a download of that moment."""
    return f"mutations{moment:%Y%m%d%H%M%S}.csv"


def _day(day: dt.date) -> str:
    return f"{day:%d-%m-%Y}"


def _dutch(amount: Decimal) -> str:
    return f"{amount:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".")
