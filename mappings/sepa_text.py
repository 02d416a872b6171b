"""Which characters may stand in a SEPA file: free text is transliterated, identifiers are checked and never changed."""

from __future__ import annotations

import re
import unicodedata

# The basic set of EPC217-08: what every SEPA bank must take.
_OUTSIDE = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
_IDENTIFIER = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]{1,35}")

# What NFKD does not take apart. "&", "_", "~", "€", "Æ", "Œ" and "ß" as in EPC217-08; the rest keeps names readable,
# for the payee's bank compares them (verification of payee).
_EXCEPTIONS = str.maketrans({
    "&": "+", "_": "-", "~": "-", "€": "E", "Æ": "A", "æ": "a", "Œ": "O", "œ": "o", "ß": "s", "ẞ": "S", "Ø": "O",
    "ø": "o", "Đ": "D", "đ": "d", "Ð": "D", "ð": "d", "Ł": "L", "ł": "l", "Þ": "T", "þ": "t", "ı": "i", "Ħ": "H",
    "ħ": "h", "‘": "'", "’": "'", "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "⁄": "/",
})


def transliterate(text: str) -> str:
    """Write free text (a name, a remittance text) in the basic character set.

    Returns:
        Accents dropped ("Brûlée" is "Brulee"), a dozen exceptions ("&" is "+", "_" is "-"), any other character ".";
        runs of white space one blank, none around it. May be longer than the text; lengths are measured after it.
    Source:
        EPC217-08 for the set and the named exceptions; its table of 1,089 rows may not be copied, this is our own.
    """
    plain = unicodedata.normalize("NFKD", " ".join(text.split()))
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign)).translate(_EXCEPTIONS)
    return " ".join(_OUTSIDE.sub(".", letters).split())


def check_identifier(text: str) -> str:
    """Say what is wrong with an identifier (`MsgId`, `PmtInfId`, `EndToEndId`); "" when nothing is.

    Source:
        ISO: 1 to 35 characters. EPC132-08, tightened as announced by BNG ("Strengere controle XML-bestanden"): basic
        set, no "/" at either end, no "//".
    """
    if not text:
        return "it is empty"
    if len(text) > 35:
        return f"it has {len(text)} characters, 35 are allowed"
    if not _IDENTIFIER.fullmatch(text) or text != text.strip():
        return "it has a character outside a-z A-Z 0-9 / - ? : ( ) . , ' + or a blank at an end"
    if text.startswith("/") or text.endswith("/") or "//" in text:
        return 'it has a "/" at an end, or "//"'
    return ""
