"""The command line as a user meets it: one clear sentence, the right exit code, nothing written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.sandbox.server import Database

pytestmark = pytest.mark.live

INVOICE = ("invoice", "run", "--from", "2026-10-01", "--to", "2026-10-31")
PAY = ("pay", "run", "--due", "2026-11-30")


def werkstroom(*arguments: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean: Mapping[str, str] = {name: value for name, value in os.environ.items()
                                if not name.startswith("WERKSTROOM_")}
    return subprocess.run([sys.executable, "-m", "jobs.cli", *arguments], capture_output=True, text=True, timeout=120,
                          cwd=directory, stdin=subprocess.DEVNULL, check=False,
                          env={**clean, **environment, "PYTHONPATH": str(Path(__file__).parents[2])})


@pytest.fixture
def server(any_database: Database) -> dict[str, str]:
    return {"WERKSTROOM_URL": any_database.url, "WERKSTROOM_DB": any_database.name,
            "WERKSTROOM_USER": any_database.login, "WERKSTROOM_PASSWORD": any_database.password}


@pytest.mark.parametrize(("change", "code", "says"), [
    ({"WERKSTROOM_PASSWORD": "wrong"}, 6, "login or password is wrong"),
    ({"WERKSTROOM_DB": "no-such-database"}, 6, 'no database "no-such-database"'),
    ({"WERKSTROOM_URL": "http://127.0.0.1:9"}, 4, "cannot be reached"),
    ({"WERKSTROOM_URL": "odoo.example.nl"}, 2, "does not begin with https://"),
    ({"WERKSTROOM_USER": ""}, 2, "[odoo] user is not set"),
    ({"WERKSTROOM_PASSWORD": ""}, 2, "No password is set"),
    ({"WERKSTROOM_PAYMENTS__JOURNAL": "NOPE"}, 2, 'no bank journal with code "NOPE"'),
    ({"WERKSTROOM_PAYMENTS__JORNAL": "BNK1"}, 2, "unknown field"),
    ({"WERKSTROOM_COMPANY": "Elsewhere BV"}, 2, 'no company "Elsewhere BV"'),
])
def test_what_is_wrong_is_one_sentence_with_its_remedy(server: dict[str, str], change: dict[str, str], code: int,
                                                       says: str, tmp_path: Path) -> None:
    done = werkstroom("--json", *PAY, "--dry-run", "--include", "bills", directory=tmp_path, **{**server, **change})
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    error = json.loads(done.stdout)
    assert (error["kind"], error["exit_code"]) == ("error", code)
    assert error["remedy"] or code == 4
    assert not list(tmp_path.iterdir())
    assert server["WERKSTROOM_PASSWORD"] not in done.stdout + done.stderr


def test_money_does_not_move_without_a_terminal_or_yes(server: dict[str, str], tmp_path: Path) -> None:
    done = werkstroom("apply", "plan.json", directory=tmp_path, **server)
    assert done.returncode == 3, done.stderr
    saved = werkstroom(*PAY, "--include", "bills", "--dry-run", "--plan", "plan.json", directory=tmp_path, **server,
                       WERKSTROOM_PAYMENTS__JOURNAL="BNK1")
    # A fresh database has no bank account on its journal: the remedy is named before anything is planned.
    assert saved.returncode == 2
    assert "no account with a valid IBAN" in saved.stderr


@pytest.mark.parametrize(("name", "content", "says"), [
    ("ing.csv", '"Datum","Naam / Omschrijving","Rekening","Tegenrekening","Code","Af Bij","Bedrag (EUR)"\n', "ING"),
    ("empty.csv", "", "empty"), ("letter.txt", "Dear bank,\n", "supported"),
    ("short.csv", '"02-01-2026","NL19TRIO0338500014","1,00","Debet","x","y","ET","z"\n"02-01-2026"\n', "line 2"),
])
def test_a_file_that_cannot_be_used_is_named(server: dict[str, str], name: str, content: str, says: str,
                                             tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    done = werkstroom("bank", "import", name, directory=tmp_path, **server)
    assert done.returncode == 3, done.stderr
    assert name in done.stderr
    assert says.lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_help_needs_neither_file_nor_server(tmp_path: Path) -> None:
    for command in ((), ("pay", "run"), ("bank", "import"), ("apply",)):
        done = werkstroom(*command, "--help", directory=tmp_path)
        assert (done.returncode, "Example:" in done.stdout) == (0, True)


@pytest.mark.parametrize("arguments", [("pay", "rum"), (*INVOICE[:-1], "tomorrow"), ("pay", "run", "--due"),
                                       ("pay", "run", "--include", "billz"), ("pay", "export", "7x")])
def test_a_wrong_command_is_a_matter_of_usage(server: dict[str, str], arguments: tuple[str, ...],
                                              tmp_path: Path) -> None:
    done = werkstroom(*arguments, directory=tmp_path, **server)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
