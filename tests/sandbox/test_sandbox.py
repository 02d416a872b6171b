"""The sandbox on itself: fresh companies, their mails and PDFs, and what it does with the dead and the half-done."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.sandbox import databases, server
from tests.sandbox.layout import MODULES
from tests.sandbox.processes import read_state
from tests.sandbox.server import Database, Sandbox

pytestmark = pytest.mark.live


def login(database: Database, password: str) -> Any:
    with xmlrpc.client.ServerProxy(f"{database.url}/xmlrpc/2/common") as common:
        return common.authenticate(database.name, database.login, password, {})


def call(database: Database, model: str, method: str, *arguments: Any, **named: Any) -> Any:
    """One call as administrator; a method that returns nothing ends in a fault after its work is committed."""
    with xmlrpc.client.ServerProxy(f"{database.url}/xmlrpc/2/object") as proxy:
        try:
            return proxy.execute_kw(database.name, 2, database.password, model, method, list(arguments), named)
        except xmlrpc.client.Fault as fault:
            if "cannot marshal" in fault.faultString:
                return None
            raise


def test_up_starts_nothing_when_all_runs(sandbox: Sandbox) -> None:
    before = read_state(sandbox.layout)
    assert server.up() == sandbox
    assert before is not None
    assert read_state(sandbox.layout) == before
    well, lines = server.status()
    assert well, lines


def test_each_company_has_its_own_password(fresh_database: Callable[[], Database]) -> None:
    one, other = fresh_database(), fresh_database()
    assert login(one, one.password) == 2
    assert login(one, other.password) is False
    assert login(one, "admin") is False


def test_a_fresh_company_is_dutch_and_empty(fresh_database: Callable[[], Database]) -> None:
    database = fresh_database()
    (company,) = call(database, "res.company", "search_read", [], fields=["currency_id", "chart_template_id"])
    assert company["currency_id"][1] == "EUR"
    assert company["chart_template_id"][1] == "Nederlands Grootboekschema"
    installed = [("name", "in", list(MODULES)), ("state", "=", "installed")]
    assert call(database, "ir.module.module", "search_count", installed) == len(MODULES)
    for model in ("account.move", "sale.order", "purchase.order"):
        assert call(database, model, "search_count", []) == 0, model


def test_a_copy_has_what_its_source_has_and_is_apart_from_it(
    sandbox: Sandbox, fresh_database: Callable[[], Database]
) -> None:
    source = fresh_database()
    customer = call(source, "res.partner", "create", {"name": "Before"})
    copy = sandbox.copy_database(source)
    try:
        call(copy, "res.partner", "write", [customer], {"name": "After"})
        names = [call(each, "res.partner", "read", [customer], ["name"])[0]["name"] for each in (source, copy)]
        assert names == ["Before", "After"]
    finally:
        sandbox.drop_database(copy)
    assert copy.name not in databases.names(sandbox.layout)


def test_a_name_asked_for_again_starts_afresh(sandbox: Sandbox) -> None:
    name = f"again_{databases.new_name()}"
    first = sandbox.create_database(name)
    assert login(first, first.password) == 2
    call(first, "res.partner", "create", {"name": "Of the first"})
    second = sandbox.create_database(name)
    try:
        assert login(second, first.password) is False
        assert call(second, "res.partner", "search_count", [("name", "=", "Of the first")]) == 0
    finally:
        sandbox.drop_database(second)


def test_invoices_mailed_at_once_have_styled_pdfs_and_stay_apart(
    sandbox: Sandbox, fresh_database: Callable[[], Database]
) -> None:
    """Three at once on two workers: they waited for each other's style sheets until Odoo killed them."""
    database, other = fresh_database(), fresh_database()
    customer = call(database, "res.partner", "create", {"name": "Customer", "email": "customer@example.org"})
    line = (0, 0, {"name": "Hours", "quantity": 2, "price_unit": 100})
    values = {"move_type": "out_invoice", "partner_id": customer, "invoice_line_ids": [line]}
    invoices = [call(database, "account.move", "create", values) for _ in range(3)]
    call(database, "account.move", "action_post", invoices)
    template = call(database, "ir.model.data", "xmlid_to_res_id", "account.email_template_edi_invoice")

    def send(invoice: int) -> None:
        context = {"active_model": "account.move", "active_id": invoice, "active_ids": [invoice]}
        context |= {"default_model": "account.move", "default_res_id": invoice}
        wizard = {"template_id": template, "is_email": True, "is_print": False, "composition_mode": "comment"}
        number = call(database, "account.invoice.send", "create", wizard, context=context)
        call(database, "account.invoice.send", "onchange_template_id", [number], context=context)
        call(database, "account.invoice.send", "send_and_print_action", [number], context=context)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(send, invoices))
    mails = sandbox.mails(database)
    assert [mail["X-Envelope-To"] for mail in mails] == ["customer@example.org"] * 3
    for mail in mails:
        (pdf,) = mail.iter_attachments()
        content = pdf.get_content()
        assert content.startswith(b"%PDF-")
        assert len(content) > 60_000, "no fonts of Odoo's style sheets in it: 23 kB without them, 131 kB with"
    assert sandbox.mails(other) == []


def test_databases_of_dead_runs_are_dropped_and_others_kept(
    sandbox: Sandbox, fresh_database: Callable[[], Database]
) -> None:
    mine = fresh_database()
    dead = sandbox.create_database("ws_1_000000000000_1")
    named = sandbox.create_database(f"kept_{databases.new_name()}")
    try:
        server.up()
        left = databases.names(sandbox.layout)
        assert dead.name not in left
        assert {mine.name, named.name} <= set(left)
    finally:
        sandbox.drop_database(named)
