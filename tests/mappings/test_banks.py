from __future__ import annotations

import pytest

from mappings.banks import load, names
from mappings.errors import WerkstroomError
from mappings.formats.pain001 import VERSION
from mappings.party import is_bic


def test_every_profile_loads_and_names_its_sources() -> None:
    assert names() == ["generic", "triodos"]
    for name in names():
        profile = load(name)
        assert profile.name == name
        assert profile.pain_version == VERSION
        assert profile.max_transactions > 0
        assert profile.notes


def test_triodos() -> None:
    assert is_bic(load("triodos").bic)
    assert load("triodos").batch_booking is True


@pytest.mark.parametrize("name", ["ing", "", "../banks/triodos"])
def test_an_unknown_profile_names_the_known(name: str) -> None:
    with pytest.raises(WerkstroomError, match="generic, triodos"):
        load(name)
