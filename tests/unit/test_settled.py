"""Text that only grows, made of hypotheses that may change."""

import random

import pytest

from wyoming_servers.asr.settled import SettledWords

WORDS = ("turn", "on", "off", "the", "light", "lights", "and", "a", "timer")


def added(after: int, *hypotheses: str) -> list[str]:
    settled = SettledWords(after)
    return [settled.add(hypothesis) for hypothesis in hypotheses]


def test_the_last_word_is_never_settled():
    assert added(1, "turn", "turn on", "turn on the") == ["", "turn", " on"]


def test_a_word_has_to_stand_in_as_many_hypotheses_as_asked_for():
    assert added(3, "turn on", "turn on the", "turn on the light") == ["", "", "turn"]


def test_a_word_that_changes_begins_anew():
    assert added(2, "turn on the", "turn off the", "turn off the light") == ["", "turn", " off"]


def test_a_hypothesis_that_takes_settled_words_back_settles_nothing_more():
    assert added(1, "turn on the", "turn off the light now") == ["turn on", ""]


def test_it_goes_on_once_the_settled_words_are_back():
    assert added(1, "turn on the", "turn off the light", "turn on the light now") == ["turn on", "", " the light"]


def test_an_empty_hypothesis_settles_nothing():
    assert added(1, "", " ", "turn") == ["", "", ""]


def test_spaces_do_not_matter():
    assert added(1, "  turn   on\nthe ") == ["turn on"]


@pytest.mark.parametrize(
    ("final", "rest"),
    [
        ("turn on the light", " the light"),
        ("turn on", ""),
        ("turn off the light", None),
        ("turn only", None),
        ("Turn on the light", None),
        ("turn", None),
        ("", None),
    ],
)
def test_the_rest_is_what_the_final_text_has_besides(final, rest):
    settled = SettledWords(1)
    settled.add("turn on the")
    assert settled.rest(final) == rest


@pytest.mark.parametrize("final", ["", "turn on"])
def test_when_nothing_is_settled_the_rest_is_everything(final):
    assert SettledWords(2).rest(final) == final


def walk(seed: int) -> tuple[list[str], random.Random]:
    """Hypotheses of a recogniser that adds words, and changes its mind about some."""
    chance = random.Random(seed)
    words: list[str] = []
    hypotheses = []
    for _ in range(chance.randint(1, 25)):
        if words and chance.random() < 0.3:
            del words[chance.randrange(len(words)) :]
        words += chance.choices(WORDS, k=chance.randint(0, 3))
        hypotheses.append(" ".join(words))
    return hypotheses, chance


@pytest.mark.parametrize("after", [1, 2, 3])
def test_property_what_is_added_joins_to_the_settled_text_and_is_a_prefix_of_some_hypothesis(after):
    for seed in range(300):
        hypotheses, _ = walk(seed)
        settled, joined = SettledWords(after), ""
        for hypothesis in hypotheses:
            joined += settled.add(hypothesis)
            assert joined == settled.text
        assert not joined or any(f"{hypothesis} ".startswith(f"{joined} ") for hypothesis in hypotheses)


@pytest.mark.parametrize("after", [1, 2, 3])
def test_property_settled_and_rest_join_to_the_final_text_or_it_takes_words_back(after):
    for seed in range(300):
        hypotheses, chance = walk(seed)
        settled = SettledWords(after)
        for hypothesis in hypotheses:
            settled.add(hypothesis)
        final = chance.choice((hypotheses[-1], f"{settled.text} {hypotheses[-1]}".strip()))
        rest = settled.rest(final)
        if rest is None:
            assert not f"{final} ".startswith(f"{settled.text} ")
        else:
            assert settled.text + rest == final


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_property_an_engine_that_only_adds_words_has_nothing_taken_back(after):
    for seed in range(300):
        chance = random.Random(seed)
        words = chance.choices(WORDS, k=chance.randint(1, 12))
        settled = SettledWords(after)
        for end in range(1, len(words) + 1):
            settled.add(" ".join(words[:end]))
        assert settled.rest(" ".join(words)) is not None
