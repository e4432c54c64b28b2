"""sherpa-onnx on a small streaming zipformer that hears "what time is it" in whatever is not silent."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from made_sherpa import SENTENCE, make
from rigged import Rig, bare_context

from wyoming_servers.asr.sherpa import SherpaOnnxOptions


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """The engine with one model, which it finds by itself."""
    make("zipformer-streaming", folder / "models" / "sherpa-onnx" / "sherpa-onnx-streaming-zipformer-en-made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))  # where it remembers that the model is sound
        yield Rig(SherpaOnnxOptions(), bare_context(folder), heard=SENTENCE)
