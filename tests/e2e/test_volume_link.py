"""A satellite's volume, asked for by voice and changed over its link."""

import asyncio
from pathlib import Path

import numpy as np
from handle_house import said, service
from satellite_rig import Rig, satellite
from satellite_servers import PATIENCE_S, ScriptedHandle, ScriptedVoice
from virtual_time import virtual

from wyoming_servers.satellite import chimes
from wyoming_servers.shared.identity import satellite_id


async def tell(rig: Rig, text: str) -> str:
    """Asks as the satellite does, once its link is open."""
    id = satellite_id("loud")
    async with asyncio.timeout(PATIENCE_S):
        while (answer := await said(rig.uris["handle"], text, satellite_id=id)).startswith("I can only change"):
            await asyncio.sleep(0)
    return answer


@virtual
async def test_it_is_changed_and_remembered_after_a_restart(tmp_path: Path) -> None:
    for place, text, answer in (
        ("a", "set the volume to 30 percent", "Volume at thirty percent."),
        ("b", "volume up", "Volume at forty percent."),
    ):
        folder = tmp_path / place  # short: it is part of a socket's address
        folder.mkdir()
        async with satellite({"handle": service(folder)}, folder, name="loud") as rig:
            assert await tell(rig, text) == answer


@virtual
async def test_a_muted_satellite_still_rings(tmp_path: Path) -> None:
    async with satellite({"handle": service(tmp_path)}, tmp_path, name="loud") as rig:
        assert await tell(rig, "mute") == ""
    handle = ScriptedHandle()
    (tmp_path / "next").mkdir()
    async with satellite({"handle": handle, "tts": ScriptedVoice()}, tmp_path / "next", name="loud", ring_s=1.0) as rig:
        await handle.finish_timer("1", "Your timer is done.")
        await rig.heard((chimes.ring().astype(np.float32) * 0.3).astype(np.int16))
