"""How quick the stand-in engines are: one file for each kind of house."""

from dataclasses import dataclass
from pathlib import Path

import yaml

_FOLDER = Path(__file__).parent / "profiles"
_LIVE = 0.5  # a recogniser that hears so much of the audio as it is spoken has caught up with what came at once before


@dataclass(frozen=True)
class Asr:
    """A recogniser."""

    kind: str
    """batch: begins when the audio has ended, and takes longer for more of it; redecode: takes the same for any audio, as Whisper does;
    stream: works while the audio comes."""
    fixed_s: float
    """To the transcript, when all of the audio comes at once."""
    per_s: float = 0.0
    """Besides, for each second of audio; batch only."""
    tail: float = 0.15
    """The share that is left at the end of audio that came as it was spoken; stream only."""
    slots: int = 1
    abortable: bool = True
    """False when a decoding runs to its end though nobody wants it any more."""

    def cost_s(self, audio_s: float, took_s: float) -> float:
        """From the end of the audio, which came within took_s, to the transcript."""
        if self.kind == "stream":
            missed = max(0.0, 1 - took_s / (_LIVE * audio_s)) if audio_s else 0.0
            return self.fixed_s * (self.tail + missed * (1 - self.tail))
        return self.fixed_s + (self.per_s * audio_s if self.kind == "batch" else 0.0)


@dataclass(frozen=True)
class Llm:
    """A language model with a cache of the longest common prefix."""

    prefill_per_s: float
    """Tokens of the prompt that it reads in a second."""
    decode_per_s: float
    prompt_tokens: int
    """Of the system prompt and the tools."""
    tool_tokens: int
    """Of one tool call."""
    first_s: float = 0.0
    """Before the first token, whatever the prompt."""
    slots: int = 1


@dataclass(frozen=True)
class Tts:
    """A voice."""

    fixed_s: float
    rtf: float
    """Seconds of work for a second of speech."""
    pieces: str = "text"
    """text: speech comes when all of the text is spoken; clause: it comes in pieces of 0.2 s."""
    slots: int = 1

    def first_s(self, speech_s: float) -> float:
        """To the first piece of so much speech."""
        return self.fixed_s + self.rtf * (min(PIECE_S, speech_s) if self.pieces == "clause" else speech_s)


PIECE_S = 0.2
"""What a voice that speaks in pieces gives at a time."""


@dataclass(frozen=True)
class Profile:
    """One house."""

    name: str
    asr: Asr
    tts: Tts
    intent_s: float
    llm: Llm | None = None
    slow: bool = False
    """True when its devices are slow or shared: nothing is done there on suspicion."""


def names() -> list[str]:
    """The profiles there are."""
    return sorted(file.stem for file in _FOLDER.glob("*.yaml"))


def load(name: str) -> Profile:
    """One profile.

    Raises: FileNotFoundError, TypeError for what is in none.
    """
    data = yaml.safe_load((_FOLDER / f"{name}.yaml").read_text("utf-8"))
    llm = data.pop("llm", None)
    return Profile(name, Asr(**data.pop("asr")), Tts(**data.pop("tts")), llm=llm and Llm(**llm), **data)
