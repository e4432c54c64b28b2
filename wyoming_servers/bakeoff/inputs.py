"""What the candidates are given: the owner's recordings, or speech made here with the embedded voice."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..shared import espeak
from ..shared.audio import RATE_HZ, AudioFormat, Converter, read_wav
from ..shared.errors import SettingsError

COMMANDS = (
    "what time is it",
    "what's the date today",
    "set a timer for five minutes",
    "set a pizza timer for twelve minutes",
    "how much time is left on the pizza timer",
    "add two minutes to the pizza timer",
    "pause the timer",
    "cancel all timers",
    "set a timer for one hour and twenty minutes",
    "stop",
)
"""English sentences that Earshot acts on without knowing the house."""
OTHER = (
    "the neighbours came over for dinner last night",
    "I have never seen so much snow in april",
    "could you pass me the newspaper please",
    "she said that nobody had called her back",
)
"""English sentences that mean nothing to it: hearing a command in them is a mistake."""
ANSWERS = (
    "It is a quarter past nine.",
    "Your timer for five minutes is set.",
    "The pizza timer has two minutes left.",
    "There is no timer. You can set one. Just tell me for how long.",
)
_VOICES = (("en-us", ""), ("en-gb", "+f2"), ("en-us", "+m3"), ("en-gb", "+f4"), ("en-gb-scotland", "+m1"))
_RATES_WPM = (175, 150, 190)
_NOISE_RMS = 250.0  # about 20 dB below the embedded voice
_PAUSE_S = 0.4


@dataclass(frozen=True)
class Utterance:
    """Sound, and what is said in it."""

    name: str
    samples: np.ndarray
    """(n,) int16 mono 16 kHz."""
    text: str
    """Empty when nothing is said."""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / RATE_HZ


def recordings(folder: Path) -> list[Utterance]:
    """The owner's: every WAV under `folder`.

    What is said stands in labels.csv (columns file, text), else in a .txt beside the WAV, else it is the file's name; files whose name
    begins with `noise`, and labels without a text, hold no speech.
    Raises: SettingsError when there are none; InvalidRequestError when a file cannot be read.
    """
    if not folder.is_dir():
        raise SettingsError(f"--data {folder} is no folder")
    labels = _labels(folder)
    files = sorted(path for path in folder.rglob("*.wav") if path.is_file())
    if not files:
        raise SettingsError(f"--data {folder} holds no .wav files")
    return [Utterance(str(path.relative_to(folder)), read_wav(path), _text(path, folder, labels)) for path in files]


def sentences(folder: Path) -> list[str]:
    """The owner's sentences to be spoken: the lines of folder/sentences.txt, else the texts of its recordings.

    Raises: SettingsError.
    """
    file = folder / "sentences.txt"
    if file.is_file():
        found = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    else:
        found = [utterance.text for utterance in recordings(folder) if utterance.text]
    if not found:
        raise SettingsError(f"--data {folder} holds no sentences.txt with a sentence per line, and no labelled recordings")
    return found


def spoken_commands(language: str) -> list[Utterance]:
    """Commands and other sentences in several voices, a third of them in noise, and noise alone.

    Raises: SettingsError when there are no sentences in this language.
    """
    _only_english(language)
    spoken = [_utterance(number, text) for number, text in enumerate((*COMMANDS, *OTHER))]
    return [*spoken, Utterance("noise", _noise(3.0, _NOISE_RMS, 1), ""), Utterance("silence", np.zeros(2 * RATE_HZ, np.int16), "")]


def spoken_wake_words(phrases: Sequence[str], language: str) -> list[Utterance]:
    """Every phrase in every voice; then a minute and a half in which none is said.

    Raises: SettingsError when there are no sentences in this language.
    """
    _only_english(language)
    said = [(phrase, voice) for phrase in phrases for voice in range(len(_VOICES))]
    positive = [Utterance(f"{phrase}, voice {voice + 1}", _room(_say(phrase, voice)), phrase) for phrase, voice in said]
    talk = [_utterance(number, text) for number, text in enumerate((*OTHER, *COMMANDS, *ANSWERS))]
    other = np.concatenate([utterance.samples for utterance in talk for _ in range(2)])
    return [*positive, Utterance("talk without a wake word", other, ""), Utterance("noise", _noise(30.0, _NOISE_RMS, 2), "")]


def _only_english(language: str) -> None:
    if language.partition("-")[0].lower() != "en":
        raise SettingsError(f"there are no built-in sentences in {language!r} yet; give recordings of your own: --data FOLDER")


def _utterance(number: int, text: str) -> Utterance:
    samples = _room(_say(text, number % len(_VOICES), _RATES_WPM[number % len(_RATES_WPM)]))
    if number % 3 == 2:
        noisy = samples + _noise(len(samples) / RATE_HZ, _NOISE_RMS, number)[: len(samples)].astype(np.int32)
        samples = np.clip(noisy, -32768, 32767).astype(np.int16)
    return Utterance(text, samples, text)


def _say(text: str, voice: int, rate_wpm: int = 175) -> np.ndarray:
    language, variant = _VOICES[voice]
    voices = {tag: found.identifier for found in espeak.espeak().voices() for tag, _ in found.languages[:1]}
    converter = Converter(AudioFormat(espeak.RATE_HZ, 2, 1))
    spoken = espeak.espeak().speak(text, voices[language] + variant, espeak.Prosody(rate_wpm))
    return np.concatenate([converter.convert(pcm) for pcm in spoken] + [converter.flush()])


def _room(samples: np.ndarray) -> np.ndarray:
    pause = np.zeros(round(_PAUSE_S * RATE_HZ), np.int16)
    return np.concatenate((pause, samples, pause))


def _noise(seconds: float, rms: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, rms, round(seconds * RATE_HZ)).astype(np.int16)


def _labels(folder: Path) -> dict[str, str]:
    file = folder / "labels.csv"
    if not file.is_file():
        return {}
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    if rows and not {"file", "text"} <= rows[0].keys():
        raise SettingsError(f"{file} must have the columns file and text (it has: {', '.join(map(str, rows[0]))})")
    return {row["file"]: row["text"] or "" for row in rows}


def _text(path: Path, folder: Path, labels: dict[str, str]) -> str:
    name = str(path.relative_to(folder))
    if name in labels:
        return labels[name]
    beside = path.with_suffix(".txt")
    if beside.is_file():
        return beside.read_text(encoding="utf-8").strip()
    return "" if path.stem.lower().startswith("noise") else path.stem.replace("_", " ")
