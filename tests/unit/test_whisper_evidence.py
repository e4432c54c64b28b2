"""Which texts of Whisper are believed."""

import pytest

from wyoming_servers.asr.whisper_evidence import _CREDITS, _FAREWELLS, _POLITE, Evidence, Limits, confidence, doubt, normal, repeats

LIMITS = Limits(no_speech=0.6, logprob=-1.0, repetition=2.4)
SECONDS = 2.0


def doubted(text: str, logprob: float = -0.2, no_speech: float = 0.05, speech_s: float = SECONDS, prompt: str = "") -> bool:
    return bool(doubt(Evidence(text, logprob, no_speech, speech_s, prompt), LIMITS))


@pytest.mark.parametrize("text", ["what time is it", "Turn on the light.", "Thank you.", "stop", "いま何時ですか", "no no no", "ok"])
def test_what_is_said_clearly_is_believed(text):
    assert not doubted(text)


def test_an_unsure_text_is_believed_when_somebody_speaks():
    assert not doubted("Turn on the light.", logprob=-1.2, no_speech=0.1)


def test_a_sure_text_is_believed_even_if_nobody_seems_to_speak():
    assert not doubted("Turn on the light.", logprob=-0.3, no_speech=0.9)


def test_an_unsure_text_is_dropped_when_nobody_seems_to_speak():
    assert doubted("Turn on the light.", logprob=-1.2, no_speech=0.7)


def test_a_guess_is_dropped():
    assert doubted("Turn on the light.", logprob=-1.6)


def test_a_text_that_repeats_itself_is_dropped():
    assert doubted("I don't know. " * 12)


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for watching!",
        "Thanks for watching. Please subscribe.",
        "Subtitles by the Amara.org community",
        "Untertitel der Amara.org-Community",
        "Untertitelung des ZDF, 2020",
        "Sous-titres réalisés para la communauté d'Amara.org",
        "Merci d'avoir regardé cette vidéo !",
        "¡Gracias por ver el video!",
        "Sottotitoli creati dalla comunità Amara.org",
        "Obrigado por assistir!",
        "Ondertitels ingediend door de Amara.org gemeenschap",
        "Субтитры сделал DimaTorzok",
        "Продолжение следует...",
        "Altyazı M.K.",
        "İzlediğiniz için teşekkür ederim.",
        "ご視聴ありがとうございました。",
        "谢谢观看！",
        "字幕由Amara.org社区提供",
        "시청해주셔서 감사합니다!",
    ],
)
def test_the_end_of_videos_is_dropped_unless_everything_speaks_for_it(text):
    assert doubted(text, logprob=-0.4)
    assert doubted(text, no_speech=0.3)
    assert not doubted(text, logprob=-0.1, no_speech=0.01, speech_s=3.0)


@pytest.mark.parametrize(
    "text", ["Thank you.", "Thank you. Thank you.", "Bye bye!", "you", "Vielen Dank.", "Merci.", "ありがとうございました。"]
)
def test_thanks_are_dropped_only_when_something_speaks_against_them(text):
    assert not doubted(text, logprob=-0.5, no_speech=0.3)
    assert doubted(text, logprob=-0.8)
    assert doubted(text, no_speech=0.5)


def test_thanks_that_are_too_quick_for_a_mouth_are_dropped():
    assert doubted("Thank you very much.", speech_s=0.3)


def test_thanks_within_a_sentence_are_believed():
    assert not doubted("Thank you for the music, play it again.", logprob=-0.9, no_speech=0.5)


def test_the_prompt_said_again_is_dropped_when_something_speaks_against_it():
    prompt = "Pizza, pasta, rice, egg, tea."
    assert doubted("pasta, rice, egg", logprob=-0.8, prompt=prompt)
    assert not doubted("pasta, rice, egg", logprob=-0.2, prompt=prompt)
    assert not doubted("rice", logprob=-0.8, prompt=prompt)


@pytest.mark.parametrize("phrase", [*_CREDITS, *_FAREWELLS, *_POLITE])
def test_phrases_are_listed_as_they_are_compared(phrase):
    assert normal(phrase) == phrase


@pytest.mark.parametrize("text", ["go go go", "play it. Play it!", "a b c a b c a b c"])
def test_a_phrase_said_over_and_over_is_seen(text):
    assert repeats(text)


@pytest.mark.parametrize("text", ["", "stop", "no no", "bye bye", "play it again play it"])
def test_a_sentence_is_no_repetition(text):
    assert not repeats(text)


def test_confidence_is_the_mean_probability_of_a_token():
    assert confidence(0.0) == 1.0
    assert confidence(-0.693) == pytest.approx(0.5, abs=0.001)
    assert 0 < confidence(-10) < 0.001
