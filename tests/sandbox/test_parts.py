"""The sandbox's parts, without a server: who lives, what is half-done, what a failure says."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from tests import conftest
from tests.sandbox import databases, server
from tests.sandbox.errors import SandboxError
from tests.sandbox.host import locked, require_host, run, step
from tests.sandbox.layout import Layout
from tests.sandbox.processes import Ports, Process, State, free_ports, read_state, write_state
from tests.sandbox.provision import provision
from tests.sandbox.sink import NOBODY, folder_of


def test_a_process_is_its_number_and_its_start() -> None:
    here = Process.of(os.getpid())
    assert here.lives()
    assert not Process(here.pid, "another boot/1").lives()
    with subprocess.Popen(["true"]) as child:
        gone = Process.of(child.pid)
    assert not gone.lives()
    assert not Process.of(gone.pid).lives()


def test_the_owner_of_a_database_is_in_its_name() -> None:
    name = databases.new_name()
    assert databases.owner_lives(name)
    assert not databases.owner_lives(f"ws_{os.getpid()}_000000000000_1"), "the number was given to another process"
    assert databases.owner_lives("demo")


@pytest.mark.parametrize("name", ["", "Demo", "a-b", "a b", "1a", "postgres", "x'; drop", "werkstroom_template"])
def test_a_name_that_sql_or_a_shell_could_misread_is_refused(name: str) -> None:
    with pytest.raises(SandboxError, match="cannot name a database"):
        databases.check_name(name)


def test_stale_state_is_not_believed(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert read_state(layout) is None
    for rubbish in ("", "{", "[]", '{"ports": {}}'):
        layout.state.write_text(rubbish, encoding="utf-8")
        assert read_state(layout) is None
    state = State(Ports(1, 2, 3), {"odoo": Process(os.getpid(), "an earlier boot/1")})
    write_state(layout, state)
    assert read_state(layout) == state
    assert not state.lives()
    assert server.running(layout) is None


def test_ports_stay_unless_taken() -> None:
    first = free_ports(None)
    assert free_ports(first) == first
    with socket.create_server(("127.0.0.1", first.odoo)):
        assert free_ports(first).odoo != first.odoo


def test_a_failed_step_says_which_and_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SandboxError) as caught, step("download", "check the network"):
        run(["sh", "-c", "echo no route; exit 7"], log=tmp_path / "log")
    message = str(caught.value)
    assert message.startswith("the step 'download' failed: exit code 7, 'no route'")
    assert message.endswith("; check the network")
    assert "no route" in (tmp_path / "log").read_text(encoding="utf-8")
    assert "download" in capsys.readouterr().err


@pytest.mark.live
def test_an_unfinished_root_is_made_again_and_a_dead_mirror_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: server.Sandbox
) -> None:
    """Asks for the sandbox only so that debootstrap is there."""
    layout = Layout(tmp_path / "sandbox")
    layout.root.mkdir(parents=True)
    (layout.root / "left-over").write_text("of a killed run", encoding="utf-8")
    monkeypatch.setenv("WERKSTROOM_DEBIAN_MIRROR", "http://127.0.0.1:9/debian")
    with pytest.raises(SandboxError, match=r"(?s)'debootstrap of Debian.* failed.*WERKSTROOM_DEBIAN_MIRROR"):
        provision(layout)
    assert not (layout.root / "left-over").exists()
    assert not layout.provisioned.exists()


def test_without_root_it_says_so_and_how_to_use_another_odoo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None if name == "sudo" else f"/usr/bin/{name}")
    with pytest.raises(SandboxError, match=r"needs root, or sudo without a prompt.*WERKSTROOM_TEST_URL"):
        require_host()
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    with pytest.raises(SandboxError, match=r"Debian-like host.*WERKSTROOM_TEST_URL"):
        require_host()


def test_a_second_caller_waits_for_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order = []
    entered = threading.Event()

    def second() -> None:
        entered.set()
        with locked(tmp_path / "lock"):
            order.append("second")

    with locked(tmp_path / "lock"):
        thread = threading.Thread(target=second)
        thread.start()
        entered.wait()
        thread.join(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert "another caller is at work" in capsys.readouterr().err


def test_mail_goes_to_the_folder_of_its_database_and_nowhere_else() -> None:
    assert folder_of("ws_1_0123456789ab_1@sandbox") == "ws_1_0123456789ab_1"
    for odd in ("../x@sandbox", "", "a/b", "."):
        assert folder_of(odd) == NOBODY


def test_another_odoo_is_named_by_four_settings_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("WERKSTROOM_TEST_URL", "WERKSTROOM_TEST_DB", "WERKSTROOM_TEST_USER", "WERKSTROOM_TEST_PASSWORD")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    assert conftest.external_database() is None
    for name in names[:3]:
        monkeypatch.setenv(name, name.lower())
    with pytest.raises(pytest.fail.Exception, match="set also: WERKSTROOM_TEST_PASSWORD"):
        conftest.external_database()
    monkeypatch.setenv(names[3], "secret")
    database = conftest.external_database()
    assert database is not None
    assert database.name == "werkstroom_test_db"
