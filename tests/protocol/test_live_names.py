"""Names and sentences that change while servers run: recognisers hear them, templates understand them, nobody restarts anything."""

import asyncio

import numpy as np
import pytest
from fake_home_assistant import TOKEN, home_assistant
from handle_house import ask
from home_rig import serving_home
from speech import silence, speak
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient

from wyoming_servers.asr.names import Names
from wyoming_servers.asr.server import serve
from wyoming_servers.shared.house_source import HouseSource
from wyoming_servers.shared.server import WyomingServer
from wyoming_servers.shared.settings import AsrSection, HandleSection, HomeAssistantSection, Settings


async def heard(uri: str, text: str) -> str:
    """What a server makes of a spoken sentence."""
    samples = np.concatenate((silence(0.2), speak(text), silence(0.6)))
    async with AsyncClient.from_uri(uri) as client, asyncio.timeout(8):
        await client.write_event(Transcribe(language="en").event())
        await client.write_event(AudioStart(16000, 2, 1).event())
        await client.write_event(AudioChunk(16000, 2, 1, samples.tobytes()).event())
        await client.write_event(AudioStop().event())
        while (event := await client.read_event()) is not None:
            if Transcript.is_type(event.type):
                return Transcript.from_event(event).text
    raise AssertionError("no transcript")


async def until_heard(uri: str, text: str) -> str:
    """Asks until it is understood; the server takes over what is new off the loop."""
    async with asyncio.timeout(9):
        while (got := await heard(uri, text)) != text:
            await asyncio.sleep(0.1)
    return got


@pytest.mark.parametrize("what", ["a device", "a sentence"])
async def test_the_embedded_recogniser_hears_what_is_new_without_a_restart(tmp_path, what):
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    async with home_assistant() as fake:
        own = tmp_path / "intents" / "en"
        own.mkdir(parents=True)
        home = HomeAssistantSection(url=fake.url, token=TOKEN)
        handle = HandleSection(intents=str(tmp_path / "intents"), reload_s=0.1)
        service = serve(Settings(home_assistant=home, handle=handle, asr=AsrSection(engine="phrases")))
        server = WyomingServer("tcp://127.0.0.1:0", [service])
        await server.start()
        try:
            if what == "a device":
                fake.device("light.zyxel", "Zyxel Lamp")
                await fake.registry()
                assert await until_heard(server.uri, "turn on the zyxel lamp")
            else:
                (own / "my.yaml").write_text('language: en\nintents: {Mine: {data: [{sentences: ["feed the purple elephants"]}]}}\n')
                assert await until_heard(server.uri, "feed the purple elephants")
        finally:
            await server.stop()


async def test_every_other_recogniser_is_told_new_names_with_each_request(tmp_path):
    async with home_assistant() as fake:
        source = HouseSource(Settings(home_assistant=HomeAssistantSection(url=fake.url, token=TOKEN)))
        names = Names(source, (), 0)
        assert names.said() == ()
        source.start()
        try:
            async with asyncio.timeout(5):
                await source.devices.settled()
            assert {"Counter Lights", "worktop", "Kitchen", "lounge"} <= set(names.said())
        finally:
            await source.stop()


async def test_the_names_of_a_request_go_before_those_of_the_house(tmp_path):
    async with home_assistant() as fake:
        service = serve(Settings(home_assistant=HomeAssistantSection(url=fake.url, token=TOKEN), asr=AsrSection(engine="phrases")))
        server = WyomingServer("tcp://127.0.0.1:0", [service])
        await server.start()
        try:
            async with asyncio.timeout(5):
                while "worktop" not in service.wish(None).request.names:
                    await asyncio.sleep(0.01)
            wanted = service.wish(Transcribe(transcript_names=["Zed"]).event()).request
            assert wanted.names[0] == "Zed" and "worktop" in wanted.names
        finally:
            await server.stop()


async def test_templates_understand_a_new_name_without_a_restart(tmp_path):
    async with home_assistant() as fake, serving_home(tmp_path, fake) as uri:
        said = {"language": "en", "satellite_id": "kitchen", "area": "Kitchen"}
        assert (await ask(uri, "turn on the zyxel lamp", **said)).data["text"] == "I don't know a device called zyxel lamp."
        fake.device("light.zyxel", "Zyxel Lamp")
        await fake.registry()
        async with asyncio.timeout(9):
            while (text := (await ask(uri, "turn on the zyxel lamp", **said)).data["text"]) != "Zyxel Lamp is on.":
                assert text == "I don't know a device called zyxel lamp."
                await asyncio.sleep(0.1)
