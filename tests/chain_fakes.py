"""Recognisers for a chain: each does what its test says, and remembers what was done with it."""

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wyoming_servers.asr.chain import ChainEngine
from wyoming_servers.asr.engine import AsrEngine, AsrRequest, AsrStream, Transcription
from wyoming_servers.shared.engines import EngineContext, EngineSpec, Model
from wyoming_servers.shared.errors import EngineError, UnknownNameError
from wyoming_servers.shared.schema import option

TIMEOUT_S = 8.0


@dataclass(frozen=True)
class FakeOptions:
    """What an owner can set for a fake."""

    volume: int = option(5, "a number")


@dataclass(frozen=True)
class Fake(EngineSpec):
    """A member of a chain, described and watched."""

    target: str = ""
    summary: str = "for tests"
    text: str = ""
    """What it hears."""
    confidence: float | None = 0.9
    languages: tuple[str, ...] = ("en",)
    believes: str | None = None
    """Its hypothesis while it is fed."""
    fails_at: str = ""
    """models, load, open, feed or finish."""
    hangs_at: str = ""
    """load, open, feed or finish: it waits for `gate`."""
    cancels: bool = True
    """False when `cancel` does not help."""
    installed: bool = True
    gate: threading.Event = field(default_factory=threading.Event)
    hanging: threading.Event = field(default_factory=threading.Event)
    """Set once it hangs."""
    ended: threading.Event = field(default_factory=threading.Event)
    """Set when a stream was closed."""
    closed: threading.Event = field(default_factory=threading.Event)
    requests: list[AsrRequest] = field(default_factory=list)
    heard: list[np.ndarray] = field(default_factory=list)
    """All the samples of each stream that was finished."""
    options: list[FakeOptions] = field(default_factory=list)

    def load_class(self) -> type:
        return type("FakeEngine", (FakeEngine,), {"fake": self})

    def at(self, stage: str) -> None:
        """What happens at a stage of its work."""
        if self.fails_at == stage:
            raise (EngineError if stage in ("models", "load") else RuntimeError)(f"the scripted failure at {stage}")
        if self.hangs_at == stage:
            self.hanging.set()
            self.gate.wait()


class FakeEngine(AsrEngine):
    """See Fake."""

    Options = FakeOptions
    fake: Fake

    @classmethod
    def models(cls, options: Any, context: EngineContext) -> list[Model]:
        fake = cls.fake
        fake.at("models")
        return [Model(f"{fake.name}-model", fake.name, fake.languages, f"makers of {fake.name}", "", installed=fake.installed)]

    def __init__(self, options: Any, context: EngineContext) -> None:
        self.fake.options.append(options)
        self.fake.at("load")

    def open(self, request: AsrRequest) -> "FakeStream":
        self.fake.at("open")
        if request.model is not None:
            raise UnknownNameError("a member is asked for its default model")
        self.fake.requests.append(request)
        return FakeStream(self.fake)

    def close(self) -> None:
        self.fake.closed.set()


class FakeStream(AsrStream):
    """See Fake."""

    def __init__(self, fake: Fake) -> None:
        self._fake = fake
        self._pieces = [np.empty(0, np.int16)]
        self._cancelled = False

    def feed(self, samples: np.ndarray) -> str | None:
        self._fake.at("feed")
        self._pieces.append(samples)
        return self._fake.believes

    def finish(self) -> Transcription:
        self._fake.heard.append(np.concatenate(self._pieces))
        self._fake.at("finish")
        if self._cancelled:
            raise EngineError("the request was given up")
        return Transcription(self._fake.text, self._fake.confidence, self._fake.languages[0])

    def cancel(self) -> None:
        self._cancelled = True
        if self._fake.cancels:
            self._fake.gate.set()

    def close(self) -> None:
        self._fake.ended.set()


def chain_class(*fakes: Fake) -> type[ChainEngine]:
    """A chain that can ask these engines."""
    return type("Chain", (ChainEngine,), {"specs": fakes})
