"""Which phrases are kept: the fixed replies, and what is said for the second time."""

import asyncio
import importlib.util
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .. import __version__
from ..shared.engines import EngineContext, EngineSpec
from ..shared.tasks import TaskOwner
from .engine import AudioBlock
from .phrase_cache import PhraseCache, hashed

LONGEST_CHARS = 200
"""Longer pieces are hardly ever said again."""
_LONGEST_S = 30
_REMEMBERED = 1024
_MOST_FILES = 5000


class KnownPhrases:
    """The phrases of one loaded engine. What was said once is remembered as a hash in memory, never on disk."""

    def __init__(self, cache: PhraseCache, owner: TaskOwner) -> None:
        """owner: of the tasks that write."""
        self._cache = cache
        self._owner = owner
        self._version: str | None = None
        self._once: OrderedDict[str, None] = OrderedDict()

    def set_version(self, version: str) -> None:
        """Everything that changes how all phrases sound. Before it is set, no phrase is known."""
        self._version = version

    def key(self, text: str, voice: str, voice_version: str | None, speaker: str | None) -> str | None:
        """The name of a phrase; None when it is never kept."""
        if self._version is None or len(text) > LONGEST_CHARS:
            return None
        return hashed(self._version, voice, voice_version, speaker, text)

    async def find(self, key: str) -> AudioBlock | None:
        """The phrase, if it is kept."""
        return await asyncio.to_thread(self._cache.get, key)

    async def has(self, key: str) -> bool:
        """True when the phrase is kept."""
        return await asyncio.to_thread(self._cache.has, key)

    async def room_bytes(self) -> int:
        """How much can be kept before something else has to go."""
        return await asyncio.to_thread(self._cache.room_bytes)

    def is_said_again(self, key: str) -> bool:
        """True from the second time on that this phrase is asked for."""
        again = key in self._once
        self._once[key] = None
        self._once.move_to_end(key)
        if len(self._once) > _REMEMBERED:
            self._once.popitem(last=False)
        return again

    async def keep(self, key: str, blocks: Iterable[AudioBlock]) -> bool:
        """Keeps a complete phrase. False when it could not be kept."""
        blocks = list(blocks)
        rates = {block.rate_hz for block in blocks}
        pcm = b"".join(block.pcm for block in blocks)
        if len(rates) != 1 or len(pcm) > _LONGEST_S * 2 * max(rates) or len(pcm) % 2:
            return False
        return await asyncio.to_thread(self._cache.put, key, AudioBlock(pcm, rates.pop()))

    def keep_soon(self, key: str, blocks: Iterable[AudioBlock]) -> None:
        """As `keep`; nobody waits for it."""
        self._owner.start(self.keep(key, blocks), "keep a phrase")


def version_of(spec: EngineSpec, options: Any, context: EngineContext) -> str:
    """What tells one state of an engine, its settings and its models from another. Blocking: looks at files, reads none."""
    library = [_stamp(Path(found.origin)) for name in spec.needs if (found := importlib.util.find_spec(name)) and found.origin]
    models = context.store.installed(spec.name).items()
    files = [_stamp(path) for _, folder in sorted(models) for path in sorted(folder.rglob("*"))[:_MOST_FILES] if path.is_file()]
    return hashed(__version__, spec.name, spec.target, options, [name for name, _ in sorted(models)], library, files)


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError:
        return path.name, 0, 0
    return path.name, status.st_size, status.st_mtime_ns
