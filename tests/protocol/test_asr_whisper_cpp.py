"""What only whisper-server does."""

import logging
from functools import partial

import numpy as np
import pytest
from fake_web import serving
from fake_whisper_cpp import FakeWhisperCpp
from hearing import hear, loaded
from speech import speak

from wyoming_servers.asr.engine import AsrRequest
from wyoming_servers.asr.whisper_cpp import WhisperCppEngine
from wyoming_servers.shared.errors import UnsupportedLanguageError

SAID = "What time is it?"


@pytest.fixture
def server():
    with serving(FakeWhisperCpp()) as server:
        yield server


@pytest.fixture
def engine_of(tmp_path):
    """`with engine_of(server, **options) as engine`."""
    return partial(loaded, WhisperCppEngine, tmp_path)


@pytest.fixture
def spoken() -> np.ndarray:
    return speak("what time is it")


def test_lines_are_joined_at_words(server, engine_of, spoken):
    server.lines = [" Set a timer for five", " minutes and turn on", " the light."]
    with engine_of(server) as engine:
        assert hear(engine, spoken).text == "Set a timer for five minutes and turn on the light."
    assert server.forms[0]["split_on_word"] == "true"


def test_the_server_is_not_asked_to_guess_the_language_a_second_time(server, engine_of, spoken):
    with engine_of(server) as engine:
        hear(engine, spoken)
    assert server.forms[0]["no_language_probabilities"] == "true"


def test_an_english_model_hears_english_alone(server, engine_of):
    with engine_of(server, model="base.en") as engine, pytest.raises(UnsupportedLanguageError):
        engine.open(AsrRequest(language="de"))


def test_a_server_of_before_health_is_no_cause_to_warn(engine_of, spoken, caplog):
    with serving(FakeWhisperCpp()) as server:
        server.healthy = False
        with engine_of(server) as engine:
            assert hear(engine, spoken).text == SAID
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
