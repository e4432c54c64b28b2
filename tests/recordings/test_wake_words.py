"""Real recordings: the right model and only it fires. Each has a twin made of synthetic speech, which needs no recordings."""

import numpy as np
import pytest
from recorded import AUDIO, recording
from speech import silence, speak

from wyoming_servers.shared.audio import read_wav
from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.wake.openwakeword import OpenWakeWordEngine, OpenWakeWordOptions

GAINS_DB = (-24, -12, 0, 9)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory):
    """The engine with all five words."""
    engine = OpenWakeWordEngine(OpenWakeWordOptions(), EngineContext(data_dir=tmp_path_factory.mktemp("data")))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def room() -> np.ndarray:
    """The recorded noise of a room."""
    return recording("noise/background_noise.wav")


def heard(engine: OpenWakeWordEngine, samples: np.ndarray) -> list[str]:
    """The words one stream hears."""
    stream = engine.open(())
    return [hit.name for hit in (*stream.feed(samples), *stream.finish())]


def louder(samples: np.ndarray, gain_db: float) -> np.ndarray:
    """The same, louder or softer; what is too loud is clipped."""
    return np.clip(samples * 10 ** (gain_db / 20), -32768, 32767).astype(np.int16)


def mixed(samples: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """The samples with noise so loud that this ratio remains."""
    noise = np.resize(noise, len(samples)).astype(np.float64)
    gain = np.std(samples.astype(np.float64)) / np.std(noise) / 10 ** (snr_db / 20)
    return np.clip(samples + noise * gain, -32768, 32767).astype(np.int16)


@pytest.mark.recordings
@pytest.mark.parametrize("gain_db", GAINS_DB)
@pytest.mark.parametrize("word", ["hey_jarvis", "okay_nabu"])
def test_a_recorded_word_fires_its_own_model_and_no_other(engine, word, gain_db):
    assert heard(engine, louder(recording(f"wake/{word}.wav"), gain_db)) == [word]


@pytest.mark.recordings
@pytest.mark.parametrize("snr_db", [20, 10])
@pytest.mark.parametrize("word", ["hey_jarvis", "okay_nabu"])
def test_a_recorded_word_is_heard_through_the_noise_of_a_room(engine, word, snr_db, room):
    assert heard(engine, mixed(recording(f"wake/{word}.wav"), room, snr_db)) == [word]


@pytest.mark.recordings
@pytest.mark.parametrize("offset_samples", range(0, 1280, 256))
@pytest.mark.parametrize("word", ["hey_jarvis", "okay_nabu"])
def test_a_recorded_word_is_heard_wherever_the_frames_cut_it(engine, word, offset_samples):
    assert heard(engine, np.concatenate((np.zeros(offset_samples, np.int16), recording(f"wake/{word}.wav")))) == [word]


@pytest.mark.recordings
def test_a_recorded_word_that_is_none_of_ours_fires_nothing(engine):
    assert heard(engine, recording("wake/computer.wav")) == []


@pytest.mark.recordings
@pytest.mark.parametrize("gain_db", GAINS_DB)
def test_the_recorded_noise_of_a_room_fires_nothing(engine, room, gain_db):
    assert heard(engine, louder(room, gain_db)) == []


@pytest.mark.recordings
@pytest.mark.parametrize("quarter", range(4))
def test_no_recorded_command_fires_anything(engine, quarter):
    files = sorted((AUDIO / "commands").glob("*.wav"))[quarter::4]
    if not files:
        pytest.skip("needs the recorded commands beside the checkout")
    assert {file.name: words for file in files if (words := heard(engine, read_wav(file)))} == {}


@pytest.mark.parametrize("gain_db", GAINS_DB)
@pytest.mark.parametrize(("text", "voice", "word"), [("hey jarvis", "en-gb", "hey_jarvis"), ("alexa", "en-gb", "alexa")])
def test_a_spoken_word_fires_its_own_model_and_no_other(engine, text, voice, word, gain_db):
    samples = louder(np.concatenate((silence(1), speak(text, voice), silence(1))), gain_db)
    assert heard(engine, samples) == [word]


def test_spoken_hey_rhasspy_fires_its_own_model_and_no_other(engine):
    assert heard(engine, np.concatenate((silence(1), speak("hey rhasspy", rate_wpm=150)))) == ["hey_rhasspy"]


@pytest.mark.parametrize("text", ["computer", "hey travis", "hey you", "what time is it", "alexander the great", "okay then", "hey there"])
def test_spoken_words_that_are_none_of_ours_fire_nothing(engine, text):
    assert heard(engine, np.concatenate((silence(1), speak(text), silence(1)))) == []
