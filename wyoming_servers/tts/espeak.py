"""The embedded voice: espeak-ng. Over a hundred languages at a few thousandths of real time; robotic."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from ..shared.engines import EngineContext, Model
from ..shared.errors import EngineError, SettingsError, UnknownNameError
from ..shared.espeak import RATE_HZ, EspeakVoice, Prosody, espeak
from ..shared.schema import option
from ..shared.sentences import split
from .engine import AudioBlock, TtsEngine, TtsRequest

_SPEAKERS = ("f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "croak", "whisper", "whisperf")
"""The variants that are voices rather than effects; every voice can speak as each of them."""
_LIKELY = {"en": "en-us", "pt": "pt-br"}
"""What a language without a region most likely means (Unicode CLDR, likely subtags), where espeak-ng prefers another."""
_AUTHOR, _URL, _VERSION = "espeak-ng", "https://github.com/espeak-ng/espeak-ng", "1.52.0"


@dataclass(frozen=True)
class EspeakOptions:
    """Settings of the espeak engine."""

    voice: str = option("", "default voice, for example en-gb; empty means a voice of the house's language")
    rate_wpm: int = option(175, "speed in words per minute", minimum=80, maximum=450)
    pitch: int = option(50, "base pitch", minimum=0, maximum=99)
    volume: int = option(100, "loudness; above 100 it may distort", minimum=0, maximum=200)
    word_gap: int = option(0, "extra pause between words, in units of 10 ms", minimum=0, maximum=100)


class EspeakEngine(TtsEngine):
    """espeak-ng inside this process. Several requests take turns sentence by sentence."""

    Options = EspeakOptions
    instant = True

    @classmethod
    def models(cls, options: EspeakOptions, context: EngineContext) -> list[Model]:
        """Every voice that can speak, the default first.

        Raises: EngineError when espeak-ng cannot be loaded; SettingsError when the default voice does not exist.
        """
        voices = _by_name(espeak().voices())
        default = _default(voices, options, context)
        return [_model(name, voices[name]) for name in sorted(voices, key=lambda name: _order(name, voices[name], default))]

    def __init__(self, options: EspeakOptions, context: EngineContext) -> None:
        self._espeak = espeak()
        self._voices = _by_name(self._espeak.voices())
        self._prosody = Prosody(options.rate_wpm, options.pitch, options.volume, options.word_gap)

    def synthesize(self, request: TtsRequest) -> Iterator[AudioBlock]:
        """Speech in blocks of 20 ms at 22 050 Hz.

        Raises: UnknownNameError, EngineError.
        """
        voice = self._voices.get(request.voice)
        if voice is None:
            raise UnknownNameError(f"espeak-ng has no voice {request.voice!r}")
        if request.speaker is not None and request.speaker not in _SPEAKERS:
            raise UnknownNameError(f"espeak-ng has no speaker {request.speaker!r}; there are: {', '.join(_SPEAKERS)}")
        identifier = f"{voice.identifier}+{request.speaker}" if request.speaker else voice.identifier
        pieces = split(request.text)
        for number, piece in enumerate(pieces, 1):
            for pcm in self._espeak.speak(piece, identifier, self._prosody, end_pause=number < len(pieces)):
                yield AudioBlock(pcm, RATE_HZ)


def _by_name(voices: tuple[EspeakVoice, ...]) -> dict[str, EspeakVoice]:
    """Voices by stable id, their first language in lower case (`en-us`); of two with the same the later has its file's name."""
    found: dict[str, EspeakVoice] = {}
    for voice in sorted(voices, key=lambda voice: voice.identifier):
        tag = voice.languages[0][0]
        found[voice.identifier.rpartition("/")[2].lower() if tag in found else tag] = voice
    return found


def _default(voices: dict[str, EspeakVoice], options: EspeakOptions, context: EngineContext) -> str:
    if options.voice:
        wanted = options.voice.lower().replace("_", "-")
        if wanted not in voices:
            close = difflib.get_close_matches(wanted, voices, n=8, cutoff=0.4) or sorted(voices)[:8]
            raise SettingsError(f"voice {options.voice!r} does not exist; there are {len(voices)}, for example {', '.join(close)}")
        return wanted
    house = context.language.lower().replace("_", "-")
    for tag in (_LIKELY.get(house, house), house.partition("-")[0], "en-us"):
        matching = [(dict(voice.languages)[tag], name) for name, voice in voices.items() if tag in dict(voice.languages)]
        if matching:
            return min(matching)[1]
    raise EngineError("espeak-ng has no voice at all")


def _order(name: str, voice: EspeakVoice, default: str) -> tuple:
    """The default first, then by language, the one espeak-ng prefers for it before others."""
    language = voice.languages[0][0].partition("-")[0]
    return name != default, language, dict(voice.languages).get(language, 99), name


def _model(name: str, voice: EspeakVoice) -> Model:
    languages = tuple(dict.fromkeys(_bcp47(tag) for tag, _ in sorted(voice.languages, key=lambda language: -len(language[0]))))
    return Model(name, voice.name, languages, _AUTHOR, _URL, _VERSION, speakers=_SPEAKERS)


def _bcp47(tag: str) -> str:
    """The usual spelling: `en-US`, `en-Shaw`, `en-GB-x-rp`."""
    if tag == "piqd":
        return "tlh-Piqd"  # espeak-ng has the script of Klingon where the language belongs
    parts = tag.split("-")
    private = parts.index("x") if "x" in parts else len(parts)
    spelled = [part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part for part in parts[1:private]]
    return "-".join([parts[0], *spelled, *parts[private:]])
