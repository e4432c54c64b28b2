"""The camera tool: what takes long, which model it shows pictures, streams of pictures, and that it keeps nothing."""

import asyncio
import base64
import gc
import sys
import tempfile
from pathlib import Path

import av
import pytest
from fake_camera import film, looking, noise, part, picture
from handle_house import MovedClock, ask, decisive, linked, running, said, sentence
from web_services import status
from wire import WAIT_S, wire

from wyoming_servers.shared import paths
from wyoming_servers.shared.plugins import find_tools
from wyoming_servers.shared.settings import LlmSection


async def test_what_takes_long_is_announced_when_it_is_there(tmp_path, model, webcam):
    clock = MovedClock()
    model.fault(model.held)
    async with running(tmp_path, clock, options=looking(model, {"desk": webcam})) as uri, linked(uri, "kitchen") as link, wire(uri) as peer:
        await peer.send(sentence("what do you see", satellite_id="kitchen"))
        await model.once_reached()
        clock.advance(6)
        assert (await decisive(peer)).data["text"] == "I'm still looking. I'll tell you in a moment."
        model.release()
        assert (await link.receive_type("earshot-say")).data == {"text": "I've looked. I see a cat.", "language": "en"}


async def test_what_takes_long_and_fails_is_announced_too(tmp_path, model, webcam):
    async def fail_late(request):
        await model.held(request)
        return await status(500)(request)

    clock = MovedClock()
    model.fault(fail_late)
    async with running(tmp_path, clock, options=looking(model, {"desk": webcam})) as uri, linked(uri, "kitchen") as link, wire(uri) as peer:
        await peer.send(sentence("was siehst du", satellite_id="kitchen", language="de"))
        await model.once_reached()
        clock.advance(6)
        assert (await decisive(peer)).data["text"] == "Ich schaue noch. Ich sage es dir gleich."
        model.release()
        announced = (await link.receive_type("earshot-say")).data
    assert announced == {"text": "Das Modell, das Bilder ansieht, ist gescheitert.", "language": "de"}


async def test_without_a_link_a_late_look_ends_in_a_plain_sentence(tmp_path, model, webcam):
    clock = MovedClock()
    model.fault(model.stuck)
    async with running(tmp_path, clock, options=looking(model, {"desk": webcam})) as uri, wire(uri) as peer:
        await peer.send(sentence("what do you see"))
        await model.once_reached()
        clock.advance(6)
        message = await decisive(peer)
        assert (message.type, message.data["text"]) == ("not-handled", "I couldn't make anything out in time.")
        assert await asyncio.to_thread(model.left.wait, WAIT_S)


async def test_the_server_stops_while_a_look_is_under_way(tmp_path, model, webcam):
    clock = MovedClock()
    model.fault(model.stuck)
    async with running(tmp_path, clock, options=looking(model, {"desk": webcam})) as uri, linked(uri, "kitchen"), wire(uri) as peer:
        await peer.send(sentence("what do you see", satellite_id="kitchen"))
        await model.once_reached()
        clock.advance(6)
        await decisive(peer)
    assert await asyncio.to_thread(model.left.wait, WAIT_S)


async def test_the_llm_sections_server_is_asked_when_a_model_is_named(tmp_path, model, webcam):
    options = {"camera": {"cameras": {"desk": webcam}, "model": "gemma-3-4b"}}
    async with running(tmp_path, options=options, llm=LlmSection(base_url=model.base_url, key="k2")) as uri:
        assert await said(uri, "what do you see") == "I see a cat."
    assert (model.shown[0].body["model"], model.keys[-1]) == ("gemma-3-4b", "Bearer k2")


async def test_the_llm_sections_server_is_not_asked_without_a_models_name(tmp_path, model, webcam):
    options = {"camera": {"cameras": {"desk": webcam}}}
    async with running(tmp_path, options=options, llm=LlmSection(base_url=model.base_url)) as uri:
        assert await said(uri, "what do you see") == "I have a camera, but no model that could tell what it shows."


async def test_the_key_may_be_in_a_file(tmp_path, model, webcam):
    (tmp_path / "key").write_text("k3\n")
    async with running(tmp_path, options=looking(model, {"desk": webcam}, key_file=str(tmp_path / "key"))) as uri:
        await ask(uri, "what do you see")
    assert model.keys == ["Bearer k3"]


async def test_a_key_file_that_is_missing_is_said(tmp_path, model, webcam):
    async with running(tmp_path, options=looking(model, {"desk": webcam}, key_file=str(tmp_path / "key"))) as uri:
        assert await said(uri, "what do you see") == "I can't look: a key that I need can't be read."


async def test_what_is_said_is_one_or_two_plain_sentences(tmp_path, model, webcam):
    spoken = {
        "**A man** with a _red_ hat.\n\n- He waves.\n- It rains.": "A man with a red hat. He waves.",
        "<think>Hm, a cat?</think>A cat on a sofa.": "A cat on a sofa.",
        "A dog sleeps 🐕 on the mat.<end_of_utterance>": "A dog sleeps on the mat.",
        "A cat sits there. Behind it there is a": "A cat sits there.",
        "A [cup](http://x.example/y) of tea": "A cup of tea",
        "One. Two. Three.": "One. Two.",
    }
    told = {}
    model.finish = "length"
    async with running(tmp_path, options=looking(model, {"desk": webcam})) as uri:
        for model.says in spoken:
            told[model.says] = await said(uri, "what do you see")
    assert told == spoken


@pytest.fixture(scope="module")
def first_picture():
    """The class, as the server loads it."""
    (plugin,) = [plugin for plugin in find_tools([paths.content("tools")])[0] if plugin.tool.name == "camera"]
    module = sys.modules[plugin.tool.__module__.rpartition(".")[0] + ".mjpeg"]
    return module.FirstPicture


STREAMS = {
    "with a length": part(picture(size=(64, 64))) * 2,
    "without a length": part(picture(size=(64, 64)), length=False) * 2,
    "after an empty line": b"\r\n" + part(picture(size=(64, 64)), "--123456789000000000000987654321") * 2,
    "a boundary without dashes": part(picture(size=(64, 64)), "myboundary", length=False) * 2,
    "bare line feeds": part(b"\xff\xd8.\xff\xd9").replace(b"\r\n", b"\n") * 2,
}


@pytest.mark.parametrize("name", STREAMS)
def test_the_first_picture_of_a_stream_is_found_as_it_comes_in_small_pieces(first_picture, name):
    body, first = STREAMS[name], first_picture()
    end = next(end for end in range(0, len(body) + 7, 7) if first.complete(bytearray(body[:end])))
    found = first.of(body[:end])
    assert found.startswith(b"\xff\xd8") and found.endswith(b"\xff\xd9") and body.count(found) == 2


def test_a_stream_that_ends_within_its_first_picture_has_none(first_picture):
    assert first_picture().of(part(picture(size=(64, 64)))[:-100]) == b""


def test_reading_begins_anew_when_the_camera_was_asked_again(first_picture):
    first, body = first_picture(), part(picture(size=(64, 64)), length=False) * 2
    assert not first.complete(bytearray(body[:400]))
    assert first.complete(bytearray(b"\r\n" + body[:200])) is False and first.complete(bytearray(b"\r\n" + body))


def held(marks: tuple[bytes, ...]) -> list[str]:
    """What in this process is, or has, a picture: a decoded one, or bytes or a text in which one of these marks is."""
    texts = [mark.decode("latin-1") for mark in marks]
    things = gc.get_objects()
    large = {id(each): each for each in gc.get_referents(*things) if isinstance(each, bytes | bytearray | str) and len(each) > 1000}
    found = [each for each in large.values() if any(mark in each for mark in (texts if isinstance(each, str) else marks))]
    frames = [thing for thing in things if isinstance(thing, av.VideoFrame)]
    return [str(type(each)) for each in (*frames, *found)]


def open_files() -> list[str]:
    return [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]


async def test_no_picture_is_left_in_memory(tmp_path, model):
    webcam = film(tmp_path / "webcam.mp4", [noise()], size=(512, 288))
    model.fault(model.held)
    async with running(tmp_path, options=looking(model, {"desk": webcam})) as uri, wire(uri) as peer:
        await peer.send(sentence("what do you see"))
        await model.once_reached()
        encoded = model.asked[-1].body.partition(b"base64,")[2][8000:8400]
        marks = (encoded[:60], base64.b64decode(encoded)[:40])
        during = held(marks)
        model.release()
        await decisive(peer)
        await asyncio.to_thread(model.stop)  # it may remember
        after = held(marks)
    assert (len(during) > 1, after) == (True, [])


async def test_the_camera_is_closed_before_the_model_is_asked(tmp_path, model, webcam):
    model.fault(model.held)
    async with running(tmp_path, options=looking(model, {"desk": webcam})) as uri, wire(uri) as peer:
        await peer.send(sentence("what do you see"))
        await model.once_reached()
        still_open = [name for name in open_files() if name == webcam]
        model.release()
        await decisive(peer)
    assert still_open == []


async def test_no_file_is_written_but_the_ledger(tmp_path, model, camera, monkeypatch):
    temporary, here = tmp_path / "tmp", tmp_path / "here"
    temporary.mkdir()
    here.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.chdir(here)
    async with running(tmp_path, options=looking(model, {"desk": camera.snapshot})) as uri:
        await ask(uri, "what do you see")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [*temporary.iterdir(), *here.iterdir()]
    assert not any(mark in path.read_bytes() for path in files for mark in (b"\xff\xd8\xff", b"/9j/"))
