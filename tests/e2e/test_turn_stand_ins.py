"""The benchmark's intent server and recogniser keep the contract of provisional transcripts as real ones do."""

import asyncio
from contextlib import asynccontextmanager

import numpy as np
import pytest
from turn.answering import HandleStandIn
from turn.hearing import AsrStandIn
from turn.house import Busy
from turn.profile import load
from turn.scenes import SCENES, house_of
from virtual_time import virtual
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.event import Event

from wyoming_servers.shared.server import WyomingServer

_QUESTION = "why is the sky blue in one sentence"
_CHANGE = "set a timer for twenty five minutes"


@asynccontextmanager
async def asked(folder, kind, profile="zero"):
    house = house_of(load(profile), SCENES)
    server = WyomingServer(f"unix://{folder}/bench.sock", [kind(house)])
    await server.start()
    try:
        async with AsyncClient.from_uri(server.uri) as client:
            yield house, client
    finally:
        await server.stop()


def provisional(text: str) -> Event:
    return Event("earshot-provisional", {"text": text})


async def until(client: AsyncClient, kind: str) -> list[Event]:
    events = []
    while not events or events[-1].type != kind:
        events.append(await client.read_event())
    return events


@pytest.mark.parametrize(
    ("text", "prospect"),
    [
        ("what time is it", "complete"),
        (_CHANGE, "extendable"),
        ("turn on the", "prefix"),
        (_QUESTION, "sentence"),
        ("why is the", "unfinished"),
    ],
)
def test_the_class_of_what_was_said_is_told_at_once(tmp_path, text, prospect):
    @virtual
    async def run():
        async with asked(tmp_path, HandleStandIn) as (_, client):
            await client.write_event(provisional(text))
            assert (await client.read_event()).data == {"class": prospect, "text": text}

    run()


@virtual
async def test_an_answer_that_changes_nothing_comes_before_the_commit_and_ends_after_it(tmp_path):
    async with asked(tmp_path, HandleStandIn) as (_, client):
        await client.write_event(provisional(_QUESTION))
        early = await until(client, "handled-chunk")
        await client.write_event(Transcript(text=_QUESTION).event())
        late = await until(client, "handled-stop")
    assert [event.type for event in early] == ["earshot-prospect", "handled-start", "handled-chunk"]
    assert [event.type for event in late if event.type != "handled-chunk"] == ["handled", "handled-stop"]


@virtual
async def test_what_changes_something_waits_for_the_commit(tmp_path):
    async with asked(tmp_path, HandleStandIn) as (house, client):
        await client.write_event(provisional(_CHANGE))
        await client.read_event()
        await asyncio.sleep(5)
        assert house.effects == []
        await client.write_event(Transcript(text=_CHANGE).event())
        await until(client, "handled-stop")
        assert house.effects == [_CHANGE]


@virtual
async def test_another_text_is_answered_as_if_nothing_had_been_before(tmp_path):
    async with asked(tmp_path, HandleStandIn, "n100") as (house, client):
        await client.write_event(provisional("turn on the"))
        await client.read_event()
        await client.write_event(Transcript(text=_CHANGE).event())
        events = await until(client, "handled-stop")
    assert [event.type for event in events] == ["handled-start", "handled-chunk", "handled", "handled-stop"]
    assert house.effects == [_CHANGE]


async def decode(client: AsyncClient, samples: np.ndarray) -> None:
    sound = {"rate": 16000, "width": 2, "channels": 1}
    for event in (AudioStart(**sound), AudioChunk(audio=samples.tobytes(), **sound), AudioStop()):
        await client.write_event(event.event())


async def given_up(folder, profile: str) -> Busy:
    """The log of a decoding whose client hung up after a second."""
    async with asked(folder, AsrStandIn, profile) as (house, client):
        await decode(client, house.sayings[1].samples)
        await asyncio.sleep(0.5)
        await client.disconnect()
        await asyncio.sleep(5)
        return house.work[0]


@virtual
async def test_a_recogniser_that_can_be_stopped_stops_when_nobody_waits(tmp_path):
    job = await given_up(tmp_path, "n100")
    assert not job.used and job.end - job.begin < 0.6


@virtual
async def test_one_that_cannot_works_to_the_end(tmp_path):
    job = await given_up(tmp_path, "pi4")
    assert not job.used and job.end - job.begin == pytest.approx(3.4)
