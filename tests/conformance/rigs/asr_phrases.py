"""The phrases engine needs nothing; what it must hear is known."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rigged import Rig, bare_context

from wyoming_servers.asr.phrases import PhrasesOptions


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """A house with nothing of its own."""
    yield Rig(PhrasesOptions(), bare_context(folder), heard="what time is it")
