"""Speech synthesis: the list of engines, the contract (engine.py) and the Wyoming face (server.py)."""

from ..shared.engines import EngineSpec

ENGINES = (
    EngineSpec(
        "piper",
        "wyoming_servers.tts.piper:PiperEngine",
        "Piper: natural voices of over forty languages, quick on a Raspberry Pi",
        needs=("piper",),
        extra="piper",
        licence="piper-tts: GPL-3.0; each voice its own",
    ),
    EngineSpec(
        "espeak",
        "wyoming_servers.tts.espeak:EspeakEngine",
        "espeak-ng: over a hundred languages, instant, robotic",
        needs=("espeakng_loader",),
        licence="espeak-ng: GPL-3.0",
    ),
)
