"""Speech synthesis: the list of engines, the contract (engine.py) and the Wyoming face (server.py)."""

from ..shared.engines import EngineSpec

ENGINES = (
    EngineSpec(
        "espeak",
        "wyoming_servers.tts.espeak:EspeakEngine",
        "espeak-ng: over a hundred languages, instant, robotic",
        needs=("espeakng_loader",),
        licence="espeak-ng: GPL-3.0",
    ),
)
