"""microWakeWord models on disk: a .json file that describes, and a .tflite file beside it."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..shared.errors import EngineError

if TYPE_CHECKING:
    from pymicro_wakeword import MicroWakeWord

_MAX_BYTES = 64 * 1024


@dataclass(frozen=True)
class MicroModel:
    """One model's description."""

    path: Path
    """The .json file."""
    phrase: str
    author: str
    url: str
    languages: tuple[str, ...]
    version: str
    cutoff: float
    """The threshold its maker recommends."""

    @classmethod
    def read(cls, path: Path) -> "MicroModel":
        """Raises: EngineError that says what is wrong with the file, or with the one it names."""
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise EngineError(f"{path} is too large for the description of a wake word")
            content = json.loads(path.read_text(encoding="utf-8"))
            micro = content["micro"]
            model = cls(
                path,
                str(content["wake_word"]).strip().lower(),
                str(content.get("author") or "unknown"),
                str(content.get("website") or ""),
                tuple(map(str, content.get("trained_languages") or ["en"])),
                str(content.get("version", "")),
                float(micro["probability_cutoff"]),
            )
            weights = path.parent / str(content["model"])
            window = int(micro["sliding_window_size"])
        except OSError as err:
            raise EngineError(f"{path} cannot be read: {err.strerror}") from err
        except (ValueError, KeyError, TypeError, AttributeError) as err:
            raise EngineError(f"{path} does not describe a microWakeWord model: {err!r}") from err
        if weights.parent != path.parent or not weights.is_file():
            raise EngineError(f"{path} names a model that is not beside it: {weights.name}")
        if not model.phrase or not 0 < model.cutoff <= 1 or not 1 <= window <= 100:
            raise EngineError(f"{path} has a phrase, probability_cutoff or sliding_window_size that cannot be used")
        return model

    def detector(self) -> "MicroWakeWord":
        """A new one, which keeps the state of one stream.

        Raises: EngineError when its model cannot be run.
        """
        from pymicro_wakeword import MicroWakeWord

        try:
            return MicroWakeWord.from_config(self.path)
        except (RuntimeError, ValueError, OSError, KeyError) as err:
            raise EngineError(f"{self.path} cannot be run: {err}") from err


def is_of_micro(path: Path) -> bool:
    """True when a .tflite file belongs to a microWakeWord description beside it."""
    return _describes_micro(path.with_suffix(".json"))


def _describes_micro(description: Path) -> bool:
    try:
        status = description.stat()
    except OSError:
        return False
    return _reads_as_micro(description, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _reads_as_micro(description: Path, size_bytes: int, changed_ns: int) -> bool:
    try:
        content: Any = json.loads(description.read_text(encoding="utf-8")) if size_bytes <= _MAX_BYTES else None
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and "micro" in content
