"""Rules of the house that no linter knows, and documentation that must stay true."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from connector import errors
from connector.version import VERSION
from jobs.cli.root import JOBS, cli
from mappings.errors import WerkstroomError

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for floor in ("connector", "mappings", "jobs") for path in (ROOT / floor).rglob("*.py"))
README = (ROOT / "README.md").read_text("utf-8")


def commands(group: click.Group = cli, path: str = "werkstroom") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def users_of(*names: str, called: bool = False) -> set[str]:
    """The files that use an attribute (or call a method) of one of these names."""
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            used = node.func if isinstance(node, ast.Call) else None if called else node
            if isinstance(used, ast.Attribute) and used.attr in names:
                found.add(path.relative_to(ROOT).as_posix())
    return found


def test_only_effects_send() -> None:
    assert users_of("send", called=True) == {"connector/effects.py"}


def test_only_the_settings_read_the_environment() -> None:
    assert users_of("environ", "getenv") == {"connector/config.py"}


def test_only_the_session_talks_to_a_transport() -> None:
    assert users_of("execute", called=True) == {"connector/session.py"}


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_command_has_help_with_an_example_and_a_row_in_the_readme(name: str, command: click.Command) -> None:
    assert command.help
    assert "Example:" in command.help
    assert f"| `{name}" in README, f"{name} has no row in README.md"
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{name} {option.opts}"


def test_the_readme_names_no_command_that_is_not_there() -> None:
    known = {name for name, _ in commands()}
    rows = [line.split("`")[1] for line in README.splitlines() if line.startswith("| `werkstroom")]
    for row in rows:
        words = row.split()
        assert " ".join(words[:3]) in known or " ".join(words[:2]) in known, row


def test_every_job_is_a_command() -> None:
    assert {f"werkstroom {name}" for name in JOBS} <= {name for name, _ in commands()}


def test_every_exit_code_is_in_the_readme() -> None:
    codes = {kind.exit_code for kind in vars(errors).values()
             if isinstance(kind, type) and issubclass(kind, WerkstroomError)}
    assert codes == {1, 2, 3, 4, 5, 6}
    for code in (0, *codes):
        assert f"| {code} | " in README


def test_the_error_tree_is_drawn_whole() -> None:
    drawn = errors.__doc__ or ""
    for name in errors.__all__:
        assert name in drawn, name


def test_the_version_has_a_changelog_entry() -> None:
    assert f"## {VERSION}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
