"""Invoices as PDF and as mail, by Odoo's own send wizard.

What proves a mail is the customer's notification on the invoice. The flag "sent" does not: Odoo sets it even when the
customer has no address; nor does a message, or a follower's copy (facts: odoo-api.md, sections 3 and 15).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from connector import effects, records
from connector.effects import Call
from connector.errors import MissingFeature, ServerBug, ValidationFailed
from connector.records import rel
from connector.session import ReadSession, Session

WIZARD = "account.invoice.send"
TEMPLATE = ("account", "email_template_edi_invoice")
PATIENCE = 15.0
"""Seconds to wait for another process that is sending this very moment; sending takes about 3."""

State = Literal["none", "waiting", "sent", "failed"]
_STATES: dict[str, State] = {"sent": "sent", "ready": "waiting", "exception": "failed", "bounce": "failed",
                             "canceled": "failed"}


@dataclass(frozen=True, slots=True)
class Mail:
    """What is known of an invoice's mail to its customer."""

    state: State = "none"
    reason: str = ""
    """Why it failed, in Odoo's words."""
    announced: bool = False
    """A process of ours was about to send it."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Odoo's send wizard, filled in; `lacking` says what keeps it from being sent."""

    wizard: int
    lacking: str = ""


def key(invoice: int, number: int = 1) -> str:
    """Return the key of an invoice's `number`-th sending."""
    return f"mail-i{invoice}-{number}"


# --- reading ---------------------------------------------------------------------------------------------------------

def mails(s: ReadSession, customers: Mapping[int, int]) -> dict[int, Mail]:
    """Return what is known of the mails of invoices.

    Args:
        s: the session.
        customers: invoice → the partner that it goes to.
    """
    if not customers:
        return {}
    markers = records.search(s, "ir.attachment", [("res_model", "=", "account.move"), ("res_id", "in", list(customers)),
                                                  ("name", "=like", "mail-i%")], ["res_id"])
    announced, found = {row["res_id"] for row in markers}, _notified(s, customers)
    return {invoice: replace(found.get(invoice, Mail()), announced=invoice in announced) for invoice in customers}


def _notified(s: ReadSession, customers: Mapping[int, int]) -> dict[int, Mail]:
    """Return what the customers' notifications say."""
    # A message without attachment is a remark to a customer who follows his invoice.
    messages = {row["id"]: row["res_id"] for row in records.search(s, "mail.message", [
        ("model", "=", "account.move"), ("res_id", "in", list(customers)), ("attachment_ids", "!=", False)],
        ["res_id"])}
    found: dict[int, Mail] = {}
    for row in records.search(s, "mail.notification", [
            ("mail_message_id", "in", list(messages)), ("notification_type", "=", "email"),
            ("res_partner_id", "in", list(set(customers.values())))],
            ["mail_message_id", "res_partner_id", "notification_status", "failure_type", "failure_reason"],
            ) if messages else []:
        invoice = messages[rel(row["mail_message_id"])]
        if customers[invoice] != rel(row["res_partner_id"]):
            continue
        # Of several, one that went well is what counts: a person may have sent it again.
        if invoice not in found or found[invoice].state != "sent":
            found[invoice] = Mail(_STATES.get(row["notification_status"] or "", "waiting"),
                                  " ".join(str(row["failure_reason"] or row["failure_type"] or "").split()))
    return found


def printed(s: ReadSession, numbers: Mapping[int, str]) -> set[int]:
    """Return those invoices that have their PDF attached.

    Args:
        s: the session.
        numbers: invoice → its number, which is part of the file's name.
    """
    return {invoice for invoice, name in _pdfs(s, list(numbers)).values() if _file_name(numbers[invoice]) in name}


def _pdfs(s: ReadSession, invoices: Collection[int]) -> dict[int, tuple[int, str]]:
    """Return attachment → invoice and file name."""
    rows = records.search(s, "ir.attachment", [
        ("res_model", "=", "account.move"), ("res_id", "in", list(invoices)), ("res_field", "=", False),
        ("mimetype", "=", "application/pdf")], ["res_id", "name"]) if invoices else []
    return {row["id"]: (row["res_id"], row["name"] or "") for row in rows}


def _file_name(number: str) -> str:
    """Return what Odoo names the printed invoice, without its extension."""
    return number.replace("/", "_")


def addresses(s: ReadSession, partners: Collection[int]) -> dict[int, str]:
    """Return partner → e-mail address, of those that have one."""
    return {row["id"]: row["email"] for row in records.read(s, "res.partner", partners, ["email"]) if row["email"]}


# --- writing ---------------------------------------------------------------------------------------------------------

def prepare(s: Session, invoice: int, number: str, customer: int) -> Prepared:
    """Fill in Odoo's send wizard for a posted invoice; that also prints the PDF and attaches it to the invoice.

    It is read back: without its onchange Odoo would send "Re: INV/…" with no text and no PDF, and say it went well.

    Raises:
        ValidationFailed: no PDF came out.
        MissingFeature: Odoo's invoice template was deleted.
    """
    context = _context(invoice)
    wizard = effects.wizard(s, WIZARD, {"template_id": _template(s), "is_email": True, "is_print": False,
                                        "composition_mode": "comment"}, context)
    effects.prepare(s, Call(WIZARD, "onchange_template_id", ([wizard],), context))
    content = records.read(s, WIZARD, [wizard], ["partner_ids", "body", "attachment_ids"])[0]
    types = {row["mimetype"] for row in records.read(s, "ir.attachment", content["attachment_ids"], ["mimetype"])}
    if "application/pdf" not in types:
        raise ValidationFailed(f"Odoo printed no PDF of {number}.", model=WIZARD,
                               remedy='Look at the template "Invoice: Send by email" in Odoo.')
    _keep_one_pdf(s, invoice, number)
    lacking = [what for what, there in (("its customer", customer in content["partner_ids"]),
                                        ("a text", bool(content["body"]))) if not there]
    return Prepared(wizard, " and ".join(lacking))


def _keep_one_pdf(s: Session, invoice: int, number: str) -> None:
    """Remove the copies that others printed at the same moment; all keep the oldest."""
    same = sorted(pdf for pdf, (_, name) in _pdfs(s, [invoice]).items() if name == f"{_file_name(number)}.pdf")
    if copies := same[1:]:
        effects.change_state(s, lambda: [row["id"] for row in records.read(s, "ir.attachment", copies, ["name"])],
                             lambda ids: Call("ir.attachment", "unlink", (ids,)), lambda ids: not ids)


def send_invoice(s: Session, invoice: int, customer: int, prepared: Prepared) -> tuple[Mail, bool]:
    """Mail an invoice, at most once, whoever tries.

    Args:
        s: the session.
        invoice: a posted one.
        customer: the partner that it goes to.
        prepared: what `prepare` made of it.

    Returns:
        what is known of the mail afterwards ("none": perhaps it was mailed, for a person), and whether nothing was
        known of it before.

    Raises:
        Refused: Odoo refused to send; nothing was sent.
    """
    known = Mail()

    def seen() -> bool:
        nonlocal known
        known = _notified(s, {invoice: customer}).get(invoice, Mail())
        return known.state != "none"

    if seen():
        return known, False
    if prepared.lacking:
        raise ValidationFailed(f"Odoo's mail for invoice {invoice} lacks {prepared.lacking}.", model=WIZARD,
                               remedy='Look at the template "Invoice: Send by email" in Odoo.')
    effects.announce(s, key(invoice), ("account.move", invoice),
                     Call(WIZARD, "send_and_print_action", ([prepared.wizard],),
                          {**_context(invoice), "mark_invoice_as_sent": True}), seen)
    waited = 0.0
    while known.state == "none" and waited < PATIENCE and not seen():
        s.sleep(1.0)
        waited += 1.0
    return known, True


def _context(invoice: int) -> dict[str, object]:
    return {"active_model": "account.move", "active_ids": [invoice], "active_id": invoice}


def _template(s: ReadSession) -> int:
    try:
        return int(s.call("ir.model.data", "check_object_reference", *TEMPLATE)[1])
    except (ServerBug, ValidationFailed) as error:
        raise MissingFeature("Odoo's mail template for invoices (account.email_template_edi_invoice) is not there.",
                             remedy="Let the administrator restore it: Settings → Technical → Email Templates.",
                             ) from error
