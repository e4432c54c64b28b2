"""Wake word and command in one breath, with our own recogniser. tests/recordings has the same with human voices."""

from pathlib import Path

from satellite_rig import satellite, seconds
from satellite_servers import ScriptedHandle
from speech import speak
from virtual_time import virtual

from wyoming_servers.asr.server import serve as serve_asr
from wyoming_servers.shared.settings import load
from wyoming_servers.tts.server import serve as serve_tts
from wyoming_servers.wake.server import serve as serve_wake


@virtual
async def test_a_command_in_one_breath_is_understood(tmp_path: Path) -> None:
    settings = load(environment={})
    ours = {"wake": serve_wake(settings), "tts": serve_tts(settings), "asr": serve_asr(settings)}
    services = ours | {"handle": ScriptedHandle("It is noon.")}
    async with satellite(services, tmp_path) as rig:
        await rig.room.hear(seconds(3.0), speak("hey jarvis", speaker="f2"), seconds(0.1), speak("what time is it", speaker="f2"))
        report = await rig.turn()
    assert report.transcript.endswith("what time is it")
