"""Errors that need no Odoo to happen; the rest of the tree grows on them in :mod:`connector.errors`.

WerkstroomError
└── InputError            fix the file; nothing was written                exit 3
    ├── UnknownFormat     no format recognises the file
    ├── MalformedFile     a row or element cannot be read
    ├── LimitExceeded     larger or deeper than we are willing to read
    └── BalanceMismatch   the file's balances do not add up, or do not follow on Odoo's (import only)
"""

from __future__ import annotations


class WerkstroomError(Exception):
    """What Werkstroom raises; `remedy` says what the operator can do, `code` names the case for `--json`."""

    exit_code = 1
    code = "error"

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


class InputError(WerkstroomError):
    """The file must be fixed; nothing was written.

    `source` is the file's name as given, `line` the 1-based line (or row) and `field` the column or element.
    """

    exit_code = 3
    code = "bad_input"

    def __init__(self, message: str, *, source: str = "", line: int | None = None, field: str = "",
                 remedy: str = "") -> None:
        place = ", ".join(part for part in (source, f"line {line}" if line else "", field) if part)
        super().__init__(f"{place}: {message}" if place else message, remedy=remedy)
        self.source = source
        self.line = line
        self.field = field


class UnknownFormat(InputError):
    """No format recognises the file, or a foreign one was recognised by name."""

    code = "unknown_format"


class MalformedFile(InputError):
    """A row or element cannot be read."""

    code = "malformed_file"


class LimitExceeded(InputError):
    """The file is larger, deeper or more numerous than we are willing to read."""

    code = "limit_exceeded"


class BalanceMismatch(InputError):
    """The file's balances do not add up, or do not follow on Odoo's."""

    code = "balance_mismatch"
