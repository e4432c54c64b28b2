"""What only OpenAI's transcription API has: lists of models, forms of answers, streams, further fields."""

import logging
from functools import partial

import numpy as np
import pytest
from fake_openai import FakeOpenAi
from fake_web import serving
from hearing import hear, loaded
from rigged import bare_context
from speech import speak

from wyoming_servers.asr.openai_api import OpenAiAsrEngine
from wyoming_servers.shared.errors import EngineError, SettingsError

SAID = "What time is it?"


@pytest.fixture
def server():
    with serving(FakeOpenAi()) as server:
        yield server


@pytest.fixture
def engine_of(tmp_path):
    """`with engine_of(server, **options) as engine`."""
    return partial(loaded, OpenAiAsrEngine, tmp_path)


@pytest.fixture
def spoken() -> np.ndarray:
    return speak("what time is it")


def test_a_model_is_always_named_as_the_server_lists_it(server, engine_of, spoken):
    server.models = [{"id": "openai/whisper-large-v3"}, {"id": "other"}]
    with engine_of(server) as engine:
        hear(engine, spoken)
    assert server.forms[0]["model"] == "openai/whisper-large-v3"


def test_only_models_that_recognise_speech_are_offered_when_the_server_tells(server, engine_of, spoken, tmp_path):
    server.models = [
        {"id": "kokoro", "task": "text-to-speech"},
        {"id": "parakeet", "task": "automatic-speech-recognition", "language": ["en", "de"]},
        {"id": "small.en", "task": "automatic-speech-recognition"},
    ]
    options = OpenAiAsrEngine.Options(uri=server.uri)
    models = OpenAiAsrEngine.models(options, bare_context(tmp_path))
    assert [(model.name, model.languages) for model in models] == [("parakeet", ("en", "de")), ("small.en", ("en",))]
    with engine_of(server) as engine:
        hear(engine, spoken, model="small.en")
    assert server.forms[0]["model"] == "small.en"


def test_a_model_that_is_new_on_the_server_is_found(server, engine_of, spoken):
    server.models = [{"id": "small", "task": "automatic-speech-recognition"}]
    with engine_of(server) as engine:
        server.models.append({"id": "large", "task": "automatic-speech-recognition"})
        hear(engine, spoken, model="large")
    assert server.forms[0]["model"] == "large"


def test_a_server_without_a_list_is_asked_without_naming_a_model(server, engine_of, spoken, caplog):
    server.models = None
    with engine_of(server) as engine:
        assert hear(engine, spoken, model="default").text == SAID
    assert "model" not in server.forms[0]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_model_that_is_not_served_is_warned_of_with_those_that_are(server, engine_of, spoken, caplog):
    with engine_of(server, model="large") as engine:
        assert "model large is not served" in caplog.text
        with pytest.raises(EngineError, match=r"not installed locally.*it has: whisper-1"):
            hear(engine, spoken)


def test_a_model_is_learnt_when_the_server_comes_up_later(engine_of, spoken):
    with serving(FakeOpenAi()) as server:
        server.models = [{"id": "base"}]
        server.stop()
        with engine_of(server) as engine:
            server.start()
            assert hear(engine, spoken).text == SAID
        assert server.forms[0]["model"] == "base"


def test_a_server_without_verbose_json_is_asked_for_json_from_then_on(server, engine_of, spoken):
    server.formats = {"json"}
    with engine_of(server) as engine:
        assert [hear(engine, spoken).text for _ in range(2)] == [SAID] * 2
    assert [form["response_format"] for form in server.forms] == ["verbose_json", "json", "json"]


def test_a_form_that_was_chosen_is_not_changed(server, engine_of, spoken):
    server.formats = {"json"}
    with engine_of(server, response_format="verbose_json") as engine, pytest.raises(EngineError, match="do not support verbose_json"):
        hear(engine, spoken)


def test_the_text_may_come_as_a_stream(server, engine_of, spoken):
    with engine_of(server, stream=True) as engine:
        assert hear(engine, spoken).text == SAID
    assert server.forms[0]["stream"] == "true"


def test_further_fields_are_sent(server, engine_of, spoken):
    with engine_of(server, extra={"vad_filter": True, "hotwords": "Earshot"}) as engine:
        hear(engine, spoken)
    assert (server.forms[0]["vad_filter"], server.forms[0]["hotwords"]) == ("true", "Earshot")


def test_fields_that_cannot_be_sent_are_refused(server, engine_of):
    with pytest.raises(SettingsError, match="extra"), engine_of(server, extra={"x": object()}):
        pass


def test_the_environment_of_openai_is_for_openai(server, engine_of, spoken, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with engine_of(server) as engine:
        assert hear(engine, spoken).text == SAID
    assert set(server.keys) == {"Bearer none"}
