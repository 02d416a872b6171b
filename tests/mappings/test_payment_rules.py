"""Every rule as a mutation of a good order: refused by name, with the record, the element and a remedy."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from io import BytesIO

import pytest

from mappings.errors import WerkstroomError
from mappings.formats.pain001 import build
from mappings.party import Party
from mappings.payment import CreditTransfer, PaymentBatch, PaymentOrder, PaymentRuleError
from mappings.payment_rules import is_creditor_reference, is_payment_reference, transfer_violations, violations
from tests.golden.orders import ORDERS, SALARIES, SUPPLIERS

BATCH = SUPPLIERS.batches[0]
TRANSFER = BATCH.transfers[0]
PAYEE = TRANSFER.creditor


def with_batches(*batches: PaymentBatch) -> PaymentOrder:
    return replace(SUPPLIERS, batches=batches)


def batch(**change: object) -> PaymentOrder:
    return with_batches(replace(BATCH, **change))  # type: ignore[arg-type]


def transfer(**change: object) -> PaymentOrder:
    return batch(transfers=(replace(TRANSFER, **change), *BATCH.transfers[1:]))  # type: ignore[arg-type]


def payee(**change: object) -> PaymentOrder:
    return transfer(creditor=replace(PAYEE, **change))  # type: ignore[arg-type]


def debtor(**change: object) -> PaymentOrder:
    return batch(debtor=replace(BATCH.debtor, **change))  # type: ignore[arg-type]


MUTATIONS: list[tuple[PaymentOrder, str, str]] = [
    *((replace(SUPPLIERS, message_id=bad), "identifier", "GrpHdr/MsgId")
      for bad in ("", "x" * 36, "/A", "A/", "A//B", "A_B", "é")),
    *((replace(SUPPLIERS, initiator=bad), "name", "GrpHdr/InitgPty/Nm") for bad in ("", "  ", "x" * 71, "漢字")),
    (with_batches(), "empty", "PmtInf"), (batch(transfers=()), "empty", "CdtTrfTxInf"),
    (with_batches(BATCH, replace(BATCH, transfers=(replace(TRANSFER, end_to_end_id="E2"),))), "duplicate",
     "PmtInf/PmtInfId"),
    (with_batches(BATCH, replace(BATCH, id="B2")), "duplicate", "PmtId/EndToEndId"),
    (batch(transfers=(TRANSFER, TRANSFER)), "duplicate", "PmtId/EndToEndId"),
    (with_batches(BATCH, SALARIES.batches[0]), "mixed", "PmtTpInf/CtgyPurp"),
    (batch(id="A//B"), "identifier", "PmtInf/PmtInfId"), (batch(category_purpose="XXXX"), "code", "PmtTpInf/CtgyPurp"),
    (batch(category_purpose=""), "code", "PmtTpInf/CtgyPurp"),
    (batch(execution_date=datetime(2026, 11, 26, 12)), "date", "ReqdExctnDt"),
    (debtor(name=" "), "name", "Dbtr/Nm"), (debtor(iban=""), "iban", "DbtrAcct/Id/IBAN"),
    (debtor(bic="NOTPROVIDED"), "bic", "DbtrAgt/FinInstnId/BICFI"),
    *((transfer(end_to_end_id=bad), "identifier", "PmtId/EndToEndId") for bad in ("", "x" * 36, "/A", "NOTPROVIDED")),
    *((transfer(amount=Decimal(bad)), "amount", "Amt/InstdAmt")
      for bad in ("0", "-1", "0.001", "1.005", "1000000000", "NaN", "Infinity")),
    *((payee(name=bad), "name", "Cdtr/Nm") for bad in ("", "\n", "...", "x" * 71, "…" * 23 + "xx", "ελ")),
    *((payee(iban=bad), "iban", "CdtrAcct/Id/IBAN")
      for bad in ("", "NL28RABO0300123450", "NL29RABO030012345", "1234567", "NL29-RABO-0300-1234-50")),
    (payee(iban="TR330006100519786457841326", bic=""), "country", "CdtrAcct/Id/IBAN"),
    (payee(iban="CH9300762011623852957", bic=""), "country", "CdtrAcct/Id/IBAN"),
    (payee(iban="GB29NWBK60161331926819", bic=""), "country", "CdtrAcct/Id/IBAN"),
    *((payee(bic=bad), "bic", "CdtrAgt/FinInstnId/BICFI") for bad in ("NOTPROVIDED", "RABO", "TRWIBEB1", "漢")),
    *((transfer(remittance=bad), "remittance", "RmtInf/Ustrd") for bad in ("x" * 141, "…" * 47)),
    (transfer(structured_reference="9001041146812501"), "remittance", "RmtInf"),
    *((transfer(remittance="", structured_reference=bad), "reference", "RmtInf/Strd/CdtrRefInf/Ref")
      for bad in ("", "8001041146812501", "900104114681250", "RF19539007547034", "rf18539007547034", "X",
                  "RF18 5390 0754 7034", "٩001041146812501")),
]


@pytest.mark.parametrize(("order", "rule", "element"), MUTATIONS)
def test_every_rule_refuses_by_name(order: PaymentOrder, rule: str, element: str) -> None:
    stream = BytesIO()
    with pytest.raises(PaymentRuleError) as caught:
        build(order, stream)
    assert (caught.value.rule, caught.value.element) == (rule, element)
    assert caught.value.remedy
    assert isinstance(caught.value, WerkstroomError)
    assert stream.getvalue() == b""
    for each in (item for one in order.batches for item in one.transfers):
        iban = each.creditor.iban
        assert len(iban) < 15 or iban not in str(caught.value)


@pytest.mark.parametrize("order", [
    batch(category_purpose=None), batch(batch_booking=False), debtor(bic=""), payee(bic=""), payee(name="x" * 70),
    payee(iban="nl29 rabo 0300 1234 50", bic="rabonl2u"), transfer(remittance=""), transfer(remittance="x" * 140),
    transfer(amount=Decimal("999999999.99")), transfer(amount=Decimal("1E+2")), transfer(amount=Decimal("1.500")),
    transfer(end_to_end_id="BILL/2026/0001"), payee(iban="FR1420041010050500013M02606", bic="BNPAGPGX"),
    *ORDERS.values(),
])
def test_what_is_allowed_is_not_refused(order: PaymentOrder) -> None:
    assert list(violations(order)) == []


def test_all_faults_of_a_transfer_are_listed_for_a_plan() -> None:
    bad = CreditTransfer("E1", Decimal(0), Party(""), "x" * 141)
    assert [each.rule for each in transfer_violations(bad)] == ["amount", "name", "iban", "remittance"]
    assert all(each.record == "E1" and str(each).startswith("E1, ") for each in transfer_violations(bad))


# Seven of the test vectors that a public tool took from the Belastingdienst's own source.
@pytest.mark.parametrize("reference", ["5010002167010010", "0001041146910100", "9001041146812501", "2017166777600001",
                                       "8049244482480005", "3961307998410020", "1808980197629000"])
def test_dutch_payment_references(reference: str) -> None:
    assert is_payment_reference(reference)
    wrong = str((int(reference[0]) + 1) % 10) + reference[1:]
    assert not is_payment_reference(wrong)


def test_creditor_references() -> None:
    assert is_creditor_reference("RF18539007547034")
    assert not is_creditor_reference("RF18539007547035")
