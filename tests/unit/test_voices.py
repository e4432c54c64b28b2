"""Which voice a request gets, among the many of the embedded engine."""

import pytest

from wyoming_servers.shared.engines import EngineContext, Model
from wyoming_servers.shared.errors import InvalidRequestError, UnknownNameError, UnsupportedLanguageError
from wyoming_servers.tts.espeak import EspeakEngine
from wyoming_servers.tts.voices import choose_voice, spoken_language


@pytest.fixture(scope="module")
def models() -> list[Model]:
    return EspeakEngine.models(EspeakEngine.Options(), EngineContext(language="en"))


@pytest.mark.parametrize("asked", [None, {}, {"name": None}, {"name": ""}, {"language": None}, {"unknown": 1}])
def test_nothing_asked_is_the_default(models, asked):
    assert choose_voice(models, asked) == (models[0], None)


@pytest.mark.parametrize("name", ["en-gb", "EN-GB", "en_GB", " en-gb "])
def test_names_are_understood_in_any_spelling(models, name):
    assert choose_voice(models, {"name": name})[0].name == "en-gb"


@pytest.mark.parametrize(
    ("language", "voice"),
    [
        ("en", "en-us"),
        ("en-US", "en-us"),
        ("en-GB", "en-gb"),
        ("en_gb", "en-gb"),
        ("en-AU", "en-us"),
        ("en-GB-x-rp", "en-gb-x-rp"),
        ("de-CH", "de"),
        ("fr", "fr-fr"),
        ("fr-CA", "fr-fr"),
        ("fr-CH", "fr-ch"),
        ("es-MX", "es-419"),
        ("pt", "pt"),
        ("pt-BR", "pt-br"),
        ("zh", "cmn"),
        ("zh-CN", "cmn"),
        ("zh-Hans-CN", "cmn"),
        ("yue", "yue"),
        ("no", "nb"),
        ("nb-NO", "nb"),
    ],
)
def test_a_language_gets_the_voice_that_speaks_it_best(models, language, voice):
    assert choose_voice(models, {"language": language})[0].name == voice


def test_a_name_counts_more_than_a_language(models):
    assert choose_voice(models, {"name": "de", "language": "fr"})[0].name == "de"


def test_a_speaker_without_a_name_is_one_of_the_default_voice(models):
    assert choose_voice(models, {"speaker": "f2"}) == (models[0], "f2")


def test_an_unknown_name_is_answered_with_similar_ones(models):
    with pytest.raises(UnknownNameError, match="'en-uk'.*en-us"):
        choose_voice(models, {"name": "en-uk"})


def test_an_unknown_language_is_answered_with_those_there_are(models):
    with pytest.raises(UnsupportedLanguageError, match="'xx'.*de, "):
        choose_voice(models, {"language": "xx"})


@pytest.mark.parametrize("speaker", ["nobody", "16", 16, -1, "-1", "1.5", "٣", "9" * 30])
def test_an_unknown_speaker_is_answered_with_those_there_are(models, speaker):
    with pytest.raises(UnknownNameError, match="f1, f2"):
        choose_voice(models, {"speaker": speaker})


def test_a_voice_with_one_speaker_says_so():
    with pytest.raises(UnknownNameError, match="only one"):
        choose_voice([Model("solo", "Solo", ("en",), "tests", "")], {"speaker": 0})


@pytest.mark.parametrize(
    "asked", ["en-us", ["en-us"], {"name": 5}, {"language": ["en"]}, {"speaker": True}, {"speaker": {}}, {"speaker": 1.5}]
)
def test_a_voice_of_the_wrong_type_is_refused(models, asked):
    with pytest.raises(InvalidRequestError, match="voice"):
        choose_voice(models, asked)


def test_a_long_unknown_name_is_cut_in_the_error(models):
    with pytest.raises(UnknownNameError) as caught:
        choose_voice(models, {"name": "\x1b[31m" + "x" * 5000})
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("languages", "asked", "house", "spoken"),
    [
        (("en-US", "en"), None, "en", "en-US"),
        (("en-US", "en"), {"language": "en"}, "de", "en-US"),
        (("en-US", "en"), None, "de", "en-US"),
        (("en-US", "en-GB"), {"language": "en_gb"}, "en", "en-GB"),
        (("en-US", "en-GB"), None, "en-GB", "en-GB"),
        (("en", "de", "fr"), {"language": "de-AT"}, "fr", "de"),
        (("en", "de", "fr"), {"name": "x"}, "fr-CA", "fr"),
        (("en", "de", "fr"), {"language": 5}, "xx", "en"),
    ],
)
def test_a_text_is_in_the_language_asked_for_else_in_the_houses_if_the_voice_speaks_it(languages, asked, house, spoken):
    assert spoken_language(Model("x", "X", languages, "tests", ""), asked, house) == spoken
