"""Which languages a sherpa-onnx model understands: said by its files, by the catalogue, or by its name."""

import functools
import json
import re

from ..shared.catalogue import load
from ..shared.errors import AssistantError
from .sherpa_families import SherpaFiles
from .whisper_languages import LANGUAGES, languages_of

_EUROPEAN = ("en", "bg", "hr", "cs", "da", "nl", "et", "fi", "fr", "de", "el", "hu", "it", "lv", "lt", "mt", "pl", "pt", "ro", "sk", "sl")
_EUROPEAN += ("es", "sv", "ru", "uk")
"""The 25 of parakeet-tdt-0.6b-v3 (its model card)."""
_WORDS = {"english": "en", "chinese": "zh", "cantonese": "yue", "korean": "ko", "japanese": "ja", "french": "fr", "german": "de"}
_WORDS |= {"spanish": "es", "russian": "ru", "thai": "th", "vietnamese": "vi", "arabic": "ar", "italian": "it", "portuguese": "pt"}
_FAMILIES = {"sense-voice": ("zh", "en", "yue", "ja", "ko")}


def languages(name: str, model: SherpaFiles) -> tuple[str, ...]:
    """BCP 47 tags, the likeliest first; English when nothing tells."""
    return _prompts(model) or _listed(name) or _FAMILIES.get(model.family.name) or _by_name(name, model.family.name) or ("en",)


def prompted(model: SherpaFiles) -> bool:
    """True when the model is told the language of each utterance."""
    return bool(model.header.get("prompt_dictionary"))


def _prompts(model: SherpaFiles) -> tuple[str, ...]:
    """Languages that the model can be told (Nemotron 3.5); without the entry for "find out yourself"."""
    try:
        known = json.loads(model.header.get("prompt_dictionary") or "{}")
    except ValueError:
        return ()
    return tuple(tag for tag in known if re.fullmatch(r"[a-z]{2,3}(-[A-Za-z]{2,4})?", tag) and tag != "auto")


@functools.lru_cache(maxsize=256)  # the catalogue takes a tenth of a second, and models are listed every few seconds
def _listed(name: str) -> tuple[str, ...]:
    """What the catalogue says of a model of this name."""
    try:
        entry = load().get("sherpa-onnx", name)
    except AssistantError:  # a broken catalogue is told to who wants to fetch something
        return ()
    return entry.languages if entry else ()


def _by_name(name: str, family: str) -> tuple[str, ...]:
    """From a name like `sherpa-onnx-streaming-zipformer-bilingual-zh-en-2023-02-20`."""
    low = name.lower()
    if "parakeet" in low and "v3" in low:
        return _EUROPEAN
    parts = re.split(r"[-_.\s]+", low.removeprefix("sherpa-onnx"))
    found = [_WORDS.get(part, part) for part in parts if part in _WORDS or part in LANGUAGES]
    if not found and family == "whisper":
        return languages_of(name)
    return tuple(dict.fromkeys(found))
