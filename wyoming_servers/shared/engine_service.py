"""The part of a server that wake, asr and tts share: choose an engine, say what it offers, load it off the loop."""

import asyncio
import logging
from typing import Any

import voluptuous as vol
from wyoming.info import Attribution

from .engines import EngineContext, EngineHost, EngineSpec, Model, choose
from .errors import SettingsError
from .schema import explain, validator
from .service import Service
from .settings import ServerSection

_LOGGER = logging.getLogger(__name__)


class EngineService(Service):
    """A service that works through one engine. After `prepare`, `spec`, `options`, `models` and `host` are there."""

    spec: EngineSpec
    options: Any
    models: tuple[Model, ...] = ()
    """What the engine offers on this machine, the default first."""
    host: EngineHost

    def __init__(self, specs: tuple[EngineSpec, ...], section: ServerSection, context: EngineContext) -> None:
        self._specs = specs
        self.section = section
        self.context = context

    async def prepare(self) -> None:
        """Chooses the engine and lists its models.

        Raises: EngineUnavailableError, SettingsError.
        """
        await asyncio.to_thread(self._prepare)

    async def start(self) -> None:
        """Begins to load the engine."""
        self.host.start(lambda _: _LOGGER.info("%s: %s is ready", self.kind, self.spec.name))

    async def stop(self) -> None:
        """Frees the engine."""
        await self.host.close()

    def about(self) -> dict[str, Any]:
        """What every program says of itself in `info`."""
        origin = next((model for model in self.models if model.url), self.models[0])  # an owner's own model says nothing of the engine
        return about(self.spec.name, origin) | {"description": self.spec.summary}

    def offer(self, models: tuple[Model, ...]) -> None:
        """Shows these models from the next `describe` on."""
        if models != self.models:
            self.models = models
            self.revision += 1

    def _prepare(self) -> None:
        section = self.section
        self.spec = choose(self._specs, section.engine, lambda spec: engine_options(self.kind, section, spec), self.context)
        self.options = engine_options(self.kind, section, self.spec)
        engine_class = self.spec.load_class()
        self.models = tuple(engine_class.models(self.options, self.context))
        self.host = EngineHost(
            f"{self.kind} {self.spec.name}",
            lambda: engine_class(self.options, self.context),
            slots=self.section.streams,
            waiting=self.section.waiting,
        )


def about(name: str, model: Model) -> dict[str, Any]:
    """The fields that programs, models and voices share in `info`."""
    return {
        "name": name,
        "attribution": Attribution(name=model.author, url=model.url),
        "installed": True,
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
