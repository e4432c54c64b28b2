"""Recognisers of sherpa-onnx: how one is made, and the rehearsal that shows whether its model is sound.

The library ends the whole process, without an exception, over a model whose parts do not fit together. So each model is tried out
once in a process of its own (`python -m wyoming_servers.asr.sherpa_recogniser`, with a Recipe as JSON on stdin) before it is loaded
into this one; that costs about as much time as loading it does, once for each model and version of the library.
"""

import hashlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..shared import paths
from ..shared.audio import RATE_HZ
from ..shared.errors import EngineError

_LOGGER = logging.getLogger(__name__)
_STEP = RATE_HZ // 100
_LONGEST_CHUNK = 10 * RATE_HZ
_PACKAGE = Path(__file__).resolve().parents[2]
_LINES = 3  # of the library's last words that an error repeats


@dataclass(frozen=True)
class Recipe:
    """What a recogniser is made of; plain values, so that another process can be given it."""

    factory: str
    """Class and method of sherpa_onnx."""
    keywords: Mapping[str, Any]
    """What the method is called with."""


def build(recipe: Recipe) -> Any:
    """The library's recogniser; takes seconds.

    Raises: EngineError.
    """
    import sherpa_onnx

    kind, _, method = recipe.factory.partition(".")
    try:
        return getattr(getattr(sherpa_onnx, kind), method)(**recipe.keywords)
    except Exception as err:  # the library raises whatever onnxruntime does
        raise EngineError(f"sherpa-onnx cannot load it: {' '.join(str(err).split())[:300]}") from err


def rehearse(recipe: Recipe, recogniser: Any) -> int:
    """Lets it hear faint noise once, so that nobody waits for what it does only the first time.

    Returns how many samples a streaming recogniser takes in one step; 0 for another.
    Raises: EngineError.
    """
    noise = np.random.default_rng(0).normal(0, 1e-3, 2 * RATE_HZ).astype(np.float32)
    try:
        if recipe.factory.startswith("Offline"):
            stream = recogniser.create_stream()
            stream.accept_waveform(RATE_HZ, noise)
            recogniser.decode_stream(stream)
            return 0
        stream, step = recogniser.create_stream(), 0
        while not recogniser.is_ready(stream) and step < _LONGEST_CHUNK:
            stream.accept_waveform(RATE_HZ, noise[:_STEP])
            step += _STEP
        if not recogniser.is_ready(stream):
            raise EngineError(f"sherpa-onnx takes nothing within {_LONGEST_CHUNK // RATE_HZ} s: the model's chunk length is wrong")
        while recogniser.is_ready(stream):
            recogniser.decode_stream(stream)
        recogniser.get_result_all(stream)
        return step
    except EngineError:
        raise
    except Exception as err:  # as above
        raise EngineError(f"sherpa-onnx cannot run it: {' '.join(str(err).split())[:300]}") from err


def try_out(recipe: Recipe, what: str, timeout_s: float) -> None:
    """Builds and rehearses it in a process of its own, unless the same files have passed before. Blocking.

    what: what an error begins with.
    Raises: EngineError with the library's last words.
    """
    passed = paths.cache_dir() / "sherpa-onnx" / _fingerprint(recipe)
    if passed.exists():
        return
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])])}
    command = [sys.executable, "-m", __name__]
    try:
        ended = subprocess.run(command, input=json.dumps(asdict(recipe)).encode(), capture_output=True, timeout=timeout_s, env=environment)
    except subprocess.TimeoutExpired:
        raise EngineError(f"{what} was not loaded within {timeout_s:g} s (asr.engines.sherpa-onnx.load_timeout_s)") from None
    except OSError as err:
        raise EngineError(f"{what} cannot be tried out: {err}") from err
    lines = [line for line in ended.stderr.decode(errors="replace").splitlines() if line.strip()]
    if ended.returncode:
        said = " ".join(" ".join(line.split()) for line in lines[-_LINES:]) or f"exit code {ended.returncode}"
        raise EngineError(f"{what} cannot be used: {said[:500]}")
    for line in lines:
        _LOGGER.warning("sherpa-onnx: %s", line)
    try:
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.touch()
    except OSError as err:
        _LOGGER.debug("the model will be tried out again next time: %s", err)


def _fingerprint(recipe: Recipe) -> str:
    """Changes with the files, the keywords and the library."""
    import sherpa_onnx

    facts: list[Any] = [sherpa_onnx.version, recipe.factory]
    for keyword, value in sorted(recipe.keywords.items()):
        if isinstance(value, str) and keyword != "bpe_vocab" and (path := Path(value)).is_file():
            facts.append((keyword, value, path.stat().st_size, path.stat().st_mtime_ns))
        elif keyword != "bpe_vocab":
            facts.append((keyword, value))
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _main() -> int:
    recipe = Recipe(**json.load(sys.stdin))
    try:
        rehearse(recipe, build(recipe))
    except EngineError as err:
        sys.stderr.write(f"{err}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
