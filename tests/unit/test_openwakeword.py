"""The openWakeWord engine: words on disk, triggers, the runtime, settings."""

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from speech import silence, speak
from wake_client import drop

from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.errors import EngineError, SettingsError, UnknownNameError
from wyoming_servers.wake.embedding import EmbeddingNetwork, WholeWindows
from wyoming_servers.wake.features import FRAME_SAMPLES, FeatureModels, FeatureStream
from wyoming_servers.wake.openwakeword import OpenWakeWordEngine, OpenWakeWordOptions
from wyoming_servers.wake.tflite import Interpreter, ModelFile, Runtime
from wyoming_servers.wake.trigger import Trigger
from wyoming_servers.wake.words import Word, bundled_words, models_dir, own_words

JARVIS = np.concatenate((silence(1), speak("hey jarvis", voice="en-gb"), silence(1)))


@pytest.fixture
def context(tmp_path: Path) -> EngineContext:
    """A house whose data folder is empty."""
    return EngineContext(data_dir=tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Its wake words."""
    path = tmp_path / "wake"
    path.mkdir()
    return path


def names(folder: Path) -> list[str]:
    """The owner's usable words."""
    return [word.name for word in own_words(folder)]


def heard(engine: OpenWakeWordEngine, samples: np.ndarray, *words: str) -> list[str]:
    """What one stream detects."""
    stream = engine.open(words)
    return [hit.name for hit in (*stream.feed(samples), *stream.finish())]


def fires(trigger: Trigger, scores: list[float]) -> list[int]:
    """The frames at which it fires."""
    return [frame for frame, score in enumerate(scores) if trigger.take(score)]


def test_a_trigger_fires_at_the_threshold():
    assert fires(Trigger(0.5, 1, 0), [0.49, 0.5]) == [1]


def test_a_trigger_fires_once_while_the_score_stays_high():
    assert fires(Trigger(0.5, 1, 3), [0.9] * 20) == [0]


def test_a_trigger_waits_for_enough_frames_in_a_row():
    assert fires(Trigger(0.5, 3, 0), [0.9, 0.9, 0.1, 0.9, 0.9, 0.9]) == [5]


def test_weak_frames_far_apart_do_not_add_up():
    assert fires(Trigger(0.5, 2, 0), ([0.9] + [0.0] * 1000) * 5) == []


def test_a_trigger_rests_after_it_has_fired():
    assert fires(Trigger(0.5, 1, 10), [0.9, 0.0] * 10) == [0, 10]


def test_a_trigger_takes_a_score_that_is_no_number_for_silence():
    assert fires(Trigger(0.5, 1, 0), [float("nan"), 0.9]) == [1]


def test_the_best_known_word_comes_first():
    assert [word.name for word in bundled_words()] == ["hey_jarvis", "okay_nabu", "alexa", "hey_mycroft", "hey_rhasspy"]


@pytest.mark.parametrize(
    ("stem", "phrase", "version"),
    [
        ("computer", "computer", None),
        ("Hey_Marvin", "hey marvin", None),
        ("hey_computer_v0.1", "hey computer", "0.1"),
        ("hey-house-V2", "hey house", "2"),
        ("save_v", "save v", None),
    ],
)
def test_phrase_and_version_are_read_from_the_file_name(stem, phrase, version):
    word = Word(stem, Path(f"{stem}.tflite"), True, (0, 0))
    assert (word.phrase, word.version) == (phrase, version)


def test_a_folder_that_does_not_exist_holds_no_words(tmp_path):
    assert own_words(tmp_path / "nowhere") == []


def test_a_model_in_the_folder_is_a_word(folder):
    drop(folder, "computer.tflite")
    assert names(folder) == ["computer"]


def test_a_model_that_is_still_being_copied_is_not_listed_yet(folder):
    drop(folder, "computer.tflite", age_s=0)
    assert names(folder) == []


def test_a_model_with_a_date_in_the_future_is_listed(folder):
    drop(folder, "computer.tflite", age_s=-3600)
    assert names(folder) == ["computer"]


def test_other_files_and_folders_are_ignored(folder, caplog):
    drop(folder, "notes.txt", b"hello")
    drop(folder, ".computer.tflite.part", b"half")
    drop(folder, ".hidden.tflite", b"half")
    (folder / "old.tflite").mkdir()
    assert names(folder) == []
    assert not caplog.records


@pytest.mark.parametrize("length", [0, 7, 1000, 500_000])
def test_half_a_model_is_left_out(folder, length):
    drop(folder, "half.tflite", (models_dir() / "alexa.tflite").read_bytes()[:length])
    assert names(folder) == []


def test_a_model_whose_end_is_still_zeros_is_left_out(folder):
    contents = (models_dir() / "alexa.tflite").read_bytes()
    drop(folder, "half.tflite", contents[:500_000] + bytes(len(contents) - 500_000))
    assert names(folder) == []


def test_a_model_of_another_kind_is_left_out(folder, caplog):
    drop(folder, "mel.tflite", (models_dir() / "melspectrogram.tflite").read_bytes())
    drop(folder, "embedding.tflite", (models_dir() / "embedding_model.tflite").read_bytes())
    assert names(folder) == []
    assert "(1, 76, 32, 1)" in caplog.text


def test_a_damaged_model_that_crashes_the_library_does_not_crash_us(folder, caplog):
    """One changed byte of the bundled file ends a process that loads it (TensorFlow Lite 2.17.1, x86-64)."""
    contents = bytearray((models_dir() / "okay_nabu.tflite").read_bytes())
    if contents[202_580:202_581] != b"\x14":
        pytest.skip("another version of the model, which other bytes would break")
    contents[202_580] = 152
    drop(folder, "damaged.tflite", bytes(contents))
    drop(folder, "computer.tflite")
    assert names(folder) == ["computer"]
    assert "damaged.tflite" in caplog.text


def test_a_broken_model_is_reported_once(folder, caplog):
    drop(folder, "broken.tflite", b"TFL3 not a model")
    for _ in range(3):
        own_words(folder)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "broken.tflite" in caplog.text


def test_a_broken_model_is_listed_once_it_is_mended(folder):
    drop(folder, "computer.tflite", b"TFL3 not a model")
    assert names(folder) == []
    drop(folder, "computer.tflite")
    assert names(folder) == ["computer"]


def test_an_own_model_replaces_a_bundled_one_of_its_name(context, folder):
    drop(folder, "alexa.tflite")
    engine = OpenWakeWordEngine(OpenWakeWordOptions(words=("alexa",)), context)
    assert heard(engine, JARVIS) == ["alexa"]


def test_own_words_are_default_words_too(context, folder):
    drop(folder, "computer.tflite")
    engine = OpenWakeWordEngine(OpenWakeWordOptions(), context)
    assert sorted(heard(engine, JARVIS)) == ["computer", "hey_jarvis"]


def test_the_folder_can_be_set(context, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    drop(elsewhere, "computer.tflite")
    models = OpenWakeWordEngine.models(OpenWakeWordOptions(folder=str(elsewhere)), context)
    assert "computer" in [model.name for model in models]


def test_a_word_that_came_after_loading_can_be_listened_for(context, folder):
    engine = OpenWakeWordEngine(OpenWakeWordOptions(), context)
    drop(folder, "computer.tflite")
    assert heard(engine, JARVIS, "computer") == ["computer"]


def test_a_stream_keeps_its_word_when_the_file_is_removed(context, folder):
    path = drop(folder, "computer.tflite")
    engine = OpenWakeWordEngine(OpenWakeWordOptions(), context)
    stream = engine.open(["computer"])
    path.unlink()
    engine.open([])
    assert [hit.name for hit in stream.feed(JARVIS)] == ["computer"]


def test_a_word_whose_file_is_gone_cannot_be_listened_for(context, folder):
    path = drop(folder, "computer.tflite")
    engine = OpenWakeWordEngine(OpenWakeWordOptions(), context)
    path.unlink()
    with pytest.raises(UnknownNameError, match="'computer'.*hey_jarvis"):
        engine.open(["computer"])


def test_words_in_the_settings_that_do_not_exist_are_reported(context, caplog):
    OpenWakeWordEngine(OpenWakeWordOptions(words=("hey_jarvis", "hey_nobody")), context)
    assert "hey_nobody" in caplog.text


def test_the_threshold_of_one_word_holds_for_that_word(context):
    options = OpenWakeWordOptions(thresholds={"hey_jarvis": 1.0}, words=("hey_jarvis", "alexa"))
    audio = np.concatenate((JARVIS, speak("alexa", voice="en-gb"), silence(1)))
    assert heard(OpenWakeWordEngine(options, context), audio) == ["alexa"]


def test_the_trigger_level_of_the_settings_holds(context):
    assert heard(OpenWakeWordEngine(OpenWakeWordOptions(trigger_level=25), context), JARVIS) == []


def test_a_threshold_out_of_range_is_refused():
    with pytest.raises(SettingsError, match="alexa"):
        OpenWakeWordOptions(thresholds={"alexa": 1.5})


def feature_models(embedding: type[EmbeddingNetwork] | type[WholeWindows]) -> FeatureModels:
    """The two models, the second run in this way."""
    runtime = Runtime()
    files = [ModelFile(runtime, models_dir() / f"{name}.tflite") for name in ("melspectrogram", "embedding_model")]
    return FeatureModels(runtime, files[0], embedding(runtime, files[1]))


@pytest.fixture(scope="module")
def models() -> FeatureModels:
    """The two models that make features."""
    return feature_models(EmbeddingNetwork)


def frames_of(models: FeatureModels, samples: np.ndarray, piece_samples: int = 0) -> list[np.ndarray | None]:
    """The features of a whole stream, fed in pieces."""
    stream = FeatureStream(models.silence(), 16)
    size = piece_samples or len(samples)
    pieces = (samples[start : start + size] for start in range(0, len(samples), size))
    return [None if past is None else past.copy() for piece in pieces for past in stream.feed(models, piece)]


def test_features_do_not_depend_on_how_the_audio_is_cut(models):
    whole, pieces = frames_of(models, JARVIS), frames_of(models, JARVIS, 333)
    assert len(whole) == len(JARVIS) // FRAME_SAMPLES
    assert all(np.array_equal(one, other) for one, other in zip(whole, pieces, strict=True))


def test_the_past_of_a_stream_is_silence(models):
    for past in frames_of(models, silence(1)):
        np.testing.assert_allclose(past, np.tile(models.silence().features, (16, 1)), atol=1e-4)


def noise(seconds: float, rms: float) -> np.ndarray:
    """(n,) int16 of steady noise."""
    return np.random.default_rng(0).normal(0, rms, round(seconds * 16_000)).astype(np.int16)


@pytest.mark.parametrize("rms", [0, 0.3, 3, 300])
def test_the_models_rest_while_noise_is_steady(models, rms):
    frames = frames_of(models, noise(20, rms))
    assert sum(past is None for past in frames[75:]) > 0.9 * len(frames[75:])


def test_a_resting_stream_wants_two_frames_at_a_time_and_an_awake_one_a_single_one(models):
    stream = FeatureStream(models.silence(), 16)
    assert stream.wanted_samples == FRAME_SAMPLES
    list(stream.feed(models, noise(10, 0)[:-100]))
    assert stream.wanted_samples == FRAME_SAMPLES + 100
    list(stream.feed(models, np.concatenate((silence(0.1), JARVIS[16_000:20_000]))))
    assert stream.wanted_samples <= FRAME_SAMPLES


def test_a_rested_stream_has_the_features_of_one_that_never_rested(models):
    """20 s of noise, then a word: from its first frame on, everything the classifiers look back on is there."""
    samples = np.concatenate((noise(20, 30), JARVIS[16_000:]))
    late = frames_of(models, samples)[-12]
    early = frames_of(models, samples[13 * 16 * FRAME_SAMPLES :])[-12]
    assert frames_of(models, samples)[240] is None
    np.testing.assert_allclose(late, early, atol=1e-3)


@pytest.mark.parametrize("snr_db", [20, 10, 5])
def test_a_word_in_noise_is_heard_after_the_models_have_rested(context, snr_db):
    word = JARVIS[16_000:]
    background = noise(20 + len(word) / 16_000, np.std(word[:-16_000].astype(float)) / 10 ** (snr_db / 20))
    background[-len(word) :] += word
    assert heard(OpenWakeWordEngine(OpenWakeWordOptions(), context), background) == ["hey_jarvis"]


def test_a_word_that_is_very_soft_is_heard_after_the_models_have_rested(context):
    audio = np.concatenate((noise(20, 1), (JARVIS * 0.01).astype(np.int16)))
    assert heard(OpenWakeWordEngine(OpenWakeWordOptions(), context), audio) == ["hey_jarvis"]


def test_embeddings_made_step_by_step_are_those_of_the_whole_windows(models):
    """Through rests and awakenings, over 25 s."""
    audio = noise(25, 30)
    for begin_s in (1, 8, 15, 22):
        audio[begin_s * 16_000 :][: len(JARVIS)] += JARVIS[: len(audio) - begin_s * 16_000]
    fast, slow = frames_of(models, audio), frames_of(feature_models(WholeWindows), audio)
    assert [past is None for past in fast] == [past is None for past in slow]
    assert any(past is None for past in fast)
    for one, other in zip(fast, slow, strict=True):
        if one is not None:
            np.testing.assert_allclose(one, other, atol=2e-3)


def test_an_embedding_model_of_another_shape_is_noticed():
    runtime = Runtime()
    with pytest.raises(EngineError):
        EmbeddingNetwork(runtime, ModelFile(runtime, models_dir() / "alexa.tflite"))


def test_the_accelerated_runtime_computes_what_the_plain_one_does():
    runtime = Runtime()
    file = ModelFile(runtime, models_dir() / "embedding_model.tflite")
    values = np.random.default_rng(0).normal(2, 1, (1, 76, 32, 1)).astype(np.float32)
    plain, fast = (Interpreter(runtime, file, accelerated=on).run(values) for on in (False, True))
    np.testing.assert_allclose(fast, plain, atol=1e-3)


def test_a_library_without_acceleration_still_detects(context):
    engine = OpenWakeWordEngine(OpenWakeWordOptions(), context)
    engine._runtime.accelerates = False
    engine._network = None
    engine.close()
    assert heard(engine, JARVIS, "hey_jarvis") == ["hey_jarvis"]


def test_a_missing_model_file_is_an_engine_error(tmp_path):
    with pytest.raises(EngineError, match="cannot be read"):
        ModelFile(Runtime(), tmp_path / "none.tflite")


def test_importing_and_listing_load_no_library():
    """The listing answers `earshot engines` and `describe`; the C library belongs to the loaded engine."""
    code = (
        "from wyoming_servers.wake.openwakeword import OpenWakeWordEngine as E\n"
        "from wyoming_servers.shared.engines import EngineContext as C\n"
        "print(len(E.models(E.Options(), C())), 'tensorflowlite' in open('/proc/self/maps').read())"
    )
    if not Path("/proc/self/maps").exists():
        pytest.skip("needs Linux's list of loaded libraries")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=10, check=True)
    assert done.stdout.split() == ["5", "False"]
