"""`earshot check` as the gate that a service starts through, and as the probe of containers."""

import asyncio

from running import free_port
from wyoming.asr import Transcript
from wyoming.info import AsrModel, AsrProgram, Attribution, Info
from wyoming.server import AsyncEventHandler, AsyncServer

from wyoming_servers import cli

NOBODY = Attribution(name="", url="")


class Recogniser(AsyncEventHandler):
    """Answers `describe` with one recogniser whose model is here or not."""

    installed = True

    async def handle_event(self, event) -> bool:
        if event.type == "describe":
            model = AsrModel(name="m", attribution=NOBODY, installed=self.installed, description=None, version=None, languages=["en"])
            program = AsrProgram(name="made", attribution=NOBODY, installed=self.installed, description=None, version=None, models=[model])
            await self.write_event(Info(asr=[program]).event())
        return not Transcript.is_type(event.type)


class WithoutModel(Recogniser):
    """Its model is still on the way."""

    installed = False


async def check(*words: str, handler: type[Recogniser] | None = Recogniser, late_s: float = 0.0, port: int | None = None) -> int:
    """Status of `earshot check …` while a server listens on PORT (put in place of that word), from `late_s` on."""
    port = port or free_port()
    server = AsyncServer.from_uri(f"tcp://127.0.0.1:{port}")
    asked = asyncio.create_task(asyncio.to_thread(cli.main, ["check", *(word.replace("PORT", str(port)) for word in words)]))
    if late_s:
        await asyncio.wait([asked], timeout=late_s)
        assert not asked.done()
    if handler:
        await server.start(handler)
    try:
        return await asked
    finally:
        if handler:
            await server.stop()


async def test_it_waits_for_a_server_that_comes_later() -> None:
    assert await check("tcp://127.0.0.1:PORT", "--wait", "20", late_s=1.0) == 0


async def test_it_does_not_wait_for_ever() -> None:
    assert await check("tcp://127.0.0.1:PORT", "--wait", "0.6", handler=None) == cli.EXIT_FAILURE


async def test_the_address_of_a_part_comes_from_the_settings() -> None:
    assert await check("asr", "--wait", "20", "--set", "asr.uri=tcp://0.0.0.0:PORT") == 0


async def test_a_server_whose_model_is_still_on_the_way_is_not_healthy() -> None:
    assert await check("tcp://127.0.0.1:PORT", "--wait", "2", handler=WithoutModel) == 1


async def test_but_it_answers() -> None:
    assert await check("tcp://127.0.0.1:PORT", "--wait", "20", "--answering", handler=WithoutModel) == 0


def test_a_time_that_is_none_is_refused(capsys) -> None:
    try:
        cli.main(["check", "asr", "--wait", "soon"])
    except SystemExit as ended:
        assert ended.code == cli.EXIT_USAGE
    assert "'soon' is not a number of seconds" in capsys.readouterr().err
