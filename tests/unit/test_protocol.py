"""Framing against the stock library, both ways, and at every boundary."""

import asyncio
import contextlib
import io
import json

import pytest
from wyoming import asr, audio, error, handle, info, ping, tts, version, wake
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.event import read_event as stock_read_event

from wyoming_servers.shared.backlog import Backlog
from wyoming_servers.shared.errors import ProtocolError, SettingsError
from wyoming_servers.shared.protocol import EventReader, Limits, encode_event, printable
from wyoming_servers.shared.uri import local_uri, split_uri, tcp_uri

_NOBODY = info.Attribution(name="nøbody", url="https://example.org")
EVENTS = {
    "no data": info.Describe().event(),
    "data": tts.Synthesize(text="Schöne Grüße, 你好 🎵", voice=tts.SynthesizeVoice(name="en")).event(),
    "payload": audio.AudioChunk(16000, 2, 1, bytes(range(256)) * 10, timestamp=123).event(),
    "empty payload": audio.AudioChunk(16000, 2, 1, b"").event(),
    "nulls": audio.AudioStart(16000, 2, 1, timestamp=None).event(),
    "numbers": Event("numbers", {"a": -1, "b": 1.5, "c": 2**53, "d": True, "e": [], "f": {}}),
    "error": error.Error(text="no voice 'x'", code="unknown-name").event(),
    "detection": wake.Detection(name="hey_jarvis", timestamp=400).event(),
    "transcript": asr.Transcript(text="set a timer", language="en").event(),
    "handled": handle.Handled(text="Five minutes.").event(),
    "pong": ping.Pong(text=None).event(),
    "info": info.Info(asr=[info.AsrProgram("phrases", _NOBODY, True, None, None, [])]).event(),
}
NAMED = pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
GOLDEN = (
    b'{"type":"audio-chunk","version":"%s","data_length":49,"payload_length":4}\n'
    b'{"rate":16000,"width":2,"channels":1,"text":"\xc3\xbc"}\x01\x02\x03\x04'
)


def reader_of(data: bytes = b"") -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    if data:
        reader.feed_data(data)
        reader.feed_eof()
    return reader


async def stock_bytes(event: Event) -> bytes:
    """What the stock library writes."""
    written = bytearray()

    class Writer:
        def writelines(self, parts: list[bytes]) -> None:
            written.extend(b"".join(parts))

        write = written.extend

        async def drain(self) -> None: ...

    await async_write_event(event, Writer())
    return bytes(written)


def same(one: Event, other: Event) -> bool:
    return (one.type, one.data or {}, one.payload or b"") == (other.type, other.data or {}, other.payload or b"")


@NAMED
async def test_the_stock_library_reads_what_we_write(event):
    assert same(await async_read_event(reader_of(encode_event(event))), event)


@NAMED
def test_the_stock_library_reads_it_from_a_file_too(event):
    assert same(stock_read_event(io.BytesIO(encode_event(event))), event)


@NAMED
async def test_we_read_what_the_stock_library_writes(event):
    assert same(await EventReader(reader_of(await stock_bytes(event))).read(), event)


@NAMED
async def test_an_event_may_be_split_anywhere(event):
    data = encode_event(event)
    for cut in range(1, len(data)):
        reader = reader_of()
        reader.feed_data(data[:cut])
        reading = asyncio.ensure_future(EventReader(reader).read())
        await asyncio.sleep(0)
        reader.feed_data(data[cut:])
        assert same(await reading, event), f"split at {cut}"


@NAMED
async def test_a_reading_that_is_given_up_loses_nothing(event):
    data = encode_event(event)
    for cut in range(1, len(data)):
        reader = reader_of()
        events = EventReader(reader)
        reader.feed_data(data[:cut])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                await events.read()
        reader.feed_data(data[cut:])
        assert same(await events.read(), event), f"given up at {cut}"


async def test_events_that_came_together_are_read_without_waiting():
    reader = reader_of()
    events = EventReader(reader)
    reader.feed_data(b"".join(map(encode_event, EVENTS.values())))
    for event in EVENTS.values():
        with pytest.raises(StopIteration) as read:
            events.read().send(None)
        assert same(read.value.value, event)


@NAMED
async def test_an_event_that_ends_early_is_a_hang_up_wherever_it_ends(event):
    data = encode_event(event)
    for cut in range(len(data)):
        reader = reader_of(data[:cut])
        if not cut:
            reader.feed_eof()
        assert await EventReader(reader).read() is None, f"ended at {cut}"


def test_the_bytes_of_an_event_are_these():
    written = encode_event(Event("audio-chunk", {"rate": 16000, "width": 2, "channels": 1, "text": "ü"}, b"\1\2\3\4"))
    assert written == GOLDEN.replace(b"%s", version.__version__.encode())


@pytest.mark.parametrize(
    "data", ['{"a":1,"b":2,"a":3}', '{"a":{"b":1},"c":4}', '{"a":[1],"c":4}', '{"a": 0}', '{"a:1":":","b": 12}', '{"a":1.5,"b":true,"c":7}']
)
async def test_data_that_ends_with_a_number_is_what_json_makes_of_it(data):
    once = b'{"type":"x","data_length":%d}\n%s' % (len(data), data.encode())
    events = EventReader(reader_of(once * 3))
    for _ in range(3):
        event = await events.read()
        assert event.data == json.loads(data)
        for value in event.data.values():
            if isinstance(value, dict | list):
                value.clear()  # nobody else is given it


@pytest.mark.parametrize(
    "data",
    ['{"a":01}', '{"a":00}', '{"a":1}}', '{{"a":1}', '{"a":{"b":1}', '["a":1}', '{"a:1}', "{a:1}", '{"a":\f1}', '{"a":+1}', '{"a":²}'],
)
async def test_what_ends_like_a_number_but_is_no_json_is_refused(data):
    encoded = data.encode()
    with pytest.raises(ProtocolError, match="not valid JSON"):
        await EventReader(reader_of(b'{"type":"x","data_length":%d}\n%s' % (len(encoded), encoded))).read()


@pytest.mark.parametrize("data", [{'"': 1, "%d": 2, "ü:0": -3}, {"a": True}, {"a": 1, "b": False}, {"a": 2**70}, {"": 0}])
def test_whole_numbers_are_written_as_json_writes_them(data):
    assert encode_event(Event("x", data)).partition(b"\n")[2] == json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_lacks_are_never_written(value):
    with pytest.raises(ValueError):
        encode_event(Event("x", {"a": value}))


async def test_a_reset_is_a_hang_up():
    reader = reader_of()
    reader.set_exception(ConnectionResetError())
    assert await EventReader(reader).read() is None


async def test_limits_count_the_parts_of_an_event_each():
    limits = Limits(header_bytes=100, data_bytes=10, payload_bytes=4)
    assert await EventReader(reader_of(b'{"type":"a","data_length":10,"payload_length":4}\n{"a":1234}1234'), limits).read()
    for header in (b'{"type":"a","data_length":11}\n', b'{"type":"a","payload_length":5}\n'):
        with pytest.raises(ProtocolError, match="over the limit"):
            await EventReader(reader_of(header), limits).read()


async def test_deep_json_at_the_limit_is_read():
    depth = 31
    nested = '{"a":' * depth + "1" + "}" * depth
    reader = EventReader(reader_of(b'{"type":"x","data_length":%d}\n%s' % (len(nested), nested.encode())))
    assert (await reader.read()).data == json.loads(nested)


def test_foreign_text_is_made_printable_and_cut():
    assert printable("a\x1b[2Jb\n\u202e") == "a?[2Jb??"
    assert printable("x" * 300, 10) == "x" * 10 + "…"


async def test_a_backlog_is_full_by_number_and_by_bytes_but_takes_one_of_any_size():
    event = Event("x", {})
    by_number, by_bytes = Backlog(2, 1000), Backlog(100, 10)
    assert [by_number.put(event, 1) for _ in range(3)] == [True, True, False]
    assert [by_bytes.put(event, 50), by_bytes.put(event, 1)] == [True, False]
    await by_bytes.get()
    assert by_bytes.put(event, 1)


async def test_a_backlog_gives_all_it_has_before_its_end():
    backlog = Backlog(10, 10)
    backlog.put(Event("one"), 1)
    backlog.put(Event("two"), 1)
    backlog.end()
    assert [(await backlog.get()).type, (await backlog.get()).type, await backlog.get(), await backlog.get()] == ["one", "two", None, None]


async def test_who_waits_at_an_empty_backlog_is_told_of_its_end():
    backlog = Backlog(10, 10)
    waiting = asyncio.create_task(backlog.get())
    await asyncio.sleep(0)
    backlog.end()
    assert await waiting is None


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("tcp://127.0.0.1:10300", ("tcp", "127.0.0.1", 10300, "")),
        ("tcp://[::1]:0", ("tcp", "::1", 0, "")),
        ("tcp://[fe80::1%4]:1", ("tcp", "fe80::1%4", 1, "")),
        ("unix:///run/earshot.sock", ("unix", "", 0, "/run/earshot.sock")),
    ],
)
def test_an_address_is_taken_apart(uri, parts):
    assert split_uri(uri) == parts
    assert parts[0] == "unix" or tcp_uri(parts[1], parts[2]) == uri


@pytest.mark.parametrize("uri", ["", "10300", "http://a:1", "tcp://a", "tcp://:1", "tcp://a:b", "tcp://a:99999", "tcp://[::1:1", "unix://"])
def test_what_is_no_address_is_explained(uri):
    with pytest.raises(SettingsError, match="use tcp://HOST:PORT or unix:///PATH"):
        split_uri(uri)


@pytest.mark.parametrize(
    ("uri", "local"), [("tcp://0.0.0.0:1", "127.0.0.1"), ("tcp://[::]:1", "127.0.0.1"), ("tcp://10.0.0.7:1", "10.0.0.7")]
)
def test_a_server_is_reached_from_its_own_machine(uri, local):
    assert local_uri(uri) == f"tcp://{local}:1"
