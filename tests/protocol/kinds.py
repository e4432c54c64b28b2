"""The four real servers, each with one request that always has an answer; for what must hold for every kind."""

from dataclasses import dataclass

import numpy as np
import pytest
from wire import AUDIO_START, AUDIO_STOP, Wire, chunk, event

from wyoming_servers import services
from wyoming_servers.shared.service import Service
from wyoming_servers.shared.settings import validate

_SPEECH = np.random.default_rng(1).integers(-300, 300, 16_000, np.int16).tobytes()
_NOISE = [chunk(_SPEECH[begin : begin + 2560]) for begin in range(0, len(_SPEECH), 2560)]


@dataclass(frozen=True)
class Kind:
    """A kind of server, and a conversation with it."""

    name: str
    request: tuple[bytes, ...]
    last: frozenset[str]
    """Types of the event that ends the answer."""
    wrong: bytes
    """A request that no server of this kind can fulfil."""
    unfinished: tuple[bytes, ...]
    """The beginning of a request, or one whose answer is long."""

    def create(self) -> Service:
        """The real service with its default settings; its folders are the test's own."""
        return services.create(self.name, validate({}))

    async def ask(self, peer: Wire) -> list[str]:
        """One request; the types of what came back, up to the last."""
        await peer.send(*self.request)
        types = []
        while not types or types[-1] not in self.last:
            message = await peer.receive()
            assert message is not None, f"hung up after {types}"
            types.append(message.type)
        return types


_SYNTHESIZE = event("synthesize", {"text": "one two three"})
_ALL = (
    Kind(
        "wake",
        (event("detect"), AUDIO_START, *_NOISE, AUDIO_STOP),
        frozenset({"not-detected"}),
        event("detect", {"names": ["no such word"]}) + AUDIO_START,
        (event("detect"), AUDIO_START, *_NOISE),
    ),
    Kind(
        "asr",
        (event("transcribe", {"language": "en"}), AUDIO_START, *_NOISE, AUDIO_STOP),
        frozenset({"transcript-stop"}),
        event("transcribe", {"language": "tlh"}) + AUDIO_START,
        (event("transcribe"), AUDIO_START, *_NOISE),
    ),
    Kind(
        "tts",
        (_SYNTHESIZE,),
        frozenset({"audio-stop"}),
        event("synthesize", {"text": "one", "voice": {"name": "no such voice"}}),
        (event("synthesize-start"), event("synthesize-chunk", {"text": "One is the first. Two "})),
    ),
    Kind(
        "handle",
        (event("transcript", {"text": "what time is it", "language": "en"}),),
        frozenset({"handled-stop", "not-handled", "not-recognized"}),
        event("transcript", {"text": ["not", "a", "text"]}),
        (event("transcript", {"text": "what time is it"}),),
    ),
)


KINDS = [pytest.param(kind, id=kind.name) for kind in _ALL]
"""For parametrize."""
