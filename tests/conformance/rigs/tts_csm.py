"""CSM with a tiny network of random weights, half a second for every sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from made_csm import make_csm
from rigged import Rig, bare_context

from wyoming_servers.tts.csm import CsmOptions


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    make_csm(folder / "models" / "csm" / "csm-made")
    yield Rig(CsmOptions(longest_s=0.5, device="cpu"), bare_context(folder))
