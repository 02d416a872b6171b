"""A payment order in ISO 20022 words: what is asked of the bank, before it is a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from mappings.errors import WerkstroomError
from mappings.party import Party
from mappings.sepa_text import transliterate

MAX_REMITTANCE = 140  # EPC132-08 and ISO (Max140Text) agree


class PaymentRuleError(WerkstroomError):
    """A payment order breaks a rule of the SEPA scheme; no file is made of it.

    `rule` names the case, `element` the element of the file, `record` the end-to-end id (or the id of the batch or
    message). The message never holds a whole IBAN.
    """

    code = "payment_rule"

    def __init__(self, message: str, *, rule: str, element: str, record: str, remedy: str) -> None:
        super().__init__(f"{record or 'payment order'}, {element}: {message}.", remedy=remedy)
        self.rule = rule
        self.element = element
        self.record = record


@dataclass(frozen=True, slots=True)
class CreditTransfer:
    """One payment to one creditor.

    `amount` is EUR, > 0, two decimals. `creditor` needs name and IBAN, BIC if known. Either `remittance` (free text,
    at most 140 after transliteration) or `structured_reference` (a 16-digit betalingskenmerk or an ISO 11649 "RF…").
    """

    end_to_end_id: str
    amount: Decimal
    creditor: Party
    remittance: str = ""
    structured_reference: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentBatch:
    """Transfers from one account on one day, of one kind (`PmtInf`).

    `id` is `PmtInfId`, which the bank gives back on the statement. `category_purpose` is SALA, SUPP, … or None.
    """

    id: str
    execution_date: date
    debtor: Party
    category_purpose: str | None
    batch_booking: bool
    transfers: tuple[CreditTransfer, ...]

    @property
    def count(self) -> int:
        """Number of transfers."""
        return len(self.transfers)

    @property
    def total(self) -> Decimal:
        """Sum of the transfers, EUR."""
        return sum((transfer.amount for transfer in self.transfers), Decimal("0.00"))


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """One file for the bank: `message_id` is `MsgId`, `created` naive local time or aware, `initiator` our name."""

    message_id: str
    created: datetime
    initiator: str
    batches: tuple[PaymentBatch, ...]

    @property
    def count(self) -> int:
        """Number of transfers in all batches."""
        return sum(batch.count for batch in self.batches)

    @property
    def total(self) -> Decimal:
        """Sum of all transfers, EUR."""
        return sum((batch.total for batch in self.batches), Decimal("0.00"))


def remittance_text(references: Sequence[str]) -> str | None:
    """Join references, such as a supplier's invoice numbers, into one remittance text.

    Returns:
        The references with a blank between them, as given (the file holds them transliterated); empty ones are left
        out. None when that is longer than 140 after transliteration: the caller splits the payment, nothing is cut.
    """
    text = " ".join(reference.strip() for reference in references if reference.strip())
    return text if len(transliterate(text)) <= MAX_REMITTANCE else None
