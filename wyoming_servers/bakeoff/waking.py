"""How wake words are measured: heard or not, heard where nothing was said, and the work per second of listening."""

import re
import time
from collections.abc import Sequence

import numpy as np
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.wake import Detect, Detection, NotDetected

from ..shared.audio import RATE_HZ
from ..shared.client import WyomingClient, describe
from ..shared.errors import InvalidRequestError
from .inputs import Utterance
from .race import Measure
from .trials import Trial

_CHUNK_SAMPLES = RATE_HZ // 10
_WIDTH_BYTES = 2
_TIMEOUT_S = 60.0


class WakingMeasure(Measure):
    """An utterance whose text contains a candidate's phrase must wake it; every other must not."""

    unit = "not measured: recordings do not say when the word ended"

    def __init__(self, utterances: Sequence[Utterance]) -> None:
        self._utterances = utterances
        self.items = [utterance.name for utterance in utterances]
        self._phrases: dict[str, str] = {}

    async def first(self, uri: str) -> None:
        """Which words the candidate knows, and one utterance, to load the model.

        Raises: InvalidRequestError when it knows none that is said.
        """
        info = await describe(uri)
        models = [model for program in info.wake for model in program.models]
        self._phrases = {model.name: _plain(model.phrase or model.name) for model in models}
        said = " | ".join(_plain(utterance.text) for utterance in self._utterances)
        if not any(phrase in said for phrase in self._phrases.values()):
            raise InvalidRequestError(f"none of its words is said in the recordings (it knows: {', '.join(self._phrases.values())})")
        await self._heard(uri, self._utterances[0])

    async def trial(self, uri: str, item: int, round_number: int) -> Trial:
        """One utterance. Where a word is said that the candidate does not know, nothing counts."""
        utterance = self._utterances[item]
        text = _plain(utterance.text)
        wanted = {name for name, phrase in self._phrases.items() if phrase in text}
        begun = time.perf_counter()
        heard = await self._heard(uri, utterance)
        work = time.perf_counter() - begun
        wrong = [name for name in heard if name not in wanted]
        right = None if not wanted and text else bool(wanted & set(heard)) if wanted else not wrong
        return Trial(
            utterance.name,
            right,
            ", ".join(heard),
            words=len(wanted),
            word_errors=len(wanted) - len(wanted & set(heard)),
            work_s=work,
            audio_s=utterance.seconds,
            false_accepts=len(wrong),
        )

    def lost(self, item: int, error: str) -> Trial:
        """Not heard."""
        text = _plain(self._utterances[item].text)
        wanted = sum(phrase in text for phrase in self._phrases.values())
        return Trial(self.items[item], False, word_errors=wanted, words=wanted, error=error)

    async def _heard(self, uri: str, utterance: Utterance) -> list[str]:
        names: list[str] = []
        async with await WyomingClient.connect(uri) as client:
            await client.send(Detect(names=list(self._phrases)).event())
            await _send(client, utterance.samples)
            await _send(client, np.zeros(_CHUNK_SAMPLES, np.int16))  # its not-detected comes when all of the first has been heard
            while not NotDetected.is_type((event := await client.receive(_TIMEOUT_S)).type):
                if Detection.is_type(event.type):
                    names.append(Detection.from_event(event).name or "")
        return names


async def _send(client: WyomingClient, samples: np.ndarray) -> None:
    await client.send(AudioStart(RATE_HZ, _WIDTH_BYTES, 1).event())
    for start in range(0, len(samples), _CHUNK_SAMPLES):
        pcm = samples[start : start + _CHUNK_SAMPLES].tobytes()
        await client.send(AudioChunk(RATE_HZ, _WIDTH_BYTES, 1, pcm, timestamp=start * 1000 // RATE_HZ).event())
    await client.send(AudioStop().event())


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.lower()).strip()
