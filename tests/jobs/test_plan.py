"""Plans as JSON, exit codes, and comparing a saved plan with the facts."""

from __future__ import annotations

import datetime as dt
import stat
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connector.errors import InputError, MalformedFile, WerkstroomError
from jobs import plan as plans
from jobs.plan import Applied, Change, Database, JobOptions, Plan, Planned, Ref, Skipped, summarize


def change(**more: Any) -> Change:
    values: dict[str, Any] = {"action": "pay", "model": "account.payment", "what": "bill", "why": "due", "facts": "f",
                              "target": Ref(model="res.partner", id=1), "amount": Decimal("12.5")}
    return Change(**values | more)


def a_plan(*changes: Change, skipped: tuple[Skipped, ...] = ()) -> Plan:
    return Plan(job="pay run", options=JobOptions().model_dump(), database=Database(url="u", name="db", tag="abc123"),
                company=Ref(model="res.company", id=1, name="X"), changes=changes, skipped=skipped,
                created=dt.datetime(2026, 11, 24, tzinfo=dt.timezone.utc), totals=plans.totals(changes))


def test_an_amount_is_a_string_with_two_decimals() -> None:
    text = a_plan(change(amount=Decimal("1E+2"))).model_dump_json()
    assert '"amount":"100.00"' in text
    assert '"totals":{"EUR":"100.00"}' in text
    assert Plan.model_validate_json(text).changes[0].amount == Decimal("100.00")


@pytest.mark.parametrize("amount", ["12.5", "1e2", "NaN", '"Infinity"', '"12.345"', '"twelve"', "true"])
def test_other_amounts_are_refused(amount: str) -> None:
    text = a_plan(change(amount=Decimal("77.77"))).model_dump_json().replace('"77.77"', amount)
    with pytest.raises(ValidationError):
        Plan.model_validate_json(text)


def test_a_plan_is_saved_for_its_owner_only_and_read_back(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "plan.json"
    plans.save(a_plan(change()), file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert plans.load(file) == a_plan(change())
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_is_no_plan_is_an_input_error(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(a_plan(change()).model_dump_json().replace('"pay run"', "1"), "utf-8")
    with pytest.raises(MalformedFile, match="job"):
        plans.load(file)
    with pytest.raises(InputError, match=r"cannot be read"):
        plans.load(tmp_path / "nowhere.json")


@pytest.mark.parametrize(("outcomes", "person", "state", "code"), [
    ((), False, "nothing to do", 0), (("done",), False, "done", 0), (("done",), True, "done", 1),
    (("done", "refused"), True, "refused", 6), (("refused", "unknown"), True, "unknown", 5),
    (("unchanged",), False, "nothing to do", 0)])
def test_the_strongest_outcome_is_the_exit_code(outcomes: tuple[Any, ...], person: bool, state: str,
                                                code: int) -> None:
    row = Skipped(code="x", what="x", why="x", needs_person=person)
    ended = tuple(change().ended(outcome) for outcome in outcomes)
    summary = summarize(a_plan(skipped=(row,)), Applied(ended), api_calls=3, seconds=0.5)
    assert (summary.state, summary.exit_code) == (state, code)


def test_a_child_can_be_the_reason_of_the_exit_code() -> None:
    child = summarize(a_plan(), Applied((change().ended("unknown"),)), api_calls=0, seconds=0)
    parent = plans.with_children(summarize(a_plan(), Applied(()), api_calls=0, seconds=0), (child,))
    assert parent.exit_code == 5


def test_only_named_changes_are_kept_with_their_work_and_total() -> None:
    one, two = change(), change(target=Ref(model="res.partner", id=2), amount=Decimal("1"))
    planned = Planned(a_plan(one, two), {one.identity: "1", two.identity: "2"}).only([two.identity])
    assert planned.plan.changes == (two,)
    assert planned.work == {two.identity: "2"}
    assert planned.plan.totals == {"EUR": Decimal("1.00")}


def test_facts_do_not_depend_on_the_order_of_a_dict() -> None:
    assert plans.facts({"a": 1, "b": Decimal("2.10")}) == plans.facts({"b": Decimal("2.10"), "a": 1})
    assert plans.facts("a") != plans.facts("b")


def test_a_private_file_is_whole_or_not_there(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.mkdir()
    with pytest.raises(WerkstroomError, match="cannot be written"):
        plans.write_private(target, b"content")
    assert list(tmp_path.iterdir()) == [target]
