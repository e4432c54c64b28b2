"""What every openWakeWord classifier listens to: 96 numbers per 80 ms frame, made once and shared by all words of a stream."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .attention import Attention
from .embedding import MEL_BANDS, STEP_ROWS, WINDOW_ROWS, EmbeddingNetwork, Past, WholeWindows
from .tflite import Interpreter, ModelFile, Runtime

FRAME_SAMPLES = 1280
"""80 ms: one step of the models."""
_WINDOW_SAMPLES = 1760  # what the mel model is given per step: the frame and the 480 samples before it


class FeatureModels:
    """The two models that make features. They keep nothing of a stream; used by one thread at a time."""

    def __init__(self, runtime: Runtime, mel: ModelFile, embedding: EmbeddingNetwork | WholeWindows) -> None:
        # XNNPACK would save 0.1 ms here, and print a line of its own on every start
        self._mel = Interpreter(runtime, mel, input_shape=(1, _WINDOW_SAMPLES))
        self.embedding = embedding

    def silence(self) -> "Silence":
        """What digital silence looks like."""
        row = self.mel(np.zeros(_WINDOW_SAMPLES, np.int16))[-1]
        return Silence(row, self.embedding.run(np.tile(row, (WINDOW_ROWS, 1)), {})[0])

    def mel(self, window: np.ndarray) -> np.ndarray:
        """(1760,) int16 values → (8, 32), scaled as the embedding model was trained."""
        return self._mel.run(window).reshape(STEP_ROWS, MEL_BANDS) / 10 + 2


@dataclass(frozen=True)
class Silence:
    """The past of a stream that has none: every stream begins as if it had been silent until then."""

    row: np.ndarray
    """(32,): each of its mel rows."""
    features: np.ndarray
    """(96,): each of its frames."""


class FeatureStream:
    """One stream's audio on its way to features. While nothing stands out of its noise, no features are made; when something does,
    those of the frames before it are made up for."""

    def __init__(self, silence: Silence, frames: int) -> None:
        """frames: how far its words look back."""
        self._audio = np.zeros(_WINDOW_SAMPLES - FRAME_SAMPLES, np.int16)
        self._rows = np.tile(silence.row, (WINDOW_ROWS + (frames - 1) * STEP_ROWS, 1))
        self._features = np.tile(silence.features, (frames, 1))
        self._seen: Past = {}
        self._behind = 0
        self._attention = Attention()

    @property
    def wanted_samples(self) -> int:
        """What completes the next frame; while there is nothing to listen to, a frame more: two in one go cost less."""
        missing = _WINDOW_SAMPLES - len(self._audio)
        return missing + FRAME_SAMPLES if self._behind else missing

    def feed(self, models: FeatureModels, samples: np.ndarray) -> Iterator[np.ndarray | None]:
        """Yields, for each frame that these (n,) int16 complete, the (frames, 96) features up to it; None where there is nothing to
        listen to. To be used up before the next call; each array only until the next is asked for."""
        audio = np.concatenate((self._audio, samples))
        whole = (len(audio) - _WINDOW_SAMPLES) // FRAME_SAMPLES + 1
        self._audio = audio[whole * FRAME_SAMPLES :].copy()
        for start in range(0, whole * FRAME_SAMPLES, FRAME_SAMPLES):
            mel = models.mel(audio[start : start + _WINDOW_SAMPLES])
            self._rows[:-STEP_ROWS] = self._rows[STEP_ROWS:]
            self._rows[-STEP_ROWS:] = mel
            self._behind = min(self._behind + 1, len(self._features))
            yield self._caught_up(models) if self._attention.frame(mel) else None

    def _caught_up(self, models: FeatureModels) -> np.ndarray:
        frames, self._behind = self._behind, 0
        rows = frames * STEP_ROWS
        if frames > 1 or not self._seen:
            self._seen = {}
            rows += WINDOW_ROWS - STEP_ROWS
        self._features[:-frames] = self._features[frames:]
        self._features[-frames:] = models.embedding.run(self._rows[-rows:], self._seen)
        return self._features
