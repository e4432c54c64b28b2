"""Points A 14–17 and 20–23 of the contract: many connections, hang-ups, failures and the end of the server."""

import asyncio
import logging
import os
import socket
import sys
from pathlib import Path

import pytest
from kinds import KINDS
from scripted import Scripted
from wire import AUDIO_START, AUDIO_STOP, WAIT_S, Wire, chunk, event, wire

from wyoming_servers.shared.server import ServerLimits, WyomingServer
from wyoming_servers.shared.tasks import cancel

BEGIN = event("transcribe", {"language": "en"}) + AUDIO_START
REQUEST = BEGIN + chunk(bytes(320)) + AUDIO_STOP
DESCRIBE = event("describe")
PING = event("ping", {"text": "well"})


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch) -> None:
    """Real services keep their things in the test's folder."""
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))


@pytest.fixture
async def scripted() -> Scripted:
    return Scripted(slots=1, waiting=1)


@pytest.fixture
async def uri(serving, scripted):
    async with serving(scripted) as address:
        yield address


async def until(event_: asyncio.Event) -> None:
    async with asyncio.timeout(WAIT_S):
        await event_.wait()


async def assert_free(scripted: Scripted, uri: str) -> None:
    """A request is admitted and answered."""
    scripted.engine.gate.set()
    async with wire(uri) as peer:
        await peer.send(REQUEST)
        assert (await peer.receive()).type == "transcript"


async def test_a14_describe_is_answered_before_during_and_after_a_request(scripted, uri):
    async with wire(uri) as peer:
        await peer.send(DESCRIBE)
        assert (await peer.receive()).type == "info"
        scripted.engine.gate.clear()
        await peer.send(REQUEST)
        await until(scripted.working)
        await peer.send(DESCRIBE, PING)
        assert [(await peer.receive()).type for _ in range(2)] == ["info", "pong"]
        scripted.engine.gate.set()
        assert (await peer.receive()).type == "transcript"
        await peer.send(DESCRIBE)
        assert (await peer.receive()).type == "info"


async def test_a14_describe_is_answered_in_the_middle_of_a_request(uri):
    async with wire(uri) as peer:
        await peer.send(BEGIN, DESCRIBE, chunk(bytes(320)), DESCRIBE, AUDIO_STOP)
        assert [(await peer.receive()).type for _ in range(3)] == ["info", "info", "transcript"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a14_every_kind_describes_itself_in_the_middle_of_a_request(serving, kind):
    async with serving(kind.create()) as uri, wire(uri) as peer:
        await peer.send(*kind.unfinished, DESCRIBE)
        assert (await peer.receive_type("info")).data[kind.name]


async def test_a15_describe_is_answered_on_a_second_connection_while_every_slot_works(scripted, uri):
    scripted.engine.gate.clear()
    async with wire(uri) as first, wire(uri) as second:
        await first.send(REQUEST)
        await until(scripted.working)
        await second.send(DESCRIBE)
        assert (await second.receive()).type == "info"


@pytest.mark.parametrize("kind", KINDS)
async def test_a15_every_kind_describes_itself_while_another_connection_works(serving, kind):
    async with serving(kind.create()) as uri, wire(uri) as first, wire(uri) as second:
        await first.send(*kind.unfinished)
        await second.send(DESCRIBE)
        assert (await second.receive()).data[kind.name]


async def test_a16_a_thousand_connects_leave_nothing_behind(uri, caplog):
    caplog.set_level(logging.INFO)
    host, _, port = uri.removeprefix("tcp://").rpartition(":")

    async def knock() -> None:
        _, writer = await asyncio.open_connection(host, int(port))
        writer.close()
        await writer.wait_closed()

    await knock()
    files, tasks = _open_files(), len(asyncio.all_tasks())
    for _ in range(50):
        await asyncio.gather(*(knock() for _ in range(20)))
    async with wire(uri) as peer:
        await peer.send(PING)
        await peer.receive()
    async with asyncio.timeout(WAIT_S):
        while _open_files() > files or len(asyncio.all_tasks()) > tasks:
            await asyncio.sleep(0)
    assert caplog.records == []


async def _close(peer: Wire) -> None:
    peer.writer.close()


async def _reset(peer: Wire) -> None:
    peer.reset()


@pytest.mark.parametrize("leave", [_close, _reset], ids=["close", "reset"])
async def test_a20_a_hang_up_cancels_the_work_and_frees_the_slot(scripted, uri, leave):
    scripted.engine.gate.clear()
    async with wire(uri) as peer:
        await peer.send(REQUEST)
        await until(scripted.working)
        await leave(peer)
        await until(scripted.cancelled)
        await until(scripted.session_closed)
    await assert_free(scripted, uri)


async def test_a20_a_hang_up_is_noticed_also_while_nothing_more_can_be_taken_in(scripted, uri):
    scripted.engine.gate.clear()
    with socket.create_connection(("127.0.0.1", int(uri.rpartition(":")[2]))) as peer:
        peer.sendall(REQUEST)
        await until(scripted.working)
        peer.setblocking(False)
        await _fill(peer, chunk(bytes(32_000)))
    await until(scripted.cancelled)
    await until(scripted.session_closed)
    await assert_free(scripted, uri)


async def test_a20_one_that_waits_for_a_slot_leaves_the_queue(scripted, uri):
    scripted.engine.gate.clear()
    async with wire(uri) as one, wire(uri) as two:
        await one.send(REQUEST)
        await until(scripted.working)
        scripted.working.clear()
        await two.send(REQUEST)
        await until(scripted.working)
        two.reset()
        await until(scripted.cancelled)
        async with wire(uri) as three:
            await three.send(REQUEST)
            scripted.engine.gate.set()
            assert (await three.receive()).type == "transcript"
        assert (await one.receive()).type == "transcript"


@pytest.mark.parametrize("kind", KINDS)
async def test_a20_every_kind_serves_on_after_hang_ups_in_the_middle(serving, kind):
    async with serving(kind.create()) as uri:
        for _ in range(30):  # more than there are slots and places in the queue
            async with wire(uri) as peer:
                await peer.send(*kind.unfinished)
                peer.reset()
        async with wire(uri) as peer:
            assert (await kind.ask(peer))[-1] in kind.last


async def test_a21_a_request_under_way_is_finished_before_the_server_ends(scripted):
    server = WyomingServer("tcp://127.0.0.1:0", [scripted])
    await server.start()
    scripted.engine.gate.clear()
    async with wire(server.uri) as peer:
        await peer.send(REQUEST)
        await until(scripted.working)
        stopping = asyncio.create_task(server.stop())
        await _refuses_connections(server.uri)
        scripted.engine.gate.set()
        assert [message.type for message in await peer.rest() if message.type != "pong"] == ["transcript"]
        await stopping
    assert scripted.engine.closed


@pytest.mark.parametrize("sent", [BEGIN, REQUEST], ids=["half sent", "half done"])
async def test_a21_a_request_that_cannot_be_finished_is_told_that_the_server_stops(scripted, sent):
    server = WyomingServer("tcp://127.0.0.1:0", [scripted], ServerLimits(drain_s=0.1))
    await server.start()
    scripted.engine.gate.clear()
    async with wire(server.uri) as peer:
        await peer.send(sent, PING)
        await peer.receive_type("pong")
        stopping = asyncio.create_task(server.stop())
        (last,) = [message for message in await peer.rest() if message.type != "pong"]
        assert last.data["code"] == "stopping"
        await stopping
    assert scripted.open_sessions == 0


async def test_a21_idle_connections_do_not_hold_the_server_up(scripted):
    server = WyomingServer("tcp://127.0.0.1:0", [scripted], ServerLimits(drain_s=60))
    await server.start()
    async with wire(server.uri) as peer:
        await peer.send(PING)
        await peer.receive()
        async with asyncio.timeout(WAIT_S):
            await server.stop()
        assert await peer.rest() == []


async def test_a21_a_server_that_cannot_listen_frees_what_it_made(serving, scripted):
    async with serving(Scripted()) as uri:
        with pytest.raises(OSError):
            await WyomingServer(uri, [scripted]).start()
    assert scripted.open_sessions == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a21_sigterm_ends_every_kind_in_order(tmp_path, kind):
    uri = f"unix://{tmp_path}/socket"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wyoming_servers", "serve", kind.name, "--uri", uri, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr
    try:
        async with asyncio.timeout(WAIT_S):
            while b"listening on" not in (line := await process.stderr.readline()):
                assert line, "it ended before it listened"
        async with wire(uri) as peer:
            await peer.send(PING)
            await peer.receive_type("pong")
            process.terminate()
            await peer.rest()
        async with asyncio.timeout(WAIT_S):
            _, rest = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    assert b"Traceback" not in rest
    assert not (tmp_path / "socket").exists()


async def test_a22_two_identical_requests_on_one_connection_get_two_answers(uri):
    async with wire(uri) as peer:
        await peer.send(REQUEST, REQUEST)
        assert [(await peer.receive()).data["text"] for _ in range(2)] == ["320 bytes", "320 bytes"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a22_every_kind_answers_twice_on_one_connection(serving, kind):
    async with serving(kind.create()) as uri, wire(uri) as peer:
        first, second = [list(dict.fromkeys(await kind.ask(peer))) for _ in range(2)]  # how many pieces it takes may differ
        assert first == second


async def test_a23_a_request_that_fails_gets_text_and_code_and_the_connection_ends(uri):
    async with wire(uri) as peer:
        await peer.send(event("transcribe", {"language": "xx"}))
        (failure,) = await peer.rest()
        assert failure.data == {"text": "there is no language 'xx' here", "code": "invalid-request"}


async def test_a23_work_that_fails_after_its_request_was_taken_is_told_as_well(scripted, uri):
    async with wire(uri) as peer:
        await peer.send(event("transcribe", {"language": "later"}))
        (failure,) = await peer.rest()
        assert failure.data == {"text": "it failed later", "code": "invalid-request"}
    assert scripted.open_sessions == 0


async def test_a23_a_request_that_breaks_the_server_tells_no_secrets(uri, caplog):
    async with wire(uri) as peer:
        await peer.send(event("transcribe", {"language": "crash"}))
        (failure,) = await peer.rest()
        assert failure.data["code"] == "internal-error"
        assert "secret" not in failure.data["text"]
    assert "ZeroDivisionError" in caplog.text


async def test_a23_the_reason_arrives_although_much_input_was_not_read(uri):
    async with wire(uri) as peer:
        peer.writer.write(event("transcribe", {"language": "xx"}) + chunk(bytes(32_000)) * 300)
        (failure,) = await peer.rest()
        assert failure.data["code"] == "invalid-request"


@pytest.mark.parametrize("kind", KINDS)
async def test_a23_every_kind_says_why_it_fails_and_hangs_up(serving, kind):
    async with serving(kind.create()) as uri, wire(uri) as peer:
        await peer.send(kind.wrong)
        last = (await peer.rest())[-1]
        assert last.type == "error"
        assert last.data["text"].strip()
        assert last.data["code"]


async def _fill(peer: socket.socket, message: bytes) -> None:
    """Sends until the server asks whether anybody is there: then it is full, and what it has not read yet fills the sockets."""
    loop = asyncio.get_running_loop()
    sending = asyncio.create_task(loop.sock_sendall(peer, message * 1000))
    async with asyncio.timeout(WAIT_S):
        assert b"pong" in await loop.sock_recv(peer, 1000)
    assert not sending.done()
    await cancel(sending)


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  (counts itself, each time alike)


async def _refuses_connections(uri: str) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                async with wire(uri):
                    pass
            except ConnectionError:
                return
