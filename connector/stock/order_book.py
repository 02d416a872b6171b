"""The order book: per company a log of payment orders, kept in Odoo as attachments on journal entries.

    manifest    pord-c<company>-<n>          what was asked; written first, never changed
    file        pord-c<company>-<n>-<d>-f    these bytes are the order's file, whoever built them first
    outcome     pord-c<company>-<n>-<d>-x    "out" or "cancelled": decided once, holds for everybody
    handed out  pord-c<company>-<n>-<d>-o    the bytes were given to a person, or withdrawn before that

d is the digest of the manifest. Every rule here stands because money was paid twice or got stuck without it; see
shared/effects.md and section 14 of shared/facts/odoo-api.md.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from connector import effects, records
from connector.errors import MalformedFile, ValidationFailed
from connector.records import rel
from connector.session import ReadSession, Session
from connector.stock import payments as pay
from connector.stock.payments import Payment
from mappings import manifest as manifests
from mappings.formats import pain001
from mappings.manifest import Manifest, end_to_end_id, log_name, message_id, payment_order

Outcome = Literal["out", "cancelled"]
HANDED_OUT, WITHDRAWN = b"handed out", b"withdrawn"
_MANIFEST_NAME = re.compile(r"pord-c\d+-(\d+)\.json")
_ENTRY_NAME = re.compile(r"pord-c\d+-(\d+)-([0-9a-f]{8})-([fxo])\..*")


@dataclass(slots=True)
class Order:
    """A payment order as it stands in Odoo."""

    manifest: Manifest
    digest: str
    move: int
    """The entry that its attachments hang on."""
    asked_by: str
    changed: bool = False
    """Somebody wrote to the manifest after it was asked: nothing is done with it."""
    file: int | None = None
    file_items: frozenset[int] = frozenset()
    """The items that the file pays."""
    outcome: Outcome | None = None
    closed: bytes | None = None
    payments: dict[int, Payment] = field(default_factory=dict)
    """Transfer number → its payment, as far as there is one."""

    @property
    def number(self) -> int:
        """The order's number in its company."""
        return self.manifest.number

    @property
    def file_name(self) -> str:
        """The deterministic name of the file."""
        return f"{message_id(self.manifest, self.digest)}.xml"

    @property
    def open(self) -> bool:
        """Something is left to finish, by any run."""
        return not self.changed and (self.outcome is None or (self.outcome == "out" and self.closed is None))

    def key(self, entry: str) -> str:
        """Return the key of an entry of this order: f, x or o."""
        return f"{self.manifest.key}-{self.digest}-{entry}"

    def live_items(self) -> set[int]:
        """Return the items that this order keeps from every other one.

        Of an order that is out, those of payments that nobody cancelled: a payment that was deleted or reset by a
        person stands in a file that the bank may have executed.
        """
        if self.outcome == "cancelled":
            return set()
        if self.outcome is None:
            return {item for transfer in self.manifest.transfers for item in transfer.items}
        return {item for number, transfer in enumerate(self.manifest.transfers, 1) for item in transfer.items
                if (self.payments[number].state != "cancel" if number in self.payments else item in self.file_items)}

    def strays(self) -> list[Payment]:
        """Return the payments that must not live: all of a cancelled order, those outside the file of one that is out.

        Cancelled ones are among them: a racer may have tied one to its bills again.
        """
        if self.outcome is None or self.changed:
            return []
        return [payment for number, payment in self.payments.items()
                if self.outcome == "cancelled" or not self._in_file(number)]

    def broken(self) -> list[int]:
        """Return the transfers of a file that is out, whose payment a person deleted or reset to draft."""
        if self.outcome != "out":
            return []
        return [number for number in range(1, len(self.manifest.transfers) + 1) if self._in_file(number)
                and (number not in self.payments or self.payments[number].state == "draft")]

    def _in_file(self, number: int) -> bool:
        return bool(self.file_items.intersection(self.manifest.transfers[number - 1].items))


@dataclass(slots=True)
class OrderBook:
    """All orders of a company, and what points at orders that are gone."""

    orders: dict[int, Order]
    last: int
    """The highest number in manifests and in payments' references."""
    orphans: list[Payment]
    """Live payments of ours whose manifest is gone."""
    lost_files: set[int]
    """Items of files whose manifest is gone."""

    def live_items(self) -> dict[int, Order]:
        """Return item → the order that holds it."""
        return {item: order for order in self.orders.values() for item in order.live_items()}


def read(s: ReadSession) -> OrderBook:
    """Read the whole book. The payments come before the manifests: the other way round a racer's order, asked in
    between, would look like payments without a manifest.
    """
    payments = pay.ours(s)
    attachments = records.search(
        s, "ir.attachment", [("res_model", "=", "account.move"), ("name", "=like", f"{log_name(s.company_id)}-%")],
        ["name", "res_id", "create_uid", "write_uid", "create_date", "write_date", "description"])
    genuine = records.external_ids(s, "ir.attachment", (row["id"] for row in attachments))
    attachments = [row for row in attachments
                   if genuine.get(row["id"]) == f"{effects.MODULE}.{row['name'].rsplit('.', 1)[0]}"]
    orders = _orders(s, attachments)
    lost_files = _entries(s, attachments, orders)
    orphans = []
    for payment in payments:
        order = orders.get(payment.number)
        if order is not None and order.digest == payment.digest:
            order.payments[payment.transfer] = payment
        elif payment.state != "cancel":
            orphans.append(payment)
    last = max([*orders, *(payment.number for payment in payments)], default=0)
    return OrderBook(orders, last, orphans, lost_files)


def _orders(s: ReadSession, attachments: Iterable[records.Row]) -> dict[int, Order]:
    rows = {row["id"]: row for row in attachments if _MANIFEST_NAME.fullmatch(row["name"])}
    content = records.by_id(s, "ir.attachment", rows, ["datas"])
    orders = {}
    for each, row in rows.items():
        raw = base64.b64decode(content[each]["datas"] or "") if each in content else b""
        try:
            manifest = manifests.load(raw, source=row["name"])
        except MalformedFile as error:
            raise ValidationFailed(f"The order book cannot be read: {error.message}.", model="ir.attachment",
                                   remedy=f"Somebody changed attachment {row['name']} of journal entry "
                                          f"{row['res_id']}; restore it before anything is paid.") from error
        changed = (row["write_date"], row["write_uid"]) != (row["create_date"], row["create_uid"])
        orders[manifest.number] = Order(manifest, manifests.digest(raw), row["res_id"], row["create_uid"][1], changed)
    return orders


def _entries(s: ReadSession, attachments: Iterable[records.Row], orders: Mapping[int, Order]) -> set[int]:
    """Put files, outcomes and markers into their orders; return the items of files without an order."""
    outcomes: dict[int, tuple[Order, str]] = {}
    lost: set[int] = set()
    for row in attachments:
        match = _ENTRY_NAME.fullmatch(row["name"])
        if not match:
            continue
        order = orders.get(int(match[1]))
        items = frozenset(map(int, re.findall(r"\d+", row["description"] or "")))
        if order is None or order.digest != match[2]:
            if match[3] == "f":
                lost |= items
        elif match[3] == "f":
            order.file, order.file_items = row["id"], items
        else:
            outcomes[row["id"]] = (order, match[3])
    for each, row in records.by_id(s, "ir.attachment", outcomes, ["datas"]).items():
        order, entry = outcomes[each]
        content = base64.b64decode(row["datas"] or "")
        if entry == "o":
            order.closed = content
        else:
            order.outcome = _outcome(content, order)
    return lost


def _outcome(content: bytes, order: Order) -> Outcome:
    if content == b"out":
        return "out"
    if content == b"cancelled":
        return "cancelled"
    raise ValidationFailed(f"The outcome of payment order {order.number} was changed.", model="ir.attachment",
                           remedy=f"Restore the attachment {order.key('x')} of journal entry {order.move}.")


def ask(s: Session, manifest: Manifest) -> bool:
    """Append a manifest to the book, by one who has read all before it; False when another process was first.

    It hangs on the first item's entry, where everybody who may pay can read it.
    """
    return effects.append(s, log_name(manifest.company), manifest.number, manifest.dump(),
                          ("account.move", manifest.transfers[0].moves[0])).ours


def refresh(s: ReadSession, order: Order) -> None:
    """Read the payments of an order again."""
    order.payments = {payment.transfer: payment for payment in pay.ours(s, number=order.number)
                      if payment.digest == order.digest}


def pay_in_odoo(s: Session, order: Order, held: Collection[int]) -> None:
    """Insert, post and settle the payments of an order, but for held payees. Sent again, it does only what is left.

    A refusal (a partner or account of it was deleted, the period is locked) leaves payments out of the file.
    """
    manifest = order.manifest
    wanted = {number for number, transfer in enumerate(manifest.transfers, 1) if transfer.payee not in held}
    try:
        pay.insert(s, manifest, wanted)
    except ValidationFailed:
        for number in sorted(wanted):
            try:
                pay.insert(s, manifest, {number})
            except ValidationFailed:
                continue
    refresh(s, order)
    good = {number: payment for number, payment in order.payments.items()
            if number in wanted and pay.fits(payment, manifest.transfers[number - 1])}
    if drafts := [payment.id for payment in good.values() if payment.state == "draft"]:
        pay.post(s, drafts)
        refresh(s, order)
    pay.settle(s, {number: order.payments[number] for number in good if number in order.payments}, manifest)


def build_file(s: Session, order: Order, held: Collection[int]) -> bytes | None:
    """Keep the file of the payments that are settled with exactly their items; the first one kept is the order's.

    Returns:
        the order's file, or None when no payment is settled.
    """
    included = {number for number in pay.settled(s, order.payments, order.manifest)
                if order.manifest.transfers[number - 1].payee not in held}
    if not included:
        return None
    content = pain001.build_checked(payment_order(order.manifest, order.digest, included))
    items = sorted(item for number in included for item in order.manifest.transfers[number - 1].items)
    key = order.key("f")
    kept = effects.attach(s, {key: (f"{key}.xml", content)}, ("account.move", order.move),
                          mimetype="application/xml", description=f"items {' '.join(map(str, items))}")[key]
    order.file = kept.id
    order.file_items = frozenset(item for number in in_file(order, kept.content)
                                 for item in order.manifest.transfers[number - 1].items)
    return kept.content


def file_content(s: ReadSession, order: Order) -> bytes:
    """Return the bytes of an order's file.

    Raises:
        ValidationFailed: it is gone, or is no longer this order's file.
    """
    rows = records.read(s, "ir.attachment", [order.file] if order.file else [], ["datas"])
    content = base64.b64decode(rows[0]["datas"] or "") if rows else b""
    try:
        good = pain001.read_back(content, source=order.file_name).message_id == message_id(order.manifest, order.digest)
    except MalformedFile:
        good = False
    if not good:
        raise ValidationFailed(f"The file of payment order {order.number} is gone or was changed in Odoo.",
                               model="ir.attachment", remedy=f"Restore the attachment {order.key('f')}.xml.")
    return content


def in_file(order: Order, content: bytes) -> set[int]:
    """Return the numbers of the transfers that stand in a file of this order."""
    ids = {each.end_to_end_id for batch in pain001.read_back(content).batches for each in batch.transfers}
    return {number for number in range(1, len(order.manifest.transfers) + 1)
            if end_to_end_id(order.manifest, order.digest, number) in ids}


def decide(s: Session, order: Order, outcome: Outcome) -> Outcome:
    """Decide an order, once; whatever is read back holds for everybody."""
    key = order.key("x")
    kept = effects.attach(s, {key: (f"{key}.txt", outcome.encode())}, ("account.move", order.move),
                          mimetype="text/plain")[key]
    order.outcome = _outcome(kept.content, order)
    return order.outcome


def close(s: Session, order: Order, how: bytes) -> bytes:
    """Mark an order that is out as handed out, or withdrawn before that; return what holds."""
    key = order.key("o")
    order.closed = effects.attach(s, {key: (f"{key}.txt", how)}, ("account.move", order.move),
                                  mimetype="text/plain")[key].content
    return order.closed


def loose_payments(s: ReadSession, partners: Collection[int], own: Collection[str]) -> dict[int, list[str]]:
    """Return payee → numbers of posted outgoing payments that are not matched with anything.

    Args:
        s: the session.
        partners: the payees to look at.
        own: references of payments that the asker knows of.
    """
    rows = records.search(s, "account.move.line", [
        ("partner_id", "in", list(partners)), ("account_internal_type", "=", "payable"),
        ("parent_state", "=", "posted"), ("reconciled", "=", False), ("balance", ">", 0), ("payment_id", "!=", False),
        ("company_id", "=", s.company_id)], ["partner_id", "move_name", "ref"])
    found: dict[int, list[str]] = {}
    for row in rows:
        if row["ref"] not in own:
            found.setdefault(rel(row["partner_id"]), []).append(row["move_name"] or row["ref"] or "?")
    return found
