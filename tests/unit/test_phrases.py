"""Sentences by language: plurals, lists, the owner's over the shipped ones."""

from pathlib import Path

import pytest

from wyoming_servers.handle.phrases import SectionPhrases, apology, read_responses
from wyoming_servers.shared import paths
from wyoming_servers.shared.errors import SettingsError

SECTIONS = {
    "common": {"and": "{first} and {last}", "cannot": {"default": "no", "HassTurn": "no turning", "HassTurnOn": "not on"}},
    "t": {"eggs": {"one": "{n} egg", "other": "{n} eggs"}, "hello": "Hello {who}."},
}
ENGLISH = SectionPhrases("en", SECTIONS, "t")


def write(folder: Path, text: str) -> Path:
    (folder / "en").mkdir(parents=True, exist_ok=True)
    (folder / "en" / "own.yaml").write_text(text)
    return folder


def test_plurals():
    assert [ENGLISH.count("eggs", number) for number in (0, 1, 2)] == ["0 eggs", "1 egg", "2 eggs"]


def test_in_french_nothing_is_singular():
    assert SectionPhrases("fr", SECTIONS, "t").count("eggs", 0) == "0 egg"


@pytest.mark.parametrize(("number", "said"), [(1, "1 jajko"), (2, "2 jajka"), (12, "12 jajek"), (22, "22 jajka"), (1.5, "1.5 jajka")])
def test_every_language_has_its_plurals(number, said):
    forms = {"one": "{n} jajko", "few": "{n} jajka", "many": "{n} jajek", "other": "{n} jajka"}
    assert SectionPhrases("pl", {"t": {"eggs": forms}}, "t").count("eggs", number) == said


def test_a_form_that_is_missing_is_the_other_one():
    assert SectionPhrases("pl", SECTIONS, "t").count("eggs", 2) == "2 eggs"


def test_a_number_may_have_a_sentence_of_its_own():
    assert SectionPhrases("fr", {"t": {"eggs": {1: "un œuf", "one": "{n} œuf", "other": "{n} œufs"}}}, "t").count("eggs", 1) == "un œuf"


def test_a_sentence_without_forms_is_the_same_for_every_number():
    assert SectionPhrases("en", {"t": {"sheep": "{n} sheep {where}"}}, "t").count("sheep", 1, n="one", where="here") == "one sheep here"


def test_forms_that_do_not_reach_are_an_error_that_says_what_is_missing():
    with pytest.raises(KeyError, match=r"no sentence t\.eggs: many in language 'pl'"):
        SectionPhrases("pl", {"t": {"eggs": {"one": "jajko"}}}, "t").count("eggs", 5)


def test_lists():
    assert [ENGLISH.join(["a", "b", "c"][:number]) for number in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_braces_in_a_name_are_only_text():
    assert ENGLISH.say("hello", who="{x}") == "Hello {x}."


def test_a_missing_sentence_is_an_error():
    with pytest.raises(KeyError):
        ENGLISH.say("goodbye")


def test_a_word_that_a_list_lacks_is_an_error_that_says_how_many_are_wanted():
    with pytest.raises(KeyError, match=r"t\.months \(a list of 12 words at least, there are 1\)"):
        SectionPhrases("sv", {"t": {"months": ["januari"]}}, "t").item("months", 11)


def test_the_longest_beginning_tells_why_not():
    assert [ENGLISH.cannot(intent) for intent in ("HassTurnOnAll", "HassTurnOff", "Else")] == ["not on", "no turning", "no"]


def test_the_owners_sentences_come_over_the_shipped_ones(tmp_path):
    own = write(tmp_path, "language: en\nresponses: {common: {unknown: Beats me.}}\n")
    common = read_responses("en", [paths.content("intents"), own])["common"]
    assert (common["unknown"], common["too_slow"]) == ("Beats me.", "That took too long.")


def test_a_wrong_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"own\.yaml: responses\.common"):
        read_responses("en", [write(tmp_path, "language: en\nresponses: {common: hello}\n")])


def test_home_assistants_apology_stands_in_for_a_language_without_sentences():
    assert apology("nl-BE") and apology("nl-BE") != apology("en")


@pytest.mark.parametrize("language", ["tlh", "", "../../etc", "en/../de", "x" * 1000])
def test_a_language_that_nobody_knows_has_no_apology(language):
    assert apology(language) == ""
