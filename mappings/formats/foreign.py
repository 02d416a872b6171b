"""Names the files we do not read, so that a person is told what they hold and not only that it is wrong."""

from __future__ import annotations

import re

# First match wins. Marks of other banks' downloads are what their importers look for.
_SIGNS: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), what) for pattern, what in (
        (rb"\s*\Z", "an empty file"),
        (rb"PK\x03\x04.*(?:\[Content_Types\]\.xml|xl/)", "an Excel workbook (.xlsx)"),
        (rb"PK(?:\x03\x04|\x05\x06)", "a zip archive, which is not opened yet: unpack it first"),
        (rb"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
        (rb"%PDF", "a PDF"),
        (rb"\xff\xfe|\xfe\xff", "UTF-16 text, as a spreadsheet saves it"),
        (rb".*urn:iso:std:iso:20022:tech:xsd:camt\.05([234])", "a CAMT statement (XML)"),
        (rb".*urn:iso:std:iso:20022:tech:xsd:pain\.001", "a payment file (pain.001), which goes to the bank"),
        (rb".*urn:iso:std:iso:20022:tech:xsd:pain\.002", "a status report (pain.002)"),
        (rb"(?i:\s*<(?:!doctype html|html))", "a web page, perhaps the bank's sign-in page"),
        (rb"OFXHEADER|.{0,200}<OFX>", "an OFX statement"),
        (rb"\s*<", "an XML file of a kind we do not know"),
        (rb"\s*(?:\{1:|:20:|:25:)|.{0,2000}[\r\n]:(?:25|60F|61):", "an MT940 statement"),
        (rb".{0,4000}Buchungstag[^\r\n]*;", "a CSV of Triodos Germany"),
        (rb"\"?[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}\"?[;\t]\"?NL[0-9]{2}TRIO|\"?Boekdatum\"?[;\t]",
         "a Triodos NL CSV that a spreadsheet saved anew: download it again and do not open it in between"),
        (rb"\"?[0-9]{2}-[0-9]{2}-[0-9]{4}\"?,\"?BE[0-9]{14}", "a CSV of Triodos Belgium"),
        (rb"\"?(?:Date|[0-9]{2}[-/][0-9]{2}[-/][0-9]{4})\"?,\"?(?:Sort ?Code|(?:[0-9]{2}-?){3})\"?,",
         "a CSV of Triodos UK"),
        (rb"\"?Datum\"?[;,]\"?Naam / Omschrijving\"?", "a CSV of ING"),
        (rb"\"?IBAN/BBAN\"?[;,]\"?Munt\"?", "a CSV of Rabobank"),
        (rb"[0-9]{9,10}\t[A-Z]{3}\t[0-9]{8}\t", "a tab-separated file of ABN AMRO"),
        (rb"\"?Date\"?[;,]\"?Interest Date\"?", "a CSV of bunq"),
    ))


def looks_like(head: bytes) -> str:
    """What a file that begins like this seems to be, in words; "" when nothing comes to mind."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    return next((what for pattern, what in _SIGNS if pattern.match(text)), "")
