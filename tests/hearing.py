"""Recognisers behind a fake server: loaded, and spoken to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from fake_web import FakeWeb
from rigged import bare_context

from wyoming_servers.asr.engine import AsrEngine, AsrRequest, Transcription
from wyoming_servers.shared.house import House


@contextmanager
def loaded(
    cls: type[AsrEngine], folder: Path, server: FakeWeb, house: House | None = None, language: str = "en", **options: Any
) -> Iterator[AsrEngine]:
    """The engine with this server, closed at the end."""
    engine = cls(cls.Options(uri=server.uri, **options), bare_context(folder, house=house or House(), language=language))
    try:
        yield engine
    finally:
        engine.close()


def hear(engine: AsrEngine, samples: np.ndarray, piece_samples: int = 512, **request: Any) -> Transcription:
    """What it hears in (n,) int16, fed in pieces."""
    stream = engine.open(AsrRequest(**request))
    try:
        for start in range(0, len(samples), piece_samples):
            stream.feed(samples[start : start + piece_samples])
        return stream.finish()
    finally:
        stream.close()
