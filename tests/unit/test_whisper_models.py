"""Which Whisper model is taken, and what the models on this machine hear."""

from pathlib import Path

import pytest
from made_whisper import Hearing, make_whisper
from rigged import bare_context

from wyoming_servers.asr.whisper import FasterWhisperEngine, FasterWhisperOptions
from wyoming_servers.shared.engines import EngineContext, Model
from wyoming_servers.shared.errors import EngineUnavailableError
from wyoming_servers.shared.models import ModelStore
from wyoming_servers.shared.settings import ModelsSection

GERMAN = Hearing("wie spät ist es", speaks="de")


def context(folder: Path, *names: str, language: str = "en", **hearing: Hearing) -> EngineContext:
    """A house with these models; English ones, unless `hearing` says what they hear."""
    for name in (*names, *hearing):
        make_whisper(folder / "models" / "faster-whisper" / name, hearing.get(name, Hearing()))
    return bare_context(folder, language=language)


def listed(context: EngineContext, **options) -> list[Model]:
    return FasterWhisperEngine.models(FasterWhisperOptions(**options), context)


def fetching(folder: Path, language: str) -> EngineContext:
    """A house without models that may download them."""
    return EngineContext(language=language, store=ModelStore(ModelsSection(folder=str(folder))))


@pytest.mark.parametrize(
    ("preset", "language", "name"),
    [
        ("fast", "en", "tiny.en"),
        ("fast", "en-GB", "tiny.en"),
        ("fast", "de", "tiny"),
        ("robust", "en_US", "base.en"),
        ("robust", "nb", "base"),
    ],
)
def test_a_preset_names_the_model_of_the_language_to_be_fetched(tmp_path, preset, language, name):
    model, *others = listed(fetching(tmp_path, language), preset=preset)
    assert (model.name, model.installed, others) == (name, False, [])


@pytest.mark.parametrize("options", [{"detect_language": True}, {"task": "translate"}])
def test_what_needs_other_languages_gets_a_multilingual_model(tmp_path, options):
    assert listed(fetching(tmp_path, "en"), **options)[0].name == "tiny"


def test_a_language_whisper_does_not_hear_says_which_it_does(tmp_path):
    with pytest.raises(EngineUnavailableError, match="'tlh'.*de"):
        listed(fetching(tmp_path, "tlh"))


def test_nothing_on_disk_and_no_download_says_what_to_do(tmp_path):
    with pytest.raises(EngineUnavailableError, match=r"tiny\.en"):
        listed(bare_context(tmp_path))


def test_what_is_on_disk_is_taken_before_anything_is_fetched(tmp_path):
    assert listed(context(tmp_path, "base.en"))[0].name == "base.en"


def test_of_those_on_disk_the_presets_best_is_taken(tmp_path):
    assert [model.name for model in listed(context(tmp_path, "small.en", "tiny.en", "base.en"))] == ["tiny.en", "base.en", "small.en"]


def test_a_model_of_the_owners_own_is_taken_when_there_is_no_other(tmp_path):
    assert listed(context(tmp_path, "my-voice"))[0].name == "my-voice"


def test_robust_is_not_content_with_tiny(tmp_path):
    with pytest.raises(EngineUnavailableError, match=r"base\.en"):
        listed(context(tmp_path, "tiny.en"), preset="robust")


def test_an_english_model_is_passed_over_in_a_house_of_another_language(tmp_path):
    assert listed(context(tmp_path, "tiny.en", language="de", small=GERMAN))[0].name == "small"


def test_an_english_model_that_is_named_in_such_a_house_is_refused(tmp_path):
    with pytest.raises(EngineUnavailableError, match=r"tiny\.en does not hear 'de'"):
        listed(context(tmp_path, "tiny.en", language="de"), model="tiny.en")


def test_a_folder_elsewhere_can_be_named(tmp_path):
    folder = make_whisper(tmp_path / "elsewhere" / "mine")
    model = listed(bare_context(tmp_path), model=str(folder))[0]
    assert (model.name, model.installed) == ("mine", True)


@pytest.mark.parametrize("missing", ["model.bin", "tokenizer.json"])
def test_a_folder_that_lacks_a_file_is_refused(tmp_path, missing):
    """faster-whisper would fetch a tokenizer by itself."""
    folder = make_whisper(tmp_path / "mine")
    (folder / missing).unlink()
    with pytest.raises(EngineUnavailableError, match=missing):
        listed(bare_context(tmp_path), model=str(folder))


def test_a_folder_that_lacks_a_file_is_not_listed(tmp_path):
    here = context(tmp_path, "tiny.en", "base.en")
    (tmp_path / "models" / "faster-whisper" / "base.en" / "model.bin").unlink()
    assert [model.name for model in listed(here)] == ["tiny.en"]


def test_an_english_model_is_known_by_its_vocabulary_too(tmp_path):
    models = listed(context(tmp_path, "tiny.en", "mine", yours=GERMAN))
    assert {model.name: "de" in model.languages for model in models} == {"tiny.en": False, "mine": False, "yours": True}


def test_a_vocabulary_may_be_a_list_of_lines(tmp_path):
    folder = make_whisper(tmp_path / "yours", GERMAN)
    (folder / "vocabulary.json").unlink()
    (folder / "vocabulary.txt").write_text("the\n\n<|endoftext|>\n", encoding="utf-8")
    assert "de" in listed(bare_context(tmp_path), model=str(folder))[0].languages


@pytest.mark.parametrize("language", ["en_GB", "nb", "no", "jv", "fil", "zh", "he"])
def test_languages_are_listed_as_clients_write_them(tmp_path, language):
    assert language in listed(context(tmp_path, tiny=GERMAN))[0].languages
