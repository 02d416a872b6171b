"""`res.partner.bank`: the accounts that payees are paid on, and our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappings.party import Party, clean_bic, clean_iban

BANK_ACCOUNT_FIELDS = ("acc_number", "acc_holder_name", "bank_bic", "partner_id")


def party(row: Mapping[str, Any], partner_name: str) -> Party:
    """Return holder and account; the holder's name goes before the partner's, since banks check it against the IBAN."""
    return Party(name=row["acc_holder_name"] or partner_name, iban=clean_iban(row["acc_number"]),
                 bic=clean_bic(row["bank_bic"] or ""))
