"""XML-RPC over one kept-alive `requests.Session`.

The standard library only marshals here. Its transport is not used: it silently sends a request a second time when
the connection drops, and a lost answer is no failure, since Odoo finishes and commits a call whose client is gone.
"""

from __future__ import annotations

import re
import time
import xmlrpc.client
from typing import Any
from xml.parsers.expat import ExpatError

import requests
import urllib3.exceptions

from connector.errors import (
    AccessDenied,
    AuthenticationFailed,
    Busy,
    MissingFeature,
    MissingRecord,
    OdooError,
    OutcomeUnknown,
    Refused,
    ServerBug,
    Unreachable,
    ValidationFailed,
)
from connector.transports.base import NO_VALUE, NoValue, Traffic
from connector.version import VERSION

MAX_ANSWER = 256 * 1024 * 1024
"""Bytes of one answer we are willing to hold; Odoo itself takes requests of 128 MiB at most (17–19)."""

# XML 1.0 has no place for these; xmlrpc.client writes them all the same and Odoo answers with a parser error.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")

# Fault code 1 is "failed and rolled back" or "committed, but the value cannot be marshalled": where the traceback
# ends tells (facts: odoo-api.md, trap 4).
_NOT_MARSHALLED = re.compile(
    r"File \"[^\"]*xmlrpc[/\\]client\.py\", line \d+, in (?:dumps|__dump|dump_\w+)\n[^\n]*\n"
    r"TypeError: (?:cannot marshal|dictionary key must be string)[^\n]*$")


class XmlRpc:
    """The default transport below Odoo 19. One instance per thread."""

    def __init__(self, url: str, *, connect_timeout: float = 10, read_timeout: float = 150,
                 verify: bool | str = True) -> None:
        self.url = url.rstrip("/")
        self.traffic = Traffic()
        self._timeouts = (connect_timeout, read_timeout)
        self._http = requests.Session()
        # Environment variables like REQUESTS_CA_BUNDLE and ~/.netrc would override the settings unseen.
        self._http.trust_env = False
        self._http.verify = verify
        self._http.headers.update({"User-Agent": f"werkstroom/{VERSION}", "Content-Type": "text/xml; charset=utf-8"})

    def version(self) -> dict[str, Any]:
        """Return the server's version record."""
        answer = self._request("common", "version", ())
        return answer if isinstance(answer, dict) else {}

    def authenticate(self, db: str, login: str, secret: str) -> int | None:
        """Return the user's id, or None when login or secret is wrong."""
        try:
            uid = self._request("common", "authenticate", (db, login, secret, {}))
        except ServerBug as error:
            if "database" in error.message and "does not exist" in error.message:
                raise AuthenticationFailed(f'There is no database "{db}" on {self.url}.',
                                           remedy="Correct [odoo] db (WERKSTROOM_DB).") from error
            raise
        return uid if isinstance(uid, int) and uid else None

    def execute(self, db: str, uid: int, secret: str, model: str, method: str,
                args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Call a public method of a model; see :class:`connector.transports.base.Transport`."""
        try:
            return self._request("object", "execute_kw", (db, uid, secret, model, method, args, kwargs))
        except OdooError as error:
            error.model, error.method = model, method
            raise

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def _request(self, service: str, method: str, params: tuple[Any, ...]) -> Any:
        body = _marshal(params, method)
        started = time.monotonic()
        self.traffic.calls += 1
        self.traffic.bytes_sent += len(body)
        try:
            content = self._post(f"{self.url}/xmlrpc/2/{service}", body)
        finally:
            self.traffic.seconds += time.monotonic() - started
        self.traffic.bytes_received += len(content)
        return _unmarshal(content, self.url)

    def _post(self, url: str, body: bytes) -> bytes:
        """Send once; tell "not sent" from "sent, no answer"."""
        try:
            response = self._http.post(url, data=body, timeout=self._timeouts, allow_redirects=False, stream=True)
            content = response.raw.read(MAX_ANSWER + 1, decode_content=True)
            self._check_length(response, content)
        except (requests.exceptions.SSLError, requests.exceptions.ConnectTimeout, requests.exceptions.InvalidURL,
                requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema) as error:
            raise Unreachable(f"{self.url} cannot be reached ({_reason(error)}).",
                              remedy="Check [odoo] url, the network and the certificate.") from error
        except requests.exceptions.ConnectionError as error:
            if _never_connected(error):
                raise Unreachable(f"{self.url} cannot be reached ({_reason(error)}).",
                                  remedy="Is the server running? Check [odoo] url.") from error
            raise OutcomeUnknown(f"{self.url} closed the connection before it answered.",
                                 remedy="Run the command again.") from error
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise OutcomeUnknown(f"{self.url} did not answer ({_reason(error)}).",
                                 remedy="Run the command again.") from error
        if response.status_code != 200:
            self._raise_for_status(response)
        return content

    @staticmethod
    def _check_length(response: requests.Response, content: bytes) -> None:
        if len(content) > MAX_ANSWER:
            raise OutcomeUnknown("The answer is larger than 256 MiB.", remedy="Read less at a time.")
        expected = response.headers.get("Content-Length")
        if expected and not response.headers.get("Content-Encoding") and len(content) < int(expected):
            raise OutcomeUnknown("The answer was cut off.", remedy="Run the command again.")

    def _raise_for_status(self, response: requests.Response) -> None:
        status = response.status_code
        if status in (301, 302, 303, 307, 308):
            raise Refused(f"{self.url} redirects to {response.headers.get('Location', '?')}.",
                          remedy="Put the final address in [odoo] url.")
        if status == 404:
            raise Refused(f"{self.url} answers 404: no Odoo with XML-RPC there.", remedy="Check [odoo] url.")
        if status >= 500:
            # A proxy's 502/503/504 may come after Odoo has taken the call.
            raise OutcomeUnknown(f"{self.url} answers HTTP {status}.", remedy="Run the command again.")
        raise Refused(f"{self.url} answers HTTP {status}.", remedy="Check [odoo] url and what stands in between.")


def _marshal(params: tuple[Any, ...], method: str) -> bytes:
    text = xmlrpc.client.dumps(params, method, encoding="utf-8")
    if found := _CONTROL.search(text):
        raise ValidationFailed(f"A text holds the control character {ord(found.group()):#04x}, which Odoo cannot take.",
                               remedy="Remove it from the file or record it came from.")
    return text.encode()


def _unmarshal(content: bytes, url: str) -> Any:
    if b"<!DOCTYPE" in content[:2048].upper() or b"<!ENTITY" in content:
        raise OutcomeUnknown(f"{url} answered with a page instead of XML-RPC.",
                             remedy="Does a proxy or login page stand in between?")
    try:
        values, _ = xmlrpc.client.loads(content, use_builtin_types=True)
    except xmlrpc.client.Fault as fault:
        return _value_or_raise(fault)
    except (ExpatError, xmlrpc.client.Error, ValueError, TypeError, IndexError) as error:
        raise OutcomeUnknown(f"{url} gave an answer that cannot be read.", remedy="Run the command again.") from error
    return values[0]


def _value_or_raise(fault: xmlrpc.client.Fault) -> NoValue:
    text = str(fault.faultString).strip()
    code = fault.faultCode
    if code == 1 and _NOT_MARSHALLED.search(text):
        return NO_VALUE
    last = text.splitlines()[-1] if text else ""
    if "could not serialize access" in text or "could not obtain lock" in text or "deadlock detected" in text:
        raise Busy("Odoo is busy with the same record.") from fault
    if code == 3:
        raise AuthenticationFailed("Odoo refuses the login.",
                                   remedy="Check user and password or API key.") from fault
    if code == 4:
        raise AccessDenied(_sentence(text), remedy="Ask the administrator for the right.") from fault
    if code == 2:
        if "does not exist or has been deleted" in text:
            raise MissingRecord(_sentence(text)) from fault
        if re.match(r"Object [\w.]+ doesn't exist", text):
            raise MissingFeature(_sentence(text), remedy="Is the module installed?") from fault
        raise ValidationFailed(_sentence(text)) from fault
    raise ServerBug(f"Odoo failed: {_sentence(last)}") from fault


def _sentence(text: str) -> str:
    """Fold Odoo's message to one line."""
    return " ".join(text.split())


def _never_connected(error: requests.exceptions.ConnectionError) -> bool:
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return isinstance(reason, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.NameResolutionError))


def _reason(error: BaseException) -> str:
    return type(error).__name__
