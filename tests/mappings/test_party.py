from __future__ import annotations

import pytest

from mappings.party import (
    EEA,
    SEPA,
    bic_fits_iban,
    clean_bic,
    clean_iban,
    is_bic,
    is_iban,
    is_sepa_iban,
    mask_iban,
    mask_ibans,
)

OWN = "NL19TRIO0338500014"


def test_ibans_are_cleaned_and_then_checked() -> None:
    assert clean_iban(" nl19 trio\t0338 5000\u00a014 ") == OWN
    assert is_iban(OWN)
    assert is_iban("BE21001234567803")


@pytest.mark.parametrize("text", [
    "", "NL", "NL18TRIO0338500014", "NL19TRIO033850001", "NL19TRIO03385000140", "nl19trio0338500014",
    "NL19 TRIO 0338 5000 14", "NL19-TRIO0338500014", "XX19TRIO0338500014", "NL19TRIO033850OO14", OWN + "\n",
])
def test_refuses_what_is_no_clean_iban(text: str) -> None:
    assert not is_iban(text)


def test_sepa_is_wider_than_the_eea_and_narrower_than_the_world() -> None:
    assert len(EEA) == 30
    assert EEA < SEPA
    assert is_sepa_iban("CH9300762011623852957")
    assert is_iban("TR330006100519786457841326")
    assert not is_sepa_iban("TR330006100519786457841326")
    assert not is_sepa_iban("NL18TRIO0338500014")


@pytest.mark.parametrize(("text", "ok"), [
    ("TRIONL2U", True), ("RABONL2UXXX", True), ("NOTPROVIDED", False), ("TRIONL2", False), ("TRIONL2UXX", False),
    ("trionl2u", False), ("NL29RABO", False), ("", False), ("TRIONL2U\n", False),
])
def test_bics(text: str, ok: bool) -> None:
    assert is_bic(text) is ok
    assert clean_bic(" trio nl2u ") == "TRIONL2U"


def test_a_bic_fits_an_iban_of_its_country_and_territories() -> None:
    assert bic_fits_iban("TRIONL2U", OWN)
    assert bic_fits_iban("BNPAGPGX", "FR1420041010050500013M02606")
    assert not bic_fits_iban("TRWIBEB1", OWN)


def test_messages_never_hold_a_whole_iban() -> None:
    assert mask_iban("nl19 trio 0338 5000 14") == "NL19 … 0014"
    assert mask_iban("33.85.00.014") == "… 014"
    assert mask_iban("") == "… "
    assert mask_ibans(f"value '{OWN}' is not accepted") == "value 'NL19 … 0014' is not accepted"
