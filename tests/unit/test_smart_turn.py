"""The model that hears whether somebody has finished: what it is given, what it answers, and what is said when it cannot be used."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_end_of_turn import make_smart_turn
from made_voice import make_piper_voice
from speech import speak

from wyoming_servers.shared import catalogue, end_of_turn, paths
from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.errors import EngineError, EngineUnavailableError
from wyoming_servers.shared.log_mel import log_mel
from wyoming_servers.shared.models import ModelStore
from wyoming_servers.shared.patience import Prosody
from wyoming_servers.shared.settings import ModelsSection
from wyoming_servers.shared.smart_turn import LANGUAGES, SmartTurn, SmartTurnOptions

RATE_HZ = 16_000
QUIET = np.zeros(RATE_HZ, np.int16)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(ModelsSection(folder=str(tmp_path / "models"), offline=True))


@pytest.fixture
def context(store: ModelStore) -> EngineContext:
    return EngineContext(store=store)


def loaded(path: Path, probability: float | None = None) -> SmartTurn:
    return SmartTurn(SmartTurnOptions(str(make_smart_turn(path / "made.onnx", probability))), EngineContext())


@pytest.mark.parametrize("seconds", [1.0, 8.0])
def test_the_picture_of_sound_is_the_one_that_whisper_is_given(seconds):
    from faster_whisper.feature_extractor import FeatureExtractor

    samples = np.random.default_rng(1).normal(0, 0.2, round(seconds * RATE_HZ)).astype(np.float32)
    samples[: len(samples) // 2] = 0
    expected = FeatureExtractor(chunk_length=8)(samples, padding=0)[:, : round(seconds * 100)]
    np.testing.assert_allclose(log_mel(samples), expected, atol=1e-4)


@pytest.mark.parametrize("probability", [0.02, 0.5, 0.97])
def test_what_the_model_says_is_the_probability(tmp_path, probability):
    assert loaded(tmp_path, probability).probability(speak("turn on the")) == pytest.approx(probability, abs=1e-4)


def test_what_was_said_last_is_at_the_end_of_what_it_hears(tmp_path):
    model, words = loaded(tmp_path), speak("turn on the light")
    assert model.probability(words) > 0.9 > 0.1 > model.probability(np.concatenate((words, QUIET)))


def test_of_a_long_speech_it_hears_the_last_eight_seconds(tmp_path):
    model, words = loaded(tmp_path), speak("turn on the light")
    eight = np.concatenate((np.zeros(8 * RATE_HZ - len(words), np.int16), words))
    assert model.probability(np.concatenate((np.tile(words, 5), eight))) == pytest.approx(model.probability(eight), abs=1e-6)


def test_loudness_makes_no_difference(tmp_path):
    model, words = loaded(tmp_path), speak("turn on the light").astype(np.int32)
    assert model.probability((words // 4).astype(np.int16)) == pytest.approx(model.probability(words.astype(np.int16)), abs=0.02)


@pytest.mark.parametrize("samples", [QUIET, np.empty(0, np.int16)])
def test_nothing_but_silence_does_no_harm(tmp_path, samples):
    assert 0 <= loaded(tmp_path).probability(samples) <= 1


@pytest.mark.parametrize(("probability", "prosody"), [(0.9, Prosody.FINAL), (0.3, None), (0.05, Prosody.CONTINUING)])
def test_between_sure_and_sure_it_says_nothing(tmp_path, probability, prosody):
    assert loaded(tmp_path, probability).prosody(QUIET) is prosody


def test_auto_is_nobody_where_no_model_is_installed(context):
    assert end_of_turn.load("auto", context) is None


def test_auto_is_the_model_that_is_installed(store, context):
    make_smart_turn(store.folders[0] / "smart-turn" / "v3.2" / "any.onnx", 0.9)
    model = end_of_turn.load("auto", context)
    assert model is not None and model.prosody(QUIET) is Prosody.FINAL


def test_auto_is_nobody_for_a_language_that_the_model_was_not_taught(store):
    make_smart_turn(store.folders[0] / "smart-turn" / "v3.2" / "any.onnx")
    assert end_of_turn.load("auto", EngineContext(language="is", store=store)) is None


@pytest.mark.parametrize("language", ["en-GB", "de_AT", "nb"])
def test_dialects_are_the_language(store, language):
    make_smart_turn(store.folders[0] / "smart-turn" / "v3.2" / "any.onnx")
    assert end_of_turn.load("auto", EngineContext(language=language, store=store)) is not None


def test_none_is_nobody_whatever_is_installed(store, context):
    make_smart_turn(store.folders[0] / "smart-turn" / "v3.2" / "any.onnx")
    assert end_of_turn.load("none", context) is None


def test_one_of_several_is_named(store, context):
    for name, probability in (("v3.0", 0.02), ("v3.2", 0.9)):
        make_smart_turn(store.folders[0] / "smart-turn" / name / "any.onnx", probability)
    models = [end_of_turn.load(wanted, context) for wanted in ("smart-turn", "smart-turn/v3.0")]
    assert [model.prosody(QUIET) for model in models if model] == [Prosody.FINAL, Prosody.CONTINUING]


def test_a_file_needs_no_models_folder(tmp_path, context):
    model = end_of_turn.load(str(make_smart_turn(tmp_path / "own.onnx", 0.9)), context)
    assert model is not None and model.prosody(QUIET) is Prosody.FINAL


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("smart-turn", "earshot models get smart-turn/v3.2"),
        ("smart-turn/v9", "no model 'v9'"),
        ("smarter-turn", "no engine 'smarter-turn'; there are: auto, smart-turn"),
        ("/nowhere/v3.onnx", "there is no file /nowhere/v3.onnx"),
    ],
)
def test_what_is_not_there_is_named_with_the_next_step(context, wanted, says):
    with pytest.raises(EngineUnavailableError, match=says):
        end_of_turn.load(wanted, context)


@pytest.fixture
def no_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)


@pytest.mark.usefixtures("no_onnxruntime")
def test_without_the_library_the_command_that_brings_it_is_told(tmp_path, context):
    with pytest.raises(EngineUnavailableError, match=r"needs onnxruntime: .*onnx"):
        end_of_turn.load(str(make_smart_turn(tmp_path / "own.onnx")), context)


@pytest.mark.usefixtures("no_onnxruntime")
def test_auto_is_nobody_without_the_library(store, context):
    make_smart_turn(store.folders[0] / "smart-turn" / "v3.2" / "any.onnx")
    assert end_of_turn.load("auto", context) is None


def test_half_a_file_is_told_from_a_model(tmp_path, context):
    path = make_smart_turn(tmp_path / "half.onnx")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(EngineUnavailableError, match="cut off"):
        end_of_turn.load(str(path), context)


def test_another_network_is_told_from_such_a_model(tmp_path, context):
    with pytest.raises(EngineError, match="no Smart Turn v3 model"):
        end_of_turn.load(str(make_piper_voice(tmp_path / "voice.onnx")), context)


def test_a_satellite_imports_nothing_of_it_before_it_is_wanted():
    of_it = {"onnxruntime", "wyoming_servers.shared.end_of_turn", "wyoming_servers.shared.smart_turn"}
    code = f"import sys, wyoming_servers.satellite.loop; print(*{of_it!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_shipped_model_is_for_the_languages_that_auto_takes_it_for():
    model = catalogue.Catalogue(catalogue.read(paths.content("config") / catalogue.FILE_NAME)).find("smart-turn/v3.2")
    assert (sorted(model.languages), model.licence, model.checksum) == (sorted(LANGUAGES), "BSD-2-Clause", "sha256")
