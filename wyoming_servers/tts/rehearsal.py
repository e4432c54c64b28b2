"""Sentences that are said again and again word for word, made while nobody speaks."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import yaml

from ..shared.engine_host import EngineHost
from ..shared.engines import Model
from ..shared.responses import apologies
from ..shared.tasks import cancel
from .engine import AudioBlock, TtsEngine, TtsRequest
from .known_phrases import KnownPhrases
from .speaking import Blocks

_LOGGER = logging.getLogger(__name__)
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", "।")
_MOST_BYTES = 2 * 30 * 48_000  # of one phrase
_MOST_FAILURES = 3
_BREATH_S = 1.0  # between two phrases: other servers of this machine, a wake word among them, want the processor too


class Rehearsal:
    """Makes one phrase at a time while the server is idle; gives the engine up at once when somebody wants to hear something."""

    def __init__(self, host: EngineHost[TtsEngine], phrases: KnownPhrases, idle_s: float) -> None:
        """idle_s: how long nothing must have been spoken before a phrase is made."""
        self._host = host
        self._phrases = phrases
        self._idle_s = idle_s
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._asked = asyncio.Event()
        self._making: asyncio.Task[bool] | None = None

    def interrupt(self) -> None:
        """Somebody wants to hear something."""
        self._quiet.clear()
        self._asked.set()
        if self._making is not None:
            self._making.cancel()

    def go_on(self) -> None:
        """Nobody speaks any more."""
        self._asked.clear()
        self._quiet.set()

    async def run(self, texts: Sequence[str], voice: Model) -> None:
        """Makes every text that is not kept yet, as its engine is given it; ends when all are, when there is no room, or when it fails."""
        waiting = list(dict.fromkeys(texts))[::-1]
        made = failures = 0
        rest_s = self._idle_s
        while waiting and failures < _MOST_FAILURES:
            key = self._phrases.key(waiting[-1], voice.name, voice.version, None)
            if key is None or await self._phrases.has(key):
                waiting.pop()
                continue
            if await self._phrases.room_bytes() < _MOST_BYTES:
                break
            if not await self._idle(rest_s):
                rest_s = self._idle_s
                continue
            rest_s = min(self._idle_s, _BREATH_S)
            self._making = asyncio.create_task(self._make(key, TtsRequest(waiting[-1], voice.name)), name="make a phrase")
            try:
                made += await self._making
                waiting.pop()
            except asyncio.CancelledError:
                if (task := asyncio.current_task()) and task.cancelling():
                    raise
                rest_s = self._idle_s
            except Exception as err:
                _LOGGER.debug("a fixed reply could not be made", exc_info=err)
                waiting.pop()
                failures += 1
            finally:
                await cancel(self._making)
                self._making = None
        if made:
            _LOGGER.info("tts: %d fixed replies are ready to be spoken at once", made)

    async def _idle(self, rest_s: float) -> bool:
        """Waits until nobody speaks, and a while more. False when somebody asked meanwhile."""
        await self._quiet.wait()
        try:
            async with asyncio.timeout(rest_s):
                await self._asked.wait()
        except TimeoutError:
            return not self._asked.is_set()
        return False

    async def _make(self, key: str, request: TtsRequest) -> bool:
        blocks: list[AudioBlock] = []
        async with self._host.slot() as slot, aclosing(slot.iterate(Blocks(slot.engine, request))) as made:
            async for block in made:
                blocks.append(block)
        return any(any(block.pcm) for block in blocks) and await self._phrases.keep(key, blocks)


def fixed_replies(language: str, folders: Sequence[Path]) -> list[str]:
    """The sentences without variables among the `responses` of `<folder>/<language>/*.yaml`, and the satellite's apologies. Blocking.

    What is wrong with a file is the intent server's affair.
    """
    family = language.replace("_", "-").partition("-")[0].lower()
    found = list(apologies(language).values())
    for path in (path for folder in folders for path in sorted((folder / family).glob("*.yaml"))):
        try:
            content = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, yaml.YAMLError, UnicodeDecodeError):
            continue
        found += _sentences(content.get("responses")) if isinstance(content, dict) else ()
    return list(dict.fromkeys(found))


def _sentences(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        if "{" not in content and content.endswith(_SENTENCE_ENDS) and " " in content:
            yield content
    elif isinstance(content, dict | list):
        for item in content.values() if isinstance(content, dict) else content:
            yield from _sentences(item)
