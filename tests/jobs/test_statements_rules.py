"""What of a file is new: decided on plain data."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import ConfigError, InputError
from connector.stock.statements import BankJournal, broken_links
from jobs.statements.files import BankFile, place
from jobs.statements.rules import Books, Chain, Verdict, chain, decide, keyed
from mappings.odoo.statement_line import BankLine, OdooStatement, label, line_values, narration
from mappings.party import Party
from mappings.statement import Entry, Statement

IBAN = "NL19TRIO0338500014"
KEES = "NL29RABO0300123450"
TODAY = dt.date(2026, 2, 15)
JOURNAL = 7


def day(number: int) -> dt.date:
    return dt.date(2026, 1, number)


def entry(number: int, amount: str, text: str = "", iban: str = "") -> Entry:
    return Entry(position=1, booking_date=day(number), amount=Decimal(amount), text=text,
                 counterparty=Party(iban=iban))


def file(*entries: Entry, opening: str | None = "0.00") -> Statement:
    numbered = [replace(each, position=position) for position, each in enumerate(entries, 1)]
    total = sum((each.amount for each in entries), Decimal("0.00"))
    return Statement(account=IBAN, currency="EUR", from_date=min(each.booking_date for each in entries),
                     to_date=max(each.booking_date for each in entries), entries=numbered,
                     opening=None if opening is None else Decimal(opening),
                     closing=None if opening is None else Decimal(opening) + total)


def line(number: int, amount: str, text: str, *, record: int, key: str = "", account: str = "") -> BankLine:
    return BankLine(id=record, date=day(number), amount=Decimal(amount), text=text, name="", account=account, code="",
                    reference="", statement=0, journal=JOURNAL, move=0, partner=0, reconciled=False, key=key)


def imported(*entries: Entry, start: str = "0.00") -> Books:
    """What Odoo has after an import of these entries in one statement."""
    statement = file(*entries)
    lines = [line(each.booking_date.day, str(each.amount), label(each), record=number, key=key,
                  account=each.counterparty.iban)
             for number, (key, each) in enumerate(keyed(statement, JOURNAL), 1)]
    return books(lines, start)


def books(lines: Sequence[BankLine], start: str = "0.00") -> Books:
    total = sum((each.amount for each in lines), Decimal("0.00"))
    last = max(each.date for each in lines)
    return Books([OdooStatement(id=1, name="", date=last, open=False, reference="", start=Decimal(start),
                                end=Decimal(start) + total, total=total, previous=0,
                                lines=tuple(each.id for each in lines))], lines)


def verdict(statement: Statement, known: Books, today: dt.date = TODAY) -> Verdict:
    return decide(statement, JOURNAL, known, chain(statement, known), today)


def new(result: Verdict) -> list[str]:
    return [each.text for _, each in result.new]


MONTH = [entry(2, "10.00", "a"), entry(2, "20.00", "b"), entry(3, "-5.00", "c"), entry(4, "1.00", "d")]


def test_everything_is_new_in_an_empty_journal() -> None:
    assert new(verdict(file(*MONTH), Books([], []))) == ["a", "b", "c", "d"]


def test_everything_is_there_the_second_time() -> None:
    result = verdict(file(*MONTH), imported(*MONTH))
    assert (new(result), len(result.there), result.held, result.strangers) == ([], 4, [], [])


def test_an_overlap_adds_what_is_new() -> None:
    later = entry(9, "3.00", "e")
    result = verdict(file(*MONTH[2:], later, opening="30.00"), imported(*MONTH))
    assert (new(result), result.came_back) == (["e"], [])


@given(st.lists(st.sampled_from(["10.00", "20.00", "-5.00"]), min_size=1, max_size=8), st.randoms())
def test_twins_stay_and_order_does_not_matter(amounts: list[str], dice: random.Random) -> None:
    entries = [entry(2, amount, "koffie") for amount in amounts]
    turned = entries[:]
    dice.shuffle(turned)
    assert len({key for key, _ in keyed(file(*entries), JOURNAL)}) == len(entries)
    assert new(verdict(file(*turned), imported(*entries))) == []
    assert len(new(verdict(file(*turned, entry(2, "10.00", "koffie")), imported(*entries)))) == 1


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(-3, 3).filter(bool)), min_size=1, max_size=12),
       st.integers(0, 12), st.integers(0, 12))
def test_any_two_whole_day_files_give_each_entry_once(rows: list[tuple[int, int]], first: int, second: int) -> None:
    entries = [entry(number, f"{amount}.00", f"t{amount}") for number, amount in sorted(rows)]
    balances = dict(zip(range(len(entries) + 1), accumulate([Decimal("0.00"), *(each.amount for each in entries)]),
                        strict=True))

    def part(since: int) -> tuple[int, list[Entry]]:
        start = next((number for number, each in enumerate(entries) if each.booking_date.day >= since), 0)
        return start, entries[start:]

    start, rest = part(first)
    known = imported(*rest, start=str(balances[start]))
    start, rest = part(second)
    result = verdict(file(*rest, opening=str(balances[start])), known)
    assert len(known.lines) + len(result.new) == max(len(known.lines), len(rest))
    assert (result.held, chain(file(*rest, opening=str(balances[start])), known).gap) == ([], None)


def test_lines_of_others_are_recognised_by_content_and_number() -> None:
    known = books([line(2, "10.00", "Factuur-7", record=1), line(2, "10.00", "factuur 7", record=2)])
    three = [entry(2, "10.00", "FACTUUR 7") for _ in range(3)]
    result = verdict(file(*three, opening=None), known)
    assert (len(result.by_content), len(result.new)) == (2, 1)


@pytest.mark.parametrize(("known", "held"), [
    (line(7, "10.00", "anders", record=1, account=KEES), True),     # the IBAN, five days apart
    (line(4, "10.00", "a!", record=1), True),                       # the text
    (line(8, "10.00", "anders", record=1, account=KEES), False),    # six days apart
    (line(3, "10.00", "anders", record=1), False),                  # only the amount
    (line(3, "10.01", "a", record=1), False),                       # another amount
    (line(9, "10.00", "a", record=1, key="stl-j7-0123456789abcdef-1"), False),  # another file's, outside our period
    (line(3, "10.00", "a", record=1, key="stl-j7-0123456789abcdef-1"), True),   # in our period: nothing explains it
])
def test_look_alikes_wait_for_a_person(known: BankLine, held: bool) -> None:
    statement = file(entry(2, "10.00", "a", KEES), entry(3, "1.00", "b"), opening=None)
    result = verdict(statement, books([known]))
    assert ([each.text for each, _ in result.held], new(result)) == ((["a"], ["b"]) if held else ([], ["a", "b"]))


def test_what_was_deleted_comes_back_and_is_known_as_such() -> None:
    known = imported(*MONTH)
    kept = [each for each in known.lines if each.text != "c"]
    # Odoo's closing balance still counts the deleted line; its lines do not.
    left = Books([replace(known.statements[0], total=Decimal("31.00"), lines=tuple(each.id for each in kept))], kept)
    result = verdict(file(*MONTH), left)
    assert (new(result), [each.text for each in result.came_back]) == (["c"], ["c"])


def test_a_line_that_the_bank_does_not_have() -> None:
    known = books([*imported(*MONTH).lines, line(3, "7.00", "bestaat niet", record=9),
                   line(4, "7.00", "van later", record=10)])
    assert [each.text for each in verdict(file(*MONTH), known).strangers] == ["bestaat niet"]


# --- balances --------------------------------------------------------------------------------------------------------

def test_a_file_that_goes_on_where_odoo_stops() -> None:
    assert chain(file(entry(9, "1.00"), opening="26.00"), imported(*MONTH)) == Chain(balance=Decimal("26.00"))


def test_a_gap() -> None:
    assert chain(file(entry(9, "1.00"), opening="28.00"), imported(*MONTH)).gap == Decimal("2.00")


def test_no_balance_is_no_gap() -> None:
    assert chain(file(entry(9, "1.00"), opening=None), imported(*MONTH)) == Chain()


def test_a_period_before_all_that_odoo_has() -> None:
    known = imported(*(entry(9, "1.00"),), start="26.00")
    assert chain(file(*MONTH), known).gap is None
    assert chain(file(*MONTH, opening="5.00"), known).gap is not None


def test_a_file_that_begins_in_the_middle_of_a_day() -> None:
    """What is there may be the twin of what comes: nothing of that day is decided."""
    known = imported(entry(2, "10.00", "koffie"))
    statement = file(entry(2, "10.00", "koffie"), entry(3, "1.00", "x"), opening="10.00")
    result = verdict(statement, known)
    assert ([each.text for each, _ in result.held], new(result)) == (["koffie"], ["x"])


def test_today_may_be_there_in_part() -> None:
    known = imported(entry(2, "10.00", "a"), entry(3, "4.00", "ochtend"))
    statement = file(entry(2, "10.00", "a"), entry(3, "2.00", "middag"))
    assert new(verdict(statement, known, today=day(4))) == ["middag"]
    held = verdict(statement, known, today=day(3))
    assert (new(held), [each.text for each, _ in held.held]) == ([], ["middag"])


def test_statements_that_do_not_follow_on_each_other() -> None:
    first = OdooStatement(id=1, name="", date=day(1), open=False, reference="", start=Decimal(0), end=Decimal(5),
                          total=Decimal(5), previous=0, lines=(1,))
    second = replace(first, id=2, date=day(2), start=Decimal(0), end=Decimal(3), total=Decimal(3), lines=(2,))
    assert [this.id for _, this in broken_links([first, second])] == [2]
    assert list(broken_links([first, replace(second, open=True)])) == []
    assert list(broken_links([first, replace(second, start=Decimal(5))])) == []


# --- journals and values ---------------------------------------------------------------------------------------------

BNK1 = BankJournal(7, "BNK1", "Bank", IBAN, "")
BNK2 = BankJournal(8, "BNK2", "Bank", "", "")


def placed(account: str, journals: Iterable[BankJournal], code: str | None = None) -> str:
    statement = replace(file(entry(2, "1.00")), account=account)
    [(_, journal)] = place([BankFile("a.csv", "0" * 16, statement)], list(journals), code)
    return journal.code


def test_the_account_decides_the_journal() -> None:
    assert placed(IBAN, [BNK2, BNK1]) == "BNK1"
    assert placed("0338500014", [BNK1]) == "BNK1"
    assert placed("NL66TRIO2024001238", [BNK1, BNK2], "BNK2") == "BNK2"


@pytest.mark.parametrize(("account", "journals", "code", "error"), [
    ("NL66TRIO2024001238", [BNK1], None, ConfigError),
    ("NL66TRIO2024001238", [BNK1], "BNK1", InputError),
    (IBAN, [BNK1, BNK2], "BNK2", InputError),
    (IBAN, [BNK1, replace(BNK1, id=9)], None, ConfigError),
    (IBAN, [BNK1], "NOPE", ConfigError),
    (IBAN, [replace(BNK1, currency="USD")], None, InputError),
])
def test_no_journal_is_guessed(account: str, journals: list[BankJournal], code: str | None,
                               error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        placed(account, journals, code)
    assert account not in str(caught.value)


def test_two_accounts_never_share_a_journal() -> None:
    files = [BankFile("a.csv", "0" * 16, replace(file(entry(2, "1.00")), account=account))
             for account in ("NL66TRIO2024001238", "NL02ABNA0123456789")]
    with pytest.raises(InputError):
        list(place(files, [BNK2], "BNK2"))


def test_the_values_of_a_line() -> None:
    full = replace(entry(2, "-6.75", "Kosten", KEES), code="KN", code_text="Kosten van de bank",
                   end_to_end_id="E2E", mandate_id="M-1", balance_after=Decimal("1210.00"))
    values = line_values(full, sequence=3, partner=4, bank_account=5)
    assert (values["amount"], values["account_number"], values["ref"], values["sequence"]) == (
        Decimal("-6.75"), KEES, "E2E", 3)
    assert (values["partner_id/.id"], values["partner_bank_id/.id"]) == (4, 5)
    assert narration(full) == ("Soort: Kosten van de bank\nEnd-to-end-id: E2E\nMachtiging: M-1\n"
                               "Saldo na boeking: 1.210,00")
    assert [label(replace(full, text="")), label(replace(full, text="", code_text=""))] == ["Kosten van de bank", "KN"]
