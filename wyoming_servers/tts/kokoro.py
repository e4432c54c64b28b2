"""Kokoro: one small network with dozens of voices, through kokoro-onnx."""

import functools
import logging
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..shared.engines import EngineContext, Model
from ..shared.errors import EngineUnavailableError, SettingsError, UnknownNameError
from ..shared.onnx_model import DEVICES, damage, named, session
from ..shared.schema import option
from ..shared.sentences import split
from .engine import AudioBlock, TtsEngine, TtsRequest
from .kokoro_phonemes import Phonemizer

_LOGGER = logging.getLogger(__name__)
_ENGINE = "kokoro"
_AUTHOR, _URL = "hexgrad", "https://huggingface.co/hexgrad/Kokoro-82M"
_MODEL = "kokoro-v1.0"
"""What is fetched when the owner names no model."""
_LANGUAGES = {
    "a": (("en-US", "en"), "en-us", "American"),
    "b": (("en-GB", "en"), "en-gb", "British"),
    "e": (("es",), "es", "Spanish"),
    "f": (("fr-FR", "fr"), "fr-fr", "French"),
    "h": (("hi",), "hi", "Hindi"),
    "i": (("it",), "it", "Italian"),
    "j": (("ja",), "ja", "Japanese"),
    "p": (("pt-BR", "pt"), "pt-br", "Brazilian"),
    "z": (("zh-CN", "zh"), "cmn", "Chinese"),
}
"""First letter of a voice → BCP 47 tags, espeak-ng's name of the language, for people (VOICES.md of the model)."""
_GENDERS = {"f": "female", "m": "male"}
_BEST = ("af_heart", "bf_emma", "ef_dora", "ff_siwis", "hf_alpha", "if_sara", "jf_alpha", "pf_dora", "zf_xiaobei")
"""The best of each language by the grades in VOICES.md."""
_MIXED = re.compile(r"(?P<voice>\w+)(?:\((?P<weight>\d+(?:\.\d+)?)\))?")
_WARM_UP = "wˈʌn."


@dataclass(frozen=True)
class KokoroOptions:
    """Settings of the kokoro engine."""

    voice: str = option("", "default voice, for example af_heart; empty means the best one of the house's language")
    voices: dict[str, str] = option({}, "voice of a language, for example `en-GB: bm_george`")
    blends: dict[str, str] = option({}, "voices mixed from others, for example `warm: af_heart(2)+am_adam(1)`")
    model: str = option("", f"folder of the model; empty means the first that is here, or {_MODEL}")
    speed: float = option(1.0, "2 is twice as fast", minimum=0.5, maximum=2)
    sentence_silence_ms: int = option(250, "pause between two sentences that come in one request", minimum=0, maximum=5000)
    threads: int = option(0, "processor threads for one sentence; 0 means the physical cores, at most 8", minimum=0, maximum=256)
    device: str = option("auto", "where it is computed; auto takes CUDA when onnxruntime-gpu is installed", choices=DEVICES)


@dataclass(frozen=True)
class _Files:
    """One model on disk."""

    network: Path
    voices: Path
    vocabulary: Path | None


class KokoroEngine(TtsEngine):
    """Kokoro-82M in this process: very natural English, good Spanish, French, Hindi, Italian and Portuguese.

    For a PC or a Raspberry Pi 5; a Raspberry Pi 4 speaks slower than it talks. The model is a folder in `kokoro` in the models folder
    with an .onnx file and a voices file (.bin or .npz) from https://github.com/thewh1teagle/kokoro-onnx/releases. espeak-ng decides
    the pronunciation; it cannot read Japanese beyond kana. Licences: kokoro-onnx MIT, the model Apache-2.0, espeak-ng and phonemizer,
    which it needs, GPL-3.0.
    """

    Options = KokoroOptions

    @classmethod
    def models(cls, options: KokoroOptions, context: EngineContext) -> list[Model]:
        """Every voice of the voices file and every blend, the default first. The network is not loaded.

        Raises: EngineUnavailableError when the model is neither here nor to be had, or a file of it is broken; SettingsError.
        """
        files = _files(options, context)
        if files is None:
            return [_model(_default(options, context, list(_BEST)), options, installed=False)] if _wanted(options, context) else []
        names = _names(files, options)
        default = _default(options, context, names)
        preferred = [default, *_configured(options, names), *(name for name in _BEST if name in names), *options.blends, *names]
        return [_model(name, options) for name in dict.fromkeys(preferred)]

    def __init__(self, options: KokoroOptions, context: EngineContext) -> None:
        """Fetches the model if need be and loads it.

        Raises: EngineError, EngineUnavailableError, SettingsError.
        """
        if _files(options, context) is None:
            context.store.ensure(_ENGINE, _wanted(options, context))
        files = _files(options, context)
        if files is None:
            raise EngineUnavailableError(f"has no model on this machine: earshot models get {_ENGINE}/{_MODEL}")
        import numpy as np
        from kokoro_onnx import Kokoro

        self._options = options
        self._names = _names(files, options)
        self._phonemizer = Phonemizer()
        network = session(files.network, threads=options.threads, device=options.device)
        with named(f"{files.network} or {files.voices} cannot be used"):
            self._kokoro = Kokoro.from_session(network, str(files.voices), vocab_config=str(files.vocabulary) if files.vocabulary else None)
            with np.load(files.voices) as styles:  # read once: its reader is not made for several threads
                self._styles = {name: styles[name] for name in styles.files}
            self._kokoro.voices.close()
            for name, recipe in options.blends.items():
                self._styles[name] = _blend(recipe, self._styles)
            self._kokoro.create(_WARM_UP, next(iter(self._styles.values())), is_phonemes=True)  # the first sentence takes longer

    def synthesize(self, request: TtsRequest) -> Iterator[AudioBlock]:
        """Speech sentence by sentence in blocks of 100 ms at 24 kHz.

        Raises: UnknownNameError, EngineError.
        """
        from kokoro_onnx.chunker import split_phonemes

        from .blocks import blocks

        style = self._styles.get(request.voice)
        if style is None:
            raise UnknownNameError(f"Kokoro has no voice {request.voice!r}; there are: {', '.join(self._names)}")
        if request.speaker:
            raise UnknownNameError(f"Kokoro's voice {request.voice} has no speaker {request.speaker!r}; it has only one")
        tags, spoken, _ = _language(request.voice, self._options)
        pause = None
        for sentence in split(request.text, tags[0]):
            phonemes = self._phonemizer.phonemes(sentence, spoken)
            for batch in split_phonemes("".join(c for c in phonemes if c in self._kokoro.tokenizer.vocab)):
                with named(f"voice {request.voice} failed"):
                    samples, rate_hz = self._kokoro.create(batch, style, self._options.speed, is_phonemes=True)
                if pause:
                    yield pause
                yield from blocks(samples, rate_hz)
                pause = AudioBlock(bytes(rate_hz * self._options.sentence_silence_ms // 1000 * 2), rate_hz)

    def close(self) -> None:
        """Frees the network."""
        self._styles = {}
        del self._kokoro


def _wanted(options: KokoroOptions, context: EngineContext) -> str:
    """The model's name; the catalogue's when the owner named none and has none. Empty when it cannot be had."""
    if options.model:
        return options.model
    if here := context.store.installed(_ENGINE):
        return next(iter(here))
    try:
        context.store.locate(_ENGINE, _MODEL)
    except EngineUnavailableError:
        return ""
    return _MODEL


def _files(options: KokoroOptions, context: EngineContext) -> _Files | None:
    """The model's files; None when it is not here.

    Raises: EngineUnavailableError that names what is missing or broken.
    """
    name = _wanted(options, context)
    folder = context.store.locate(_ENGINE, name) if name else None
    if folder is None:
        return None
    networks = sorted(folder.rglob("*.onnx"), key=lambda file: (len(file.name), file.name))  # kokoro.onnx before kokoro.int8.onnx
    voices = sorted(file for file in folder.rglob("*") if file.suffix in (".bin", ".npz") and "voices" in file.name)
    if not networks or not voices:
        raise EngineUnavailableError(f"needs an .onnx file and a voices file (.bin or .npz) in {folder}")
    if reason := damage(networks[0]):
        raise EngineUnavailableError(f"cannot use {networks[0]}: {reason}")
    vocabulary = next(iter(sorted(folder.rglob("config.json"))), None)
    return _Files(networks[0], voices[0], vocabulary)


def _names(files: _Files, options: KokoroOptions) -> list[str]:
    """Voices in the file, then blends.

    Raises: EngineUnavailableError when the file is broken; SettingsError for a blend of voices that are not in it.
    """
    try:
        names = _listed(files.voices, files.voices.stat().st_mtime_ns)
    except (OSError, zipfile.BadZipFile) as err:
        raise EngineUnavailableError(f"cannot use {files.voices}: {err}") from None
    if not names:
        raise EngineUnavailableError(f"cannot use {files.voices}: there is no voice in it")
    for name, recipe in options.blends.items():
        for voice, _ in _ingredients(name, recipe):
            if voice not in names:
                raise SettingsError(f"blend {name} is made of a voice {voice!r} that does not exist; there are: {', '.join(names)}")
    return [*names, *(name for name in options.blends if name not in names)]


@functools.lru_cache(maxsize=8)
def _listed(file: Path, changed_ns: int) -> tuple[str, ...]:
    """Each version of the file is read once; it is an archive with one array per voice."""
    with zipfile.ZipFile(file) as archive:
        return tuple(sorted(name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")))


def _configured(options: KokoroOptions, names: list[str]) -> list[str]:
    """Raises: SettingsError for a voice that does not exist."""
    for voice in (options.voice, *options.voices.values()):
        if voice and voice not in names:
            raise SettingsError(f"voice {voice!r} does not exist; there are: {', '.join(names)}")
    return [options.voices[tag] for tag in sorted(options.voices, key=len)]


def _default(options: KokoroOptions, context: EngineContext, names: list[str]) -> str:
    """The owner's choice, else the best voice of the house's language, else the first there is."""
    house = context.language.replace("_", "-")
    family = house.partition("-")[0].lower()
    if chosen := options.voice or options.voices.get(house) or options.voices.get(family):
        return chosen
    ranked = [*(name for name in _BEST if name in names), *names]
    speaking = [name for name in ranked if family in (tag.partition("-")[0] for tag in _language(name, options)[0])]
    exact = [name for name in speaking if house.lower() in (tag.lower() for tag in _language(name, options)[0])]
    return (exact or speaking or ranked)[0]


def _language(voice: str, options: KokoroOptions) -> tuple[tuple[str, ...], str, str]:
    if voice in options.blends:
        voice = _ingredients(voice, options.blends[voice])[0][0]
    return _LANGUAGES.get(voice[:1] if voice[2:3] == "_" else "", _LANGUAGES["a"])


def _model(name: str, options: KokoroOptions, *, installed: bool = True) -> Model:
    tags, _, people = _language(name, options)
    extra = [tag.replace("_", "-") for tag, voice in options.voices.items() if voice == name]
    gender = _GENDERS.get(name[1:2], "") if name[2:3] == "_" else ""
    if name in options.blends:
        described = f"{name} ({options.blends[name]})"
    else:
        described = f"{name[3:].replace('_', ' ').title()} ({people}, {gender})" if gender else name
    return Model(name, described, tuple(dict.fromkeys((*tags, *extra))), _AUTHOR, _URL, installed=installed)


def _ingredients(name: str, recipe: str) -> list[tuple[str, float]]:
    """Voices and their weights.

    Raises: SettingsError.
    """
    found = [_MIXED.fullmatch(part.strip()) for part in recipe.split("+")]
    mixed = [(match["voice"], float(match["weight"] or 1)) for match in found if match]
    if len(mixed) < len(found) or not sum(weight for _, weight in mixed):
        raise SettingsError(f"blend {name}: {recipe!r} is not of the form af_heart(2)+am_adam(1)")
    return mixed


def _blend(recipe: str, styles: dict[str, Any]) -> Any:
    mixed = _ingredients("", recipe)
    return sum(styles[voice] * (weight / sum(weight for _, weight in mixed)) for voice, weight in mixed)
