"""Look: what earlier orders left, and which open items are due. Reads only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector import records
from connector.errors import AccessDenied, ConfigError, MissingFeature
from connector.records import rel
from connector.session import ReadSession
from connector.stock import expenses, ledger, order_book, payments
from connector.stock.expenses import ExpenseReport
from connector.stock.order_book import Order, OrderBook
from jobs.payments.options import PayOptions
from jobs.payments.rules import ZERO, Item, Payee, Selection, World, documents, select
from jobs.plan import Change, Planned, Ref, Skipped, facts, make_plan
from mappings import banks
from mappings.banks import BankProfile
from mappings.calendar import next_business_day
from mappings.errors import WerkstroomError
from mappings.manifest import message_id
from mappings.money import display
from mappings.odoo.bank_account import BANK_ACCOUNT_FIELDS, party
from mappings.odoo.payable import PayableItem
from mappings.party import Party, is_iban

NAME = "pay run"


@dataclass(frozen=True, slots=True)
class Debtor:
    """The bank journal that is paid from."""

    journal: int
    method: int
    party: Party
    profile: BankProfile


@dataclass(slots=True)
class Look:
    """Everything that was read, and what follows from it."""

    book: OrderBook
    debtor: Debtor
    execution_date: dt.date
    reports: list[ExpenseReport]
    """Approved expense reports that are still to be posted."""
    selection: Selection
    strays: list[int]
    skipped: list[Skipped] = field(default_factory=list)


def plan(s: ReadSession, options: PayOptions) -> Planned:
    """Plan one payment order for suppliers and expenses, and one for salaries.

    Raises:
        ConfigError: the bank journal is not ready to pay from.
        AccessDenied, MissingFeature: this user or this server cannot do it.
    """
    check_rights(s, options)
    seen = look(s, options)
    changes = [*_unfinished(seen), *_strays(seen), *_reports(seen)]
    work: dict[str, Any] = {}
    for change, payees in pay_changes(s, seen):
        changes.append(change)
        work[change.identity] = payees
    return Planned(make_plan(s, NAME, options, changes, [*seen.skipped, *seen.selection.skipped]), work)


def check_rights(s: ReadSession, options: PayOptions) -> None:
    """Raise where something would be hidden from this user instead of shown."""
    s.require_modules(NAME, {"account.payment": "account"})
    s.require_groups(NAME, {"account.group_account_invoice": "Invoicing: Billing"})
    if "expenses" in options.include and s.can_read("hr.expense.sheet") and not (
            s.has_group("account.group_account_user") or s.has_group("hr_expense.group_hr_expense_user")):
        raise AccessDenied(f"{s.settings.odoo.user} cannot see other people's expense reports.",
                           remedy='Let the administrator grant "Show Full Accounting Features" '
                                  "(account.group_account_user), or leave them out: --include bills,salaries.")


def look(s: ReadSession, options: PayOptions, debtor: Debtor | None = None) -> Look:
    """Read the order book and the open items, and select; `debtor` when it was read before."""
    book = order_book.read(s)
    debtor = debtor or read_debtor(s)
    execution_date = next_business_day(s.today(), s.settings.payments.holidays)
    payables = ledger.open_payables(s)
    skipped = list(_book_rows(book))
    try:
        posted = expenses.of_moves(s, {item.move for item in payables if item.move_type != "in_invoice"})
        reports = expenses.approved(s) if "expenses" in options.include else []
    except MissingFeature:
        posted, reports = {}, []
    items = [*_items(payables, posted, s.settings.payments.net_wages_account), *_report_items(s, reports)]
    skipped += _wages_account(s, options, items)
    strays = _live_strays(s, book)
    world = World(
        bank_accounts=_bank_accounts(s, items), held_payees=_held_payees(book, payables),
        held_items=_held_items(book), debit_tags=_debit_tags(s), own_iban=debtor.party.iban)
    lock = ledger.lock_date(s)
    if lock is not None and execution_date <= lock:
        skipped.append(Skipped(code="locked_period", what=f"payments on {execution_date}", needs_person=True,
                               why=f"the books are locked up to {lock}", remedy="Unlock the period in Odoo."))
        return Look(book, debtor, execution_date, [], Selection(), strays, skipped)
    return Look(book, debtor, execution_date, reports, select(items, options.due, options.include, world), strays,
                skipped)


def read_debtor(s: ReadSession) -> Debtor:
    """Read the journal that is paid from, its account and its manual payment method.

    Raises:
        ConfigError: no such journal, no valid IBAN, no manual method, or an unknown bank profile.
    """
    settings = s.settings.payments
    rows = records.search(s, "account.journal", [
        ("type", "=", "bank"), ("code", "=", settings.journal), ("company_id", "=", s.company_id)],
        ["name", "bank_account_id", "outbound_payment_method_ids"])
    if not rows:
        raise ConfigError(f'There is no bank journal with code "{settings.journal}".',
                          remedy="Correct [payments] journal.")
    journal = rows[0]
    accounts = records.read(s, "res.partner.bank", [rel(journal["bank_account_id"])] if journal["bank_account_id"]
                            else [], BANK_ACCOUNT_FIELDS)
    debtor = party(accounts[0], s.company_name) if accounts else Party()
    if not is_iban(debtor.iban):
        raise ConfigError(f"Bank journal {settings.journal} has no account with a valid IBAN.",
                          remedy="Set its bank account in Odoo: Invoicing → Configuration → Journals.")
    methods = records.search(s, "account.payment.method", [
        ("id", "in", journal["outbound_payment_method_ids"]), ("code", "=", "manual")], ["code"])
    if not methods:
        raise ConfigError(f'Bank journal {settings.journal} has no outgoing payment method "Manual".',
                          remedy="Add it on the journal in Odoo.")
    try:
        profile = banks.load(settings.profile)
    except WerkstroomError as error:
        raise ConfigError(error.message, remedy=error.remedy) from error
    debtor = Party(name=debtor.name, iban=debtor.iban, bic=debtor.bic or profile.bic)
    return Debtor(journal["id"], methods[0]["id"], debtor, profile)


def pay_changes(s: ReadSession, seen: Look) -> Iterator[tuple[Change, tuple[Payee, ...]]]:
    """Yield one change per supplier or employee with expenses, and one for all salaries together."""
    suppliers: dict[int, list[Payee]] = {}
    for payee in seen.selection.payees:
        if payee.kind == "suppliers":
            suppliers.setdefault(payee.partner, []).append(payee)
    for partner, group in suppliers.items():
        items = [item for payee in group for item in payee.items]
        numbers = ", ".join(item.document.name or item.reference for item in items[:4])
        more = f" and {len(items) - 4} more" if len(items) > 4 else ""
        yield Change(action="pay", target=Ref(model="res.partner", id=partner, name=group[0].name),
                     model="account.payment", what=f"{group[0].name}: {numbers}{more}", why=_why(items),
                     date=seen.execution_date, amount=sum((payee.total for payee in group), start=ZERO),
                     facts=payee_facts(group, seen),
                     records=tuple(dict.fromkeys(item.document for item in items))), tuple(group)
    salaries = tuple(payee for payee in seen.selection.payees if payee.kind == "salaries")
    if salaries:
        company = Ref(model="res.company", id=s.company_id, name=s.company_name)
        count = sum(len(payee.items) for payee in salaries)
        yield Change(action="pay", target=company, model="account.payment",
                     what=f"{count} {'salary' if count == 1 else 'salaries'}", why="an order of their own",
                     date=seen.execution_date, amount=sum((payee.total for payee in salaries), start=ZERO),
                     facts=payee_facts(salaries, seen)), salaries


def payee_facts(payees: list[Payee] | tuple[Payee, ...], seen: Look) -> str:
    """Return the digest of what was read to decide: the same before and after an expense report is posted."""
    accounts = sorted({(payee.partner, payee.bank_account, payee.party.iban, payee.party.name) for payee in payees})
    return facts(sorted((*name, str(amount)) for name, amount in documents(payees).items()), accounts,
                 seen.debtor.party.iban, str(seen.execution_date))


def _why(items: list[Item]) -> str:
    notes = [item for item in items if item.amount < 0]
    due = max(item.due for item in items if item.amount >= 0)
    netted = f", {len(notes)} credit note{'s' if len(notes) > 1 else ''} netted" if notes else ""
    return f"due by {due}{netted}"


def _unfinished(seen: Look) -> Iterator[Change]:
    for order in seen.book.orders.values():
        if order.open:
            manifest = order.manifest
            yield Change(key=order.key("o"), action="export", model="ir.attachment",
                         what=f"finish payment order {order.number}",
                         why=f"asked by {order.asked_by}, {len(manifest.transfers)} payments; an earlier run left it",
                         date=manifest.execution_date, amount=manifest.total,
                         facts=facts(order.digest, order.outcome, order.file))


def _strays(seen: Look) -> Iterator[Change]:
    for payment in (payment for order in seen.book.orders.values() for payment in order.strays()):
        if payment.id in seen.strays:
            yield Change(action="cancel", target=Ref(model="account.payment", id=payment.id, name=payment.reference),
                         model="account.payment", what=f"payment {payment.reference}",
                         why="it stands in no file of its order", facts=facts(payment.state))


def _reports(seen: Look) -> Iterator[Change]:
    paid = {item.document.id for payee in seen.selection.payees for item in payee.items
            if item.document.model == "hr.expense.sheet"}
    for report in seen.reports:
        if report.id in paid:
            # No amount: it is in the employee's payment.
            yield Change(action="post", target=Ref(model="hr.expense.sheet", id=report.id, name=report.name),
                         model="hr.expense.sheet", what=f"expense report {report.name}",
                         why=f"approved, {display(report.amount)} for {report.payee_name}",
                         facts=facts(str(report.amount), report.payee))


def _items(payables: list[PayableItem], posted: Mapping[int, ExpenseReport], wages: str) -> Iterator[Item]:
    for item in payables:
        if item.is_payment:
            continue
        report = posted.get(item.move)
        document = Ref(model="account.move", id=item.move, name=item.number)
        if report is not None:
            document = Ref(model="hr.expense.sheet", id=report.id, name=report.name)
        kind = ("expense" if report is not None else "bill" if item.is_bill or item.is_credit_note
                else "salary" if item.account_code == wages else "other")
        yield Item(kind=kind, document=document,  # type: ignore[arg-type]
                   reference=report.name if report else item.reference, payee=item.partner,
                   payee_name=item.partner_name, account=item.account, bank_accounts=item.bank_accounts, due=item.due,
                   amount=item.residual, currency=item.currency, lines=(item.line,), moves=(item.move,),
                   blocked=item.blocked, tags=item.partner_tags, hidden=item.hidden)


def _report_items(s: ReadSession, reports: list[ExpenseReport]) -> Iterator[Item]:
    payees = ledger.visible_partners(s, {report.payee for report in reports} - {0},
                                     ["name", "bank_ids", "category_id", "property_account_payable_id"])
    for report in reports:
        payee: Mapping[str, Any] = payees.get(report.payee, {})
        yield Item(kind="expense", document=Ref(model="hr.expense.sheet", id=report.id, name=report.name),
                   reference=report.name, payee=report.payee, payee_name=payee.get("name") or report.payee_name,
                   account=rel(payee.get("property_account_payable_id")),
                   bank_accounts=tuple(payee.get("bank_ids", ())),
                   due=s.today(), amount=report.amount, currency=report.currency,
                   tags=frozenset(payee.get("category_id", ())),
                   hidden=bool(report.payee) and report.payee not in payees)


def _wages_account(s: ReadSession, options: PayOptions, items: list[Item]) -> Iterator[Skipped]:
    """Entries that nothing claims may be salaries on an account that the settings do not name."""
    code = s.settings.payments.net_wages_account
    if "salaries" in options.include and any(item.kind == "other" for item in items) and not s.call(
            "account.account", "search_count", [("code", "=", code), ("company_id", "=", s.company_id)]):
        yield Skipped(code="net_wages_account", what=f"account {code}", needs_person=True,
                      why="salaries are looked for on it, and it is not there",
                      remedy="Correct [payments] net_wages_account if the other entries below are salaries.")


def _bank_accounts(s: ReadSession, items: list[Item]) -> dict[int, Party]:
    names = {account: item.payee_name for item in items for account in item.bank_accounts}
    return {each: party(row, names[each])
            for each, row in records.by_id(s, "res.partner.bank", names, BANK_ACCOUNT_FIELDS).items()}


def _debit_tags(s: ReadSession) -> frozenset[int]:
    tag = s.settings.payments.direct_debit_tag
    return frozenset(s.call("res.partner.category", "search", [("name", "=", tag)])) if tag else frozenset()


def _held_payees(book: OrderBook, payables: list[PayableItem]) -> dict[int, str]:
    """Payees with a payment that nobody has matched yet: paying now might pay twice."""
    running = {f"{message_id(order.manifest, order.digest)}-" for order in book.orders.values() if order.open}
    held = {}
    for item in payables:
        if item.is_payment and item.residual < 0 and not any(item.reference.startswith(each) for each in running):
            held[item.partner] = f"{item.number} over {display(-item.residual)} is not matched with a bill"
    for payment in book.orphans:
        held[payment.partner] = f"payment {payment.reference} belongs to an order whose manifest was deleted"
    return held


def _held_items(book: OrderBook) -> dict[int, str]:
    held = dict.fromkeys(book.lost_files, "it stands in the file of an order whose manifest was deleted")
    for item, order in book.live_items().items():
        if order.changed:
            held[item] = f"the manifest of payment order {order.number} was changed after it was asked"
        elif order.broken():
            held[item] = f"its payment in the file of order {order.number} was deleted or reset"
        else:
            # Once it was settled it is no open item; open again, a person undid it after the file went out.
            held[item] = f"it was paid by the file of order {order.number} and undone since" if not order.open else ""
    return held


def _book_rows(book: OrderBook) -> Iterator[Skipped]:
    """Name what a person did to the book itself."""
    for order in book.orders.values():
        if order.changed and (order.outcome is None or order.closed is None):
            yield Skipped(code="manifest_changed", what=f"payment order {order.number}", needs_person=True,
                          why="its manifest was changed after it was asked", amount=order.manifest.total,
                          remedy=f"Cancel it: werkstroom pay cancel {order.number}")
        for number in order.broken():
            yield Skipped(code="payment_gone", what=f"payment {number} of order {order.number}", needs_person=True,
                          why="it stands in the file, and was deleted or reset in Odoo",
                          amount=None if order.manifest.kind == "salaries" else
                          order.manifest.transfers[number - 1].amount,
                          remedy="If the bank did not pay it, cancel the payment in Odoo; else post and match it.")
    for payment in book.orphans:
        yield Skipped(code="orphan", what=f"payment {payment.reference}", needs_person=True,
                      target=Ref(model="account.payment", id=payment.id, name=payment.reference),
                      why="the manifest of its order was deleted",
                      remedy="Find out whether its file went to the bank; cancel the payment in Odoo if not.")


def _live_strays(s: ReadSession, book: OrderBook) -> list[int]:
    strays = {payment.id: payment for order in book.orders.values() for payment in order.strays()}
    return list(payments.live(s, strays)) if strays else []


def unfinished(book: OrderBook) -> list[Order]:
    """Return the orders that a run finishes before it asks for a new one, oldest first."""
    return [book.orders[number] for number in sorted(book.orders) if book.orders[number].open]
