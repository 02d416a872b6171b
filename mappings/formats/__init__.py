"""File formats, one module each, recognised by what is in the file; the registry has one line a format."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Protocol

from mappings.errors import InputError, UnknownFormat
from mappings.formats import triodos_csv_nl
from mappings.formats.foreign import looks_like
from mappings.statement import Statement

HEAD = 64 * 1024


class StatementFormat(Protocol):
    """What a module of a statement format has."""

    __name__: str

    NAME: str

    def recognise(self, head: bytes) -> bool:
        """Whether a file whose first 64 KiB are `head` is of this format."""

    def parse(self, stream: BinaryIO, *, source: str = "<stream>") -> Iterator[Statement]:
        """Read the statements of one file, one at a time."""


STATEMENT_FORMATS: tuple[StatementFormat, ...] = (
    triodos_csv_nl,
)


def recognise(head: bytes, *, source: str = "<stream>") -> StatementFormat:
    """The format of a file, by its first 64 KiB.

    Raises:
        UnknownFormat: no format claims it (says what it looks like), or two do.
    """
    claims = [each for each in STATEMENT_FORMATS if each.recognise(head)]
    if len(claims) == 1:
        return claims[0]
    if claims:
        raise UnknownFormat(f"{' and '.join(each.NAME for each in claims)} both claim it.", source=source,
                            remedy="Please report this; nothing was read.")
    what = looks_like(head)
    raise UnknownFormat(f"this looks like {what}." if what else "no format recognises this file.", source=source,
                        remedy=f"Supported: {', '.join(each.NAME for each in STATEMENT_FORMATS)}. Give the file as "
                        "the bank's web page hands it out.")


def recognise_file(path: str | PathLike[str]) -> StatementFormat:
    """The format of a file on disk.

    Raises:
        InputError: the file cannot be opened.
        UnknownFormat: as `recognise`.
    """
    with _open(path) as stream:
        return recognise(stream.read(HEAD), source=str(path))


def open_statements(path: str | PathLike[str]) -> Iterator[Statement]:
    """Read the statements of a file of any known format, one at a time; nothing is opened before the first is asked.

    Raises:
        InputError: the file cannot be opened.
        UnknownFormat: as `recognise`.
        MalformedFile: a row or element cannot be read.
        LimitExceeded: larger than we are willing to read.
    """
    with _open(path) as stream:
        found = recognise(stream.read(HEAD), source=str(path))
        stream.seek(0)
        yield from found.parse(stream, source=str(path))


def _open(path: str | PathLike[str]) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise InputError(f"it cannot be opened: {error.strerror}.", source=str(path)) from error
