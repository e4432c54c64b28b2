"""How engines are chosen, loaded, run off the loop, refused and closed."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from wyoming_servers.shared import paths
from wyoming_servers.shared.downloads import DownloadError
from wyoming_servers.shared.engine_host import EngineHost
from wyoming_servers.shared.engines import EngineContext, EngineSpec, Model, choose
from wyoming_servers.shared.errors import BusyError, EngineError, EngineUnavailableError, UnsupportedLanguageError

WAIT_S = 5.0


class Engine:
    """Notes what happens to it, and can be held up."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.together = self.most_together = 0
        self.closed_on: str | None = None
        self._lock = threading.Lock()

    def work(self, value: str) -> str:
        return f"{value} on {threading.current_thread().name}"

    def hold(self) -> None:
        with self._lock:
            self.together += 1
            self.most_together = max(self.most_together, self.together)
        self.entered.set()
        self.gate.wait(WAIT_S)
        with self._lock:
            self.together -= 1

    def close(self) -> None:
        assert not self.together, "closed while it works"
        self.closed_on = threading.current_thread().name


@asynccontextmanager
async def hosting(load: Callable | None = None, *, slots: int = 1, waiting: int = 0) -> AsyncIterator[EngineHost]:
    host = EngineHost("fake", load or Engine, slots=slots, waiting=waiting)
    host.start()
    try:
        yield host
    finally:
        await host.close()


async def entered(engine: Engine) -> None:
    """A call has begun."""
    assert await asyncio.to_thread(engine.entered.wait, WAIT_S)
    engine.entered.clear()


async def hold(host: EngineHost) -> None:
    async with host.slot() as slot:
        await slot.run(slot.engine.hold)


async def test_a_call_runs_on_the_thread_of_its_place():
    async with hosting() as host, host.slot() as slot:
        assert await slot.run(slot.engine.work, "this") == "this on fake-0"


async def test_what_a_call_raises_reaches_the_request():
    async with hosting() as host:
        with pytest.raises(ZeroDivisionError):
            async with host.slot() as slot:
                await slot.run(lambda: 1 / 0)


async def test_a_call_that_ends_an_iteration_is_an_error_of_the_engine():
    async with hosting() as host, host.slot() as slot:
        with pytest.raises(EngineError):
            await slot.run(next, iter(()))


async def test_an_engine_that_cannot_load_says_why_to_every_request():
    def load() -> None:
        raise OSError("the model is damaged")

    async with hosting(load) as host:
        for _ in range(2):
            with pytest.raises(EngineError, match="fake could not be loaded: the model is damaged"):
                async with host.slot():
                    pass


@pytest.mark.parametrize(("error", "traceback"), [(UnsupportedLanguageError("English only, not 'de'"), False), (KeyError("bug"), True)])
async def test_a_traceback_is_logged_only_for_what_nobody_expected(error: Exception, traceback: bool, caplog: pytest.LogCaptureFixture):
    def load() -> None:
        raise error

    async with hosting(load) as host:
        with pytest.raises(EngineError):
            await host.ready()
    (line,) = [record for record in caplog.records if "could not be loaded" in record.message]
    assert bool(line.exc_info) is traceback


async def test_one_more_than_there_are_places_is_refused():
    async with hosting(slots=1, waiting=1) as host:
        engine = await host.ready()
        working, waiting = asyncio.create_task(hold(host)), asyncio.create_task(hold(host))
        await entered(engine)
        with pytest.raises(BusyError, match="busy with 1 and has 1 waiting"):
            await hold(host)
        engine.gate.set()
        await asyncio.gather(working, waiting)


async def test_places_are_counted_alike_while_the_engine_loads():
    gate = threading.Event()

    def load() -> Engine:
        gate.wait(WAIT_S)
        engine = Engine()
        engine.gate.set()
        return engine

    async with hosting(load, slots=1, waiting=1) as host:
        requests = [asyncio.create_task(hold(host)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await hold(host)
        gate.set()
        await asyncio.gather(*requests)


async def test_a_place_is_free_as_soon_as_its_request_is_done():
    async with hosting(slots=1, waiting=0) as host:
        (await host.ready()).gate.set()
        for _ in range(100):
            await hold(host)


async def test_a_place_is_taken_until_the_call_of_a_cancelled_request_has_ended():
    async with hosting(slots=1, waiting=1) as host:
        engine = await host.ready()
        first = asyncio.create_task(hold(host))
        await entered(engine)
        first.cancel()
        await asyncio.wait([first])
        second = asyncio.create_task(hold(host))
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await hold(host)
        engine.gate.set()
        await second
        assert engine.most_together == 1


async def test_requests_that_are_cancelled_while_they_wait_give_their_place_back():
    async with hosting(slots=1, waiting=3) as host:
        engine = await host.ready()
        working = asyncio.create_task(hold(host))
        await entered(engine)
        for _ in range(5):
            waiting = [asyncio.create_task(hold(host)) for _ in range(3)]
            await asyncio.sleep(0)
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)
        engine.gate.set()
        await working
        await hold(host)


async def test_who_waits_longest_is_next():
    order = []

    async def note(host: EngineHost, number: int) -> None:
        async with host.slot() as slot:
            await slot.run(order.append, number)

    async with hosting(slots=1, waiting=10) as host:
        engine = await host.ready()
        working = asyncio.create_task(hold(host))
        await entered(engine)
        waiting = [asyncio.create_task(note(host, number)) for number in range(10)]
        await asyncio.sleep(0)
        engine.gate.set()
        await asyncio.gather(working, *waiting)
    assert order == list(range(10))


async def test_pieces_come_one_by_one_and_the_iterator_is_closed_on_its_thread():
    closed_on = []

    def pieces() -> Iterator[int]:
        try:
            yield from range(5)
        finally:
            closed_on.append(threading.current_thread().name)

    async with hosting() as host, host.slot() as slot:
        assert [piece async for piece in slot.iterate(pieces())] == [0, 1, 2, 3, 4]
        taken = slot.iterate(pieces())
        assert await anext(taken) == 0
        await taken.aclose()
        assert await slot.run(lambda: list(closed_on)) == ["fake-0", "fake-0"]


async def test_the_engine_is_closed_off_the_loop_after_its_calls():
    engine = Engine()
    async with hosting(lambda: engine) as host:
        await host.ready()
        working = asyncio.create_task(hold(host))
        await entered(engine)
        engine.gate.set()
    await working
    assert engine.closed_on not in (None, threading.main_thread().name)


async def test_an_engine_whose_call_does_not_end_is_left_open(caplog):
    engine = Engine()
    async with hosting(lambda: engine) as host:
        await host.ready()
        working = asyncio.create_task(hold(host))
        await entered(engine)
    assert engine.closed_on is None
    assert "has not ended" in caplog.text
    engine.gate.set()
    await working


async def test_who_waits_when_the_engine_is_closed_is_told():
    engine = Engine()
    async with hosting(lambda: engine, waiting=1) as host:
        await host.ready()
        working, waiting = asyncio.create_task(hold(host)), asyncio.create_task(hold(host))
        await entered(engine)
        asyncio.get_running_loop().call_later(0.05, engine.gate.set)
    results = await asyncio.gather(working, waiting, return_exceptions=True)
    assert isinstance(results[1], EngineError)


async def test_an_engine_that_has_loaded_after_the_end_is_closed():
    gate, engine = threading.Event(), Engine()

    def load() -> Engine:
        gate.wait(WAIT_S)
        return engine

    async with hosting(load) as host:
        waiting = asyncio.create_task(hold(host))
        await asyncio.sleep(0)
    with pytest.raises(EngineError, match="closed"):
        await waiting
    gate.set()
    async with asyncio.timeout(WAIT_S):
        while engine.closed_on is None:
            await asyncio.sleep(0.001)


@dataclass(frozen=True)
class Options:
    """Of the engines below."""


class Ready:
    """An engine with a model."""

    Options = Options

    @classmethod
    def models(cls, options: Options, context: EngineContext) -> list[Model]:
        return [Model("m", "A model", ("en",), "nobody", "")]


async def test_a_load_that_failed_for_now_is_tried_again():
    tries = []

    def load() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise DownloadError("the network is down")
        return "engine"

    ready = asyncio.Event()
    host = EngineHost("late", load, slots=1, waiting=1, retry_s=0.01)
    host.start(lambda _: ready.set())
    with pytest.raises(EngineUnavailableError, match="the network is down"):
        await host.ready()
    async with asyncio.timeout(5):
        await ready.wait()
    assert (await host.ready(), len(tries)) == ("engine", 3)
    await host.close()


async def test_a_load_that_waits_for_its_next_try_can_be_hurried():
    tries = []

    def load() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise DownloadError("the network is down")
        return "engine"

    ready = asyncio.Event()
    host = EngineHost("late", load, slots=1, waiting=1, retry_s=600)
    host.start(lambda _: ready.set())
    with pytest.raises(EngineUnavailableError):
        await host.ready()
    host.start()
    async with asyncio.timeout(5):
        await ready.wait()
    await host.close()
    assert len(tries) == 2


class Empty(Ready):
    """An engine whose model is not here."""

    @classmethod
    def models(cls, options: Options, context: EngineContext) -> list[Model]:
        return []


READY = EngineSpec("ready", f"{__name__}:Ready", "works")
EMPTY = EngineSpec("empty", f"{__name__}:Empty", "has no model")
ABSENT = EngineSpec("absent", f"{__name__}:Ready", "lacks its library", needs=("no_such_module",), extra="absent")


def pick(name: str, *specs: EngineSpec) -> str:
    return choose(specs, name, lambda spec: spec.load_class().Options(), EngineContext()).name


def test_auto_takes_the_first_that_can_run_here():
    assert pick("auto", ABSENT, EMPTY, READY) == "ready"


def test_a_named_engine_is_taken_even_if_another_comes_first():
    assert pick("ready", EMPTY, READY) == "ready"


def test_a_named_engine_without_its_library_names_the_command_that_brings_it():
    with pytest.raises(EngineUnavailableError, match="absent needs no_such_module: script/setup absent"):
        pick("absent", ABSENT, READY)


def test_outside_of_a_clone_pip_brings_the_library(monkeypatch):
    monkeypatch.setattr(paths, "in_checkout", lambda: False)
    assert ABSENT.install_command() == 'pip install "earshot-voice[absent]"'


def test_when_none_can_run_each_says_why():
    with pytest.raises(EngineUnavailableError, match=r"absent needs no_such_module.*; empty has no model on this machine"):
        pick("auto", ABSENT, EMPTY)


def test_an_unknown_engine_lists_those_that_exist():
    with pytest.raises(EngineUnavailableError, match="no engine 'other'; there are: auto, empty, ready"):
        pick("other", EMPTY, READY)
