"""What the rest of the connector knows of a transport."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Final, Protocol


class NoValue(enum.Enum):
    """The answer of a call that was done and committed, but whose return value could not be put on the wire.

    It is neither success nor failure of the effect: what was done is decided by reading.
    """

    NO_VALUE = enum.auto()


NO_VALUE: Final = NoValue.NO_VALUE


@dataclass(slots=True)
class Traffic:
    """What went over the wire: number of calls, bytes both ways, seconds waited."""

    calls: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    seconds: float = 0.0


class Transport(Protocol):
    """One way to reach one Odoo server. A request is sent exactly once; retrying is the caller's decision."""

    traffic: Traffic

    def version(self) -> dict[str, Any]:
        """Return the server's version record (`server_version`, `server_version_info`)."""

    def authenticate(self, db: str, login: str, secret: str) -> int | None:
        """Return the user's id, or None when login or secret is wrong."""

    def execute(self, db: str, uid: int, secret: str, model: str, method: str,
                args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Call a public method of a model.

        Returns:
            the value, or `NO_VALUE` when the call was committed but its value could not be marshalled.

        Raises:
            Unreachable: the request was not sent.
            OutcomeUnknown: it was sent, and the answer was lost or unreadable.
            Refused: Odoo answered with a fault; its transaction was rolled back.
        """

    def close(self) -> None:
        """Close all connections."""
