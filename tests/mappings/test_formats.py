"""What every statement format keeps to, and what the registry says of files it does not know."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest

from mappings import formats
from mappings.errors import InputError, MalformedFile, UnknownFormat
from mappings.formats import HEAD, STATEMENT_FORMATS, StatementFormat, open_statements, recognise, recognise_file
from mappings.formats.pain001 import build_checked
from mappings.statement import Statement, check
from tests.golden import expected, read, samples
from tests.golden.orders import SUPPLIERS

SAMPLES = list(samples())
NL_CSV = Path(__file__).parents[1] / "golden" / "triodos_csv_nl"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
class TestEverySample:
    def test_it_is_read_as_the_golden_file_says(self, sample: Path) -> None:
        assert read(sample) == json.loads(expected(sample).read_text("utf-8"))

    def test_one_format_claims_it(self, sample: Path) -> None:
        head = sample.read_bytes()[:HEAD]
        assert sum(each.recognise(head) for each in STATEMENT_FORMATS) == 1

    def test_it_adds_up(self, sample: Path) -> None:
        assert all(each.ok for statement in open_statements(sample) for each in check(statement))

    def test_entries_are_numbered_and_dated_within_the_statement(self, sample: Path) -> None:
        for number, statement in enumerate(open_statements(sample), 1):
            assert statement.position == number
            assert statement.source == str(sample)
            assert [entry.position for entry in statement.entries] == list(range(1, len(statement.entries) + 1))
            assert statement.from_date == min(entry.booking_date for entry in statement.entries)
            assert statement.to_date == max(entry.booking_date for entry in statement.entries)

    def test_damage_is_an_input_error_and_nothing_else(self, sample: Path) -> None:
        data, dice = sample.read_bytes(), random.Random(sample.name)
        for _ in range(60):
            damaged = bytearray(data[:dice.randrange(len(data))] if dice.random() < 0.5 else data)
            for _ in range(dice.randrange(1, 4)):
                if damaged:
                    damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            with suppress(InputError):
                found = recognise(bytes(damaged[:HEAD]))
                list(found.parse(BytesIO(bytes(damaged)), source="damaged"))


@pytest.mark.parametrize("each", STATEMENT_FORMATS, ids=lambda each: each.NAME)
class TestEveryFormat:
    def test_it_has_samples(self, each: StatementFormat) -> None:
        assert any(sample.parent.name == each.__name__.rpartition(".")[2] for sample in SAMPLES)

    def test_parsing_is_lazy(self, each: StatementFormat) -> None:
        class Unread(BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                raise AssertionError("read before it was asked")

        assert isinstance(each.parse(Unread()), Iterator)

    @pytest.mark.parametrize("head", [b"", b"\n\n", b'"', b"\x00" * 100, b"\xff\xfe\x00", b"a,b\n" * 1000, b"<x/>"])
    def test_it_claims_no_rubbish(self, each: StatementFormat, head: bytes) -> None:
        assert not each.recognise(head)


def _zipped(name: str) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, "x")
    return stream.getvalue()


@pytest.mark.parametrize(("data", "what"), [
    (b"", "an empty file"), (b"\r\n \n", "an empty file"), (b"\xef\xbb\xbf", "an empty file"),
    (_zipped("a.csv"), "a zip archive, which is not opened yet: unpack it first"),
    (_zipped("xl/workbook.xml"), "an Excel workbook (.xlsx)"), (b"\xd0\xcf\x11\xe0\xa1", "an old Excel workbook"),
    (b"%PDF-1.7", "a PDF"), ("Boekdatum".encode("utf-16"), "UTF-16 text"),
    (b'<?xml version="1.0"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">', "a CAMT statement"),
    (build_checked(SUPPLIERS), "a payment file (pain.001)"),
    (b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10">', "a status report"),
    (b"<!DOCTYPE html><html>", "a web page"), (b"<html><body>", "a web page"), (b"<OFX>", "an OFX statement"),
    (b"OFXHEADER:100", "an OFX statement"), (b"<x/>", "an XML file"),
    (b":20:1352294232659/1\r\n:25:TRIODOSBANK/0338500014", "an MT940 statement"),
    (b"{1:F01TRIONL2UAXXX}{4:\r\n:20:x", "an MT940 statement"),
    (b"Triodos Bank N.V.;;\nBuchungstag;Wert;Umsatz; \n", "a CSV of Triodos Germany"),
    (b'"02-01-2026","BE04523080001231","-12,50","BE68","","X"\n', "a CSV of Triodos Belgium"),
    (b"02/01/2026,16-58-10,12345678,10.00,FPI,Text,,20.00\n", "a CSV of Triodos UK"),
    (b"Date,SortCode,AccountNo,Amount,Code,Description,ChequeNo,Balance\n", "a CSV of Triodos UK"),
    (b"02-01-2026;NL19TRIO0338500014;1.210,00;Credit\n", "a Triodos NL CSV that a spreadsheet saved anew"),
    (b"Boekdatum;Rekeningnummer;Bedrag\n", "a Triodos NL CSV that a spreadsheet saved anew"),
    (b'"Datum","Naam / Omschrijving","Rekening","Tegenrekening"\n', "a CSV of ING"),
    (b'"Datum";"Naam / Omschrijving";"Rekening"\n', "a CSV of ING"),
    (b'"IBAN/BBAN","Munt","BIC","Volgnr"\n', "a CSV of Rabobank"),
    (b"123456789\tEUR\t20260102\t1,00", "a tab-separated file of ABN AMRO"),
    (b'"Date","Interest Date","Amount"\n', "a CSV of bunq"),
])
def test_foreign_files_are_named(data: bytes, what: str) -> None:
    with pytest.raises(UnknownFormat) as caught:
        recognise(data[:HEAD], source="x.csv")
    assert f"x.csv: this looks like {what}" in str(caught.value)
    assert "Supported: Triodos NL CSV" in caught.value.remedy


def test_what_looks_like_nothing_is_said_to_be_unknown() -> None:
    with pytest.raises(UnknownFormat, match="no format recognises this file"):
        recognise(b"hello")


def test_two_formats_that_claim_a_file_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "STATEMENT_FORMATS", STATEMENT_FORMATS * 2)
    with pytest.raises(UnknownFormat, match="both claim it"):
        recognise((NL_CSV / "edge-cases.csv").read_bytes())


def test_the_name_of_a_file_says_nothing(tmp_path: Path) -> None:
    odd = tmp_path / "statement.pdf"
    odd.write_bytes((NL_CSV / "mutations-8col.csv").read_bytes())
    assert recognise_file(odd).NAME == "Triodos NL CSV"
    assert len(list(open_statements(str(odd)))) == 1


def test_a_file_that_cannot_be_opened_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be opened: No such file"):
        next(open_statements(tmp_path / "none.csv"))
    with pytest.raises(InputError, match="cannot be opened"):
        recognise_file(tmp_path)


def test_errors_inside_a_file_name_it(tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_bytes((NL_CSV / "mutations-9col-utf8.csv").read_bytes().replace(b'"6,75"', b'"6.75"'))
    with pytest.raises(MalformedFile, match=r"broken.csv, line 2, Bedrag: '6.75' is not an amount"):
        next(open_statements(broken))


def _same_bookings(statements: list[Statement]) -> list[tuple[object, ...]]:
    return [(e.booking_date, e.amount, e.counterparty, e.code, e.reversal) for s in statements for e in s.entries]


def test_every_layout_gives_the_same_seventeen_bookings() -> None:
    manifest = [path for path in SAMPLES if path.name.startswith("mutations-") and "overlap" not in path.name]
    assert len(manifest) == 4
    first = _same_bookings(list(open_statements(manifest[0])))
    keys = read(manifest[0])["keys"]
    assert len(first) == 17
    for path in manifest:
        assert _same_bookings(list(open_statements(path))) == first
        assert read(path)["keys"] == keys


@pytest.mark.parametrize(("name", "count", "total", "opening", "closing"), [
    ("mutations-9col-latin9.csv", 17, "13182.92", "1250.00", "14432.92"),
    ("mutations-9col-utf8.csv", 17, "13182.92", "1250.00", "14432.92"),
    ("mutations-8col.csv", 17, "13182.92", "None", "None"),
    ("mutations-8col-header-minquote.csv", 17, "13182.92", "None", "None"),
    ("mutations-9col-overlap.csv", 9, "11476.48", "2956.44", "14432.92"),
    ("legacy-2011-bban.csv", 3, "-1462.35", "None", "None"),
])
def test_the_facts_of_the_manifest(name: str, count: int, total: str, opening: str, closing: str) -> None:
    [statement] = open_statements(NL_CSV / name)
    assert (len(statement.entries), str(statement.sum)) == (count, total)
    assert (str(statement.opening), str(statement.closing)) == (opening, closing)


def test_an_overlapping_download_has_the_same_keys() -> None:
    whole, part = (read(NL_CSV / f"mutations-9col-{name}.csv")["keys"] for name in ("utf8", "overlap"))
    assert isinstance(whole, list)
    assert isinstance(part, list)
    assert whole[-len(part):] == part
