"""Voices for tests, made in milliseconds: ONNX files with the input and output names of the real ones. They hum instead of speaking.

Every symbol becomes a tone of its own: as long as the speed says, as high as the symbol, the speaker and the style say. The pads
between the symbols are the loudest, so that `loudest_hz` tells who speaks whatever is said.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

PIPER_RATE_HZ = 22_050
KOKORO_RATE_HZ = 24_000
_PIPER_ID_SAMPLES = 512  # Piper puts a pad after every phoneme: 46 ms for the two
_KOKORO_ID_SAMPLES = 1200  # 50 ms
_STYLE_SHAPE = (510, 1, 256)
_HZ_PER_SYMBOL = 12.0


def make_piper_voice(
    path: Path, speakers: tuple[str, ...] = (), language: str = "en_US", espeak: str = "en-us", width: int = 0, **changes: object
) -> Path:
    """Writes PATH (`….onnx`) and PATH.json; returns PATH.

    speakers: two or more make a voice with the input `sid`. width: channels of eight convolutions that only cost time; 1280 makes
    about the cost of a medium voice. changes: top-level keys of the configuration that shall be different.
    """
    graph = _Graph(PIPER_RATE_HZ)
    inputs = [_value("input", TensorProto.INT64, [1, "n"]), _value("input_lengths", TensorProto.INT64, [1])]
    inputs.append(_value("scales", TensorProto.FLOAT, [3]))
    length_scale = graph.node("Gather", "scales", graph.constant(np.int64(1)))
    if speakers:
        inputs.append(_value("sid", TensorProto.INT64, [1]))
        shift_hz = graph.node("Mul", graph.as_float("sid"), graph.constant(np.float32(150)))
    else:
        shift_hz = graph.constant(np.float32(0))
    ids = graph.node("Reshape", "input", graph.constant(np.array([-1], np.int64)))
    tones = graph.tones(ids, graph.node("Mul", length_scale, graph.constant(np.float32(_PIPER_ID_SAMPLES))), shift_hz)
    if width:
        tones = graph.node("Add", tones, graph.burden("input", width))
    graph.node("Reshape", tones, graph.constant(np.array([1, 1, -1], np.int64)), output="output")
    graph.save(path, inputs, [_value("output", TensorProto.FLOAT, [1, 1, "samples"])])
    family, _, region = language.partition("_")
    _, dataset, quality = path.stem.split("-") if path.stem.count("-") == 2 else ("", "made", "medium")
    config = {
        "audio": {"sample_rate": PIPER_RATE_HZ, "quality": quality},
        "espeak": {"voice": espeak},
        "phoneme_type": "espeak",
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "num_symbols": 256,
        "num_speakers": max(1, len(speakers)),
        "speaker_id_map": {name: number for number, name in enumerate(speakers)},
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "language": {"code": language, "family": family, "region": region},
        "dataset": dataset,
    }
    Path(f"{path}.json").write_text(json.dumps(config | changes), encoding="utf-8")
    return path


def make_kokoro(folder: Path, voices: tuple[str, ...] = ("af_heart", "am_adam", "bf_emma", "ef_dora"), file: str = "voices.bin") -> Path:
    """Writes a model and its voices into the folder, as kokoro-onnx's releases have them; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = _Graph(KOKORO_RATE_HZ)
    inputs = [_value("tokens", TensorProto.INT64, [1, "n"]), _value("style", TensorProto.FLOAT, [1, 256])]
    inputs.append(_value("speed", TensorProto.FLOAT, [1]))
    ids = graph.node("Reshape", "tokens", graph.constant(np.array([-1], np.int64)))
    first = graph.node("Gather", graph.node("Reshape", "style", graph.constant(np.array([-1], np.int64))), graph.constant(np.int64(0)))
    samples = graph.node("Div", graph.constant(np.float32(_KOKORO_ID_SAMPLES)), "speed")
    tones = graph.tones(ids, samples, first)
    graph.node("Identity", tones, output="audio")
    graph.save(folder / "kokoro.onnx", inputs, [_value("audio", TensorProto.FLOAT, ["samples"])])
    styles = {name: np.full(_STYLE_SHAPE, 100.0 * number, np.float32) for number, name in enumerate(voices)}
    with (folder / file).open("wb") as opened:
        np.savez(opened, **styles)
    return folder


def loudest_hz(pcm: bytes, rate_hz: int) -> float:
    """The strongest frequency of 16-bit mono PCM."""
    samples = np.frombuffer(pcm, np.int16).astype(np.float32)
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * rate_hz / len(samples))


class _Graph:
    """Nodes and constants being put together."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, value: np.ndarray | np.generic) -> str:
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: object) -> str:
        name = output or f"value{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def as_float(self, name: str) -> str:
        return self.node("Cast", name, to=TensorProto.FLOAT)

    def tones(self, ids: str, id_samples: str, shift_hz: str) -> str:
        """(samples,) float: for each of the (n,) ids a tone of `id_samples` samples."""
        scalar = self.constant(np.array([], np.int64))
        length = self.node("Reshape", self.node("Ceil", id_samples), scalar)
        count = self.as_float(self.node("ReduceProd", self.node("Shape", ids), keepdims=0))
        zero, one = self.constant(np.float32(0)), self.constant(np.float32(1))
        time = self.node("Range", zero, self.node("Mul", count, length), one)
        place = self.node("Cast", self.node("Floor", self.node("Div", time, length)), to=TensorProto.INT64)
        symbol = self.as_float(self.node("Gather", ids, place))
        hz = self.node("Add", self.node("Mul", symbol, self.constant(np.float32(_HZ_PER_SYMBOL))), self.constant(np.float32(120)))
        hz = self.node("Add", hz, shift_hz)
        phase = self.node("Mul", self.node("Mul", hz, time), self.constant(np.float32(2 * np.pi / self._rate_hz)))
        pad = self.as_float(self.node("Equal", symbol, zero))
        loudness = self.node("Add", self.node("Mul", pad, self.constant(np.float32(0.6))), self.constant(np.float32(0.2)))
        return self.node("Mul", self.node("Sin", phase), loudness)

    def burden(self, ids: str, width: int) -> str:
        """A number close to zero that takes as long to find out as a real voice would."""
        rng = np.random.default_rng(0)
        values = self.node("Gather", self.constant(rng.normal(0, 0.1, (256, width)).astype(np.float32)), ids)
        values = self.node("Transpose", values, perm=[0, 2, 1])
        values = self.node("Tile", values, self.constant(np.array([1, 1, 3], np.int64)))
        for _ in range(8):
            weights = self.constant(rng.normal(0, 0.05, (width, width, 5)).astype(np.float32))
            values = self.node("Tanh", self.node("Conv", values, weights, pads=[2, 2]))
        return self.node("Mul", self.node("ReduceMean", values, keepdims=0), self.constant(np.float32(1e-6)))

    def save(self, path: Path, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]) -> None:
        graph = helper.make_graph(self._nodes, "made", inputs, outputs, initializer=self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9, producer_name="made")
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, str(path))


def _value(name: str, kind: int, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)
