"""Which openWakeWord models there are: those bundled in `pyopen-wakeword`, and the owner's own `.tflite` and `.onnx` files."""

import functools
import logging
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from . import micro, probe
from .tflite import package_dir

_LOGGER = logging.getLogger(__name__)
FEATURE_FILES = ("melspectrogram", "embedding_model")
_SUFFIXES = (".tflite", ".onnx")
_PREFERRED = ("hey_jarvis", "okay_nabu", "alexa", "hey_mycroft", "hey_rhasspy")
_SETTLE_S = 1.0  # a younger file may still be in the middle of being copied; the next look will take it
_MAX_BYTES = 32 * 1024 * 1024  # openWakeWord's are 0.2 to 1.3 MB
_MAX_NAME_CHARS = 100
_VERSION = re.compile(r"[ _-]v(\d+(?:[._]\d+)*)$", re.IGNORECASE)


@dataclass(frozen=True)
class Word:
    """One wake word's model file as it is now; another version of the file is another Word."""

    name: str
    """Stable id: the file's name without its ending."""
    path: Path
    own: bool
    """The owner's, not bundled."""
    stamp: tuple[int, int]
    """Size in bytes and time of change in nanoseconds."""

    @property
    def version(self) -> str | None:
        """`0.1` for `computer_v0.1`."""
        found = _VERSION.search(self.name)
        return found[1].replace("_", ".") if found else None

    @property
    def phrase(self) -> str:
        """What is said: `hey jarvis`."""
        return " ".join(re.split(r"[ _-]+", _VERSION.sub("", self.name))).strip().lower()


def all_words(folder: Path) -> dict[str, Word]:
    """Every usable wake word by name: the bundled ones, then the owner's. A file of the owner's replaces a bundled one of its name.

    Raises: EngineError when the bundled models are not installed.
    """
    return {word.name: word for word in (*bundled_words(), *own_words(folder))}


def bundled_words() -> list[Word]:
    """The models in the package, the best known first.

    Raises: EngineError when it is not installed.
    """
    found = {path.stem: path for path in models_dir().glob("*.tflite") if path.stem not in FEATURE_FILES}
    ordered = [name for name in _PREFERRED if name in found]
    ordered += sorted(found.keys() - set(ordered))
    return [Word(name, found[name], False, (0, 0)) for name in ordered]


def own_words(folder: Path) -> list[Word]:
    """The owner's usable models by name; what is wrong with any other file is logged once."""
    found: dict[str, Word] = {}
    for path in own_files(folder, _SUFFIXES):
        if path.stem not in found and not micro.is_of_micro(path) and (word := own_word(path)):
            found[word.name] = word
    return list(found.values())


def own_files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The owner's files with these endings, by name; of two with the same name the ending that stands first in `suffixes` first."""
    try:
        with os.scandir(folder) as entries:
            files = [Path(entry.path) for entry in entries if not entry.name.startswith(".") and entry.name.lower().endswith(suffixes)]
    except FileNotFoundError:
        return []
    except OSError as err:
        _complain(f"wake words of your own in {folder} cannot be read: {err.strerror}")
        return []
    return sorted(files, key=lambda path: (path.stem, suffixes.index(path.suffix.lower())))


def models_dir() -> Path:
    """Where the bundled models lie.

    Raises: EngineError when the package is not installed.
    """
    return package_dir() / "models"


def own_word(path: Path) -> Word | None:
    """An owner's model file as a word, when it has been there for a moment and can be used."""
    try:
        status = path.stat()
    except OSError:
        return None  # gone again, or a link to nowhere
    if not path.is_file() or 0 <= time.time() - status.st_mtime < _SETTLE_S:
        return None
    word = Word(path.stem, path, True, (status.st_size, status.st_mtime_ns))
    return None if _fault(word) else word


@functools.lru_cache(maxsize=256)
def _fault(word: Word) -> str:
    """What is wrong with this version of a file; empty when it can be used. Tried, and logged, once per version."""
    if not word.name.isprintable() or len(word.name) > _MAX_NAME_CHARS:
        fault = f"{str(word.path)!r} has a name that cannot be used"
    elif word.stamp[0] > _MAX_BYTES:
        fault = f"{word.path} has {word.stamp[0]} bytes, more than a wake word model ever needs ({_MAX_BYTES})"
    else:
        fault = probe.fault_of(word.path)
    if fault:
        _LOGGER.warning("wake word left out: %s", fault)
    return fault


@functools.lru_cache(maxsize=16)
def _complain(text: str) -> None:
    _LOGGER.warning("%s", text)
