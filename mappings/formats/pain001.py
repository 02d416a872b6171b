"""SEPA credit transfers as `pain.001.001.09`: written from a payment order, and read back from the finished bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from html import escape
from io import BytesIO
from typing import BinaryIO, NamedTuple

from lxml import etree

from mappings.errors import MalformedFile, WerkstroomError
from mappings.money import format_amount
from mappings.party import Party, clean_bic, clean_iban
from mappings.payment import CreditTransfer, PaymentBatch, PaymentOrder
from mappings.payment_rules import is_payment_reference, violations
from mappings.sepa_text import transliterate
from mappings.xml import elements, schema

VERSION = "pain.001.001.09"
_NAMESPACE = f"urn:iso:std:iso:20022:tech:xsd:{VERSION}"


class ReadTransfer(NamedTuple):
    """A credit transfer as it stands in a file; `remittance` is the text or the structured reference."""

    end_to_end_id: str
    iban: str
    amount: Decimal
    name: str
    remittance: str


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """A payment batch as it stands in a file; `count` and `total` are counted, and equal to what the file says."""

    id: str
    execution_date: date | None
    debtor_account: str
    category_purpose: str | None
    batch_booking: bool
    count: int
    total: Decimal
    transfers: list[ReadTransfer] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Totals:
    """What a file asks of the bank; `count` and `total` are counted, and equal to what the file says."""

    message_id: str
    count: int
    total: Decimal
    batches: list[ReadBatch]

    @property
    def transfers(self) -> list[ReadTransfer]:
        """The transfers of all batches, in the order of the file."""
        return [transfer for batch in self.batches for transfer in batch.transfers]


def build(order: PaymentOrder, stream: BinaryIO) -> None:
    """Write the file: UTF-8, minified, the same bytes for the same order.

    Names and texts are transliterated, ids never. Addresses are not written: inside the EEA none is needed. Whether
    the execution date is a day the bank executes on is the caller's to know (`mappings.calendar`).

    Raises:
        PaymentRuleError: the order breaks a rule of the scheme; nothing was written.
    Source:
        ISO 20022 pain.001.001.09 for the order of elements; EPC132-08 (2023 and 2025) for SLEV, SEPA and NOTPROVIDED.
        Exactly two decimals: "21.0" was refused by Dutch banks.
    """
    for broken in violations(order):
        raise broken
    stream.write(f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{_NAMESPACE}"><CstmrCdtTrfInitn>'.encode())
    stream.write(_element("GrpHdr", _text("MsgId", order.message_id),
                          _text("CreDtTm", order.created.isoformat(timespec="seconds")),
                          _text("NbOfTxs", str(order.count)), _text("CtrlSum", format_amount(order.total)),
                          _element("InitgPty", _text("Nm", transliterate(order.initiator)))).encode())
    for batch in order.batches:
        stream.write(b"<PmtInf>" + _batch_header(batch).encode())
        for transfer in batch.transfers:
            stream.write(_transfer(transfer).encode())
        stream.write(b"</PmtInf>")
    stream.write(b"</CstmrCdtTrfInitn></Document>")


def build_checked(order: PaymentOrder) -> bytes:
    """Build the file, then trust only its bytes: schema, counts, sums and every transfer are compared with the order.

    Raises:
        PaymentRuleError: the order breaks a rule of the scheme.
        WerkstroomError: the bytes do not say what the order says; a fault of ours, the file must not be sent.
    """
    stream = BytesIO()
    build(order, stream)
    data = stream.getvalue()
    found = read_back(data, source=order.message_id)
    expected = [_expected(batch) for batch in order.batches]
    if (found.message_id, found.count, found.total) != (order.message_id, order.count, order.total) \
            or found.batches != expected:
        raise WerkstroomError(f"The finished file of {order.message_id} does not say what the order says.",
                              remedy="It was not handed out. Please report this.")
    return data


def read_back(data: bytes, *, source: str = "<bytes>") -> Totals:
    """Read a finished file by the hardened parser, checked against ISO's schema, and count again.

    Raises:
        MalformedFile: not a valid pain.001.001.09, or one of its `NbOfTxs` or `CtrlSum` is not what it holds.
        LimitExceeded: larger than we are willing to read.
    """
    header: tuple[str, str, str] = ("", "", "")
    batches: list[ReadBatch] = []
    transfers: list[ReadTransfer] = []
    tags = [_path("GrpHdr"), _path("CdtTrfTxInf"), _path("PmtInf")]
    for _ in elements(BytesIO(data), tags, schema=schema(VERSION), source=source):
        pass  # first the whole file is valid, then it is read
    for element in elements(BytesIO(data), tags, source=source):
        if element.tag == tags[0]:
            header = (_get(element, "MsgId"), _get(element, "NbOfTxs"), _get(element, "CtrlSum"))
        elif element.tag == tags[1]:
            transfers.append(_read_transfer(element))
        else:
            batches.append(_read_batch(element, transfers, source))
            transfers = []
    total = sum((batch.total for batch in batches), Decimal("0.00"))
    count = sum(batch.count for batch in batches)
    _compare(header[1], header[2], count, total, source, "GrpHdr")
    return Totals(header[0], count, total, batches)


def _element(name: str, *inner: str) -> str:
    return f"<{name}>{''.join(inner)}</{name}>"


def _text(name: str, text: str) -> str:
    return f"<{name}>{escape(text, quote=False)}</{name}>"


def _batch_header(batch: PaymentBatch) -> str:
    purpose = _element("CtgyPurp", _text("Cd", batch.category_purpose)) if batch.category_purpose else ""
    return "".join((
        _text("PmtInfId", batch.id), _text("PmtMtd", "TRF"), _text("BtchBookg", str(batch.batch_booking).lower()),
        _text("NbOfTxs", str(batch.count)), _text("CtrlSum", format_amount(batch.total)),
        _element("PmtTpInf", _element("SvcLvl", _text("Cd", "SEPA")), purpose),
        _element("ReqdExctnDt", _text("Dt", batch.execution_date.isoformat())),
        _element("Dbtr", _text("Nm", transliterate(batch.debtor.name))),
        _element("DbtrAcct", _element("Id", _text("IBAN", clean_iban(batch.debtor.iban)))),
        # The element is mandatory; without a BIC it says so. An empty one and a BICFI of NOTPROVIDED are both valid
        # to ISO's schema and refused by banks.
        _agent("DbtrAgt", batch.debtor) or _element("DbtrAgt", _element("FinInstnId", _element(
            "Othr", _text("Id", "NOTPROVIDED")))),
        _text("ChrgBr", "SLEV")))


def _agent(name: str, party: Party) -> str:
    return _element(name, _element("FinInstnId", _text("BICFI", clean_bic(party.bic)))) if party.bic.strip() else ""


def _transfer(transfer: CreditTransfer) -> str:
    return _element(
        "CdtTrfTxInf", _element("PmtId", _text("EndToEndId", transfer.end_to_end_id)),
        f'<Amt><InstdAmt Ccy="EUR">{format_amount(transfer.amount)}</InstdAmt></Amt>',
        _agent("CdtrAgt", transfer.creditor), _element("Cdtr", _text("Nm", transliterate(transfer.creditor.name))),
        _element("CdtrAcct", _element("Id", _text("IBAN", clean_iban(transfer.creditor.iban)))), _remittance(transfer))


def _remittance(transfer: CreditTransfer) -> str:
    reference = transfer.structured_reference
    if reference is not None:
        # CUR: Dutch betalingskenmerk; ISO: creditor reference of ISO 11649. The block fits EPC's 140 with its tags.
        issuer = "CUR" if is_payment_reference(reference) else "ISO"
        kind = _element("Tp", _element("CdOrPrtry", _text("Cd", "SCOR")), _text("Issr", issuer))
        return _element("RmtInf", _element("Strd", _element("CdtrRefInf", kind, _text("Ref", reference))))
    text = transliterate(transfer.remittance)
    return _element("RmtInf", _text("Ustrd", text)) if text else ""


def _expected(batch: PaymentBatch) -> ReadBatch:
    transfers = [ReadTransfer(each.end_to_end_id, clean_iban(each.creditor.iban), each.amount,
                              transliterate(each.creditor.name),
                              each.structured_reference or transliterate(each.remittance)) for each in batch.transfers]
    return ReadBatch(batch.id, batch.execution_date, clean_iban(batch.debtor.iban), batch.category_purpose,
                     batch.batch_booking, batch.count, batch.total, transfers)


def _path(*names: str) -> str:
    return "/".join(f"{{{_NAMESPACE}}}{name}" for name in names)


def _get(element: etree._Element, *names: str) -> str:
    return element.findtext(_path(*names)) or ""


def _read_transfer(element: etree._Element) -> ReadTransfer:
    texts: Iterator[str] = (found.text or "" for found in element.iterfind(_path("RmtInf", "Ustrd")))
    return ReadTransfer(
        _get(element, "PmtId", "EndToEndId"), _get(element, "CdtrAcct", "Id", "IBAN"),
        Decimal(_get(element, "Amt", "InstdAmt") or _get(element, "Amt", "EqvtAmt", "Amt")),
        _get(element, "Cdtr", "Nm"), " ".join(texts) or _get(element, "RmtInf", "Strd", "CdtrRefInf", "Ref"))


def _read_batch(element: etree._Element, transfers: list[ReadTransfer], source: str) -> ReadBatch:
    total = sum((transfer.amount for transfer in transfers), Decimal("0.00"))
    batch_id = _get(element, "PmtInfId")
    _compare(_get(element, "NbOfTxs"), _get(element, "CtrlSum"), len(transfers), total, source, f"PmtInf {batch_id}")
    day = _get(element, "ReqdExctnDt", "Dt")
    return ReadBatch(batch_id, date.fromisoformat(day[:10]) if day else None, _get(element, "DbtrAcct", "Id", "IBAN"),
                     _get(element, "PmtTpInf", "CtgyPurp", "Cd") or None,
                     _get(element, "BtchBookg") in ("true", "1"), len(transfers), total, transfers)


def _compare(count: str, total: str, counted: int, summed: Decimal, source: str, place: str) -> None:
    if count and int(count) != counted:
        raise MalformedFile(f"it says {count} transfers and holds {counted}.", source=source, field=f"{place}/NbOfTxs")
    if total and Decimal(total) != summed:
        raise MalformedFile(f"it says {total} and its transfers sum to {summed}.", source=source,
                            field=f"{place}/CtrlSum")
