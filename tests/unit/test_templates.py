"""Sentence templates: merging, the house's names, what is kept for speech, and errors that name the file."""

from pathlib import Path

import hassil
import pytest

from wyoming_servers.shared import templates
from wyoming_servers.shared.errors import SettingsError, UnsupportedLanguageError
from wyoming_servers.shared.house import Area, Device, House

HOUSE = House(
    areas=(Area("Kitchen", ("Galley",)),),
    devices=(Device("Bed Light", "light"), Device("Sliding Door", "cover", "Kitchen")),
    places=("New York",),
)


def write(folder: Path, text: str) -> Path:
    path = folder / "en" / "own.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return folder


def own(folder: Path, sentence: str) -> Path:
    return write(folder, f'language: en\nintents:\n  Own:\n    data:\n      - sentences: ["{sentence}"]\n')


def recognize(loaded: templates.Templates, text: str) -> hassil.RecognizeResult | None:
    return hassil.recognize_best(text, loaded.intents, slot_lists=loaded.slot_lists)


def test_text_scope_understands_home_assistants_sentences() -> None:
    found = recognize(templates.load("en", HOUSE, [], scope="text"), "set a timer for twenty five minutes")
    assert found is not None and found.entities["minutes"].value == 25


def test_a_device_is_found_by_name_with_its_domain_and_area() -> None:
    found = recognize(templates.load("en", HOUSE, [], scope="text"), "open the sliding door")
    assert found is not None and found.entities["name"].metadata == {"domain": "cover", "area": "Kitchen"}


def test_an_alias_leads_to_the_areas_name() -> None:
    found = recognize(templates.load("en", HOUSE, [], scope="text"), "turn on the galley lights")
    assert found is not None and found.entities["area"].value == "Kitchen"


def test_a_timer_name_is_open_in_text() -> None:
    found = recognize(templates.load("en", HOUSE, [], scope="text"), "cancel the moussaka timer")
    assert found is not None and found.entities["name"].value == "moussaka"


def test_own_sentences_are_merged(tmp_path: Path) -> None:
    loaded = templates.load("en", HOUSE, [own(tmp_path, "brew [some] {timer_name} now")], scope="speech")
    assert recognize(loaded, "brew some tea now").intent.name == "Own"


def test_language_tags_of_a_region_are_the_language() -> None:
    assert templates.load("en_GB", HOUSE, [], scope="speech").language == "en"


def test_a_language_without_templates_is_refused() -> None:
    with pytest.raises(UnsupportedLanguageError, match="xx"):
        templates.load("xx", HOUSE, [], scope="text")


def test_speech_scope_has_no_sentences_for_devices_that_do_not_exist() -> None:
    loaded = templates.load("en", House(), [], scope="speech")
    assert not {"HassTurnOn", "HassLightSet", "HassGetWeather", "HassMediaNext"} & set(loaded.intents.intents)


def test_speech_scope_keeps_sentences_for_devices_that_exist() -> None:
    loaded = templates.load("en", HOUSE, [], scope="speech")
    assert {"HassTurnOn", "HassLightSet", "HassGetWeather", "HassStartTimer"} <= set(loaded.intents.intents)


def test_speech_scope_has_no_open_lists() -> None:
    loaded = templates.load("en", HOUSE, [], scope="speech")
    lists = {**loaded.intents.slot_lists, **loaded.slot_lists}
    assert not [name for name, values in lists.items() if isinstance(values, hassil.WildcardSlotList)]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("language: en\nintents: [", "not YAML"),
        ("language: de\n", "language: 'de'"),
        ("language: en\nsentences: []\n", "sentences: extra keys not allowed"),
        ("language: en\nintents:\n  Own:\n    data:\n      - sentence: [x]\n", "intents.Own.data.0"),
        ("language: en\nintents:\n  Own:\n    data:\n      - sentences: ['brew (tea']\n", "not a template"),
        ("language: en\nintents:\n  Own:\n    data:\n      - sentences: ['brew {drink}']\n", "list {drink}"),
        ("language: en\nintents:\n  Own:\n    data:\n      - sentences: ['brew <drink>']\n", "rule <drink>"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        templates.load("en", HOUSE, [write(tmp_path, text)], scope="text")
    assert "own.yaml" in str(caught.value) and complaint in str(caught.value)
