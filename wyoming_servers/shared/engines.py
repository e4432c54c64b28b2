"""Engines block and know neither asyncio nor Wyoming; this module finds, loads and runs them off the event loop."""

import asyncio
import importlib
import importlib.util
import logging
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from . import paths
from .errors import AssistantError, BusyError, EngineError, EngineUnavailableError
from .house import House
from .models import ModelStore
from .tasks import TaskOwner

_LOGGER = logging.getLogger(__name__)
E = TypeVar("E")
T = TypeVar("T")
_END = object()
_STOP_S = 0.5  # an engine's call that has not ended by then is abandoned with the process


@dataclass(frozen=True)
class EngineSpec:
    """One line of a folder's ENGINES. Nothing heavy is imported until `load`."""

    name: str
    """What the owner writes as `engine:`."""
    target: str
    """"module:Class"; the class has an `Options` dataclass and is called with (options, context). Importing the module is
    cheap and works without the engine's library: that is imported when the class is used."""
    summary: str
    """One line for `earshot engines`."""
    needs: tuple[str, ...] = ()
    """Importable modules this engine cannot work without."""
    extra: str = ""
    """The extra of pyproject.toml that brings them; empty when the base install has them."""
    licence: str = ""
    """Licence of the library and of the models that come with it."""
    auto: bool = True
    """False for an engine that is taken only when the owner names it: it stands on others, or sends sound to another machine."""

    def missing(self) -> list[str]:
        """The needed modules that are not installed; looked up, not imported."""
        return [module for module in self.needs if importlib.util.find_spec(module) is None]

    def install_command(self) -> str:
        """The command that brings what is missing, for this installation."""
        return install_command(self.extra)

    def load_class(self) -> type:
        """The engine's class; its module is imported, its library is not."""
        module, _, name = self.target.partition(":")
        return getattr(importlib.import_module(module), name)

    def lacks(self, options: Any, context: "EngineContext") -> str:
        """Why this engine cannot run here now, with what brings it; empty when it can, be it after a download. Blocking."""
        if missing := self.missing():
            return f"needs {', '.join(missing)}: {self.install_command()}"
        try:
            models = self.load_class().models(options, context)
        except AssistantError as err:
            return str(err)
        return "" if models else f"has no model on this machine: earshot models list --engine {self.name}"

    def ready(self, options: Any, context: "EngineContext") -> bool:
        """True when it could start now without downloading anything. Blocking."""
        if self.missing():
            return False
        try:
            return any(model.installed for model in self.load_class().models(options, context))
        except AssistantError:
            return False


def install_command(extra: str) -> str:
    """The command that brings the libraries of an extra (empty: of the base installation), for this installation."""
    if paths.in_checkout():
        return f"script/setup {extra}".rstrip()
    return f'pip install "earshot-voice[{extra}]"' if extra else "pip install earshot-voice"


def choose(
    specs: tuple[EngineSpec, ...],
    name: str,
    options: Callable[[EngineSpec], Any],
    context: "EngineContext",
    ranking: Sequence[str] = (),
) -> EngineSpec:
    """The engine called `name`; for `auto` the best that needs no download. Blocking.

    ranking: names from best to worst, as a bake-off on this machine found them; engines that are not in it follow in the list's order.
    Raises: EngineUnavailableError that says what each lacks, or which engines there are.
    """
    if name != "auto":
        spec = find(specs, name)
        if reason := spec.lacks(options(spec), context):
            raise EngineUnavailableError(f"{spec.name} {reason}")
        return spec
    place = {name: number for number, name in enumerate(ranking)}
    ranked = sorted((spec for spec in specs if spec.auto), key=lambda spec: place.get(spec.name, len(place)))
    for spec in ranked:
        if spec.ready(options(spec), context):
            return spec
    raise EngineUnavailableError("; ".join(f"{spec.name} {_unready(spec, options, context)}" for spec in ranked))


def _unready(spec: EngineSpec, options: Callable[[EngineSpec], Any], context: "EngineContext") -> str:
    return spec.lacks(options(spec), context) or f"has to be named to be downloaded: engine: {spec.name}"


def find(specs: Sequence[EngineSpec], name: str) -> EngineSpec:
    """The engine of this name.

    Raises: EngineUnavailableError that lists those there are.
    """
    for spec in specs:
        if spec.name == name:
            return spec
    raise EngineUnavailableError(f"no engine {name!r}; there are: auto, {', '.join(spec.name for spec in specs)}")


@dataclass(frozen=True)
class EngineContext:
    """What an engine may know besides its own options."""

    language: str = "en"
    """The house's language."""
    house: House = field(default_factory=House)
    """The names people say in this house."""
    data_dir: Path = Path()
    """Where the owner drops models and wake words."""
    intents_dirs: tuple[Path, ...] = ()
    """Folders of sentence templates: the shipped one, then the owner's."""
    store: ModelStore = field(default_factory=ModelStore)
    """Models on this machine, and those that can be fetched."""
    engines: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    """kind → engine → its options as the settings have them, for engines that stand on others (see engine_service.engine_options)."""
    remembered: dict[str, Any] = field(default_factory=dict)
    """What servers elsewhere have told engines, by server, while this process runs (see shared.recall)."""


@dataclass(frozen=True)
class Model:
    """A voice, a wake word or a recogniser's model, as `describe` shows it."""

    name: str
    """Stable id."""
    description: str
    """For people; unique per language."""
    languages: tuple[str, ...]
    """BCP 47 tags, `en` or `en-US`."""
    author: str
    """Who made it."""
    url: str
    """Where it is from."""
    version: str | None = None
    phrase: str | None = None
    """What is said (wake words)."""
    speakers: tuple[str, ...] = ()
    """Speakers of one voice."""
    installed: bool = True
    """False when the engine's constructor has to fetch it first."""


class Slot(Generic[E]):
    """One place at an engine, with a thread of its own. Held by one request at a time."""

    def __init__(self, engine: E, name: str) -> None:
        self.engine = engine
        self._jobs: queue.SimpleQueue = queue.SimpleQueue()
        self._running: asyncio.Future | None = None
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, call: Callable[..., T], *arguments: Any, cancel: Callable[[], None] | None = None) -> T:
        """Runs a blocking call on this slot's thread. When cancelled, the call ends first before the slot is used again.

        cancel: called on the loop when the caller is cancelled; makes a call that waits for something end soon.
        """
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._running = done
        self._jobs.put((call, arguments, loop, done))
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            if cancel:
                cancel()
            raise

    async def iterate(self, items: Iterator[T]) -> AsyncIterator[T]:
        """Takes the items of a blocking iterator one by one on this slot's thread; closes it there at the end.

        An iterator that waits for others may have `cancel()`, see `run`.
        """
        cancel = getattr(items, "cancel", None)
        try:
            while (item := await self.run(next, items, _END, cancel=cancel)) is not _END:
                yield item
        finally:
            if close := getattr(items, "close", None):
                self.run_soon(close)

    def run_soon(self, call: Callable[[], Any]) -> None:
        """Runs a call after those before it; nobody waits for it."""
        self._jobs.put((call, (), None, None))

    async def settle(self) -> None:
        """Waits until a call that was left behind by a cancelled `run` has ended."""
        if self._running is not None:
            await asyncio.wait([self._running])

    @property
    def settled(self) -> bool:
        """True when no call is left behind."""
        return self._running is None or self._running.done()

    def end(self) -> None:
        """Ends the thread after the work it has; does not wait."""
        self._jobs.put(None)

    async def stop(self, timeout_s: float) -> bool:
        """Ends the thread after the work it has. False when that work has not ended in time: the engine is still in use."""
        last = asyncio.ensure_future(self.run(_nothing))
        try:
            done, _ = await asyncio.wait([last], timeout=timeout_s)
        finally:
            last.cancel()
            self._jobs.put(None)  # not before: the task above has queued its call only once it runs
        return bool(done)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            call, arguments, loop, done = job
            del job
            result, error = None, None
            try:
                result = call(*arguments)
            except BaseException as err:  # handed to the waiting request, which decides
                error = err
            if loop is not None:
                try:
                    loop.call_soon_threadsafe(_finish, done, result, error)
                except RuntimeError:  # the loop has ended: nobody waits any more
                    _LOGGER.debug("result of %s came after the end", call)
            elif error is not None:
                _LOGGER.warning("an engine could not be tidied up", exc_info=error)
            del call, arguments, loop, done, result, error  # an idle thread keeps no request alive


class EngineHost(Generic[E]):
    """Loads an engine off the loop, admits `slots` requests, queues `waiting` more, refuses the rest with BusyError."""

    def __init__(self, name: str, load: Callable[[], E], *, slots: int, waiting: int) -> None:
        self.name = name
        self._load = load
        self._slots = slots
        self._places = slots + waiting
        self._admitted = 0  # working, waiting, or gone but not settled yet
        self._free: list[Slot[E]] = []
        self._turn = asyncio.Semaphore(slots)  # unlike a Queue it lets nobody pass who comes back at once for the next piece
        self._all: list[Slot[E]] = []
        self._closed = threading.Event()
        self._loaded: asyncio.Future[E] | None = None
        self._owner = TaskOwner()

    def start(self, on_ready: Callable[[E], None] | None = None) -> None:
        """Begins to load; `on_ready` is called on the loop with the engine. Returns at once."""
        self._loaded = asyncio.get_running_loop().create_future()
        self._loaded.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._owner.start(self._bring_up(on_ready), f"load {self.name}")

    @property
    def engine(self) -> E | None:
        """The engine once it is loaded."""
        loaded = self._loaded
        return loaded.result() if loaded and loaded.done() and not loaded.cancelled() and not loaded.exception() else None

    async def ready(self) -> E:
        """Waits until the engine is loaded.

        Raises: EngineError when it could not be.
        """
        if self._loaded is None:
            raise EngineError(f"{self.name} was never started")
        return await asyncio.shield(self._loaded)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Slot[E]]:
        """A place at the engine, waited for in turn.

        Raises: BusyError when the queue is full; EngineError when the engine could not be loaded or is closed.
        """
        if self._admitted >= self._places:
            raise BusyError(f"{self.name} is busy with {self._slots} and has {self._admitted - self._slots} waiting; try again")
        self._admitted += 1
        slot = None
        try:
            await self.ready()
            await self._turn.acquire()
            if self._closed.is_set():
                raise EngineError(f"{self.name} is closed")
            slot = self._free.pop()
            yield slot
        finally:
            if slot is None or slot.settled or self._closed.is_set():
                self._give_back(slot)
            else:
                self._owner.start(self._settle(slot), f"settle {self.name}")

    async def close(self) -> None:
        """Ends loading and the threads; closes the engine, unless a call will not end."""
        self._closed.set()
        await self._owner.close()
        if self._loaded is not None and not self._loaded.done():
            self._loaded.set_exception(EngineError(f"{self.name} is closed"))
        for _ in range(self._admitted):
            self._turn.release()
        engine = self.engine
        ended = await asyncio.gather(*(slot.stop(_STOP_S) for slot in self._all))
        if not all(ended):
            _LOGGER.warning("%s: a call has not ended within %g s, the engine is left open", self.name, _STOP_S)
        elif engine is not None:
            await asyncio.to_thread(_close, engine)

    async def _bring_up(self, on_ready: Callable[[E], None] | None) -> None:
        assert self._loaded is not None
        loader: Slot[None] = Slot(None, f"{self.name}-load")
        try:
            engine = await loader.run(self._load_unless_closed)
        except Exception as err:
            error = err if isinstance(err, EngineError) else EngineError(f"{self.name} could not be loaded: {err}")
            _LOGGER.error("%s", error, exc_info=None if error is err else err)
            self._loaded.set_exception(error)
            return
        finally:
            loader.end()
        for number in range(self._slots):
            slot = Slot(engine, f"{self.name}-{number}")
            self._all.append(slot)
            self._free.append(slot)
        self._loaded.set_result(engine)
        if on_ready:
            on_ready(engine)

    def _load_unless_closed(self) -> E:
        """On the loading thread, which cannot be interrupted: nobody else would close an engine that comes too late."""
        engine = self._load()
        if self._closed.is_set():
            _close(engine)
            raise EngineError(f"{self.name} is closed")
        return engine

    async def _settle(self, slot: Slot[E]) -> None:
        try:
            await slot.settle()
        finally:
            self._give_back(slot)

    def _give_back(self, slot: Slot[E] | None) -> None:
        self._admitted -= 1
        if slot is not None:
            self._free.append(slot)
            self._turn.release()


def _nothing() -> None:
    """The last job of a thread: when it is done, so is everything before it."""


def _close(engine: Any) -> None:
    if close := getattr(engine, "close", None):
        close()


def _finish(done: asyncio.Future, result: Any, error: BaseException | None) -> None:
    if done.cancelled():
        return
    if error is None:
        done.set_result(result)
    elif isinstance(error, StopIteration):  # a future refuses StopIteration
        done.set_exception(EngineError("the engine ended unexpectedly"))
    else:
        done.set_exception(error)
        done.exception()  # a cancelled request does not fetch it: no "never retrieved" warning
