"""The status page over real HTTP, from a real intent server: what it shows, what it keeps to itself, and to whom it speaks."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from conftest import Serving
from handle_house import MovedClock, decisive, running, sentence
from running import free_port
from scripted import Scripted
from wire import Wire, event, wire
from wyoming.event import async_write_event
from wyoming.info import Attribution, Info, Satellite

from wyoming_servers.handle.turns import on_this_machine
from wyoming_servers.shared.errors import EngineError, EngineUnavailableError, PortInUseError, SettingsError
from wyoming_servers.shared.settings import WebSection
from wyoming_servers.web.server import StatusPage
from wyoming_servers.web.status import StatusSource

SHOWN = WebSection(uri="http://127.0.0.1:0")
WITH_WORDS = WebSection(uri="http://127.0.0.1:0", words=True)


@dataclass(frozen=True)
class Engine:
    kind: str = "asr"
    name: str = "marvel"
    summary: str = "hears everything"
    state: str = 'needs marvel: pip install "earshot-voice[marvel]"'
    licence: str = "MIT"


def engines() -> Sequence[Engine]:
    return [Engine(), Engine("tts", "voice", "speaks", "in use", "MIT")]


def no_engines() -> Sequence[Engine]:
    raise EngineUnavailableError("the folder of models cannot be read")


@asynccontextmanager
async def page(uris: dict[str, str], words: bool = False, admit: Sequence[str] = (), listing=engines) -> AsyncIterator[str]:
    made = StatusPage("http://127.0.0.1:0", StatusSource(uris, listing, words), admit)
    await made.start()
    try:
        yield made.uri
    finally:
        await made.stop()


async def get(uri: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=8)) as http, http.get(uri, headers=headers) as response:
        return response.status, await response.text(), dict(response.headers)


async def say(uri: str, *texts: str) -> None:
    for text in texts:
        async with wire(uri) as peer:
            await peer.send(sentence(text))
            await decisive(peer)


async def turns(peer: Wire) -> list[dict]:
    await peer.send(event("earshot-turns", {}))
    message = await peer.receive()
    assert message is not None and message.type == "earshot-turns"
    return message.data["turns"]


async def test_it_shows_a_service_with_its_models(tmp_path: Path):
    async with running(tmp_path, MovedClock()) as uri, page({"handle": uri}) as shown:
        status, html, _ = await get(shown)
    assert status == 200
    assert "Conversation" in html and "templates (en" in html and "all services answer" in html


async def test_it_shows_engines_and_what_they_lack(tmp_path: Path):
    async with running(tmp_path, MovedClock()) as uri, page({"handle": uri}) as shown:
        _, html, _ = await get(shown)
    assert "needs marvel: pip install &quot;earshot-voice[marvel]&quot;" in html


async def test_a_server_that_is_away_is_said_to_be():
    uri = f"tcp://127.0.0.1:{free_port()}"
    async with page({"asr": uri, "handle": uri}) as shown:
        _, html, _ = await get(shown)
    assert "something is wrong" in html and "cannot connect to" in html


async def test_a_server_that_says_nothing_does_not_hold_the_page_up():
    silent = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    async with silent, page({"asr": f"tcp://127.0.0.1:{silent.sockets[0].getsockname()[1]}"}) as shown:
        status = json.loads((await get(f"{shown}/status.json"))[1])
    assert not status["well"]
    assert "did not answer within" in status["services"][0]["problem"]


async def test_an_engine_that_cannot_be_loaded_is_said_though_its_server_answers(serving: Serving):
    class Broken(Scripted):
        def _load(self) -> None:
            raise EngineError("the model is cut short")

    service = Broken()
    async with serving(service) as uri, page({"asr": uri}) as shown:
        with contextlib.suppress(EngineError):
            await service.host.ready()
        status = json.loads((await get(f"{shown}/status.json"))[1])
    assert not status["well"]
    assert "the model is cut short" in status["services"][0]["problem"]


async def test_a_kind_that_its_server_does_not_have_is_missed(tmp_path: Path):
    async with running(tmp_path, MovedClock()) as uri, page({"handle": uri, "tts": uri}) as shown:
        _, html, _ = await get(shown)
    assert "answers, but offers no tts" in html


async def test_a_satellite_is_shown_by_its_name():
    about = {"attribution": Attribution("", ""), "installed": True, "description": None, "version": None}
    info = Info(satellite=Satellite(name="Kitchen Pi", area="Kitchen", **about))

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await async_write_event(info.event(), writer)
        writer.close()

    satellite = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with satellite, page({"satellite": f"tcp://127.0.0.1:{satellite.sockets[0].getsockname()[1]}"}) as shown:
        _, html, _ = await get(shown)
    assert "Kitchen Pi" in html and "all services answer" in html


async def test_engines_that_cannot_be_listed_do_not_take_the_page_away(tmp_path: Path):
    async with running(tmp_path, MovedClock()) as uri, page({"handle": uri}, listing=no_engines) as shown:
        status, html, _ = await get(shown)
    assert status == 200
    assert "the folder of models cannot be read" in html


async def test_it_lists_the_last_commands_without_their_words(tmp_path: Path):
    async with running(tmp_path, MovedClock(), web=SHOWN) as uri, page({"handle": uri}) as shown:
        await say(uri, "set a pizza timer for ten minutes", "what time is it")
        html, listed = (await get(shown))[1], json.loads((await get(f"{shown}/status.json"))[1])["turns"]
    assert [turn["tool"] for turn in listed] == ["clock", "timers"]
    assert all(turn["ms"] > 0 and turn["handled"] for turn in listed)
    assert "HassStartTimer" in html and "pizza" not in html


async def test_words_are_not_even_kept_without_the_owners_wish(tmp_path: Path):
    async with running(tmp_path, MovedClock(), web=SHOWN) as uri, wire(uri) as peer:
        await say(uri, "set a pizza timer for ten minutes")
        assert "pizza" not in json.dumps(await turns(peer))


async def test_words_are_shown_where_the_owner_wants_them_and_do_no_harm(tmp_path: Path):
    async with running(tmp_path, MovedClock(), web=WITH_WORDS) as uri, page({"handle": uri}, words=True) as shown:
        await say(uri, "<script>alert(1)</script>")
        _, html, _ = await get(shown)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script" not in html


async def test_no_command_is_kept_without_a_status_page(tmp_path: Path):
    async with running(tmp_path, MovedClock()) as uri, wire(uri) as peer:
        await say(uri, "what time is it")
        assert await turns(peer) == []


async def test_only_so_many_commands_are_kept(tmp_path: Path):
    async with running(tmp_path, MovedClock(), web=WebSection(uri=SHOWN.uri, turns=2)) as uri, wire(uri) as peer:
        await say(uri, "what time is it", "what day is it", "set a timer for one hour")
        assert [turn["intent"] for turn in await turns(peer)][0] == "HassStartTimer"
        assert len(await turns(peer)) == 2


async def test_a_sentence_that_is_not_understood_is_listed(tmp_path: Path):
    async with running(tmp_path, MovedClock(), web=SHOWN) as uri, wire(uri) as peer:
        await say(uri, "frobnicate the wumpus")
        assert [(turn["handled"], turn["route"]) for turn in await turns(peer)] == [(False, "none")]


@pytest.mark.parametrize(
    ("peer", "here"),
    [("127.0.0.1:4711", True), ("[::1]:4711", True), ("unix", True), ("192.168.1.7:4711", False), ("[fe80::1]:4711", False), ("", False)],
)
def test_other_machines_are_told_no_commands(peer: str, here: bool):
    assert on_this_machine(peer) is here


@pytest.mark.parametrize(
    ("given", "base"), [("/api/hassio_ingress/Ab-3_", "/api/hassio_ingress/Ab-3_"), ('"><b>', ""), ("//evil.example", "")]
)
async def test_links_stay_below_the_path_of_ingress(given: str, base: str):
    async with page({}, admit=["127.0.0.1"]) as shown:
        _, html, _ = await get(shown, **{"X-Ingress-Path": given})
    assert f'href="{base}/status.json"' in html
    assert "evil" not in html


async def test_behind_ingress_nobody_but_the_gateway_is_admitted():
    async with page({}, admit=["172.30.32.2"]) as shown:
        status, text, _ = await get(shown)
    assert status == 403
    assert "Earshot" not in text


@pytest.mark.parametrize(
    ("host", "status"), [("127.0.0.1:1", 200), ("localhost", 200), ("[::1]:80", 200), ("evil.example", 403), ("[", 403)]
)
async def test_no_web_site_can_read_it_through_a_browser(host: str, status: int):
    async with page({}) as shown:
        assert (await get(shown, Host=host))[0] == status


async def test_it_loads_nothing_and_runs_nothing():
    async with page({}) as shown:
        _, html, headers = await get(shown)
        missing, _, missing_headers = await get(f"{shown}/nothing")
    assert missing == 404
    for given in (headers, missing_headers):
        assert given["Content-Security-Policy"].startswith("default-src 'none'")
        assert given["X-Content-Type-Options"] == "nosniff"
    assert "<script" not in html and "http://" not in html and "https://" not in html


async def test_a_port_in_use_is_said():
    async with page({}) as shown:
        second = StatusPage(shown, StatusSource({}, engines, False))
        with pytest.raises(PortInUseError, match="web.uri"):
            await second.start()
        await second.stop()


@pytest.mark.parametrize("uri", ["", "tcp://127.0.0.1:1", "http://127.0.0.1", "http://127.0.0.1:x", "http://[:1", "http://h:1/path"])
def test_an_address_that_is_none_is_said(uri: str):
    with pytest.raises(SettingsError, match="web.uri: .*http://HOST:PORT"):
        StatusPage(uri, None)  # type: ignore[arg-type]


def test_an_admitted_address_must_be_one():
    with pytest.raises(SettingsError, match="web.admit: 'nas'"):
        StatusPage("http://127.0.0.1:0", None, ["nas"])  # type: ignore[arg-type]
