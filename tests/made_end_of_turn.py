"""A small ONNX file with the input and the output of Smart Turn v3, that says what a test wants."""

import math
from pathlib import Path

import numpy as np
from made_graphs import FLOAT, node, save

INPUT = ("input_features", FLOAT, ["batch", 80, 800])


def make_smart_turn(path: Path, probability: float | None = None, *, shape: tuple = INPUT[2]) -> Path:
    """probability: what it says of everything; None for more the more speech is in the last half second: below 0.1 where there is none."""
    values = {
        "starts": np.array([750], np.int64),
        "ends": np.array([800], np.int64),
        "axes": np.array([2], np.int64),
        "slope": np.array(10.0 if probability is None else 0.0, np.float32),
        "one": np.array([1], np.int64),
        "offset": np.array(-3.0 if probability is None else math.log(probability / (1 - probability)), np.float32),
    }
    nodes = [
        node("Slice", ["input_features", "starts", "ends", "axes"], ["last"]),
        node("ReduceMean", ["last"], ["level"], axes=[1, 2], keepdims=0),
        node("Mul", ["level", "slope"], ["scaled"]),
        node("Add", ["scaled", "offset"], ["shifted"]),
        node("Unsqueeze", ["shifted", "one"], ["column"]),
        node("Sigmoid", ["column"], ["logits"]),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    save(
        path, nodes, [("input_features", FLOAT, list(shape))], [("logits", FLOAT, ["batch", 1])], values | {"one": np.array([1], np.int64)}
    )
    return path
