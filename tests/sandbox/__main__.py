"""`python -m tests.sandbox up | down | status | reset | logs | demo`."""

from __future__ import annotations

import argparse
import os
import sys
from collections import deque
from pathlib import Path
from typing import NoReturn

from tests.sandbox import server
from tests.sandbox.errors import SandboxError
from tests.sandbox.layout import Layout


def _up() -> int:
    print(server.up().url)
    return 0


def _down() -> int:
    server.down()
    return 0


def _reset() -> int:
    server.reset()
    return 0


def _status() -> int:
    well, lines = server.status()
    print("\n".join(lines))
    return 0 if well else 1


def _logs() -> int:
    for path in sorted(Layout.of_this_user().logs.glob("*.log")):
        print(f"==> {path} <==")
        with path.open(encoding="utf-8", errors="replace") as file:
            print("".join(deque(file, 40)))
    return 0


def _demo() -> NoReturn:
    """Make the database `demo` afresh and become `werkstroom demo` on it."""
    database = server.up().create_database("demo")
    settings = {
        "WERKSTROOM_URL": database.url,
        "WERKSTROOM_DB": database.name,
        "WERKSTROOM_USER": database.login,
        "WERKSTROOM_PASSWORD": database.password,
    }
    command = Path(sys.executable).with_name("werkstroom")
    if not command.is_file():
        raise SandboxError(f"{command} is not there: install Werkstroom into this environment, or use `make demo`")
    os.execve(command, [str(command), "demo"], os.environ | settings)


_COMMANDS = {
    "up": (_up, "provision what is missing, start what does not run; prints Odoo's address"),
    "down": (_down, "stop everything and unmount; databases stay"),
    "status": (_status, "what runs and where; exit code 1 when something does not"),
    "reset": (_reset, "stop and remove everything, so that the next `up` starts from nothing"),
    "logs": (_logs, "the last lines of every log"),
    "demo": (_demo, "start, make the database `demo` afresh and run `werkstroom demo` on it"),
}


def main() -> int:
    """Run one command; an error is one sentence and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description="A real, stock Odoo 14 for tests.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, text) in _COMMANDS.items():
        commands.add_parser(name, help=text, description=text)
    try:
        return _COMMANDS[parser.parse_args().command][0]()
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
