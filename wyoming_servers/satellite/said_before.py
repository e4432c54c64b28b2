"""Short answers as they were spoken, heard again without asking the voice. In memory only: what is said in a house may be private."""

from dataclasses import dataclass

from ..shared.audio import AudioFormat
from .peers import PeerRef
from .speech import SpeechBlock
from .unbroken import Mark, Unbroken
from .wording import Wording

MOST_BYTES = 8_000_000
"""Three minutes of speech at 22 kHz."""
LONGEST_S = 6.0
"""Of one answer: "The light in the kitchen is on." takes two seconds, and what takes longer is seldom said twice."""
_Key = tuple[str, str, str]


@dataclass(frozen=True)
class _Kept:
    block: SpeechBlock
    mark: Mark
    """The voice as it was."""


class SaidBefore:
    """A satellite's, by voice, language and text; what was not heard for longest goes first. All methods belong to the event loop."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """most_bytes: of sound."""
        self._most_bytes = most_bytes
        self._size_bytes = 0
        self._kept: dict[_Key, _Kept] = {}
        self._unbroken = Unbroken()

    def find(self, voice: PeerRef, language: str, text: str) -> SpeechBlock | None:
        """All of it, as this voice speaks now; None when it must be asked."""
        key = _key(voice.uri, language, text)
        kept = self._kept.get(key)
        if kept is None or kept.mark is not self._unbroken.mark(voice):
            return None
        return self._heard(key)

    def find_old(self, language: str, text: str) -> SpeechBlock | None:
        """All of it, as any voice spoke at any time; for when none can be asked. The one heard last comes first."""
        wanted = _key("", language, text)[1:]
        key = next((key for key in reversed(self._kept) if key[1:] == wanted), None)
        return self._heard(key) if key else None

    def record(self, voice: PeerRef, language: str, wording: Wording) -> "Recording":
        """This voice is about to speak this text."""
        self._unbroken.watch(voice)
        return Recording(self, voice, language, wording)

    def keep(self, voice: PeerRef, language: str, text: str, block: SpeechBlock) -> None:
        """This voice has said this just now. Not kept when nobody would notice that it changes."""
        mark, size_bytes = self._unbroken.mark(voice), len(block.pcm)
        key = _key(voice.uri, language, text)
        self._drop(key)
        if mark is None or size_bytes > self._most_bytes:
            return
        while self._size_bytes + size_bytes > self._most_bytes:
            self._drop(next(iter(self._kept)))
        self._kept[key] = _Kept(block, mark)
        self._size_bytes += size_bytes

    async def close(self) -> None:
        """Forgets everything."""
        self._kept.clear()
        self._size_bytes = 0
        await self._unbroken.close()

    def _heard(self, key: _Key) -> SpeechBlock:
        kept = self._kept[key] = self._kept.pop(key)
        return kept.block

    def _drop(self, key: _Key) -> None:
        if kept := self._kept.pop(key, None):
            self._size_bytes -= len(kept.block.pcm)


class Recording:
    """Speech on its way to the listener."""

    def __init__(self, said: SaidBefore, voice: PeerRef, language: str, wording: Wording) -> None:
        self._said = said
        self._voice = voice
        self._language = language
        self._wording = wording
        self._text: str | None = None
        self._source: AudioFormat | None = None
        self._pcm = bytearray()
        self._seconds = 0.0
        self._fits = True

    def add(self, block: SpeechBlock) -> None:
        """The next piece of it."""
        if self._text is None:
            self._text, self._source = self._wording.text, block.source
        self._seconds += block.seconds
        if self._seconds > LONGEST_S or block.source != self._source:
            self._fits = False
            self._pcm.clear()
        if self._fits:
            self._pcm += block.pcm

    def complete(self) -> None:
        """That was all. Kept when it is short, and when its text was there before its first sound: a voice that waited paused in it."""
        wording = self._wording
        if self._fits and self._source and any(self._pcm) and wording.finished and wording.text == self._text:
            self._said.keep(self._voice, self._language, wording.text, SpeechBlock(bytes(self._pcm), self._source, from_memory=True))


def _key(uri: str, language: str, text: str) -> _Key:
    return uri, language, " ".join(text.split())
