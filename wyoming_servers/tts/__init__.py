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
        "openai",
        "wyoming_servers.tts.openai_api:OpenAiTtsEngine",
        "a server with OpenAI's speech API: Kokoro-FastAPI, Speaches, Orpheus, CSM, LocalAI",
        needs=("openai",),
        extra="openai",
        licence="openai: Apache-2.0; the model is the server's",
        auto=False,
    ),
    EngineSpec(
        "vibevoice",
        "wyoming_servers.tts.vibevoice:VibeVoiceEngine",
        "Microsoft's VibeVoice realtime server, on a machine with a GPU",
        licence="VibeVoice: MIT",
        auto=False,
    ),
    EngineSpec(
        "riva",
        "wyoming_servers.tts.riva_grpc:RivaTtsEngine",
        "NVIDIA Riva and Speech NIM: Magpie voices, on a machine with a GPU",
        needs=("riva", "grpc"),
        extra="riva",
        licence="nvidia-riva-client: MIT; NIM containers: NVIDIA AI Enterprise; each model its own",
        auto=False,
    ),
    EngineSpec(
        "wyoming",
        "wyoming_servers.tts.wyoming_upstream:WyomingEngine",
        "any other Wyoming voice, on this machine or another",
        licence="that of the other server",
        auto=False,
    ),
    EngineSpec(
        "csm",
        "wyoming_servers.tts.csm:CsmEngine",
        "Sesame CSM-1B: speech with breath and hesitation, English, on a GPU",
        needs=("torch", "transformers"),
        extra="csm",
        licence="transformers and the model: Apache-2.0; the model needs an account",
        auto=False,
    ),
)
