"""Settings: where they come from, which wins, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector import config
from connector.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "werkstroom.example.toml"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("WERKSTROOM_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "werkstroom.toml"
    file.write_text(text, "utf-8")
    return file


def test_the_example_holds_every_field_with_its_default() -> None:
    settings, defaults = config.load(EXAMPLE), config.Settings()
    assert settings.company == defaults.company
    assert settings.payments.model_copy(update={"out_dir": Path("out")}) == defaults.payments
    text = EXAMPLE.read_text("utf-8")
    for section in (config.Odoo, config.Company, config.Payments):
        for field in section.model_fields:
            assert f"{field} = " in text, f"{field} is not in werkstroom.example.toml"


def test_environment_wins_over_profile_over_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, '[odoo]\nurl = "https://a"\ndb = "a"\nuser = "a"\n[payments]\njournal = "BNK2"\n'
                    '[profiles.acme]\nodoo = { db = "acme" }\npayments = { journal = "BNK3" }\n')
    assert config.load().odoo.db == "a"
    assert config.load(profile="acme").odoo.db == "acme"
    assert config.load(profile="acme").odoo.url == "https://a"
    monkeypatch.setenv("WERKSTROOM_DB", "env")
    monkeypatch.setenv("WERKSTROOM_PAYMENTS__JOURNAL", "BNK9")
    monkeypatch.setenv("WERKSTROOM_PAYMENTS__INCLUDE", "bills,salaries")
    monkeypatch.setenv("WERKSTROOM_COMPANY", "Voorbeeld BV")
    settings = config.load(profile="acme")
    assert (settings.odoo.db, settings.payments.journal, settings.odoo.company) == ("env", "BNK9", "Voorbeeld BV")
    assert settings.payments.include == ("bills", "salaries")


@pytest.mark.parametrize(("text", "names"), [
    ("[payments]\njornal = 'BNK1'\n", "payments.jornal: unknown field"),
    ("[paymets]\njournal = 'BNK1'\n", "paymets: unknown field"),
    ("[odoo]\ntimeouts = { connect = 0 }\n", "odoo.timeouts.connect"),
    ("[odoo]\npassword = 'x'\n", "a password does not belong"),
    ("[odoo\n", "cannot be read"),
])
def test_a_mistake_is_named_by_file_and_field(tmp_path: Path, text: str, names: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError, match=names) as caught:
        config.load(file)
    assert "werkstroom.toml" in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_unknown_profile_and_a_missing_file_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no profile"):
        config.load(write(tmp_path, ""), profile="acme")
    with pytest.raises(ConfigError, match="no settings file"):
        config.load(tmp_path / "nowhere.toml")


def test_relative_paths_count_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    settings = config.load(write(tmp_path / "sub", "[payments]\nout_dir = 'files'\n"))
    assert settings.payments.out_dir == tmp_path / "sub" / "files"


def test_the_password_comes_from_environment_file_or_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from the file\nsecond line\n", "utf-8")
    secret.chmod(0o600)
    settings = config.load(write(tmp_path, "[odoo]\npassword_file = 'secret'\n"))
    assert settings.secret() == "from the file"
    secret.chmod(0o640)
    with pytest.raises(ConfigError, match="read by others"):
        settings.secret()
    assert config.load(write(tmp_path, "[odoo]\npassword_command = ['echo', 'from a command']\n")).secret() == \
        "from a command"
    monkeypatch.setenv("WERKSTROOM_API_KEY", "a key")
    settings = config.load()
    assert settings.secret() == "a key"
    assert "a key" not in repr(settings) + settings.model_dump_json()


def test_without_a_password_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="WERKSTROOM_PASSWORD"):
        config.load(write(tmp_path, "")).secret()
    with pytest.raises(ConfigError, match="WERKSTROOM_URL"):
        config.load(write(tmp_path, "")).require_server()
