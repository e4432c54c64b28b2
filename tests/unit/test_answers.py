"""Answers of transcription servers, in every form there is, and which are believed."""

import json

import pytest

from wyoming_servers.asr.answers import cleaned, transcription
from wyoming_servers.shared.errors import EngineError
from wyoming_servers.shared.remote import Remote

SERVER = Remote("asr.engines.openai", "http://host/v1", 1.0)
JSON, STREAM = "application/json", "text/event-stream; charset=utf-8"


def heard(kind: str, body, trust: float = 0.0):
    return transcription(SERVER, kind, (body if isinstance(body, str) else json.dumps(body)).encode(), "en", trust)


def stream(*events) -> str:
    return "".join(f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n" for event in events)


def chunk(content: str, key: str = "content") -> dict:
    return {"object": "transcription.chunk", "choices": [{"delta": {key: content}, "finish_reason": None}]}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, {"text": " Turn on\nthe light. "}),
        (JSON, '"Turn on the light."'),
        ("text/plain; charset=utf-8", "Turn on the light.\n"),
        ("text/html", " Turn on\n the light.\n"),
        ("", {"text": "Turn on the light."}),
        (JSON, {"text": "Turn on the light.", "segments": []}),
        (STREAM, stream({"type": "transcript.text.delta", "delta": "Turn on"}, {"type": "transcript.text.delta", "delta": " the light."})),
        (
            STREAM,
            stream({"type": "transcript.text.delta", "delta": "Turn"}, {"type": "transcript.text.done", "text": "Turn on the light."}),
        ),
        (STREAM, stream(chunk("Turn on"), chunk(" the light."), {"choices": [], "usage": {}}, "[DONE]")),
        (STREAM, stream(chunk("Turn on", "text"), chunk(" the light.", "text"), "[DONE]")),
        (STREAM, stream({"text": " Turn on"}, {"text": " the light."})),
        (STREAM, stream("Turn on the light.")),
        (STREAM, f": ping\r\n\r\nevent: x\r\ndata: {json.dumps({'text': 'Turn on the light.'})}\r\n\r\n"),
    ],
)
def test_a_text_is_found_in_every_dialect(kind, body):
    assert heard(kind, body).text == "Turn on the light."


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        (JSON, '{"text": "Turn', "cut off"),
        (JSON, "garbage", "cut off"),
        (JSON, {"error": {"message": "out of memory"}}, "out of memory"),
        (JSON, {"text": None}, "without a text"),
        (JSON, [1], "without a text"),
        (JSON, "", "cut off"),
        ("", "", "empty"),
        ("text/html", "<!doctype html><html>", "not a transcript"),
        ("audio/wav", "RIFF", "not a transcript"),
        (STREAM, stream({"error": {"message": "out of memory"}}), "out of memory"),
        (STREAM, stream("[DONE]"), "without a text"),
        (STREAM, 'data: {"text":\n\n', "cut off"),
        (JSON, "[" * 100_000, "cut off"),
    ],
)
def test_what_is_no_transcript_is_an_error_that_names_the_server(kind, body, said):
    with pytest.raises(EngineError, match=f"http://host/v1 .*{said}"):
        heard(kind, body)


@pytest.mark.parametrize("body", ["", "[BLANK_AUDIO]\n", "(silence)"])
def test_plain_text_without_words_is_empty(body):
    assert heard("text/plain", body).text == ""


def verbose(*segments: dict) -> dict:
    return {"text": "".join(segment["text"] for segment in segments), "language": "english", "segments": list(segments)}


def segment(text: str = " Yes.", logprob: float = -0.1, **more) -> dict:
    return {"text": text, "avg_logprob": logprob, "no_speech_prob": 0.0, "compression_ratio": 1.0} | more


def test_the_confidence_is_that_of_the_segments():
    assert heard(JSON, verbose(segment(logprob=-0.105))).confidence == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("doubtful", [segment(logprob=-1.3, no_speech_prob=0.7), segment(compression_ratio=2.9)])
def test_a_segment_that_is_no_speech_or_goes_in_circles_is_left_out(doubtful):
    assert heard(JSON, verbose(segment(" Turn it off."), doubtful | {"text": " You you you."})).text == "Turn it off."
    assert heard(JSON, verbose(doubtful)) == heard(JSON, verbose(doubtful)).__class__("", 0.0, "en")


def test_a_transcript_below_the_trust_is_empty():
    assert heard(JSON, verbose(segment(logprob=-1.0)), trust=0.5).text == ""


def test_figures_that_vllm_fills_in_are_not_taken_for_doubt():
    unknown = segment(logprob=-1.0, compression_ratio=-1.0, no_speech_prob=-1.0)
    assert heard(JSON, verbose(unknown), trust=0.9) == heard(JSON, {"text": "Yes."})


@pytest.mark.parametrize("segments", [[1], [{}], "x", [{"text": "Yes.", "avg_logprob": "x"}], [{"text": "Yes.", "avg_logprob": True}]])
def test_segments_of_another_kind_are_no_error(segments):
    assert heard(JSON, {"text": "Yes.", "segments": segments}).text == "Yes."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[BLANK_AUDIO]", ""),
        ("(wind blowing)", ""),
        ("*OUTRO MUSIC* Hello", "Hello"),
        ("♪♪", ""),
        ("Thank you for watching!", ""),
        ("Thanks for watching.", ""),
        ("Untertitel der Amara.org-Community", ""),
        ("ご視聴ありがとうございました", ""),
        ("Thank you for watching the dog.", "Thank you for watching the dog."),
        ("Thank you.", "Thank you."),
        ("Set it to 5 * 3 * 2.", "Set it to 5 * 3 * 2."),
        ("...", ""),
        ("  What   time\n is it? ", "What time is it?"),
    ],
)
def test_remarks_and_what_whisper_hears_in_silence_are_not_words(text, said):
    assert cleaned(text) == said
