"""Speech recognition: the list of engines, the contract (engine.py) and the Wyoming face (server.py)."""

from ..shared.engines import EngineSpec

ENGINES = (
    EngineSpec(
        "phrases",
        "wyoming_servers.asr.phrases:PhrasesEngine",
        "the sentences Earshot understands, and no others; English",
        needs=("pocketsphinx",),
        extra="phrases",
        licence="pocketsphinx and its model: BSD-2-Clause",
    ),
)
