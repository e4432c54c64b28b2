"""The part of a server that wake, asr and tts share: choose an engine, say what it offers, load it off the loop."""

import asyncio
import contextlib
import logging
from typing import Any

import voluptuous as vol
from wyoming.info import Attribution

from .engine_host import EngineHost
from .engines import EngineContext, EngineSpec, Model, choose
from .errors import AssistantError, SettingsError
from .occupancy import Occupancy
from .ranking import ranking
from .schema import explain, validator
from .service import Service
from .settings import ServerSection
from .tasks import TaskOwner

_LOGGER = logging.getLogger(__name__)
_LOOK_EVERY_S = 15.0  # Home Assistant asks every 30 s


class EngineService(Service):
    """A service that works through one engine. After `prepare`, `spec`, `options`, `models` and `host` are there."""

    spec: EngineSpec
    options: Any
    models: tuple[Model, ...] = ()
    """What the engine offers on this machine, the default first."""
    host: EngineHost

    def __init__(
        self, specs: tuple[EngineSpec, ...], section: ServerSection, context: EngineContext, look_every_s: float = _LOOK_EVERY_S
    ) -> None:
        """look_every_s: how often models that came or went are looked for."""
        self._specs = specs
        self.section = section
        self.context = context
        self._look_every_s = look_every_s
        self._owner = TaskOwner()
        self._look_now = asyncio.Event()

    async def prepare(self) -> None:
        """Chooses the engine and lists its models.

        Raises: EngineUnavailableError, SettingsError.
        """
        await asyncio.to_thread(self._prepare)

    async def start(self) -> None:
        """Begins to load the engine, and to look for models that come and go."""
        self.host.start(self._ready)
        self._owner.start(self._look_out(), f"look for models of {self.kind}")

    async def stop(self) -> None:
        """Frees the engine."""
        await self._owner.close()
        await self.host.close()

    def load(self) -> Any:
        """The engine, loaded; on a thread of its own, for as long as it takes."""
        return self.spec.load_class()(self.options, self.context)

    def about(self) -> dict[str, Any]:
        """What every program says of itself in `info`."""
        origin = next((model for model in self.models if model.url), self.models[0])  # an owner's own model says nothing of the engine
        return about(self.spec.name, origin) | {"description": self.spec.summary, "installed": True}

    def occupancy(self) -> Occupancy:
        """Requests at the engine."""
        return self.host.occupancy

    def offer(self, models: tuple[Model, ...]) -> None:
        """Shows these models from the next `describe` on."""
        if models != self.models:
            self.models = models
            self.revision += 1

    def _ready(self, _: Any) -> None:
        _LOGGER.info("%s: %s is ready", self.kind, self.spec.name)
        self._look_now.set()  # what was fetched is installed now

    async def _look_out(self) -> None:
        engine_class = self.spec.load_class()
        complaint = ""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look_now.wait(), self._look_every_s)
            self._look_now.clear()
            try:
                models = tuple(await asyncio.to_thread(engine_class.models, self.options, self.context))
            except AssistantError as err:
                if str(err) != complaint:
                    complaint = str(err)
                    _LOGGER.warning("%s: models cannot be listed: %s", self.kind, err)
                continue
            if models and models != self.models:
                self.offer(models)
                _LOGGER.info("%s: %s has now: %s", self.kind, self.spec.name, ", ".join(model.name for model in models))

    def _prepare(self) -> None:
        section = self.section
        self.spec = choose(
            self._specs, section.engine, lambda spec: engine_options(self.kind, section, spec), self.context, ranking(self.kind)
        )
        self.options = engine_options(self.kind, section, self.spec)
        engine_class = self.spec.load_class()
        self.models = tuple(engine_class.models(self.options, self.context))
        self.host = EngineHost(
            f"{self.kind} {self.spec.name}",
            self.load,
            slots=self.section.streams,
            waiting=self.section.waiting,
        )


def about(name: str, model: Model) -> dict[str, Any]:
    """The fields that programs, models and voices share in `info`."""
    return {
        "name": name,
        "attribution": Attribution(name=model.author, url=model.url),
        "installed": model.installed,
        "description": model.description,
        "version": model.version,
    }


def engine_options(kind: str, section: ServerSection, spec: EngineSpec) -> Any:
    """The checked options of one engine, from `<kind>.engines.<engine>` of the settings.

    Raises: SettingsError that names the key and what is allowed.
    """
    cls = spec.load_class().Options
    try:
        return cls(**validator(cls)(dict(section.engines.get(spec.name, {}))))
    except vol.Invalid as err:
        raise SettingsError(f"{kind}.engines.{spec.name}: {explain(err, cls)}") from None
