"""Recognisers of sherpa-onnx, made so that a broken model is an error.

The library ends the whole process, without an exception, over a model whose parts do not fit together. So each model is tried out
once in a process of its own before it is loaded into this one. That takes about as long as loading it and a fifth of a second, once
for each model and version of the library.
"""

import hashlib
import json
import logging
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..shared import paths
from ..shared.errors import EngineError
from ..shared.onnx_model import named
from . import sherpa_trial

_LOGGER = logging.getLogger(__name__)
_LINES = 4  # of the library's words that an error repeats
_NO_CUDA = (
    "the installed sherpa-onnx was built without it; set asr.engines.sherpa-onnx.device=cpu,"
    " or install a build for CUDA: https://k2-fsa.github.io/sherpa/onnx/cuda.html"
)
_WHERE = re.compile(r"^\S+\.(cc|h):\w+:\d+ ")  # the place in its source


@dataclass(frozen=True)
class Recipe:
    """What a recogniser is made of; plain values, so that another process can be given it."""

    factory: str
    """Class and method of sherpa_onnx."""
    keywords: Mapping[str, Any]
    """What the method is called with."""


def load(recipe: Recipe, what: str, timeout_s: float) -> tuple[Any, int]:
    """The library's recogniser, tried out and warmed up, and how many samples it takes in one step; 0 when it does not stream.

    what: what an error begins with. timeout_s: how long the trial may take. Blocking.
    Raises: EngineError with the library's words.
    """
    passed = paths.cache_dir() / "sherpa-onnx" / _fingerprint(recipe)
    if not passed.exists():
        _try_out(recipe, what, timeout_s)
        try:
            passed.parent.mkdir(parents=True, exist_ok=True)
            passed.touch()
        except OSError as err:
            _LOGGER.debug("the model will be tried out again next time: %s", err)
    with named(f"{what} cannot be used"):
        recogniser = sherpa_trial.build(recipe.factory, recipe.keywords)
        return recogniser, sherpa_trial.rehearse(recipe.factory, recogniser)


def _try_out(recipe: Recipe, what: str, timeout_s: float) -> None:
    """Raises: EngineError."""
    command = [sys.executable, "-P", sherpa_trial.__file__]
    try:
        ended = subprocess.run(command, input=json.dumps(asdict(recipe)).encode(), capture_output=True, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise EngineError(f"{what} was not loaded within {timeout_s:g} s (asr.engines.sherpa-onnx.load_timeout_s)") from None
    except OSError as err:
        raise EngineError(f"{what} cannot be tried out: {err}") from err
    lines = [_WHERE.sub("", line) for line in ended.stderr.decode(errors="replace").splitlines() if line.strip()]
    if any("Fallback to cpu" in line for line in lines):
        raise EngineError(f"{what} cannot run on CUDA: {_NO_CUDA}")
    swallowed = any("Caught exception" in line for line in lines)  # some families do, and would hear nothing ever after
    if ended.returncode or swallowed:
        said = " ".join(" ".join(line.split()) for line in lines[:_LINES] if "Caught" not in line) or f"exit code {ended.returncode}"
        raise EngineError(f"{what} cannot be used: {said[:500]} (`earshot models verify` tells whether its files are whole)")
    for line in lines:
        _LOGGER.warning("sherpa-onnx: %s", line)


def _fingerprint(recipe: Recipe) -> str:
    """Changes with the files, the keywords and the library."""
    import sherpa_onnx

    facts: list[Any] = [sherpa_onnx.version, recipe.factory]
    for keyword, value in sorted(recipe.keywords.items()):
        path = Path(value) if isinstance(value, str) else Path()
        if keyword == "bpe_vocab":
            continue  # a new file each time, made from the tokens
        facts.append((keyword, value, *((path.stat().st_size, path.stat().st_mtime_ns) if path.is_file() else ())))
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
