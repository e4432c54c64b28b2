"""Points A 1–13 and 17 of the contract: bytes in, bytes out, on a real socket."""

import asyncio
import contextlib
import json
import logging
import socket
from pathlib import Path

import pytest
from scripted import Scripted
from wire import AUDIO_START, AUDIO_STOP, Wire, chunk, event, wire
from wyoming.client import AsyncTcpClient
from wyoming.ping import Ping, Pong

PING = event("ping", {"text": "well"})
REQUEST = event("transcribe", {"language": "en"}) + AUDIO_START + chunk(bytes(320)) + AUDIO_STOP


@pytest.fixture
async def scripted() -> Scripted:
    return Scripted()


@pytest.fixture
async def uri(serving, scripted):
    async with serving(scripted) as address:
        yield address


@pytest.fixture
async def peer(uri):
    async with wire(uri) as connected:
        yield connected


async def assert_refused(peer: Wire, uri: str) -> None:
    """The peer is told that it broke the protocol, the connection ends, and the server goes on."""
    last = (await peer.rest())[-1]
    assert (last.type, last.data["code"]) == ("error", "protocol-error")
    assert last.data["text"]
    await assert_well(uri)


async def assert_well(uri: str) -> None:
    async with wire(uri) as other:
        await other.send(PING)
        assert (await other.receive()).type == "pong"


async def test_a1_a_header_with_only_a_type_is_enough(peer):
    await peer.send(b'{"type":"describe"}\n')
    assert (await peer.receive()).type == "info"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (b'{"type":"ping","data":{"text":"inline"}}\n', "inline"),
        (b'{"type":"ping","data_length":16}\n{"text":"block"}', "block"),
        (b'{"type":"ping","data":{"text":"inline","more":1},"data_length":16}\n{"text":"block"}', "block"),
        (b'{"type":"ping","data":{},"data_length":0,"payload_length":0}\n', None),
        (b'{"type":"ping","data_length":null,"payload_length":null,"version":"9","new":[1]}\r\n', None),
    ],
)
async def test_a2_data_comes_inline_in_a_block_or_both_and_the_block_wins(peer, message, text):
    await peer.send(message)
    assert (await peer.receive()).data.get("text") == text


async def test_a3_lengths_are_bytes_also_for_text_beyond_ascii(peer):
    text = "Größe 你好 🎵"
    await peer.send(event("ping", {"text": text}))
    pong = await peer.receive()
    assert pong.data == {"text": text}
    assert pong.header["data_length"] == len(json.dumps({"text": text}, ensure_ascii=False, separators=(",", ":")).encode())


async def test_a3_headers_are_small_and_hold_no_data(scripted, peer):
    scripted.languages = [f"x{number}" for number in range(5000)]
    await peer.send(event("describe"))
    info = await peer.receive()
    assert "data" not in info.header
    assert len(json.dumps(info.header)) < 1024
    assert len(info.data["asr"][0]["models"][0]["languages"]) == 5000


async def test_a4_an_event_may_come_byte_by_byte(peer):
    peer.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in REQUEST:
        await peer.send(bytes([byte]))
        await asyncio.sleep(0)
    assert (await peer.receive()).data["text"] == "320 bytes"


async def test_a4_many_events_may_come_in_one_segment(peer):
    await peer.send(b"".join(event("ping", {"text": str(number)}) for number in range(100)) + REQUEST)
    texts = [(await peer.receive()).data["text"] for _ in range(101)]
    assert texts == [*map(str, range(100)), "320 bytes"]


@pytest.mark.parametrize(
    "noise",
    [
        b"\n",
        b"GET / HTTP/1.1\r\nHost: earshot\r\n\r\n",
        bytes.fromhex("16030100c8010000c40303") + bytes(190),
        b"\x00\x01\x02",
        b'{"type":"\xff\xfe"}\n',
        b"{" + b"\xff" * 20 + b"\n",
        b"null\n",
    ],
    ids=["blank line", "HTTP", "TLS", "binary", "invalid UTF-8", "invalid UTF-8 object", "null"],
)
async def test_a5_other_protocols_end_the_connection_and_nothing_else(peer, uri, noise, caplog):
    await peer.send(noise)
    await assert_refused(peer, uri)
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG]


@pytest.mark.parametrize("header", ["[]", "{}", '{"data":{}}', '{"type":5}', '{"type":null}', '{"type":""}', '{"type":["ping"]}'])
async def test_a6_a_header_without_a_proper_type_is_a_protocol_error(peer, uri, header):
    await peer.send(f"  {header}")
    await assert_refused(peer, uri)


@pytest.mark.parametrize("key", ["data_length", "payload_length"])
@pytest.mark.parametrize("value", ['"7"', "true", "false", "7.0", "-7", "[]", "1e2"])
async def test_a7_a_length_that_is_no_whole_number_is_a_protocol_error(peer, uri, key, value):
    await peer.send(f'{{"type":"ping","{key}":{value}}}', b'{"a":1}')
    await assert_refused(peer, uri)


@pytest.mark.parametrize("block", [b"[1,2]", b'"text"', b"12345", b"null", b"{", b"{}{}", b"\xff\xff"])
async def test_a8_a_data_block_that_is_no_object_is_a_protocol_error(peer, uri, block):
    await peer.send({"type": "ping", "data_length": len(block)}, block)
    await assert_refused(peer, uri)


@pytest.mark.parametrize("inline", ["null", "[]", '"text"', "1"])
async def test_a8_inline_data_that_is_no_object_is_a_protocol_error(peer, uri, inline):
    await peer.send(f'{{"type":"ping","data":{inline},"data_length":2}}', b"{}")
    await assert_refused(peer, uri)


@pytest.mark.parametrize(
    "start",
    [
        b'{"type":"ping","x":"' + b"x" * 70_000,
        b'{"type":"ping","data_length":1048577}\n',
        b'{"type":"audio-chunk","payload_length":1048577}\n',
        b'{"type":"audio-chunk","payload_length":1000000000000}\n',
    ],
    ids=["header", "data", "payload", "absurd payload"],
)
async def test_a9_what_is_over_the_limit_is_refused_before_it_is_sent(peer, uri, start):
    await peer.send(start)
    await assert_refused(peer, uri)


async def test_a9_what_follows_an_absurd_announcement_is_not_kept(peer, uri):
    before_kb, most_kb = _memory_kb(), 0
    await peer.send(b'{"type":"audio-chunk","payload_length":1000000000000}\n')
    with contextlib.suppress(ConnectionError):
        for _ in range(1024):
            await peer.send(bytes(64 * 1024))
            most_kb = max(most_kb, _memory_kb())
    assert most_kb - before_kb < 16 * 1024
    peer.reset()
    await assert_well(uri)


@pytest.mark.parametrize(
    "data",
    [
        '{"a":' * 40 + "1" + "}" * 40,
        '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"a":' + "9" * 5000 + "}",
        '{"a":NaN}',
        '{"a":Infinity}',
        '{"a":-Infinity}',
        '{"a":1e999}',
        '{"text":"\\ud800"}',
    ],
    ids=["deep", "very deep", "huge integer", "NaN", "Infinity", "-Infinity", "huge float", "half a character"],
)
@pytest.mark.parametrize("place", ["inline", "block"])
async def test_a10_json_that_cannot_be_passed_on_is_a_protocol_error(peer, uri, data, place):
    if place == "inline":
        await peer.send(f'{{"type":"ping","data":{data}}}')
    else:
        await peer.send({"type": "ping", "data_length": len(data)}, data.encode())
    await assert_refused(peer, uri)


async def test_a10_brackets_inside_of_a_text_are_text(peer):
    text = "[{" * 200
    await peer.send(event("ping", {"text": text}))
    assert (await peer.receive()).data["text"] == text


@pytest.mark.parametrize("cut", [10, 45, len(event("transcribe", {"language": "en"})) + len(AUDIO_START) + 150])
async def test_a11_an_end_in_the_middle_of_an_event_is_a_hang_up(scripted, uri, caplog, cut):
    async with wire(uri) as peer:
        await peer.send(REQUEST * 2, REQUEST[:cut])
        await peer.receive_type("transcript")
        await peer.receive_type("transcript")
        peer.half_close()
        assert await peer.rest() == []
    assert scripted.open_sessions == 0
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG]


async def test_a12_unknown_events_are_ignored(peer):
    await peer.send(event("new-in-2030", {"a": 1}, b"payload"), event("select-program", {"name": "other"}), PING)
    assert (await peer.receive()).type == "pong"


@pytest.mark.parametrize("data", [{"text": "hello"}, {}, {"text": 5}, {"text": None}])
async def test_a13_ping_is_answered_with_the_same_text(peer, data):
    await peer.send(event("ping", data))
    pong = await peer.receive()
    text = data.get("text")
    assert (pong.type, pong.data.get("text")) == ("pong", text if isinstance(text, str) else None)


async def test_a13_the_stock_client_gets_its_pong(uri):
    host, _, port = uri.removeprefix("tcp://").rpartition(":")
    async with AsyncTcpClient(host, int(port)) as client:
        await client.write_event(Ping(text="ünïcode").event())
        assert Pong.from_event(await client.read_event()).text == "ünïcode"


@pytest.mark.parametrize("address", ["tcp://[::1]:0", "tcp://[::]:0", "tcp://0.0.0.0:0", "tcp://localhost:0", "unix"])
async def test_a13_every_kind_of_address_is_served(serving, tmp_path: Path, address):
    if address == "unix":
        address = f"unix://{tmp_path}/socket"
    async with serving(Scripted(), uri=address) as uri:
        await assert_well(uri.replace("[::]", "[::1]").replace("0.0.0.0", "127.0.0.1"))


async def test_a17_a_peer_that_closed_its_half_still_gets_the_reply(scripted, peer):
    scripted.engine.gate.clear()
    await peer.send(REQUEST)
    peer.half_close()
    await peer.receive_type("pong")  # the server asks whether it is still there: it has seen the half-close
    await peer.receive_type("pong")
    scripted.engine.gate.set()
    assert (await peer.receive_type("transcript")).data["text"] == "320 bytes"
    assert [message.type for message in await peer.rest() if message.type != "pong"] == []


def _memory_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4
