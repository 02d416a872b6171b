"""The host: commands as root, steps with their seconds, the lock."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.sandbox.errors import SandboxError
from tests.sandbox.layout import Layout

ELSEWHERE = (
    "to use another Odoo instead, set WERKSTROOM_TEST_URL, WERKSTROOM_TEST_DB, WERKSTROOM_TEST_USER and "
    "WERKSTROOM_TEST_PASSWORD"
)
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
}
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def say(text: str) -> None:
    """One line of progress, on stderr."""
    print(f"sandbox: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(name: str, remedy: str = "") -> Iterator[None]:
    """Say what is being done and how long it took; a failure inside gets the step's name and the remedy."""
    say(f"{name} …")
    began = time.monotonic()
    try:
        yield
    except SandboxError as error:
        sentence = f"the step '{name}' failed: {error}"
        raise SandboxError(f"{sentence}; {remedy}" if remedy else sentence) from error
    say(f"{name}: {time.monotonic() - began:.1f} s")


def require_host() -> None:
    """Refuse, in one sentence, a machine that cannot hold a Debian root."""
    if shutil.which("apt-get", path=_ENVIRONMENT["PATH"]) is None:
        raise SandboxError(f"the sandbox needs a Debian-like host (apt-get was not found); {ELSEWHERE}")
    if os.geteuid() == 0:
        return
    sudo = shutil.which("sudo")
    if sudo is None or subprocess.run([sudo, "-n", "true"], capture_output=True).returncode != 0:
        raise SandboxError(f"the sandbox needs root, or sudo without a prompt; {ELSEWHERE}")


def as_root(command: Sequence[str]) -> list[str]:
    """The command with what makes it root's, which is nothing for root, and an environment that is always the same."""
    settings = dict(_ENVIRONMENT, HOME="/root") | {name: os.environ[name] for name in _PROXIES if name in os.environ}
    clean = ["env", "-i", *(f"{name}={value}" for name, value in settings.items()), *command]
    return clean if os.geteuid() == 0 else ["sudo", "-n", *clean]


def in_root(layout: Layout, user: str, command: Sequence[str]) -> list[str]:
    """The command as run inside the root by one of its users."""
    home = {"root": "/root", "postgres": "/var/lib/postgresql", "odoo": "/var/lib/odoo"}[user]
    inner = ["env", f"HOME={home}", f"USER={user}", *command]
    return as_root(["chroot", f"--userspec={user}:{user}", str(layout.root), *inner])


def run(command: Sequence[str], *, log: Path | None = None, stdin: str | None = None) -> str:
    """Run a command and return what it printed.

    Args:
        command: as made by `as_root` or `in_root`.
        log: where the output goes instead, when it is long; the error then names this file.
        stdin: text for the command; else it reads nothing, so it can never wait for a person.
    Raises:
        SandboxError: it ended with another code than 0; the message holds the last line it printed.
    """
    done = subprocess.run(
        command, input=stdin or "", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"$ {' '.join(command)}\n{done.stdout}\n")
    if done.returncode != 0:
        lines = done.stdout.strip().splitlines() or ["it printed nothing"]
        where = f" (all of it in {log})" if log is not None else ""
        raise SandboxError(f"exit code {done.returncode}, {lines[-1].strip()!r}{where}")
    return done.stdout


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of this name; a second caller waits, and says so once. The kernel frees it when the holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if path.name == "lock":
                say("another caller is at work, waiting for it …")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
