"""Every error Werkstroom raises, grouped by what the operator does next.

WerkstroomError
├── ConfigError                fix the settings                                            exit 2
├── InputError                 fix the file; nothing was written                           exit 3
│   └── UnknownFormat, MalformedFile, LimitExceeded, BalanceMismatch
└── OdooError
    ├── Unreachable            the server could not be reached: run again                  exit 4
    ├── OutcomeUnknown         a write's answer was lost: run again, keys decide           exit 5
    └── Refused                Odoo said no                                                exit 6
        ├── AuthenticationFailed
        ├── AccessDenied       a right is missing
        ├── ValidationFailed   a rule of Odoo's forbids it
        ├── MissingRecord      it was deleted
        ├── MissingFeature     a module, model, field or method is not there
        ├── Busy               "could not serialize": another transaction won, repeat
        ├── Changed            the facts are no longer those that were planned
        └── ServerBug          Odoo failed with a traceback

A record that needs a person is no exception: it is a row in the plan, and exit code 1.
Messages carry ids, keys and line numbers; never passwords, keys, whole IBANs or bodies.
"""

from __future__ import annotations

from mappings.errors import BalanceMismatch, InputError, LimitExceeded, MalformedFile, UnknownFormat, WerkstroomError

__all__ = [
    "AccessDenied", "AuthenticationFailed", "BalanceMismatch", "Busy", "Changed", "ConfigError", "InputError",
    "LimitExceeded", "MalformedFile", "MissingFeature", "MissingRecord", "OdooError", "OutcomeUnknown", "Refused",
    "ServerBug", "UnknownFormat", "Unreachable", "ValidationFailed", "WerkstroomError",
]


class ConfigError(WerkstroomError):
    """A setting is missing, unknown or wrong; the message names file and field."""

    exit_code = 2
    code = "config"


class OdooError(WerkstroomError):
    """Something between us and Odoo; `model` and `method` name the call."""

    code = "odoo"

    def __init__(self, message: str, *, model: str = "", method: str = "", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.model = model
        self.method = method


class Unreachable(OdooError):
    """The request never reached the server, or a read got no answer however often it was sent."""

    exit_code = 4
    code = "unreachable"


class OutcomeUnknown(OdooError):
    """A write was sent and its answer lost; it may have been committed, or may still be."""

    exit_code = 5
    code = "outcome_unknown"


class Refused(OdooError):
    """Odoo said no; its transaction was rolled back."""

    exit_code = 6
    code = "refused"


class AuthenticationFailed(Refused):
    """Login, password or API key is wrong, or the database does not exist."""

    code = "authentication_failed"


class AccessDenied(Refused):
    """The user lacks a right."""

    code = "access_denied"


class ValidationFailed(Refused):
    """A rule of Odoo's (constraint, lock date, state) forbids it."""

    code = "validation_failed"


class MissingRecord(Refused):
    """The record was deleted."""

    code = "missing_record"


class MissingFeature(Refused):
    """A module, model, field or method is not there on this server."""

    code = "missing_feature"


class Busy(Refused):
    """Another transaction won; sending the same call again is harmless and expected."""

    code = "busy"


class Changed(Refused):
    """The facts are no longer those that were planned; nothing was written."""

    code = "changed"


class ServerBug(Refused):
    """Odoo failed with a traceback; the last line of it is in the message."""

    code = "server_bug"
