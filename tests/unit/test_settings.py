"""Settings: where they come from, which wins, and what a mistake says."""

from pathlib import Path

import pytest

from wyoming_servers.shared import settings
from wyoming_servers.shared.errors import SettingsError
from wyoming_servers.shared.settings import Source


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An owner without settings."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "earshot"


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "assistant.yaml"
    path.write_text(text)
    return path


def error_of(**environment: str) -> str:
    with pytest.raises(SettingsError) as caught:
        settings.load(environment=environment)
    return str(caught.value)


def test_defaults_stand_without_a_file() -> None:
    assert settings.load(environment={}).satellite.volume == 1.0


def test_every_server_has_its_usual_port() -> None:
    loaded = settings.load(environment={})
    assert [getattr(loaded, kind).uri for kind in ("tts", "asr", "wake", "handle")] == [
        f"tcp://[::]:{port}" for port in (10200, 10300, 10400, 10500)
    ]


def test_the_owners_file_is_read_from_its_usual_place(own_folder: Path) -> None:
    write(own_folder, "satellite: {volume: 0.5}")
    assert settings.load(environment={}).satellite.volume == 0.5


def test_the_environment_wins_over_the_file(own_folder: Path) -> None:
    write(own_folder, "satellite: {volume: 0.5}")
    assert settings.load(environment={"EARSHOT__SATELLITE__VOLUME": "0.7"}).satellite.volume == 0.7


def test_an_option_wins_over_the_environment() -> None:
    option = Source("--set", {"satellite": {"volume": 0.9}})
    assert settings.load(environment={"EARSHOT__SATELLITE__VOLUME": "0.7"}, overrides=[option]).satellite.volume == 0.9


def test_lists_of_the_house_become_dataclasses(own_folder: Path) -> None:
    write(own_folder, "house:\n  devices:\n    - {name: Bed Light, domain: light, area: Bedroom}\n")
    assert settings.load(environment={}).house.devices[0].name == "Bed Light"


def test_an_unknown_key_is_named_with_its_source_and_what_is_allowed() -> None:
    message = error_of(EARSHOT__SATELLITE__VOLUMEN="1")
    assert "EARSHOT__SATELLITE__VOLUMEN" in message and "'satellite.volumen'" in message and "volume" in message


def test_an_unknown_key_in_a_list_is_named(own_folder: Path) -> None:
    path = write(own_folder, "house: {areas: [{nme: Kitchen}]}")
    with pytest.raises(SettingsError, match=r"house\.areas\.0\.nme.*allowed here: name, aliases") as caught:
        settings.load(environment={})
    assert str(path) in str(caught.value)


def test_a_value_out_of_range_says_the_range() -> None:
    assert "satellite.volume: 9.0 is out of range (allowed: 0 to 2)" in error_of(EARSHOT__SATELLITE__VOLUME="9")


def test_a_wrong_type_says_what_was_wrong() -> None:
    assert "wake.streams: 'many' is not a whole number" in error_of(EARSHOT__WAKE__STREAMS="many")


def test_a_missing_file_that_was_asked_for_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        settings.load(tmp_path / "nowhere.yaml", environment={})


def test_a_file_that_is_not_yaml_is_an_error(own_folder: Path) -> None:
    write(own_folder, "a: [1")
    with pytest.raises(SettingsError, match="is not YAML"):
        settings.load(environment={})


def test_a_file_that_is_a_list_is_an_error(own_folder: Path) -> None:
    write(own_folder, "- a\n")
    with pytest.raises(SettingsError, match="must hold"):
        settings.load(environment={})


def test_null_from_an_option_is_the_word() -> None:
    assert settings.load(environment={"EARSHOT__SATELLITE__SPEAKER": "null"}).satellite.speaker == "null"


def test_null_in_a_file_is_refused_with_the_way_to_write_it(own_folder: Path) -> None:
    write(own_folder, "satellite: {speaker: null}")
    with pytest.raises(SettingsError, match='satellite.speaker: no value; write "" for empty, and "null" in quotes'):
        settings.load(environment={})
