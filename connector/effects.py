"""The only door to a write: five kinds of effect that do no harm when they are sent again.

Every call is a transaction of its own and there is no rollback, so whatever is sent here may be sent again by any
process, any user, at any moment; what then stands in Odoo, and is read, decides. See shared/effects.md.

keyed insert     `insert_once`, `attach`   inserts what is absent, changes nothing that is there
refused twice    `change_state`            Odoo does it once and refuses or ignores the second
replace by id    `replace`                 one write that deletes the lines it saw and adds their successors
numbered log     `append`                  entry n + 1, inserted by key by one who has read 1…n
announced act    `announce`                a marker first; only its inserter acts
"""

from __future__ import annotations

import base64
import logging
import random
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TypeVar

from connector import records
from connector.errors import (
    Busy,
    OdooError,
    OutcomeUnknown,
    Refused,
    Unreachable,
    ValidationFailed,
)
from connector.session import ReadSession, Session

log = logging.getLogger("werkstroom.effects")

MODULE = "werkstroom"
ATTEMPTS = 5
IGNORED = 2
_INSERT = {"noupdate": True, "mode": "update"}

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is about to be sent."""

    model: str
    method: str
    args: tuple[Any, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attachment:
    """What stands in Odoo under a key."""

    id: int
    key: str
    content: bytes
    model: str
    record: int
    asked_by: int
    """`create_uid`, set by Odoo itself."""
    ours: bool
    """The content is what we tried to insert (by us, or by another process with the very same content)."""


# --- keyed insert ----------------------------------------------------------------------------------------------------

def insert_once(s: Session, model: str, rows: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Insert those records whose key is absent; what is there stays as it is.

    Args:
        s: the session.
        model: the model.
        rows: key (see shapes.md) → values by `load` column (`partner_id/.id`). A list of dicts is a one2many's lines.

    Returns:
        key → id, of all rows; who inserted a row is told by reading it.

    Raises:
        Refused: Odoo inserted none of them.
        OutcomeUnknown: no answer, however often it was sent.
    """
    if not rows:
        return {}
    columns = _columns(rows)
    data = [line for key, values in rows.items() for line in _lines(f"{MODULE}.{key}", values, columns)]
    answer = _repeat(s, lambda: _load(s, model, ["id", *columns], data))
    return dict(zip(rows, answer, strict=True))


def _load(s: Session, model: str, columns: list[str], data: list[list[str]]) -> list[int]:
    answer = s.send(model, "load", columns, data, context=_INSERT)
    if answer["ids"]:
        return list(answer["ids"])
    messages = [message for message in answer["messages"] if message.get("type") != "warning"]
    text = "; ".join(" ".join(str(message.get("message", "")).split()) for message in messages[:3])
    # `load` answers without a fault even when everything was rolled back, and does not repeat a lost race by itself.
    if "could not serialize" in text or "current transaction is aborted" in text:
        raise Busy(text, model=model, method="load")
    raise ValidationFailed(f"Odoo does not take {model}: {text or 'no reason given'}.", model=model, method="load")


def _columns(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    columns: dict[str, None] = {}
    for values in rows.values():
        for name, value in values.items():
            if isinstance(value, (list, tuple)):
                columns.update({f"{name}/{sub}": None for line in value for sub in line})
            else:
                columns[name] = None
    return list(columns)


def _lines(external_id: str, values: Mapping[str, Any], columns: Sequence[str]) -> list[list[str]]:
    """Return the record's row, and further rows with an empty head for the lines below the first."""
    head = {name: _cell(value) for name, value in values.items() if not isinstance(value, (list, tuple))}
    lines = [{f"{name}/{sub}": _cell(cell) for sub, cell in line.items()}
             for name, value in values.items() if isinstance(value, (list, tuple)) for line in value]
    first, *rest = lines or [{}]
    return [[external_id, *(({**head, **first}).get(name, "") for name in columns)],
            *(["", *(line.get(name, "") for name in columns)] for line in rest)]


def _cell(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def attach(s: Session, entries: Mapping[str, tuple[str, bytes]], on: tuple[str, int], *,
           mimetype: str = "application/json", description: str = "") -> dict[str, Attachment]:
    """Insert attachments by key on a record, and read back what stands there.

    Args:
        s: the session.
        entries: key → (file name, content).
        on: model and id of the record they hang on; who may read it, may read them.
        mimetype: of all of them.
        description: of all of them.

    Returns:
        key → what stands there, ours or another process's.
    """
    rows = {key: _attachment(name, content, on, mimetype, description) for key, (name, content) in entries.items()}
    ids = insert_once(s, "ir.attachment", rows)
    found = records.by_id(s, "ir.attachment", ids.values(), ["datas", "res_model", "res_id", "create_uid"])
    stands = {}
    for key, record in ids.items():
        row = found.get(record)
        if row is None:
            raise OutcomeUnknown(f"{key} was inserted and is gone again.", model="ir.attachment",
                                 remedy="Was it deleted this moment? Run the command again.")
        content = base64.b64decode(row["datas"] or "")
        stands[key] = Attachment(record, key, content, row["res_model"] or "", row["res_id"] or 0,
                                 records.rel(row["create_uid"]), content == entries[key][1])
    return stands


def _attachment(name: str, content: bytes, on: tuple[str, int], mimetype: str,
                description: str = "") -> dict[str, Any]:
    return {"name": name, "datas": base64.b64encode(content).decode(), "res_model": on[0], "res_id": on[1],
            "mimetype": mimetype, "description": description}


# --- refused twice ---------------------------------------------------------------------------------------------------

def change_state(s: Session, probe: Callable[[], State], act: Callable[[State], Call],
                 verify: Callable[[State], bool]) -> State:
    """Bring a record into a state by a call that Odoo does once and refuses or ignores the second time.

    Args:
        s: the session.
        probe: reads the state.
        act: the call that leads on from the state seen.
        verify: whether the state seen is the wanted one (reached by us or by anybody else).

    Returns:
        the wanted state, as read.

    Raises:
        Refused: Odoo refuses it and the state is not the wanted one.
        OutcomeUnknown: answers were lost and the state is not the wanted one yet.
    """
    state = probe()
    problem: OdooError | None = None
    for attempt in range(ATTEMPTS):
        if verify(state):
            return state
        call = act(state)
        problem = None
        try:
            s.send(call.model, call.method, *call.args, context=dict(call.context), **call.kwargs)
        except (Busy, OutcomeUnknown, Unreachable) as error:
            problem = error
        except Refused as error:
            state = probe()
            if verify(state):
                return state
            raise error
        state = probe()
        if verify(state):
            return state
        if problem is None:
            # A racer may have led it elsewhere in between; only a few times, or Odoo ignores the call.
            problem = ValidationFailed(f"Odoo answered, but {call.model}.{call.method} changed nothing.",
                                       model=call.model, method=call.method,
                                       remedy="Look at the record in Odoo, then run the command again.")
            if attempt >= IGNORED:
                raise problem
        _wait(s, attempt)
    raise _final(problem)


def change_each(s: Session, acts: Mapping[int, Call], done: Callable[[], Collection[int]]) -> dict[int, Refused]:
    """Do for many records what `change_state` does for one, with one reading for all.

    Args:
        s: the session.
        acts: per record the call that Odoo does once and refuses the second time.
        done: reads which of the records are in the wanted state.

    Returns:
        the refusals, of those that are not in the wanted state.

    Raises:
        OutcomeUnknown: answers were lost and some are not in the wanted state yet.
    """
    problem: OdooError | None = None
    refused: dict[int, Refused] = {}
    for attempt in range(ATTEMPTS):
        reached = done()
        refused = {record: error for record, error in refused.items() if record not in reached}
        todo = [record for record in acts if record not in reached and record not in refused]
        if not todo:
            return refused
        if attempt and problem is None:
            ignored = ValidationFailed("Odoo answered, but nothing changed.",
                                       remedy="Look at the record in Odoo, then run the command again.")
            return {**refused, **dict.fromkeys(todo, ignored)}
        problem = None
        for record in todo:
            act = acts[record]
            try:
                s.send(act.model, act.method, *act.args, context=dict(act.context), **act.kwargs)
            except (Busy, OutcomeUnknown, Unreachable) as error:
                problem = error
            except Refused as error:
                refused[record] = error
        if problem is not None:
            _wait(s, attempt)
    reached = done()
    if all(record in reached or record in refused for record in acts):
        return {record: error for record, error in refused.items() if record not in reached}
    raise _final(problem)


# --- replace by id ---------------------------------------------------------------------------------------------------

def replace(s: Session, model: str, record: int, one2many: str, remove: Sequence[int],
            add: Sequence[Mapping[str, Any]] = (), *, context: Mapping[str, Any] | None = None) -> None:
    """Delete exactly the lines seen and add their successors, in one write.

    A second racer finds the lines gone and is refused; which successors stand is read by the caller.

    Raises:
        Refused: Odoo refuses it and the lines are still there.
    """
    call = Call(model, "write", ([record], {one2many: [*((2, line) for line in remove), *((0, 0, dict(values))
                                                       for values in add)]}), context=context or {})

    def lines() -> set[int]:
        row = records.read(s, model, [record], [one2many])
        return set(row[0][one2many]) if row else set()

    change_state(s, lines, lambda _: call, lambda now: not now & set(remove))


# --- numbered log ----------------------------------------------------------------------------------------------------

def append(s: Session, name: str, number: int, content: bytes, on: tuple[str, int]) -> Attachment:
    """Insert entry `number` of a log, by one who has read all entries before it.

    Returns:
        what stands under that number: `ours`, or the entry of the process that was first.
    """
    key = f"{name}-{number}"
    return attach(s, {key: (f"{key}.json", content)}, on)[key]


# --- announced act ---------------------------------------------------------------------------------------------------

def announce(s: Session, key: str, on: tuple[str, int], act: Call, evidence: Callable[[], bool],
             ) -> Literal["done", "perhaps"]:
    """Do, at most once, what cannot be made repeatable: insert a marker, and act only if it is ours.

    Returns:
        "done" when there is evidence that it happened; "perhaps" when the marker is another process's or our own
        answer was lost, and no evidence came up to the server's call limit: for a person.

    Raises:
        Refused: Odoo refused the act; it did not happen. The marker stays: a person starts the next one.
    """
    token = secrets.token_hex(16).encode()
    if not attach(s, {key: (f"{key}.txt", token)}, on, mimetype="text/plain")[key].ours:
        return "done" if evidence() else "perhaps"
    for attempt in range(ATTEMPTS):
        try:
            s.send(act.model, act.method, *act.args, context=dict(act.context), **act.kwargs)
        except Busy:  # rolled back whole: its owner may call again
            _wait(s, attempt)
            continue
        except Unreachable:  # never left this machine
            _wait(s, attempt)
            continue
        except OutcomeUnknown:
            return "done" if _appears(s, evidence) else "perhaps"
        return "done" if evidence() else "perhaps"
    return "perhaps"


def _appears(s: Session, evidence: Callable[[], bool]) -> bool:
    """Wait for evidence as long as a call whose answer was lost may still run on the server."""
    waited, pause = 0.0, 0.5
    while not evidence():
        if waited >= s.settings.odoo.server_call_limit:
            return False
        s.sleep(pause)
        waited, pause = waited + pause, min(pause * 2, 10)
    return True


def remark(s: Session, notes: Mapping[str, tuple[str, int, str]]) -> None:
    """Write internal notes, each at most once; a note that is lost is no error.

    Args:
        s: the session.
        notes: key → (model, record, text). A note is never a comment: those are mailed to followers, suppliers too.
    """
    token = secrets.token_hex(16).encode()
    ids = insert_once(s, "ir.attachment", {key: _attachment(f"{key}.txt", token, (model, record), "text/plain")
                                           for key, (model, record, _) in notes.items()})
    found = records.by_id(s, "ir.attachment", ids.values(), ["datas"])
    for key, (model, record, text) in notes.items():
        if base64.b64decode(found.get(ids[key], {}).get("datas") or "") != token:
            continue
        try:
            s.send(model, "message_post", [record], body=text, message_type="comment", subtype_xmlid="mail.mt_note")
        except (Refused, OutcomeUnknown) as error:
            log.warning("No note on %s %s: %s", model, record, error.message)


# --- wizards ---------------------------------------------------------------------------------------------------------

def wizard(s: Session, model: str, values: Mapping[str, Any], context: Mapping[str, Any]) -> int:
    """Create a wizard's record. One too many does nothing and Odoo removes it; confirming it is a kind of its own."""
    return int(_repeat(s, lambda: s.send(model, "create", dict(values), context=dict(context))))


def prepare(s: Session, call: Call) -> Any:
    """Send a call that only fills in a wizard's record (an onchange, a write on it)."""
    return _repeat(s, lambda: s.send(call.model, call.method, *call.args, context=dict(call.context), **call.kwargs))


# --- repeating what is harmless --------------------------------------------------------------------------------------

def _repeat(s: Session, act: Callable[[], Any]) -> Any:
    problem: OdooError | None = None
    for attempt in range(ATTEMPTS):
        try:
            return act()
        except (Busy, OutcomeUnknown, Unreachable) as error:
            # Once an answer was lost the outcome stays unknown, even if the server is away afterwards.
            if not isinstance(problem, OutcomeUnknown):
                problem = error
            log.info("%s; again", error.message)
            _wait(s, attempt)
    raise _final(problem)


def _wait(s: ReadSession, attempt: int) -> None:
    s.sleep(random.uniform(0.5, 1.0) * 0.1 * 3**attempt)  # noqa: S311 - jitter, not a secret


def _final(problem: OdooError | None) -> OdooError:
    return problem or OutcomeUnknown("The effect was not seen.", remedy="Run the command again.")
