"""A server that is ended while an engine works: it ends as it was told, whenever the engine's call comes back."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from earshot_command import Earshot
from running import free_port
from wyoming.client import AsyncTcpClient
from wyoming.tts import Synthesize

PROGRAM = """
import asyncio, sys, time
from wyoming_servers.commands.common import run_until_stopped
from wyoming_servers.shared.engine_host import EngineHost

class Witness:
    def __del__(self, write=sys.stdout.write):
        write("taken down")

async def work():
    host = EngineHost("fake", object, slots=1, waiting=0)
    host.start()
    async with host.slot() as slot:
        call = asyncio.create_task(slot.run(time.sleep, float(sys.argv[1])))
        await asyncio.wait([call], timeout=0.1)
    await host.close()
    return 3

witness = Witness()
sys.exit(run_until_stopped(work()))
"""
SLOW_END = """
import sys, time
from wyoming_servers.cli import main

class Slow:
    def __del__(self, sleep=time.sleep):
        sleep(3)

slow = Slow()
sys.exit(main())
"""


@pytest.mark.parametrize(("call_s", "taken_down"), [("0", True), ("60", False)])
def test_the_interpreter_is_not_taken_down_while_an_engine_works(call_s: str, taken_down: bool) -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM, call_s], capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, "taken down" in ended.stdout) == (3, taken_down)


@pytest.mark.slow
async def test_a_voice_whose_network_comes_back_late_does_not_abort_the_server(tmp_path: Path) -> None:
    made_voice = pytest.importorskip("made_voice")
    pytest.importorskip("piper")
    made_voice.make_piper_voice(tmp_path / "en_US-made-medium.onnx", width=1280)
    settings = ("models.offline=true", f"folder={tmp_path}", "voice=en_US-made-medium")
    port = free_port()
    words = ["serve", "tts", "--engine", "piper", "--no-zeroconf", "--uri", f"tcp://127.0.0.1:{port}"]
    command = [sys.executable, "-c", SLOW_END, *words, *(word for text in settings for word in ("--set", text))]
    process = subprocess.Popen(command, env=Earshot(tmp_path).environment(), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "is ready" not in (line := await asyncio.to_thread(process.stderr.readline)):
        assert line, "it has ended"
    async with AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Synthesize(text=f"Hello. {' '.join(['hello'] * 40)}.").event())
        while (event := await client.read_event()) is not None and event.type != "audio-chunk":
            pass  # afterwards the network works on the second sentence, for seconds
        process.send_signal(signal.SIGTERM)
        _, rest = await asyncio.to_thread(process.communicate, timeout=20)
    assert (process.returncode, "the engine is left open" in rest) == (0, True), rest
