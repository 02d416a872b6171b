from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.payment import remittance_text
from mappings.sepa_text import check_identifier, transliterate

BASIC = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]*")


@pytest.mark.parametrize(("text", "written"), [
    ("Atelier Crème (brûlée) SPRL", "Atelier Creme (brulee) SPRL"),
    ("Jansen & Zn_NL ~ € 5", "Jansen + Zn-NL - E 5"),
    ("Æble Œuvre Straße Ødegård Łódź", "Able Ouvre Strase Odegard Lodz"),
    ("D’Arc – ‘x’", "D'Arc - 'x'"),
    ("  two\n lines\t ", "two lines"),
    ('#12 "x" @y <z> *', ".12 .x. .y .z. ."),
    ("漢字", ".."), ("ﬁn …", "fin ..."), ("№ ½", "No 1/2"), ("", ""), (" \n ", ""), ("a\u00a0\u0301b", "a b"),
])
def test_free_text_is_written_in_the_basic_set(text: str, written: str) -> None:
    assert transliterate(text) == written


@given(st.text())
def test_whatever_comes_the_basic_set_comes_out(text: str) -> None:
    written = transliterate(text)
    assert BASIC.fullmatch(written)
    assert written == " ".join(written.split())
    assert transliterate(written) == written


@given(st.from_regex(BASIC, fullmatch=True))
def test_the_basic_set_is_left_alone(text: str) -> None:
    assert transliterate(text) == " ".join(text.split())


@pytest.mark.parametrize("text", ["WS-1-7-0A1B2C3D-1", "BILL/2026/0001", "a", "x" * 35, "A+B (C), D: E?'."])
def test_good_identifiers(text: str) -> None:
    assert check_identifier(text) == ""


@pytest.mark.parametrize("text", ["", "x" * 36, "/A", "A/", "A//B", "A_B", "É", " A", "A ", "A\n", "A&B", "٣"])
def test_bad_identifiers_are_named_not_changed(text: str) -> None:
    assert check_identifier(text)


def test_references_join_until_they_no_longer_fit() -> None:
    assert remittance_text(["2026-0001", " ", "2026-0002 "]) == "2026-0001 2026-0002"
    assert remittance_text([]) == ""
    assert remittance_text(["x" * 70, "y" * 69]) is not None
    assert remittance_text(["x" * 70, "y" * 70]) is None
    assert remittance_text(["…" * 46]) is not None
    assert remittance_text(["…" * 47]) is None  # one sign becomes three: the length that counts is the file's
