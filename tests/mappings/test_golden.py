from __future__ import annotations

import pytest

from tests.golden import __main__ as command
from tests.golden import rewrite


def test_the_golden_files_are_what_the_code_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pathlib.Path.write_bytes", lambda path, data: None)
    assert rewrite() == []


def test_rewriting_is_deliberate_and_never_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "rewrite", list)
    assert command.main([], {}) == 2
    assert command.main(["--rewrite"], {"CI": "true"}) == 2
    assert command.main(["--rewrite"], {}) == 0
