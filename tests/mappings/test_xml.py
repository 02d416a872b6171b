from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from mappings import xml
from mappings.errors import LimitExceeded, MalformedFile, WerkstroomError
from mappings.xml import elements, schema


def texts(data: bytes, *tags: str) -> list[str | None]:
    return [element.text for element in elements(BytesIO(data), tags, source="t.xml")]


def test_elements_come_one_by_one_and_are_forgotten() -> None:
    data = b"<a><!-- x --><b>1</b><?p?><b>2</b><c><b>3</b></c></a>"
    seen = [(element.tag, element.text, len(element)) for element in elements(BytesIO(data), ["b", "c", "a"])]
    assert seen == [("b", "1", 0), ("b", "2", 0), ("b", "3", 0), ("c", None, 0), ("a", None, 0)]


@pytest.mark.parametrize("data", [
    b'<!DOCTYPE a [<!ENTITY x "boo">]><a><b>&x;</b></a>',
    b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a><b>1</b></a>',
    b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><b>&x;</b></a>',
    '<!DOCTYPE a [<!ENTITY x "boo">]><a><b>&x;</b></a>'.encode("utf-16"),
    b'<!DOCTYPE a [<!ENTITY x "boo"><!ENTITY y "&x;&x;&x;&x;">]><a b="&y;"><b>1</b></a>',
])
def test_a_dtd_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedFile, match=r"t.xml, line 1: it has a DTD"):
        texts(data, "b")


@pytest.mark.parametrize("data", [b"", b"x", b"<a>", b"<a></b>", b"<a>&x;</a>", b"<a>\xff</a>", b"<a>" * 300])
def test_what_is_not_well_formed_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedFile):
        texts(data, "b")


@pytest.mark.parametrize("damage", [
    lambda data: data[:-11], lambda data: data[:-60], lambda data: data[:1500], lambda data: data + b"<x/>",
    lambda data: data + data, lambda data: data.replace(b"</Cdtr>", b"</Cdtx>"),
    lambda data: data.replace(b"Bakkerij", b"A & B"), lambda data: data.replace(b"Bakkerij", b"A&x;B"),
    lambda data: data.replace(b"Bakkerij", b"\xff"), lambda data: data.replace(b"Bakkerij", b"\x01"),
])
@pytest.mark.parametrize("checked", [True, False])
def test_damage_is_seen_with_and_without_a_schema(damage: Callable[[bytes], bytes], checked: bool) -> None:
    data = damage((Path(__file__).parents[1] / "golden/pain001/suppliers.xml").read_bytes())
    with pytest.raises(MalformedFile) as caught:
        list(elements(BytesIO(data), [], schema=schema("pain.001.001.09") if checked else None, source="t.xml"))
    assert "b'" not in str(caught.value)


def test_the_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "MAX_BYTES", 10_000)
    with pytest.raises(LimitExceeded, match=r"t.xml: larger than"):
        texts(b"<a>" + b"<b>1</b>" * 10_000 + b"</a>", "b")


def test_faults_of_the_schema_are_masked() -> None:
    data = (Path(__file__).parents[1] / "golden/pain001/suppliers.xml").read_bytes()
    data = data.replace(b"<IBAN>NL29RABO0300123450</IBAN>", b"<IBAN>NL29RABO0300123450x</IBAN><IBAN/>")
    with pytest.raises(MalformedFile) as caught:
        list(elements(BytesIO(data), [], schema=schema("pain.001.001.09")))
    assert "IBAN" in str(caught.value)
    assert "0300123450" not in str(caught.value)


def test_an_unknown_schema_names_the_known() -> None:
    with pytest.raises(WerkstroomError, match=r"Known: pain.001.001.09"):
        schema("pain.001.001.99")


def test_another_schema_than_the_pinned_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    schema.cache_clear()
    monkeypatch.setitem(xml._SCHEMAS, "pain.001.001.09", "0" * 64)
    with pytest.raises(WerkstroomError, match="not the one Werkstroom was checked against"):
        schema("pain.001.001.09")


def test_a_schema_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    schema.cache_clear()
    monkeypatch.setitem(xml._SCHEMAS, "pain.001.001.02", "0" * 64)
    with pytest.raises(WerkstroomError, match="is not installed"):
        schema("pain.001.001.02")
