"""espeak-ng in this process: one library with one global state, worked by one thread, for whoever needs speech or phonemes."""

import ctypes
import functools
import os
import queue
import threading
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import EngineError, UnknownNameError

RATE_HZ = 22_050
_BLOCK_MS = 20
_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: audio goes to our callback, on the calling thread, before espeak_Synth returns
_DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: report a missing data folder instead of ending the process
_LONGEST_PATH_BYTES = 140  # espeak-ng 1.52 cuts the path of its data at 160 bytes and then finds nothing
_CHARS_UTF8 = 1
_END_PAUSE = 0x1000
_RATE, _VOLUME, _PITCH, _WORD_GAP = 1, 2, 3, 7  # espeak_PARAMETER
_PHONEMES_IPA = 0x02
_STALL_S = 30.0  # a sentence takes milliseconds; silence this long means that the library hangs
_SPEECH_CATEGORIES = "LMNPSZ"  # letters, marks, numbers, punctuation, symbols, spaces; not controls, surrogates, private use


@dataclass(frozen=True)
class EspeakVoice:
    """One voice of espeak-ng."""

    identifier: str
    """Its file, for example `gmw/en-US`; unique."""
    name: str
    """For people."""
    languages: tuple[tuple[str, int], ...]
    """(tag in lower case, preference: lower is better)."""


@dataclass(frozen=True)
class Prosody:
    """How it is said; espeak-ng's own scales."""

    rate_wpm: int = 175
    """Words per minute, 80 to 450."""
    pitch: int = 50
    """0 to 100."""
    volume: int = 100
    """0 to 200; above 100 it may clip."""
    word_gap: int = 0
    """Extra pause between words, in units of 10 ms at 170 words per minute."""


class _Voice(ctypes.Structure):
    """espeak_VOICE."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


@functools.cache
def espeak() -> "Espeak":
    """This process's espeak-ng; loaded by its first use.

    Raises: EngineError when the library cannot be loaded.
    """
    return Espeak()


class Espeak:
    """Call from any thread but an event loop's. Work is done in the order it came, one sentence at a time."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._listed: tuple[EspeakVoice, ...] = ()
        self._voice = ""
        self._sink: Callable[[bytes], bool] = lambda pcm: True
        self._callback = _Callback(self._take)
        threading.Thread(target=self._work, name="espeak-ng", daemon=True).start()
        try:
            self._library = self._call(self._load)
        except BaseException:
            self._jobs.put(None)
            raise

    def voices(self) -> tuple[EspeakVoice, ...]:
        """Every voice that has a dictionary; some of the listed ones come without and could not speak."""
        if not self._listed:
            self._listed = self._call(self._voices)
        return self._listed

    def speak(self, text: str, voice: str, prosody: Prosody, *, end_pause: bool = False) -> Iterator[bytes]:
        """One sentence as 16-bit mono PCM at RATE_HZ, block by block as it is made; stops making when closed.

        voice: an identifier, with `+variant` if wanted. The text is plain: no markup of any kind is read from it.
        Raises: UnknownNameError for a voice, EngineError.
        """
        made: queue.SimpleQueue[bytes | BaseException | None] = queue.SimpleQueue()
        closed = threading.Event()

        def sink(pcm: bytes) -> bool:
            made.put(pcm)
            return not closed.is_set()

        def job() -> None:
            try:
                if not closed.is_set():
                    self._speak(plain(text), voice, prosody, end_pause, sink)
                made.put(None)
            except BaseException as err:  # handed to the waiting request
                made.put(err)

        self._jobs.put(job)
        try:
            while (item := _get(made)) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            closed.set()

    def phonemes(self, text: str, voice: str) -> str:
        """How the voice pronounces the text, in IPA, words parted by spaces.

        Raises: UnknownNameError for a voice.
        """
        return self._call(lambda: self._phonemes(plain(text), voice))

    def _call(self, work: Callable[[], Any]) -> Any:
        done: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

        def job() -> None:
            try:
                done.put((work(), None))
            except BaseException as err:  # handed to the caller
                done.put((None, err))

        self._jobs.put(job)
        result, error = _get(done)
        if error is not None:
            raise error
        return result

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _load(self) -> ctypes.CDLL:
        try:
            import espeakng_loader

            library = ctypes.CDLL(espeakng_loader.get_library_path())
            self._data = Path(espeakng_loader.get_data_path())
        except (ImportError, OSError, RuntimeError) as err:
            raise EngineError(f"espeak-ng cannot be loaded: {err}") from err
        library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        library.espeak_TextToPhonemes.argtypes = (ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int)
        library.espeak_Synth.argtypes = (
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        )
        rate_hz = library.espeak_Initialize(_SYNCHRONOUS, _BLOCK_MS, _short(self._data), _DONT_EXIT)
        if rate_hz != RATE_HZ:
            raise EngineError(f"espeak-ng cannot be started with the data in {self._data} ({rate_hz})")
        library.espeak_SetSynthCallback(self._callback)
        return library

    def _voices(self) -> tuple[EspeakVoice, ...]:
        listed = self._library.espeak_ListVoices(None)
        found = []
        while listed[len(found)]:
            voice = listed[len(found)].contents
            found.append(EspeakVoice(voice.identifier.decode(), voice.name.decode().strip(), _languages(voice.languages)))
        return tuple(voice for voice in found if (self._data / f"{self._dictionary(voice)}_dict").exists())

    def _dictionary(self, voice: EspeakVoice) -> str:
        lines = (self._data / "lang" / voice.identifier).read_text(encoding="utf-8", errors="replace").splitlines()
        named = [line.split()[1] for line in lines if line.startswith("dictionary ")]
        return named[0] if named else voice.languages[0][0].partition("-")[0]

    def _choose(self, voice: str) -> None:
        if voice != self._voice:
            self._voice = ""
            if self._library.espeak_SetVoiceByName(voice.encode(errors="replace")) != 0:
                raise UnknownNameError(f"espeak-ng has no voice {voice!r}")
            self._voice = voice

    def _speak(self, text: str, voice: str, prosody: Prosody, end_pause: bool, sink: Callable[[bytes], bool]) -> None:
        self._choose(voice)
        for parameter, value in (
            (_RATE, prosody.rate_wpm),
            (_VOLUME, prosody.volume),
            (_PITCH, prosody.pitch),
            (_WORD_GAP, prosody.word_gap),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)
        encoded = text.encode(errors="replace")
        self._sink = sink
        flags = _CHARS_UTF8 | (_END_PAUSE if end_pause else 0)
        if status := self._library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, flags, None, None):
            raise EngineError(f"espeak-ng failed to speak (status {status})")

    def _phonemes(self, text: str, voice: str) -> str:
        self._choose(voice)
        buffer = ctypes.create_string_buffer(text.encode(errors="replace"))
        rest = ctypes.c_void_p(ctypes.addressof(buffer))
        clauses = []
        while rest.value:
            said = self._library.espeak_TextToPhonemes(ctypes.byref(rest), _CHARS_UTF8, _PHONEMES_IPA)
            clauses.append((said or b"").decode(errors="replace"))
        return " ".join(" ".join(clauses).split())

    def _take(self, samples: int | None, count: int, _: int | None) -> int:
        """espeak-ng's callback: 1 stops the synthesis."""
        if not samples or count <= 0:
            return 0
        return 0 if self._sink(ctypes.string_at(samples, count * 2)) else 1


def plain(text: str) -> str:
    """Text without the characters espeak-ng gives a meaning of its own: controls (embedded commands), private use, halves of pairs."""
    return "".join(c if unicodedata.category(c)[0] in _SPEECH_CATEGORIES else " " for c in text)


def _short(folder: Path) -> bytes:
    """A name of this folder that espeak-ng can keep, for as long as the process lives."""
    path = bytes(folder)
    if len(path) > _LONGEST_PATH_BYTES:
        path = b"/proc/self/fd/%d" % os.open(folder, os.O_RDONLY | os.O_DIRECTORY)  # stays open: dictionaries are read later
    return path


def _get(results: queue.SimpleQueue) -> Any:
    try:
        return results.get(timeout=_STALL_S)
    except queue.Empty:
        raise EngineError(f"espeak-ng did not answer for {_STALL_S:g} s") from None


def _languages(address: int | None) -> tuple[tuple[str, int], ...]:
    """espeak_VOICE.languages: (preference byte, tag, NUL) repeated, then a zero byte."""
    found = []
    while address and (preference := ctypes.string_at(address, 1)[0]):
        tag = ctypes.string_at(address + 1)
        found.append((tag.decode().lower(), preference))
        address += len(tag) + 2
    return tuple(found)
