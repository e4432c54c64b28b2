"""Piper voices on disk: which there are, what their configurations say, which is the default."""

import functools
import json
import logging
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..shared.onnx_model import damage

_LOGGER = logging.getLogger(__name__)
_NAME = re.compile(r"(?P<language>[a-z]{2,3}_[A-Za-z]{2,4})-(?P<dataset>[^-]+)-(?P<quality>\w+)")
"""How piper-voices names its files: `de_DE-thorsten-medium`."""
_QUALITIES = ("medium", "high", "low", "x_low")
"""From best to worst for a home: `high` takes several times as long for a difference few hear."""
_LIKELY = {"en": "en-us", "pt": "pt-br", "zh": "zh-cn", "ar": "ar-jo"}
"""What a language without a region means, where it is not the region of the same name."""
_FAVOURITES = ("en_US-ljspeech-medium", "de_DE-thorsten-medium", "fr_FR-siwis-medium")
"""Good ones that anybody may use for anything (public domain, CC0, CC-BY), in languages with many."""
_CROWD = "mls"  # audiobooks read by dozens, well and badly
_NOT_PROPOSED = ("zh", "ja", "th")  # their voices need libraries that piper-tts does not bring
_OTHER = 2  # distance of another language
_DEPTH = 6  # piper-voices itself is four folders deep: de/de_DE/thorsten/medium
_LONGEST_CONFIG_BYTES = 4 << 20


@dataclass(frozen=True)
class PiperVoiceFile:
    """One voice: the network and its configuration. Equal only as long as neither file has changed."""

    name: str
    """What the owner calls it."""
    folder: str
    """Name of the folder of its model, by which the model store knows it; empty for a loose file."""
    path: Path
    """The .onnx file."""
    config_path: Path
    """Its .onnx.json."""
    changed_ns: tuple[int, int]
    """When the two were last changed."""
    languages: tuple[str, ...]
    """BCP 47, the most exact first."""
    dataset: str
    """Whose voice it is, for people."""
    quality: str
    """`medium`, `high`, `low`, `x_low`, or empty."""
    speakers: tuple[tuple[str, int], ...]
    """(name, number) by number; empty for a voice with one speaker."""


def find(roots: Iterable[Path]) -> dict[str, PiperVoiceFile]:
    """Every usable voice below these folders by name; of two with one name the first. Reads configurations, never a network.

    What cannot be used is left out, and said once in the log.
    """
    found: dict[str, PiperVoiceFile] = {}
    for root in roots:
        for path, alone in _files(root):
            voice = _voice(root, path, alone)
            if voice is not None:
                found.setdefault(voice.name, voice)
    return found


def best(voices: Iterable[PiperVoiceFile], language: str) -> PiperVoiceFile:
    """The one to speak this language, BCP 47; the nearest there is. There must be at least one."""
    return min(voices, key=lambda voice: (_distance(voice.languages[0], language), *rank(voice)))


def nearest(names: Iterable[str], language: str) -> str:
    """Of voices that are not here, the one to speak this language by its name; empty when none does."""

    def order(match: re.Match[str]) -> tuple[int, bool, bool, int, str]:
        crowd = match["dataset"].startswith(_CROWD)
        return _distance(_tags(match["language"])[0], language), match[0] not in _FAVOURITES, crowd, _place(match["quality"]), match[0]

    matches = [match for match in map(_NAME.fullmatch, names) if match and not match[0].startswith(_NOT_PROPOSED)]
    first = min(matches, key=order, default=None)
    return first[0] if first and order(first)[0] < _OTHER else ""


def rank(voice: PiperVoiceFile) -> tuple[str, int, str]:
    """By language, then by quality, then by name."""
    return voice.languages[0], _place(voice.quality), voice.name


def languages_of(name: str) -> tuple[str, ...]:
    """What a voice speaks by its name, for one that is not here yet."""
    match = _NAME.fullmatch(name)
    return _tags(match["language"]) if match else ("und",)


def descriptions(voices: Sequence[PiperVoiceFile]) -> dict[str, str]:
    """For people: whose voice it is and how good; with the voice's name where that is not enough to tell two apart."""
    plain = {voice.name: f"{voice.dataset} ({voice.quality})" if voice.quality else voice.dataset for voice in voices}
    times = Counter((tag, plain[voice.name]) for voice in voices for tag in voice.languages)
    alike = {voice.name for voice in voices if any(times[tag, plain[voice.name]] > 1 for tag in voice.languages)}
    return {name: f"{text}, {name}" if name in alike else text for name, text in plain.items()}


def _distance(tag: str, language: str) -> int:
    wanted, own = language.lower().replace("_", "-"), tag.lower()
    if own in (wanted, _LIKELY.get(wanted, f"{wanted}-{wanted}")):
        return 0
    return 1 if own.partition("-")[0] == wanted.partition("-")[0] else _OTHER


def _place(quality: str) -> int:
    return _QUALITIES.index(quality) if quality in _QUALITIES else len(_QUALITIES)


def _files(root: Path) -> Iterator[tuple[Path, bool]]:
    """Every .onnx file, and whether it is alone in a folder of its own."""
    for folder, folders, files in os.walk(root, followlinks=True):
        depth = len(Path(folder).relative_to(root).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < _DEPTH else []
        networks = sorted(name for name in files if name.endswith(".onnx") and not name.startswith("."))
        for name in networks:
            yield Path(folder, name), len(networks) == 1 and depth > 0


def _voice(root: Path, path: Path, alone: bool) -> PiperVoiceFile | None:
    parts = path.relative_to(root).parts
    name = path.parent.name if alone and not _NAME.fullmatch(path.stem) else path.stem
    config_path = next((file for file in (Path(f"{path}.json"), path.with_suffix(".json")) if file.is_file()), None)
    if config_path is None:
        _complain(path, f"{path.name}.json is missing beside it; copy both files of a voice")
        return None
    try:
        changed_ns = path.stat().st_mtime_ns, config_path.stat().st_mtime_ns
    except OSError as err:
        _complain(path, f"it cannot be read: {err.strerror}")
        return None
    return _read(name, parts[0] if len(parts) > 1 else "", path, config_path, changed_ns)


@functools.lru_cache(maxsize=4096)
def _read(name: str, folder: str, path: Path, config_path: Path, changed_ns: tuple[int, int]) -> PiperVoiceFile | None:
    """Each version of a file is read once, and complained of once."""
    if reason := damage(path):
        _complain(path, reason)
        return None
    try:
        if config_path.stat().st_size > _LONGEST_CONFIG_BYTES:
            raise ValueError("it is far too large")
        config = json.loads(config_path.read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise ValueError("it is not a voice's configuration")
        match = _NAME.fullmatch(path.stem) or _NAME.fullmatch(name)
        return PiperVoiceFile(
            name,
            folder,
            path,
            config_path,
            changed_ns,
            languages=_languages(config, match["language"] if match else ""),
            dataset=_text(config.get("dataset")) or (match["dataset"] if match else name),
            quality=_text(config["audio"].get("quality")) or (match["quality"] if match else ""),
            speakers=_speakers(config),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        _complain(config_path, f"it has no {err}" if isinstance(err, KeyError) else str(err))
        return None


@functools.lru_cache(maxsize=4096)
def _complain(path: Path, reason: str) -> None:
    _LOGGER.warning("%s is no usable Piper voice: %s", path, reason)


def _languages(config: Mapping[str, Any], by_name: str) -> tuple[str, ...]:
    """What the voice speaks.

    Raises: KeyError, TypeError, ValueError for a configuration without what Piper cannot do without.
    """
    if not isinstance(config["phoneme_id_map"], dict) or not isinstance(config["audio"]["sample_rate"], int):
        raise ValueError("its phoneme_id_map or its sample_rate is of the wrong type")
    spoken, _ = _text(config["espeak"]["voice"]), int(config["num_symbols"])
    said = config.get("language")
    return _tags(_text(said.get("code")) if isinstance(said, dict) and said.get("code") else by_name or spoken)


def _tags(code: str) -> tuple[str, ...]:
    """`de_DE` as ("de-DE", "de")."""
    family, *rest = code.replace("_", "-").split("-")
    spelled = [part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part for part in rest]
    return tuple(dict.fromkeys(("-".join((family.lower(), *spelled)), family.lower())))


def _speakers(config: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    count = int(config["num_speakers"])
    if count < 2:
        return ()
    named = {int(number): str(name) for name, number in (config.get("speaker_id_map") or {}).items()}
    return tuple((named.get(number, str(number)), number) for number in range(count))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
