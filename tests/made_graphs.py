"""Parts of small ONNX graphs that say one sentence: a table from each token to the next, and what measures loudness or length."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT32, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL
LOUD = 20.0
"""Score of what comes next."""
BLANK = 10.0
"""Score of nothing."""
QUIET_LOG_MEL = -13.0  # digital silence is -15.9 and nothing that can be heard is below this, averaged over all bands
MELS = 80

Port = tuple[str, int, Sequence[str | int | None]]
"""Name, type and shape of an input or output."""


def pieces(sentence: str) -> list[str]:
    """A token for each word, as SentencePiece writes them. A word that comes twice would lead back to its first place."""
    pieces = [f"▁{word}" for word in sentence.split()]
    assert len(set(pieces)) == len(pieces)
    return pieces


def following(tokens: Sequence[str], *, first: int, end: int, rivals: Mapping[str, str] | None = None) -> np.ndarray:
    """(tokens, tokens): for each token a row that is large at the one that comes next. first: before the sentence; end: after it.

    rivals: word → another that is a little likelier in its place, and leads on as it does.
    """
    others = {f"▁{word}": f"▁{other}" for word, other in (rivals or {}).items()}
    words = [number for number, token in enumerate(tokens) if token.startswith("▁") and token not in others.values()]
    table = np.zeros((len(tokens), len(tokens)), np.float32)
    for token, comes in zip([first, *words], [*words, end], strict=True):
        table[token, comes] = LOUD
    for word, other in others.items():
        table[:, tokens.index(other)] = 1.02 * table[:, tokens.index(word)]
        table[tokens.index(other)] = table[tokens.index(word)]
    return table


def first_frame(frames: int, width: int) -> np.ndarray:
    """(1, frames, width) that lets the first frame of a chunk speak."""
    values = np.zeros((1, frames, width), np.float32)
    values[:, 0] = 1.0
    return values


def loudness(features: str, axes: Sequence[int]) -> list:
    """`loud`, (N, 1, 1): 1 when a chunk is not silent."""
    return [
        node("ReduceMean", [features], ["level"], axes=list(axes), keepdims=1),
        node("Greater", ["level", "quiet"], ["is_loud"]),
        node("Cast", ["is_loud"], ["loud"], to=FLOAT),
    ]


def frames(features: str, axis: int, step: int, width: int, out: str = "encoder_out") -> list:
    """(N, frames, width) of ones, one frame for every `step` of the features."""
    return [
        node("Shape", [features], ["shape"]),
        node("Gather", ["shape", f"at_{axis}"], ["length_in"]),
        node("Div", ["length_in", "step"], ["length_out"]),
        node("Concat", ["one", "length_out", "width"], ["size"], axis=0),
        node("ConstantOfShape", ["size"], [out], value=helper.make_tensor("ones", FLOAT, [1], [1.0])),
    ]


def frame_values(step: int, width: int) -> dict[str, np.ndarray]:
    numbers = {"at_1": 1, "at_2": 2, "step": step, "one": 1, "width": width}
    return {name: np.array([number], np.int64) for name, number in numbers.items()}


def ctc(features: str, axis: int, step: int, out: str) -> list:
    """Log probabilities: the words one after the other, blanks after them."""
    return [
        *frames(features, axis, step, 0, out="ones_out"),
        node("Slice", ["said", "zero", "length_out", "one"], ["cut"]),
        node("Unsqueeze", ["cut", "zero"], [out]),
    ]


def ctc_values(step: int, said: Sequence[int], width: int, blank: int) -> dict[str, np.ndarray]:
    table = np.full((3000, width), -LOUD, np.float32)
    table[:, blank] = 0.0
    for frame, token in enumerate(said):
        table[frame] = -LOUD
        table[frame, token] = 0.0
    return {**frame_values(step, 1), "said": table, "zero": np.array([0], np.int64)}


def pooled(audio: str, out: str) -> list:
    """(1, S) samples to (1, S / 384, 1): Moonshine's frames are 24 ms."""
    shape = numpy_helper.from_array(np.array([1, 1, -1], np.int64))
    return [
        helper.make_node("Constant", [], ["flat"], value=shape),
        node("Reshape", [audio, "flat"], ["channel"]),
        node("MaxPool", ["channel"], ["pooled"], kernel_shape=[384], strides=[384], pads=[0, 383]),
        node("Transpose", ["pooled"], [out], perm=[0, 2, 1]),
    ]


def carry(caches: Sequence[Port]) -> list:
    return [node("Identity", [name], [f"new_{name}"]) for name, *_ in caches]


def carried(caches: Sequence[Port]) -> list[Port]:
    return [(f"new_{name}", kind, shape) for name, kind, shape in caches]


def node(operator: str, inputs: list[str], outputs: list[str], **attributes) -> onnx.NodeProto:
    return helper.make_node(operator, inputs, outputs, **attributes)


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    values: Mapping[str, np.ndarray] | None = None,
    metadata: Mapping[str, object] | None = None,
) -> None:
    ports = [[helper.make_tensor_value_info(name, kind, list(shape)) for name, kind, shape in side] for side in (inputs, outputs)]
    constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in (values or {}).items()]
    graph = helper.make_graph(list(nodes), path.stem, *ports, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {key: str(value) for key, value in (metadata or {}).items()})
    onnx.save(model, str(path))


def write_tokens(folder: Path, tokens: Sequence[str], name: str = "tokens.txt") -> None:
    """Each token and its number in a line."""
    (folder / name).write_text("".join(f"{token} {number}\n" for number, token in enumerate(tokens)), encoding="utf-8")
