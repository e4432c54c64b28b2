"""Which Whisper models in CTranslate2's format are on this machine, what they hear, and which of them is taken."""

import importlib.metadata
import json
from dataclasses import dataclass
from pathlib import Path

from ..shared.engines import EngineContext, Model
from ..shared.errors import EngineUnavailableError
from .whisper_languages import LANGUAGES, languages_of

ENGINE = "faster-whisper"
PRESETS = {
    "fast": ("tiny.en", "tiny", "base.en", "base", "small.en", "small"),
    "robust": ("base.en", "base", "small.en", "small", "medium.en", "medium", "large-v3-turbo", "large-v3"),
}
"""Models by preset, the best first; the first that hears the house's language is the one to download."""
_FILES = ("model.bin", "tokenizer.json")
_ENGLISH_TAGS = ("en", "en-US", "en_US", "en-GB", "en_GB")
_OTHER_CODES = {"nb": "no", "jv": "jw", "fil": "tl"}
"""How Whisper writes languages that others write in another way."""


@dataclass(frozen=True)
class Found:
    """One model."""

    name: str
    folder: Path | None
    """None when it has to be fetched."""
    languages: tuple[str, ...]
    """What it hears, as Whisper writes it."""

    @property
    def tags(self) -> tuple[str, ...]:
        """What it hears, as clients write it."""
        others = tuple(tag for tag, code in _OTHER_CODES.items() if code in self.languages)
        return _ENGLISH_TAGS + tuple(code for code in self.languages if code != "en") + others

    def shown(self) -> Model:
        """The model as `describe` shows it."""
        hears = "English" if self.languages == ("en",) else f"{len(self.languages)} languages"
        return Model(
            self.name,
            f"Whisper {self.name}, {hears}",
            self.tags,
            "OpenAI and SYSTRAN",
            "https://github.com/SYSTRAN/faster-whisper",
            importlib.metadata.version(ENGINE),
            installed=self.folder is not None,
        )


def code(tag: str) -> str:
    """How Whisper writes the language of a BCP 47 tag."""
    base = tag.replace("_", "-").partition("-")[0].lower()
    return _OTHER_CODES.get(base, base)


def found(context: EngineContext) -> list[Found]:
    """Every complete model of the store. Reads names and vocabularies."""
    return [_found(name, folder) for name, folder in context.store.installed(ENGINE).items() if not _lacking(folder)]


def chosen(model: str, preset: str, language: str, *, multilingual: bool, context: EngineContext) -> Found:
    """The model the settings ask for.

    model: a name or a folder; empty takes the best of the preset that is on this machine, else any, else the preset's first.
    language: one it must hear, as Whisper writes it. multilingual: it must hear more than English.
    Raises: EngineUnavailableError.
    """
    if model:
        return _fit(_named(model, context), language, multilingual=multilingual)
    here = {one.name: one for one in found(context)}
    fitting = [one for one in here.values() if _fits(one, language, multilingual=multilingual)]
    ranked = sorted(fitting, key=lambda one: PRESETS[preset].index(one.name) if one.name in PRESETS[preset] else len(PRESETS[preset]))
    if ranked and (preset == "fast" or ranked[0].name in PRESETS[preset]):
        return ranked[0]
    for name in PRESETS[preset]:
        wanted = Found(name, None, languages_of(name))
        if _fits(wanted, language, multilingual=multilingual):
            return _named(name, context)
    raise EngineUnavailableError(f"Whisper does not hear {language!r}; it hears: {', '.join(LANGUAGES)}")


def _named(model: str, context: EngineContext) -> Found:
    path = Path(model).expanduser()
    folder = path if path.is_absolute() else context.store.locate(ENGINE, model)
    if folder is None:
        return Found(model, None, languages_of(model))
    if lacking := _lacking(folder):
        raise EngineUnavailableError(f"has no whole model in {folder}: {', '.join(lacking)} is missing")
    return _found(folder.name if path.is_absolute() else model, folder)


def _fit(one: Found, language: str, *, multilingual: bool) -> Found:
    if _fits(one, language, multilingual=multilingual):
        return one
    wanted = "more than English, which detect_language and translate need" if language in one.languages else f"{language!r}"
    raise EngineUnavailableError(f"model {one.name} does not hear {wanted}: leave asr.engines.{ENGINE}.model empty, or name another")


def _fits(one: Found, language: str, *, multilingual: bool) -> bool:
    return language in one.languages and (len(one.languages) > 1 or not multilingual)


def _lacking(folder: Path) -> list[str]:
    return [name for name in _FILES if not (folder / name).is_file()]


def _found(name: str, folder: Path) -> Found:
    languages = languages_of(name)
    if len(languages) > 1 and (name.startswith("distil-") or not _multilingual(folder)):
        languages = ("en",)
    return Found(name, folder, languages)


def _multilingual(folder: Path) -> bool:
    """Multilingual models have an empty token; CTranslate2 knows them by it."""
    try:
        if (folder / "vocabulary.json").is_file():
            return "" in json.loads((folder / "vocabulary.json").read_bytes())
        return "" in (folder / "vocabulary.txt").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return True
