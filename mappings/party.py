"""Who is on the other side: names, IBANs and BICs, checked with python-stdnum."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from stdnum import iban as stdnum_iban


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


# EEA: the 27 of the EU with Iceland, Liechtenstein and Norway. Inside it neither side's address is needed.
EEA = _codes("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK")

# EPC409-09 v8.0 (24 December 2025), list of SEPA scheme countries; codes as they stand in an IBAN, so French overseas
# territories are FR and Guernsey, Jersey and the Isle of Man are GB. Gibraltar is read as outside the EEA.
SEPA = EEA | _codes("AD AL CH GB GI MC MD ME MK RS SM VA")

# Territories inside SEPA that use their country's IBANs and have a country of their own in a BIC (ISO 3166).
_TERRITORIES = {"FR": _codes("BL GF GP MF MQ PM RE YT"), "GB": _codes("GG IM JE")}

_BLANKS = re.compile(r"\s+")
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_IBAN_IN_TEXT = re.compile(r"\b[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\b")


@dataclass(frozen=True, slots=True)
class Party:
    """A creditor, debtor or counterparty; what is not known is "".

    `iban` and `bic` are clean (capitals, no blanks). `account` is an account number that is no valid IBAN, as digits
    where it was a Dutch BBAN. `address` is one line as the bank gave it.
    """

    name: str = ""
    iban: str = ""
    bic: str = ""
    account: str = ""
    address: str = ""


def clean_iban(text: str) -> str:
    """The IBAN without blanks, in capitals; not checked."""
    return _BLANKS.sub("", text).upper()


@lru_cache(maxsize=4096)
def is_iban(text: str) -> bool:
    """Whether this clean IBAN has the country's structure and length and right check digits.

    Source:
        SWIFT IBAN registry, as carried by python-stdnum (ISO 13616; mod-97 of ISO 7064).
    """
    # ASCII first: python-stdnum also forgives dashes, blanks and small letters, which no bank does.
    return bool(re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", text)) and bool(stdnum_iban.is_valid(text))


def is_sepa_iban(text: str) -> bool:
    """Whether this is a valid IBAN of a country in the SEPA schemes (`SEPA` names the source)."""
    return is_iban(text) and text[:2] in SEPA


def clean_bic(text: str) -> str:
    """The BIC without blanks, in capitals; not checked."""
    return _BLANKS.sub("", text).upper()


def is_bic(text: str) -> bool:
    """Whether this clean BIC has the structure of ISO 9362, with letters in the bank's code as SWIFT assigns them.

    NOTPROVIDED fits the structure, and python-stdnum and the ISO schema take it for a BIC: in SEPA it means "no BIC".
    """
    return bool(_BIC.fullmatch(text)) and text != "NOTPROVIDED"


def bic_fits_iban(bic: str, iban: str) -> bool:
    """Whether a BIC and an IBAN are of the same country, territories counted with their country."""
    country = iban[:2]
    return bic[4:6] == country or bic[4:6] in _TERRITORIES.get(country, ())


def mask_iban(text: str) -> str:
    """An IBAN for messages and logs: "NL19 … 0014"; shorter account numbers show their last three digits."""
    clean = clean_iban(text)
    return f"{clean[:4]} … {clean[-4:]}" if len(clean) >= 15 else f"… {clean[-3:]}"


def mask_ibans(text: str) -> str:
    """The same text with every whole IBAN in it masked; for messages of other libraries."""
    return _IBAN_IN_TEXT.sub(lambda found: mask_iban(found.group()), text)

