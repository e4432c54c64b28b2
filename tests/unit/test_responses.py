"""What a satellite says in the house's language."""

import pytest

from wyoming_servers.shared.responses import apologies


@pytest.mark.parametrize("language", ["de", "es", "fr", "it", "nl"])
def test_every_apology_is_said_in_the_houses_language(language: str) -> None:
    own, english = apologies(language), apologies("en")
    assert own.keys() == english.keys() and not set(own.values()) & set(english.values())


@pytest.mark.parametrize("language", ["pt-BR", "", "../en"])
def test_a_language_without_sentences_is_apologised_to_in_english(language: str) -> None:
    assert apologies(language) == apologies("en")


def test_a_region_has_its_languages_sentences() -> None:
    assert apologies("de_AT") == apologies("de")
