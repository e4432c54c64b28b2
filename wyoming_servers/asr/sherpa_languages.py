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
_ALSO_WORDS = (
    "my",
    "is",
    "no",
    "it",
    "so",
    "as",
    "be",
    "he",
    "la",
    "mi",
    "am",
    "hi",
    "ha",
    "ms",
    "mr",
    "ml",
    "id",
    "et",
    "si",
    "su",
    "ne",
    "pa",
)
"""Codes that may mean something else in the name of somebody's own folder."""
_FAMILIES = {"sense-voice": ("zh", "en", "yue", "ja", "ko")}


def languages(name: str, model: SherpaFiles, house: str) -> tuple[str, ...]:
    """BCP 47 tags; English when nothing tells.

    house: what is spoken in the house. A Whisper of many languages is told it, and hears that one: it would guess wrong now and then.
    """
    if model.family.name == "whisper":
        spoken = house.replace("_", "-").partition("-")[0].lower()
        known = [code for code in model.header.get("all_language_codes").split(",") if code] or languages_of(name)
        return (spoken,) if spoken in known and len(known) > 1 else tuple(known)
    return _prompts(model) or listed(name) or _FAMILIES.get(model.family.name) or _by_name(name) or ("en",)


def told(tags: tuple[str, ...], model: SherpaFiles) -> dict[str, str]:
    """The `language` that a recogniser of this model is made with, where it takes one: the only one there is, else its own guess."""
    if model.family.name not in ("whisper", "sense-voice"):
        return {}
    code = tags[0].partition("-")[0]
    known = model.header.get("all_language_codes").split(",") if model.family.name == "whisper" else _FAMILIES["sense-voice"]
    return {"language": code if len(tags) == 1 and code in known else ""}  # it ends the process over a code that it does not know


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
def listed(name: str) -> tuple[str, ...]:
    """What the catalogue says of a model of this name; empty when it does not know it."""
    try:
        entry = load().get("sherpa-onnx", name)
    except AssistantError:  # a broken catalogue is told to who wants to fetch something
        return ()
    return entry.languages if entry else ()


def _by_name(name: str) -> tuple[str, ...]:
    """From a name like `sherpa-onnx-streaming-zipformer-bilingual-zh-en-2023-02-20`."""
    low = name.lower()
    if "parakeet" in low and "v3" in low:
        return _EUROPEAN
    known = LANGUAGES if low.startswith("sherpa-onnx") else [code for code in LANGUAGES if code not in _ALSO_WORDS]
    parts = re.split(r"[-_.\s]+", low)
    found = [_WORDS.get(part, part) for part in parts if part in _WORDS or part in known]
    return tuple(dict.fromkeys(found))
