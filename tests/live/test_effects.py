"""The five kinds of effect on a real Odoo: eight racers of two users, and a caller that dies before and after."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from itertools import count

import pytest

from connector import effects, records
from connector.effects import Call
from connector.errors import Refused
from connector.session import Session
from connector.stock import ledger
from tests.live.interrupt import FAULTS, Fault, Interrupting, Killed, twin
from tests.live.users import create_user, sign_in
from tests.sandbox.server import Database

pytestmark = pytest.mark.live

RACERS = 8
_numbers = count(1)


@pytest.fixture(scope="module")
def users(fresh_database: Callable[[], Database]) -> tuple[Session, Session]:
    database = fresh_database()
    admin = sign_in(database)
    for login in ("anna@example.nl", "bram@example.nl"):
        create_user(admin, login, "secret-of-the-test")
    effects.insert_once(admin, "account.analytic.account", {"test-analytic": {"name": "Project"}})
    return (sign_in(database, "anna@example.nl", "secret-of-the-test"),
           sign_in(database, "bram@example.nl", "secret-of-the-test"))


def race(users: tuple[Session, Session], act: Callable[[Session, int], object]) -> list[object]:
    """Let eight racers of two users act at once; exceptions of ours are results, others are failures."""
    start, results = threading.Barrier(RACERS), dict[int, object]()

    def run(number: int) -> None:
        session = twin(users[number % 2])
        session.call("res.users", "search_count", [("id", "=", session.uid)])  # both workers know the database
        start.wait()
        try:
            results[number] = act(session, number)
        except Refused as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == RACERS
    return [results[number] for number in range(RACERS)]


def draft_invoice(s: Session, **line: object) -> int:
    key = f"test-invoice-{next(_numbers)}"
    income = records.search(s, "account.account", [("internal_group", "=", "income")], ["code"])[0]["id"]
    return effects.insert_once(s, "account.move", {key: {
        "move_type": "out_invoice", "partner_id/.id": s.company_id, "invoice_line_ids": [
            {"name": "hours", "quantity": 2, "price_unit": 50, "account_id/.id": income, **line},
            {"name": "fixed", "quantity": 1, "price_unit": 75, "account_id/.id": income}]}})[key]


def lines(s: Session, invoice: int) -> dict[str, int]:
    rows = records.search(s, "account.move.line", [("move_id", "=", invoice), ("exclude_from_invoice_tab", "=", False)],
                          ["name"])
    return {row["name"]: row["id"] for row in rows}


def payment_values(s: Session, amount: int) -> dict[str, object]:
    journal = records.search(s, "account.journal", [("type", "=", "bank")], ["outbound_payment_method_ids"])[0]
    return {"payment_type": "outbound", "partner_type": "supplier", "partner_id/.id": s.company_id, "amount": amount,
            "journal_id/.id": journal["id"], "payment_method_id/.id": journal["outbound_payment_method_ids"][0]}


def attempt_twice(s: Session, fault: Fault, act: Callable[[Session], object]) -> list[str]:
    """Act once with a fault at every writing call in turn, then undisturbed; return the calls of the first."""
    at = 1
    while True:
        disturbed = twin(s, at=at, fault=fault)
        transport = disturbed.transport
        assert isinstance(transport, Interrupting)
        with contextlib.suppress(Killed):
            act(disturbed)
        if len(transport.writes) < at:
            return transport.writes
        at += 1


# --- keyed insert ----------------------------------------------------------------------------------------------------

def test_racers_insert_one_record(users: tuple[Session, Session]) -> None:
    s = users[0]
    results = race(users, lambda session, number: effects.insert_once(
        session, "account.payment", {"test-race-payment": payment_values(session, 100 + number)}))
    assert len({tuple(result.items()) for result in results if isinstance(result, dict)}) == 1
    assert all(isinstance(result, dict) for result in results), results
    assert s.call("account.payment", "search_count", [("amount", ">=", 100), ("amount", "<", 108)]) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_an_insert_that_was_interrupted_ends_with_one_record(users: tuple[Session, Session], fault: Fault) -> None:
    s, key, amount = users[0], f"test-insert-{fault.replace(' ', '-')}", 300 + FAULTS.index(fault)
    writes = attempt_twice(s, fault, lambda session: effects.insert_once(
        session, "account.payment", {key: payment_values(session, amount)}))
    assert writes
    assert s.call("account.payment", "search_count", [("amount", "=", amount)]) == 1


def test_what_is_there_is_never_changed(users: tuple[Session, Session]) -> None:
    s = users[0]
    first = effects.attach(s, {"test-keep": ("test-keep.txt", b"first")}, ("res.partner", s.company_id))["test-keep"]
    second = effects.attach(twin(users[1]), {"test-keep": ("test-keep.txt", b"second")},
                            ("res.partner", s.company_id))["test-keep"]
    assert (first.ours, second.ours) == (True, False)
    assert second.content == b"first"
    assert second.id == first.id
    assert second.asked_by == users[0].uid


def test_a_bad_row_inserts_nothing_and_says_why(users: tuple[Session, Session]) -> None:
    s = users[0]
    good, bad = payment_values(s, 401), payment_values(s, 402) | {"journal_id/.id": 99999}
    with pytest.raises(Refused, match="Journal"):
        effects.insert_once(s, "account.payment", {"test-good": good, "test-bad": bad})
    assert s.call("account.payment", "search_count", [("amount", "in", [401, 402])]) == 0


# --- refused twice ---------------------------------------------------------------------------------------------------

def post(s: Session, invoice: int) -> str:
    return effects.change_state(
        s, lambda: str(records.read(s, "account.move", [invoice], ["state"])[0]["state"]),
        lambda _: Call("account.move", "action_post", ([invoice],)), lambda state: state == "posted")


def test_racers_post_once(users: tuple[Session, Session]) -> None:
    s = users[0]
    invoice = draft_invoice(s)
    assert race(users, lambda session, _: post(session, invoice)) == ["posted"] * RACERS
    first = records.read(s, "account.move", [invoice], ["name"])[0]["name"]
    follower = draft_invoice(s)
    post(s, follower)
    second = records.read(s, "account.move", [follower], ["name"])[0]["name"]
    assert int(second.rsplit("/")[-1]) == int(first.rsplit("/")[-1]) + 1  # no number was used up by a racer


def test_racers_post_an_entry_of_the_ledger_once(users: tuple[Session, Session]) -> None:
    """14 posts a posted entry again by `action_post`, and writes its analytic lines each time."""
    s = users[0]
    invoice = draft_invoice(s, **{"analytic_account_id/id": "werkstroom.test-analytic"})
    results = race(users, lambda session, _: ledger.post(session, [invoice]))
    assert all(isinstance(result, bool) for result in results), results
    assert not ledger.post(s, [invoice])
    assert s.call("account.analytic.line", "search_count", [("move_id.move_id", "=", invoice)]) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_posting_that_was_interrupted_ends_posted(users: tuple[Session, Session], fault: Fault) -> None:
    s = users[0]
    invoice = draft_invoice(s)
    attempt_twice(s, fault, lambda session: post(session, invoice))
    assert records.read(s, "account.move", [invoice], ["state"])[0]["state"] == "posted"


def test_a_refusal_is_raised_with_odoos_reason(users: tuple[Session, Session]) -> None:
    s = users[0]
    with pytest.raises(Refused, match=r"(?i)does not exist|deleted"):
        effects.change_state(s, lambda: "draft", lambda _: Call("account.move", "action_post", ([999999],)),
                             lambda state: state == "posted")


# --- replace by id ---------------------------------------------------------------------------------------------------

def successor(s: Session, invoice: int, name: str) -> dict[str, object]:
    income = records.search(s, "account.account", [("internal_group", "=", "income")], ["code"])[0]["id"]
    return {"name": name, "quantity": 1, "price_unit": 75, "account_id": income}


def test_racers_replace_a_line_by_one_successor(users: tuple[Session, Session]) -> None:
    s = users[0]
    invoice = draft_invoice(s)
    seen = lines(s, invoice)["fixed"]
    race(users, lambda session, number: effects.replace(
        session, "account.move", invoice, "invoice_line_ids", [seen],
        [successor(session, invoice, f"successor {number}")]))
    assert len([name for name in lines(s, invoice) if name.startswith("successor")]) == 1
    assert set(lines(s, invoice)) - {"hours"}
    assert "fixed" not in lines(s, invoice)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_replacement_that_was_interrupted_ends_with_one_successor(users: tuple[Session, Session],
                                                                    fault: Fault) -> None:
    s = users[0]
    invoice = draft_invoice(s)
    seen = lines(s, invoice)["fixed"]
    attempt_twice(s, fault, lambda session: effects.replace(
        session, "account.move", invoice, "invoice_line_ids", [seen], [successor(session, invoice, "successor")]))
    assert sorted(lines(s, invoice)) == ["hours", "successor"]


# --- numbered log ----------------------------------------------------------------------------------------------------

def test_racers_append_one_entry(users: tuple[Session, Session]) -> None:
    s = users[0]
    invoice = draft_invoice(s)
    results = race(users, lambda session, number: effects.append(
        session, "test-log", 1, f"asked by racer {number}".encode(), ("account.move", invoice)))
    assert all(isinstance(result, effects.Attachment) for result in results), results
    stands = [result for result in results if isinstance(result, effects.Attachment)]
    assert sum(entry.ours for entry in stands) == 1
    assert len({(entry.id, entry.content) for entry in stands}) == 1
    assert s.call("ir.attachment", "search_count", [("res_model", "=", "account.move"), ("res_id", "=", invoice)]) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_an_entry_whose_writer_died_is_known_by_its_content(users: tuple[Session, Session], fault: Fault) -> None:
    s = users[0]
    invoice = draft_invoice(s)
    name = f"test-log-{fault.replace(' ', '-')}"
    attempt_twice(s, fault, lambda session: effects.append(session, name, 1, b"what", ("account.move", invoice)))
    assert effects.append(s, name, 1, b"what", ("account.move", invoice)).ours
    assert not effects.append(s, name, 1, b"else", ("account.move", invoice)).ours


# --- announced act ---------------------------------------------------------------------------------------------------

def note(s: Session, key: str, invoice: int) -> str:
    act = Call("account.move", "message_post", ([invoice],),
               kwargs={"body": key, "message_type": "comment", "subtype_xmlid": "mail.mt_note"})
    return effects.announce(s, key, ("account.move", invoice), act, lambda: bool(notes(s, key, invoice)))


def notes(s: Session, key: str, invoice: int) -> int:
    return int(s.call("mail.message", "search_count", [("model", "=", "account.move"), ("res_id", "=", invoice),
                                                       ("body", "ilike", key)]))


def test_racers_act_once(users: tuple[Session, Session]) -> None:
    s = users[0]
    invoice = draft_invoice(s)
    results = race(users, lambda session, _: note(session, "test-note-race", invoice))
    assert set(results) <= {"done", "perhaps"}
    assert notes(s, "test-note-race", invoice) == 1


@pytest.mark.parametrize(("fault", "at", "times", "says"), [
    ("killed before", 1, 1, "done"), ("killed after", 1, 0, "perhaps"), ("killed before", 2, 0, "perhaps"),
    ("killed after", 2, 1, "done"), ("answer lost", 1, 1, "done"), ("answer lost", 2, 1, "done")])
def test_an_act_that_was_interrupted_never_happens_twice(users: tuple[Session, Session], fault: Fault, at: int,
                                                         times: int, says: str) -> None:
    s = users[0]
    invoice = draft_invoice(s)
    key = f"test-note-{fault.replace(' ', '-')}-{at}"
    with contextlib.suppress(Killed):
        note(twin(s, at=at, fault=fault), key, invoice)
    assert note(s, key, invoice) == says
    assert notes(s, key, invoice) == times
