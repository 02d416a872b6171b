"""The SMTP sink: the outgoing mail server of every database, which delivers nowhere.

Every message becomes one `.eml` file in a folder named after the SMTP user, and every database signs in with its own
name, so a test finds exactly the mails of its database whatever their headers say.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import re
import signal
import time
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.sandbox.layout import SMTP_DOMAIN

NOBODY = "without-login"
_count = itertools.count()


def folder_of(login: str) -> str:
    """The folder for an SMTP user `database@sandbox`; a name that could leave the store is not one of ours."""
    name = login.removesuffix(SMTP_DOMAIN)
    return name if re.fullmatch(r"[a-z0-9_]+", name) else NOBODY


def store(directory: Path, login: str, envelope: Envelope) -> Path:
    """Keep one message: written beside, then renamed, so that a reader never sees half of one.

    The envelope is kept in two headers of ours, because a message's own headers need not name its receivers.
    """
    folder = directory / folder_of(login)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.time_ns()}-{next(_count):06}.eml"
    content = envelope.original_content or b""
    added = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n"
    beside = path.with_suffix(".part")
    beside.write_bytes(added.encode("utf-8") + content)
    beside.rename(path)
    return path


class _Handler:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        login = session.auth_data if isinstance(session.auth_data, str) else NOBODY
        store(self._directory, login, envelope)
        return "250 kept"


def _accept(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    """Any password is right: the login only says which database speaks."""
    login = data.login.decode("utf-8", "replace") if isinstance(data, LoginPassword) else NOBODY
    return AuthResult(success=True, auth_data=login)


def serve(port: int, directory: Path) -> Controller:
    """Start the sink in a thread of its own; the caller stops it."""
    controller = Controller(
        _Handler(directory),
        hostname="127.0.0.1",
        port=port,
        authenticator=_accept,
        auth_require_tls=False,
        data_size_limit=100 * 2**20,
    )
    controller.start()
    return controller


def main() -> None:
    """Serve until a signal says stop."""
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox.sink", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--pidfile", type=Path, required=True)
    arguments = parser.parse_args()
    stop = asyncio.Event()

    async def until_stopped() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        controller = serve(arguments.port, arguments.directory)
        arguments.pidfile.write_text(f"{os.getpid()}\n", encoding="ascii")
        await stop.wait()
        controller.stop()

    asyncio.run(until_stopped())


if __name__ == "__main__":
    main()
