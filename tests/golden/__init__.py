"""Golden pairs: each sample beside what we make of it, `<sample>.json`; and the bytes of payment files.

`python -m tests.golden --rewrite` writes them again; read the difference before you commit it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from mappings.formats import STATEMENT_FORMATS, recognise
from mappings.formats.pain001 import build_checked
from mappings.statement import check, to_json, twin_numbers
from tests.golden.orders import ORDERS

HERE = Path(__file__).parent


def samples() -> Iterator[Path]:
    """The samples of every statement format, which stand in a folder of the module's name."""
    for each in STATEMENT_FORMATS:
        folder = HERE / each.__name__.rpartition(".")[2]
        yield from sorted(path for path in folder.iterdir() if path.suffix != ".json")


def read(sample: Path) -> dict[str, object]:
    """What we make of a sample now."""
    found = recognise(sample.read_bytes()[:64 * 1024], source=sample.name)
    with sample.open("rb") as stream:
        statements = list(found.parse(stream, source=sample.name))
    return {
        "format": found.NAME,
        "statements": [to_json(statement) for statement in statements],
        "checks": [{"code": each.code, "ok": each.ok, "message": each.message}
                   for statement in statements for each in check(statement)],
        "keys": [f"{twin.digest}-{twin.k}" for statement in statements for twin in twin_numbers(statement)],
    }


def expected(sample: Path) -> Path:
    """The file that holds what we should make of a sample."""
    return sample.with_name(f"{sample.name}.json")


def rewrite() -> list[Path]:
    """Write every golden file as the code has it now; returns those that changed."""
    files = {expected(sample): (json.dumps(read(sample), indent=1, ensure_ascii=False) + "\n").encode()
             for sample in samples()}
    files |= {HERE / "pain001" / f"{name}.xml": build_checked(order) for name, order in ORDERS.items()}
    changed = [path for path, data in files.items() if not path.exists() or path.read_bytes() != data]
    for path in changed:
        path.write_bytes(files[path])
    return changed
