"""What makes a payment order acceptable to a SEPA bank: the rules that ISO's schema does not hold.

Every rule is one that a bank rejects on. "EPC" is EPC132-08 or the 2025 rulebook; where ISO allows more it says so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from stdnum import iso11649

from mappings.money import CENT
from mappings.party import EEA, Party, bic_fits_iban, clean_bic, clean_iban, is_bic, is_iban, is_sepa_iban, mask_iban
from mappings.payment import MAX_REMITTANCE, CreditTransfer, PaymentBatch, PaymentOrder, PaymentRuleError
from mappings.sepa_text import check_identifier, transliterate

MAX_NAME = 70  # EPC: 70, ISO: 140
MAX_AMOUNT = Decimal("999999999.99")  # EPC AT-T002; ISO has 18 digits and five decimals
CATEGORY_PURPOSES = frozenset({"SALA", "PENS", "SUPP", "TAXS", "OTHR"})  # of ISO's external list, what we pay


def violations(order: PaymentOrder) -> Iterator[PaymentRuleError]:
    """Every rule that this order breaks, in the order of the file; none when the file may be made."""
    yield from _identifier(order.message_id, "GrpHdr/MsgId", order.message_id)
    yield from _name(order.initiator, "GrpHdr/InitgPty/Nm", order.message_id)
    if not order.batches:
        yield _broken(order.message_id, "PmtInf", "empty", "the order holds no batch", "There is nothing to pay.")
    yield from _repeated((batch.id for batch in order.batches), "PmtInf/PmtInfId")
    yield from _repeated((each.end_to_end_id for batch in order.batches for each in batch.transfers),
                         "PmtId/EndToEndId")
    if len({batch.category_purpose == "SALA" for batch in order.batches}) > 1:
        yield _broken(order.message_id, "PmtTpInf/CtgyPurp", "mixed", "salaries stand in one file with other payments",
                      "Make an order of the salaries alone.")
    for batch in order.batches:
        yield from batch_violations(batch)


def batch_violations(batch: PaymentBatch) -> Iterator[PaymentRuleError]:
    """Every rule that this batch breaks by itself, its transfers included."""
    yield from _identifier(batch.id, "PmtInf/PmtInfId", batch.id)
    if isinstance(batch.execution_date, datetime):
        yield _broken(batch.id, "ReqdExctnDt", "date", "the execution date has a time of day", "Give a date alone.")
    if batch.category_purpose is not None and batch.category_purpose not in CATEGORY_PURPOSES:
        yield _broken(batch.id, "PmtTpInf/CtgyPurp", "code", f"{batch.category_purpose!r} is no category we know",
                      f"Use one of {', '.join(sorted(CATEGORY_PURPOSES))}, or none.")
    yield from _party(batch.debtor, "Dbtr", batch.id)
    if not batch.transfers:
        yield _broken(batch.id, "CdtTrfTxInf", "empty", "the batch holds no transfer", "Leave the batch out.")
    for transfer in batch.transfers:
        yield from transfer_violations(transfer)


def transfer_violations(transfer: CreditTransfer) -> Iterator[PaymentRuleError]:
    """Every rule that this transfer breaks by itself: what a plan asks before it takes the transfer into an order."""
    record = transfer.end_to_end_id
    yield from _identifier(record, "PmtId/EndToEndId", record)
    if record == "NOTPROVIDED":
        yield _broken(record, "PmtId/EndToEndId", "identifier", "the transfer has no end-to-end id of its own",
                      "Give it one: nothing else comes back on reports and statements.")
    yield from _amount(transfer.amount, record)
    yield from _party(transfer.creditor, "Cdtr", record)
    yield from _remittance(transfer, record)


def _broken(record: str, element: str, rule: str, message: str, remedy: str) -> PaymentRuleError:
    return PaymentRuleError(message, rule=rule, element=element, record=record, remedy=remedy)


def _repeated(identifiers: Iterator[str], element: str) -> Iterator[PaymentRuleError]:
    for identifier, times in Counter(identifiers).items():
        if times > 1:
            yield _broken(identifier, element, "duplicate", f"the id stands {times} times in the file",
                          "Each needs an id of its own.")


def _identifier(text: str, element: str, record: str) -> Iterator[PaymentRuleError]:
    fault = check_identifier(text)
    if fault:
        yield _broken(record, element, "identifier", f"the id cannot be sent: {fault}",
                      "Ids are never changed on the way; give another one.")


def _name(text: str, element: str, record: str) -> Iterator[PaymentRuleError]:
    name = transliterate(text)
    if not re.search("[A-Za-z0-9]", name):
        yield _broken(record, element, "name", "the name is empty in the characters that banks take",
                      "Fill in the account holder's name in Latin letters.")
    elif len(name) > MAX_NAME:
        yield _broken(record, element, "name", f"the name has {len(name)} characters, {MAX_NAME} are allowed",
                      "Shorten the account holder's name; nothing is cut.")


def _amount(amount: Decimal, record: str) -> Iterator[PaymentRuleError]:
    if not amount.is_finite() or not CENT <= amount <= MAX_AMOUNT:
        yield _broken(record, "Amt/InstdAmt", "amount", f"{amount} EUR cannot be paid: 0.01 to {MAX_AMOUNT} can",
                      "Look at the bill and its credit notes.")
    elif amount != amount.quantize(CENT):
        yield _broken(record, "Amt/InstdAmt", "amount", f"{amount} EUR has more than two decimals",
                      "Correct the amount; nothing is rounded.")


def _party(party: Party, role: str, record: str) -> Iterator[PaymentRuleError]:
    yield from _name(party.name, f"{role}/Nm", record)
    iban, bic = clean_iban(party.iban), clean_bic(party.bic)
    element = f"{role}Acct/Id/IBAN"
    if not is_iban(iban):
        yield _broken(record, element, "iban", f"{mask_iban(iban)} is no valid IBAN" if iban else "there is no IBAN",
                      "Correct the bank account.")
    elif not is_sepa_iban(iban):
        yield _broken(record, element, "country", f"{mask_iban(iban)} is outside SEPA",
                      "Pay it in the bank's own web page as a payment abroad.")
    elif iban[:2] not in EEA:
        # EPC AT-P005: these need the payer's address, structured. We write none yet.
        yield _broken(record, element, "country", f"{mask_iban(iban)} is outside the EEA, which needs addresses that "
                      "Werkstroom does not write yet", "Pay it in the bank's own web page.")
    if bic and not is_bic(bic):
        yield _broken(record, f"{role}Agt/FinInstnId/BICFI", "bic", f"{bic[:11]!r} is no BIC",
                      "Correct the BIC or leave it empty: inside the EEA none is needed.")
    elif bic and is_iban(iban) and not bic_fits_iban(bic, iban):
        yield _broken(record, f"{role}Agt/FinInstnId/BICFI", "bic", f"BIC {bic} and IBAN {mask_iban(iban)} are of "
                      "different countries", "Correct the BIC or leave it empty: inside the EEA none is needed.")


def _remittance(transfer: CreditTransfer, record: str) -> Iterator[PaymentRuleError]:
    text, reference = transliterate(transfer.remittance), transfer.structured_reference
    if len(text) > MAX_REMITTANCE:
        yield _broken(record, "RmtInf/Ustrd", "remittance", f"the text has {len(text)} characters, {MAX_REMITTANCE} "
                      "are allowed", "Split the payment; nothing is cut.")
    if reference is None:
        return
    if text:
        yield _broken(record, "RmtInf", "remittance", "it has a text and a structured reference, a bank takes one",
                      "Leave one of them out.")
    if not is_payment_reference(reference) and not is_creditor_reference(reference):
        yield _broken(record, "RmtInf/Strd/CdtrRefInf/Ref", "reference", "the structured reference is neither a valid "
                      "betalingskenmerk (16 digits) nor a valid RF reference", "Correct it, or send it as text.")


def is_creditor_reference(text: str) -> bool:
    """Whether this is an ISO 11649 reference ("RF…") with right check digits, in capitals and without blanks."""
    return bool(re.fullmatch(r"RF[0-9]{2}[A-Z0-9]{1,21}", text)) and bool(iso11649.is_valid(text))


def is_payment_reference(text: str) -> bool:
    """Whether this is a Dutch betalingskenmerk of 16 digits whose first digit checks the other fifteen.

    Source:
        weights 2 4 8 5 10 9 7 3 6 1, repeating from the right; 11 - (sum mod 11), 10 is 1 and 11 is 0. Checked against
        seven published references of the Belastingdienst.
    """
    if not re.fullmatch(r"[0-9]{16}", text):
        return False
    weights = (2, 4, 8, 5, 10, 9, 7, 3, 6, 1) * 2
    rest = sum(int(digit) * weight for digit, weight in zip(reversed(text[1:]), weights, strict=False)) % 11
    return int(text[0]) == {10: 1, 11: 0}.get(11 - rest, 11 - rest)
