"""sherpa-onnx on a small streaming zipformer that hears "what time is it" in whatever is not silent."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from made_sherpa import SENTENCE, make
from rigged import Rig, bare_context

from wyoming_servers.asr.sherpa import SherpaOnnxOptions


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """The engine with one model, which it finds by itself."""
    make("zipformer-streaming", folder / "models" / "sherpa-onnx" / "sherpa-onnx-streaming-zipformer-en-made")
    yield Rig(SherpaOnnxOptions(), bare_context(folder), heard=SENTENCE)
