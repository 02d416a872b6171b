"""What every live test shares: the sandbox and fresh databases in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.sandbox import server
from tests.sandbox.errors import SandboxError
from tests.sandbox.server import Database, Sandbox

_EXTERNAL = ("WERKSTROOM_TEST_URL", "WERKSTROOM_TEST_DB", "WERKSTROOM_TEST_USER", "WERKSTROOM_TEST_PASSWORD")


def external_database() -> Database | None:
    """The Odoo that the caller named instead of the sandbox; half a name is an error, never a reason to go on."""
    values = [os.environ.get(name, "") for name in _EXTERNAL]
    if not any(values):
        return None
    missing = [name for name, value in zip(_EXTERNAL, values, strict=True) if not value]
    if missing:
        pytest.fail(f"WERKSTROOM_TEST_… is incomplete, set also: {', '.join(missing)}", pytrace=False)
    return Database(*values)


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """The running sandbox, started if need be. It fails when it cannot start; it never skips."""
    if external_database() is not None:
        pytest.fail(
            "this test copies databases, which only the sandbox can; at WERKSTROOM_TEST_URL run the tests that use "
            "`any_database`, or unset it",
            pytrace=False,
        )
    try:
        return server.up()
    except SandboxError as error:
        pytest.fail(f"no sandbox: {error}", pytrace=False)


@pytest.fixture(scope="module")
def fresh_database(sandbox: Sandbox) -> Iterator[Callable[[], Database]]:
    """Make fresh companies, each in a database of its own; they are dropped at the end of the module."""
    made: list[Database] = []

    def make() -> Database:
        made.append(sandbox.create_database())
        return made[-1]

    yield make
    for database in made:
        sandbox.drop_database(database)


@pytest.fixture(scope="session")
def any_database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """One database to read in: the one named by WERKSTROOM_TEST_URL and friends, or else a fresh one of the sandbox."""
    external = external_database()
    if external is not None:
        yield external
        return
    sandbox: Sandbox = request.getfixturevalue("sandbox")
    database = sandbox.create_database()
    yield database
    sandbox.drop_database(database)
