"""Wake words as .onnx files and as microWakeWord models: what is taken, what is left out, and why."""

import importlib.util
import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from speech import silence

from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.errors import SettingsError
from wyoming_servers.wake import openwakeword
from wyoming_servers.wake.microwakeword import MicroWakeWordEngine, MicroWakeWordOptions
from wyoming_servers.wake.openwakeword import OpenWakeWordEngine, OpenWakeWordOptions


@pytest.fixture
def context(tmp_path: Path) -> EngineContext:
    """A house with an empty folder for wake words."""
    (tmp_path / "wake").mkdir()
    return EngineContext(data_dir=tmp_path)


def settled(path: Path) -> Path:
    """A file that was copied a while ago."""
    os.utime(path, (time.time() - 60, time.time() - 60))
    return path


def onnx_word(path: Path, score: float = 0.9, frames: int = 16, batch: int | str = "batch") -> Path:
    """An openWakeWord classifier that gives one score, whatever it hears."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
    constants = [
        onnx.numpy_helper.from_array(np.zeros((frames * 96, 1), np.float32), "w"),
        onnx.numpy_helper.from_array(np.array([[np.log(score / (1 - score))]], np.float32), "b"),
    ]
    nodes = [
        helper.make_node("Flatten", ["x"], ["f"]),
        helper.make_node("Gemm", ["f", "w", "b"], ["g"]),
        helper.make_node("Sigmoid", ["g"], ["y"]),
    ]
    inputs = [helper.make_tensor_value_info("x", float32, [batch, frames, 96])]
    outputs = [helper.make_tensor_value_info("y", float32, [batch, 1])]
    graph = helper.make_graph(nodes, "word", inputs, outputs, initializer=constants)
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString())
    return settled(path)


def own(context: EngineContext) -> list[str]:
    """The owner's words as the openwakeword engine lists them."""
    return [model.name for model in OpenWakeWordEngine.models(OpenWakeWordOptions(), context) if "your own" in model.description]


def micro_word(context: EngineContext, name: str, **changes: object) -> Path:
    """A copy of a bundled microWakeWord model under another name."""
    spec = importlib.util.find_spec("pymicro_wakeword")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("pymicro-wakeword is not installed")
    models = Path(spec.submodule_search_locations[0]) / "models"
    folder = context.data_dir / "wake"
    settled(Path(shutil.copy(models / "alexa.tflite", folder / f"{name}.tflite")))
    content = json.loads((models / "alexa.json").read_text()) | {"model": f"{name}.tflite", "wake_word": name} | changes
    (folder / f"{name}.json").write_text(json.dumps(content))
    return settled(folder / f"{name}.json")


def micro(context: EngineContext) -> dict[str, str | None]:
    """Names and phrases as the microwakeword engine lists them."""
    return {model.name: model.phrase for model in MicroWakeWordEngine.models(MicroWakeWordOptions(), context)}


@pytest.mark.parametrize("batch", [1, "batch"])
def test_an_onnx_word_is_heard(context, batch):
    onnx_word(context.data_dir / "wake" / "always.onnx", batch=batch)
    engine = OpenWakeWordEngine(OpenWakeWordOptions(), context)
    stream = engine.open(["always"])
    rng = np.random.default_rng(0)
    hits = stream.feed(rng.normal(0, 2000, 48_000).astype(np.int16))
    assert [hit.name for hit in hits] == ["always"]
    assert hits[0].score == pytest.approx(0.9, abs=1e-3)


def test_an_onnx_word_below_the_threshold_is_not(context):
    onnx_word(context.data_dir / "wake" / "never.onnx", score=0.3)
    stream = OpenWakeWordEngine(OpenWakeWordOptions(), context).open(["never"])
    assert stream.feed(np.random.default_rng(0).normal(0, 2000, 48_000).astype(np.int16)) == []


def test_an_onnx_file_that_is_no_wake_word_is_left_out_with_the_reason(context, caplog):
    onnx_word(context.data_dir / "wake" / "other.onnx", frames=400)
    assert own(context) == []
    assert "takes an input of shape (1, 400, 96)" in caplog.text


def test_a_damaged_onnx_file_is_left_out(context, caplog):
    path = context.data_dir / "wake" / "broken.onnx"
    path.write_bytes(b"not onnx")
    settled(path)
    assert own(context) == []
    assert "broken.onnx" in caplog.text


def test_of_two_formats_of_one_word_the_lighter_is_taken(context):
    onnx_word(context.data_dir / "wake" / "twice.onnx")
    settled(Path(shutil.copy(openwakeword.models_dir() / "alexa.tflite", context.data_dir / "wake" / "twice.tflite")))
    assert own(context) == ["twice"]


def test_a_micro_word_of_the_owners_is_listed_with_its_phrase(context):
    micro_word(context, "computer")
    assert micro(context)["computer"] == "computer"


def test_a_micro_model_is_not_taken_for_one_of_openwakewords(context, caplog):
    micro_word(context, "computer")
    assert own(context) == []
    assert "computer" not in caplog.text


@pytest.mark.parametrize("changes", [{"micro": {}}, {"model": "elsewhere.tflite"}, {"model": "../alexa.tflite"}, {"wake_word": ""}])
def test_a_micro_description_with_a_fault_is_left_out(context, changes, caplog):
    micro_word(context, "computer", **changes)
    assert "computer" not in micro(context)
    assert "computer.json" in caplog.text


def test_a_damaged_micro_model_is_left_out(context):
    path = micro_word(context, "computer").with_suffix(".tflite")
    path.write_bytes(b"TFL3 not a model")
    assert "computer" not in micro(context)


def test_the_makers_threshold_counts_unless_the_owner_has_one(context):
    pytest.importorskip("pymicro_wakeword", reason="pymicro-wakeword is not installed")
    own = MicroWakeWordEngine(MicroWakeWordOptions(thresholds={"alexa": 0.5}), context)
    assert (MicroWakeWordEngine(MicroWakeWordOptions(), context).thresholds.of("alexa"), own.thresholds.of("alexa")) == (0.9, 0.5)


def test_a_threshold_out_of_range_is_refused():
    with pytest.raises(SettingsError, match="allowed: 0.01 to 1"):
        MicroWakeWordOptions(thresholds={"alexa": 3})


def test_silence_is_no_word_of_micro(context):
    pytest.importorskip("pymicro_wakeword", reason="pymicro-wakeword is not installed")
    stream = MicroWakeWordEngine(MicroWakeWordOptions(), context).open(())
    assert [*stream.feed(silence(3)), *stream.finish()] == []
    stream.close()
