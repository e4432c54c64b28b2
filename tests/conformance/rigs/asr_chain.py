"""The phrases first, and behind them Whisper on the made model of its own rig, where its library is installed."""

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from rigged import Rig, bare_context, rigged

from wyoming_servers.asr import ENGINES
from wyoming_servers.asr.chain import ChainOptions
from wyoming_servers.shared import paths

_BEHIND = "faster-whisper"


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """A chain of real engines; of the phrases alone where Whisper is missing."""
    pytest.importorskip("pocketsphinx", reason="the first engine of the chain needs pocketsphinx")
    shipped = (paths.content("intents"),)
    behind = next((spec for spec in ENGINES if spec.name == _BEHIND and not spec.missing()), None)
    with ExitStack() as stack:
        if behind is None:
            yield Rig(ChainOptions(engines=("phrases",)), bare_context(folder, intents_dirs=shipped), heard="what time is it")
            return
        own = stack.enter_context(rigged("asr", behind, folder))
        options = {"asr": {_BEHIND: dataclasses.asdict(own.options)}}
        context = dataclasses.replace(own.context, engines=options, intents_dirs=shipped)
        yield Rig(ChainOptions(engines=("phrases", _BEHIND)), context, heard="what time is it")
