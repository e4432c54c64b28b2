"""One piece of text to sound: from the kept phrases, from the engine, from the engine once more, else from the fallback."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from ..shared.engine_host import EngineHost
from ..shared.engines import Model
from ..shared.errors import BusyError, DeadlineError, EngineError, InvalidRequestError, UnknownNameError
from ..shared.settings import TtsSection
from ..shared.speakable import has_words
from .engine import AudioBlock, TtsEngine, TtsRequest
from .fallback import Fallback, Trouble
from .known_phrases import KnownPhrases

_LOGGER = logging.getLogger(__name__)
_NOT_TWICE = (DeadlineError, BusyError, InvalidRequestError, UnknownNameError)
"""What would only fail again, or has taken too long already."""
Take = Callable[[AudioBlock], Awaitable[None]]
"""Takes the sound; waits while the listener is slow."""


@dataclass
class Cast:
    """Who speaks at one server."""

    section: TtsSection
    host: EngineHost[TtsEngine]
    """The chosen engine."""
    trouble: Trouble
    fallback: Fallback | None = None
    phrases: KnownPhrases | None = None
    load_again: Callable[[], None] = lambda: None
    """Begins to load the chosen engine once more, after that has failed."""
    loading_since: float = 0.0
    """Loop time."""


class Speaking:
    """The pieces of one answer, one after the other. Once the fallback has spoken, it speaks to the end of the answer."""

    def __init__(self, cast: Cast, voice: Model, speaker: str | None, played_until: Callable[[], float]) -> None:
        """played_until: loop time until which the listener has something to hear."""
        self._cast = cast
        self._voice = voice
        self._speaker = speaker
        self._played_until = played_until
        self.fallen = False
        """True once the fallback speaks."""

    async def say(self, text: str, begin: Callable[[], None], take: Take) -> None:
        """The sound of a piece goes to `take`; `begin` is called before each attempt at it.

        Raises: AssistantError, what the engine raises.
        """
        cast = self._cast
        if not self.fallen:
            phrases, key = cast.phrases, None
            if phrases and (key := phrases.key(text, self._voice.name, self._voice.version, self._speaker)):
                if block := await phrases.find(key):
                    begin()
                    await take(block)
                    return
                key = key if phrases.is_said_again(key) else None
            if cast.fallback is None:
                await self._twice(text, begin, take, key)
                return
            if await self._chosen_can(text, begin, take, key):
                return
            self.fallen = True
        await self._fall_back(text, begin, take)

    async def _chosen_can(self, text: str, begin: Callable[[], None], take: Take, key: str | None) -> bool:
        """Whether the chosen engine has said it."""
        trouble = self._cast.trouble
        if not trouble.may_be_tried:
            return False
        try:
            if not await self._is_loaded():
                return False
            await self._twice(text, begin, take, key)
        except Exception as err:  # whatever it is, the fallback may still speak
            if not isinstance(err, EngineError | DeadlineError | BusyError):
                _LOGGER.debug("%s failed", self._cast.host.name, exc_info=err)
            trouble.failed(err)
            return False
        trouble.worked()
        return True

    async def _is_loaded(self) -> bool:
        """Waits a little for an engine that loads. False when that takes longer.

        Raises: EngineError when it could not be loaded; it is tried again meanwhile.
        """
        cast = self._cast
        if cast.host.engine is not None:
            return True
        patience_s = cast.loading_since + cast.section.patience_s - asyncio.get_running_loop().time()
        try:
            await asyncio.wait_for(cast.host.ready(), max(0.0, patience_s))
        except TimeoutError:
            return False
        except EngineError:
            cast.load_again()
            raise
        return True

    async def _twice(self, text: str, begin: Callable[[], None], take: Take, key: str | None) -> None:
        attempt = _Attempt(self._cast.host, TtsRequest(text, self._voice.name, self._speaker), begin, take, keep=key is not None)
        limits = _Limits(self._cast, self._played_until)
        try:
            await attempt.run(limits)
        except _NOT_TWICE:
            raise
        except Exception as err:
            if attempt.delivered:
                raise
            _LOGGER.debug("%s is asked once more: %s", self._cast.host.name, err)
            await attempt.run(limits)
        if key and self._cast.phrases:
            self._cast.phrases.keep_soon(key, attempt.kept)

    async def _fall_back(self, text: str, begin: Callable[[], None], take: Take) -> None:
        fallback = self._cast.fallback
        assert fallback is not None
        voice = await fallback.voice_for(self._voice)
        attempt = _Attempt(fallback.host(), TtsRequest(text, voice.name), begin, take)
        await attempt.run(_Limits(self._cast))


class _Limits:
    """How long an engine may take for one piece; what the listener takes does not count."""

    def __init__(self, cast: Cast, played_until: Callable[[], float] | None = None) -> None:
        """played_until: given when somebody else would speak instead: then silence is also limited."""
        self._now = asyncio.get_running_loop().time
        self._left_s = cast.section.deadline_s
        self._patience_s = cast.section.patience_s
        self._hurried = cast.fallback is not None and cast.trouble.recent
        self._started = False
        self._silence = cast.fallback is not None and played_until is not None
        self._played_until = played_until or self._now
        self._began = self._silent_since = self._now()

    def for_a_place(self) -> float:
        """Until when (loop time) a place at the engine is waited for."""
        self._began = self._now()
        return self._began + (min(self._left_s, self._patience_s) if self._hurried else self._left_s)

    def for_sound(self) -> float:
        """Until when the next block must come."""
        until = self._began + self._left_s
        return min(until, max(self._silent_since, self._played_until()) + self._patience_s) if self._silence else until

    def handed_over(self) -> None:
        """The engine has delivered; its time stands still."""
        self._left_s -= self._now() - self._began

    def working(self, *, delivered: bool) -> None:
        """The engine's time goes on. What it needed for a place does not count, what it needed for an attempt without sound does."""
        self._began = self._now()
        if delivered or not self._started:
            self._started = True
            self._silent_since = self._began


class _Attempt:
    """One engine says one piece. May be run again when it has failed without a sound."""

    def __init__(
        self, host: EngineHost[TtsEngine], request: TtsRequest, begin: Callable[[], None], take: Take, *, keep: bool = False
    ) -> None:
        self.kept: list[AudioBlock] = []
        """All blocks of the last run, if they are to be kept."""
        self.delivered = False
        self._host = host
        self._request = request
        self._begin = begin
        self._take = take
        self._keep = keep

    async def run(self, limits: _Limits) -> None:
        """Raises: DeadlineError, EngineError when words make no sound, what the engine raises."""
        self._begin()
        self.kept.clear()
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(limits.for_a_place()) as limit:
                await self._speak(limits, limit)
        except TimeoutError:
            if not limit.expired():
                raise
            seconds = asyncio.get_running_loop().time() - began
            raise DeadlineError(f"{self._host.name} did not finish a sentence within {seconds:.1f} s") from None

    async def _speak(self, limits: _Limits, limit: asyncio.Timeout) -> None:
        silent: list[AudioBlock] = []
        async with self._host.slot() as slot, aclosing(slot.iterate(Blocks(slot.engine, self._request))) as blocks:
            limits.working(delivered=False)
            limit.reschedule(limits.for_sound())
            async for block in blocks:
                if self._keep:
                    self.kept.append(block)
                if not self.delivered and not any(block.pcm):
                    silent.append(block)  # nothing was heard yet: it may still be said by somebody else
                    continue
                limits.handed_over()
                limit.reschedule(None)
                self.delivered = True
                for ready in (*silent, block):
                    await self._take(ready)
                silent.clear()
                limits.working(delivered=True)
                limit.reschedule(limits.for_sound())
        if not self.delivered and has_words(self._request.text):
            characters, voice = len(self._request.text), self._request.voice
            raise EngineError(f"{self._host.name} made no sound for a sentence of {characters} characters with voice {voice}")
        for block in silent:
            await self._take(block)


class Blocks(Iterator[AudioBlock]):
    """The engine's iterator, made on the slot's thread with its first block."""

    def __init__(self, engine: TtsEngine, request: TtsRequest) -> None:
        self._engine = engine
        self._request = request
        self._items: Any = None
        self._cancelled = False

    def __next__(self) -> AudioBlock:
        if self._items is None:
            self._items = iter(self._engine.synthesize(self._request))
        if self._cancelled:
            raise StopIteration
        return next(self._items)

    def cancel(self) -> None:
        """Makes a `next` that waits end soon, if the engine can; on the loop."""
        self._cancelled = True
        if cancel := getattr(self._items, "cancel", None):
            cancel()

    def close(self) -> None:
        """Ends the engine's work; on the slot's thread."""
        if close := getattr(self._items, "close", None):
            close()
