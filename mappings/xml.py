"""The one XML parser: no DTD, no entities, no network, bounded size and depth; and ISO's schemas, guarded by digest."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import BinaryIO

from lxml import etree

from mappings.errors import LimitExceeded, MalformedFile, WerkstroomError
from mappings.party import mask_ibans

MAX_BYTES = 128 * 1024 * 1024  # 100,000 payments, the most a Dutch bank takes (ABN AMRO), are 50 MB

# ISO's files as the `sepaxml` distribution carries them: not ours to commit, so pinned by what they were when read.
_SCHEMAS = {"pain.001.001.09": "de038b373e47b0077b1832ddd81f4b2f1eb25d35721f62da1e38b7f5a09fda24"}


# With a schema, lxml words its messages "line 1: b'…'".
_LXML_PREFIX = re.compile(r"^line \d+: b['\"](.*)['\"]$")


class _Bounded:
    """A stream that refuses to give more than MAX_BYTES."""

    def __init__(self, stream: BinaryIO, source: str) -> None:
        self._stream, self._source, self._left = stream, source, MAX_BYTES

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise LimitExceeded(f"larger than {MAX_BYTES // 1024 ** 2} MiB.", source=self._source)
        return data


def elements(stream: BinaryIO, tags: Collection[str], *, schema: etree.XMLSchema | None = None,
             source: str = "<stream>") -> Iterator[etree._Element]:
    """Read a document piece by piece, checked against the schema while it is read.

    Args:
        stream: XML in any encoding it declares, at most 128 MiB and 256 elements deep (libxml2's own bound).
        tags: the elements to hand out, as "{namespace}name".
        source: the name used in error messages.
    Yields:
        Each such element when it ends, inner ones first. It is emptied and taken out of its parent before the next
        one comes, so memory stays flat: take what you need at once. A fault further on shows only when it is reached:
        trust nothing before the iterator is exhausted.
    Raises:
        MalformedFile: not well-formed, not valid, or with a DTD (names the line; IBANs are masked).
        LimitExceeded: larger than we are willing to read.
    """
    # "internal" and not False: with False and a schema, lxml 6.1.3 keeps silent about a file that is cut off. Nothing
    # is resolved all the same, for entities need the DTD that is refused below, and external ones are never loaded.
    events = etree.iterparse(  # type: ignore[call-overload]  # the stubs do not know "internal"
        _Bounded(stream, source), events=("start", "end"), schema=schema, resolve_entities="internal", no_network=True,
        load_dtd=False, dtd_validation=False, attribute_defaults=False, huge_tree=False, remove_comments=True,
        remove_pis=True)
    done: etree._Element | None = None
    root_seen = False
    try:
        for event, element in events:
            if not root_seen:
                root_seen = True
                if element.getroottree().docinfo.doctype:
                    raise MalformedFile("it has a DTD, which no bank file has.", source=source, line=1)
            if event == "end" and element.tag in tags:
                if done is not None:
                    _forget(done)
                yield element
                done = element
    except etree.XMLSyntaxError as error:
        message = _LXML_PREFIX.sub(r"\1", error.msg or "it is not well-formed")
        raise MalformedFile(f"{mask_ibans(message).rstrip('.')}.", source=source, line=error.lineno) from None


def _forget(element: etree._Element) -> None:
    parent = element.getparent()
    element.clear()
    if parent is not None:
        parent.remove(element)


@lru_cache
def schema(version: str) -> etree.XMLSchema:
    """The ISO schema of a message version, e.g. "pain.001.001.09".

    Raises:
        WerkstroomError: the version is not known, or the installed file is not the one this was checked against.
    Source:
        ISO 20022 message definitions, in the `sepaxml` distribution (used as a carrier of these files only).
    """
    if version not in _SCHEMAS:
        raise WerkstroomError(f"No schema for {version}.", remedy=f"Known: {', '.join(sorted(_SCHEMAS))}.")
    try:
        data = Path(str(distribution("sepaxml").locate_file(f"sepaxml/schemas/{version}.xsd"))).read_bytes()
    except (PackageNotFoundError, OSError):
        raise WerkstroomError(f"ISO's schema of {version} is not installed.",
                              remedy="Install werkstroom again; its dependency sepaxml carries the file.") from None
    if sha256(data).hexdigest() != _SCHEMAS[version]:
        raise WerkstroomError(f"The installed schema of {version} is not the one Werkstroom was checked against.",
                              remedy="Install sepaxml 2.7.0, or report this so that the new file is looked at.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.XMLSchema(etree.fromstring(data, parser))
