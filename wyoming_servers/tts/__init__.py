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
        "kokoro",
        "wyoming_servers.tts.kokoro:KokoroEngine",
        "Kokoro: very natural voices of nine languages, for a PC or a Raspberry Pi 5",
        needs=("kokoro_onnx", "espeakng_loader"),
        extra="kokoro",
        licence="kokoro-onnx: MIT, its model Apache-2.0, phonemizer under it GPL-3.0",
    ),
    EngineSpec(
        "espeak",
        "wyoming_servers.tts.espeak:EspeakEngine",
        "espeak-ng: over a hundred languages, instant, robotic",
        needs=("espeakng_loader",),
        licence="espeak-ng: GPL-3.0",
    ),
    EngineSpec(
        "wyoming",
        "wyoming_servers.tts.wyoming_upstream:WyomingEngine",
        "any other Wyoming voice, on this machine or another",
        licence="that of the other server",
        auto=False,
    ),
)
