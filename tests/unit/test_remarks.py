"""A word or two into an answer: what makes it stop, what does not, and what is our own voice."""

import pytest

from wyoming_servers.satellite.remarks import Remark, Remarks

WEATHER = "Tomorrow is mostly cloudy, with some rain in the afternoon and a high of fourteen degrees."


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Stop."),
        ("en-GB", "stop talking"),
        ("en", "okay, stop, please"),
        ("en", "stop stop stop"),
        ("en", "never mind"),
        ("de", "Stopp!"),
        ("de", "Hör auf zu reden"),
        ("nl", "hou op"),
        ("fr", "arrête"),
        ("fr", "tais-toi"),
        ("es", "¡cállate ya!"),
        ("it", "Basta così."),
        ("xx", "stop"),
    ],
)
def test_it_is_told_to_stop(language: str, text: str) -> None:
    assert Remarks(language).judge(text, WEATHER) is Remark.STOP


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", ""),
        ("en", "Uh-huh."),
        ("en", "okay, I see"),
        ("en", "Mm-hmm, right."),
        ("de", "ach so"),
        ("nl", "oké ja"),
        ("fr", "d'accord"),
        ("es", "ya veo"),
        ("it", "va bene"),
    ],
)
def test_what_is_said_by_the_way_interrupts_nothing(language: str, text: str) -> None:
    assert Remarks(language).judge(text, WEATHER) is Remark.NOTHING


@pytest.mark.parametrize("text", ["don't stop", "stop the kitchen timer", "what about the weekend", "and tomorrow", "turn it off"])
def test_other_words_are_meant_for_us(text: str) -> None:
    assert Remarks("en").judge(text, WEATHER) is Remark.WORDS


@pytest.mark.parametrize("text", ["rain", "some rain in the afternoon", "mostly cloud is with some rain in the after noon and a high"])
def test_our_own_voice_is_nothing(text: str) -> None:
    assert Remarks("en").judge(text, WEATHER) is Remark.NOTHING


def test_a_stop_that_we_say_ourselves_does_not_stop_us() -> None:
    assert Remarks("en").judge("stop", "It rings until you say stop.") is Remark.NOTHING
