"""The voice that speaks when the chosen one cannot: built when it is first needed, and for how long it stands in."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..shared.engine_host import EngineHost
from ..shared.engines import EngineContext, EngineSpec, Model
from ..shared.errors import UnsupportedLanguageError
from .voices import choose_voice

_LOGGER = logging.getLogger(__name__)
_FIRST_BACKOFF_S = 5.0
_LONGEST_BACKOFF_S = 300.0


class Fallback:
    """Another engine with its own slots."""

    def __init__(self, spec: EngineSpec, options: Any, context: EngineContext, *, slots: int, waiting: int) -> None:
        self.name = spec.name
        self._spec = spec
        self._options = options
        self._context = context
        self._places = {"slots": slots, "waiting": waiting}
        self._host: EngineHost | None = None
        self._models: Sequence[Model] = ()

    def host(self) -> EngineHost:
        """The engine; its loading begins with the first call."""
        if self._host is None:
            engine_class = self._spec.load_class()
            self._host = EngineHost(f"tts {self.name}", lambda: engine_class(self._options, self._context), **self._places)
            self._host.start()
        return self._host

    async def voice_for(self, voice: Model) -> Model:
        """One that speaks the same language, else the default one.

        Raises: EngineError when it has none.
        """
        if not self._models:
            self._models = await asyncio.to_thread(self._spec.load_class().models, self._options, self._context)
        try:
            return choose_voice(self._models, {"language": voice.languages[0]})[0]
        except UnsupportedLanguageError:
            return self._models[0]

    async def close(self) -> None:
        """Frees the engine if it was built."""
        if self._host is not None:
            await self._host.close()


class Trouble:
    """Failures of the chosen engine in a row. The first is forgiven at once, further ones keep it out of use for a while."""

    def __init__(self, name: str, stand_in: str, now: Callable[[], float] = time.monotonic) -> None:
        """stand_in: who speaks meanwhile; empty for nobody."""
        self._name = name
        self._stand_in = stand_in
        self._now = now
        self._failures = 0
        self._until = 0.0

    @property
    def recent(self) -> bool:
        """True when its last attempt failed."""
        return self._failures > 0

    @property
    def may_be_tried(self) -> bool:
        """True when the engine may be tried."""
        return self._now() >= self._until

    def failed(self, error: BaseException) -> None:
        """It failed in the end. The first failure in a row is logged as a warning."""
        self._failures += 1
        if self._failures > 1:
            self._until = self._now() + min(_FIRST_BACKOFF_S * 2 ** (self._failures - 2), _LONGEST_BACKOFF_S)
        meanwhile = f"; {self._stand_in} speaks until it works again" if self._stand_in else ""
        reason = str(error) or repr(error)
        _LOGGER.log(logging.DEBUG if self._failures > 1 else logging.WARNING, "%s: %s%s", self._name, reason, meanwhile)

    def worked(self) -> None:
        """It spoke."""
        if self._failures:
            _LOGGER.info("%s works again", self._name)
        self._failures, self._until = 0, 0.0
