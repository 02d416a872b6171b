"""The manifest of a payment order: what is to be paid, written into Odoo before anything else and never changed.

Its digest is part of every other key of the order and of every id in its file, so that nothing is ever mistaken for
another order's.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from mappings.errors import MalformedFile
from mappings.money import exact, format_amount
from mappings.party import Party
from mappings.payment import CreditTransfer, PaymentBatch, PaymentOrder
from mappings.payment_rules import is_payment_reference

SCHEMA_VERSION = 1
REFERENCE = re.compile(r"WS-(?P<company>\d+)-(?P<number>\d+)-(?P<digest>[0-9A-F]{8})-(?P<transfer>\d+)")
"""An end-to-end id, which is also the reference of the payment in Odoo."""

Kind = Literal["suppliers", "salaries"]


@dataclass(frozen=True, slots=True)
class Transfer:
    """One payment to one payee from one account, and the open items it settles (ids of `account.move.line`)."""

    payee: int
    name: str
    iban: str
    bic: str
    bank_account: int
    account: int
    amount: Decimal
    remittance: str
    items: tuple[int, ...]
    moves: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A payment order as asked; `number` counts per company, `created` is local time without zone."""

    company: int
    number: int
    kind: Kind
    created: dt.datetime
    execution_date: dt.date
    journal: int
    method: int
    debtor: Party
    batch_booking: bool
    transfers: tuple[Transfer, ...]

    @property
    def total(self) -> Decimal:
        """Sum of all transfers, EUR."""
        return sum((transfer.amount for transfer in self.transfers), Decimal("0.00"))

    @property
    def key(self) -> str:
        """External id of the manifest."""
        return f"{log_name(self.company)}-{self.number}"

    def dump(self) -> bytes:
        """Return the bytes that are kept in Odoo; the same manifest always gives the same bytes."""
        content: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION, "company": self.company, "number": self.number, "kind": self.kind,
            "created": self.created.isoformat(), "execution_date": self.execution_date.isoformat(),
            "journal": self.journal, "method": self.method, "batch_booking": self.batch_booking,
            "debtor": {"name": self.debtor.name, "iban": self.debtor.iban, "bic": self.debtor.bic},
            "total": format_amount(self.total),
            "transfers": [{"payee": t.payee, "name": t.name, "iban": t.iban, "bic": t.bic,
                           "bank_account": t.bank_account, "account": t.account, "amount": format_amount(t.amount),
                           "remittance": t.remittance, "items": list(t.items), "moves": list(t.moves)}
                          for t in self.transfers]}
        return json.dumps(content, ensure_ascii=False, indent=1).encode()


def load(content: bytes, *, source: str) -> Manifest:
    """Read a manifest back.

    Raises:
        MalformedFile: it is none, or its total is not the sum of its transfers.
    """
    try:
        raw = json.loads(content)
        if raw["schema_version"] != SCHEMA_VERSION:
            raise MalformedFile(f"a manifest of version {raw['schema_version']}", source=source,
                                remedy="Use the Werkstroom that wrote it, or a later one.")
        manifest = Manifest(
            company=int(raw["company"]), number=int(raw["number"]), kind=raw["kind"],
            created=dt.datetime.fromisoformat(raw["created"]),
            execution_date=dt.date.fromisoformat(raw["execution_date"]), journal=int(raw["journal"]),
            method=int(raw["method"]), batch_booking=bool(raw["batch_booking"]), debtor=Party(**raw["debtor"]),
            transfers=tuple(_transfer(row) for row in raw["transfers"]))
        total = Decimal(raw["total"])
    except MalformedFile:
        raise
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise MalformedFile(f"no manifest of a payment order ({type(error).__name__})", source=source) from error
    if total != manifest.total:
        raise MalformedFile("the manifest's total is not the sum of its transfers", source=source)
    return manifest


def _transfer(row: dict[str, Any]) -> Transfer:
    return Transfer(payee=int(row["payee"]), name=row["name"], iban=row["iban"], bic=row["bic"],
                    bank_account=int(row["bank_account"]), account=int(row["account"]),
                    amount=exact(Decimal(row["amount"])), remittance=row["remittance"],
                    items=tuple(map(int, row["items"])), moves=tuple(map(int, row["moves"])))


def log_name(company: int) -> str:
    """Return the name of a company's order book."""
    return f"pord-c{company}"


def digest(content: bytes) -> str:
    """Return the 8 hex of a manifest's bytes that are in every key and id of its order."""
    return hashlib.sha256(content).hexdigest()[:8]


def message_id(manifest: Manifest, digest8: str) -> str:
    """Return `MsgId` of the order, which is also the name of its file."""
    return f"WS-{manifest.company}-{manifest.number}-{digest8.upper()}"


def end_to_end_id(manifest: Manifest, digest8: str, transfer: int) -> str:
    """Return the end-to-end id of the transfer with that number, counted from 1."""
    return f"{message_id(manifest, digest8)}-{transfer}"


def payment_order(manifest: Manifest, digest8: str, included: Collection[int]) -> PaymentOrder:
    """Return the order for the bank, with those transfers (numbers from 1) that it may execute."""
    salaries = manifest.kind == "salaries"
    batch = PaymentBatch(
        id=f"{message_id(manifest, digest8)}-B1", execution_date=manifest.execution_date, debtor=manifest.debtor,
        category_purpose="SALA" if salaries else None,
        # The single amounts of salaries must not stand on the statement.
        batch_booking=manifest.batch_booking or salaries,
        transfers=tuple(
            credit_transfer(transfer, end_to_end_id(manifest, digest8, number))
            for number, transfer in enumerate(manifest.transfers, 1) if number in included))
    return PaymentOrder(message_id=message_id(manifest, digest8), created=manifest.created,
                        initiator=manifest.debtor.name, batches=(batch,))


def credit_transfer(transfer: Transfer, end_to_end: str) -> CreditTransfer:
    """Return a transfer for the bank; a betalingskenmerk or RF reference goes as structured remittance."""
    structured = is_payment_reference(transfer.remittance)
    return CreditTransfer(
        end_to_end_id=end_to_end, amount=transfer.amount,
        creditor=Party(name=transfer.name, iban=transfer.iban, bic=transfer.bic),
        remittance="" if structured else transfer.remittance,
        structured_reference=transfer.remittance if structured else None)
