"""Speech recognition: the list of engines, the contract (engine.py) and the Wyoming face (server.py)."""

from ..shared.engines import EngineSpec

ENGINES = (
    EngineSpec(
        "faster-whisper",
        "wyoming_servers.asr.whisper:FasterWhisperEngine",
        "OpenAI's Whisper in every size and 100 languages, on the processor or CUDA",
        needs=("faster_whisper",),
        extra="faster-whisper",
        licence="faster-whisper: MIT; Whisper's models: MIT",
    ),
    EngineSpec(
        "sherpa-onnx",
        "wyoming_servers.asr.sherpa:SherpaOnnxEngine",
        "streaming Zipformer and Nemotron, Parakeet, Moonshine and others as ONNX files",
        needs=("sherpa_onnx",),
        extra="sherpa-onnx",
        licence="sherpa-onnx: Apache-2.0; each model has its own",
    ),
    EngineSpec(
        "phrases",
        "wyoming_servers.asr.phrases:PhrasesEngine",
        "the sentences Earshot understands, and no others; English",
        needs=("pocketsphinx",),
        extra="phrases",
        licence="pocketsphinx and its model: BSD-2-Clause",
    ),
    EngineSpec(
        "openai",
        "wyoming_servers.asr.openai_api:OpenAiAsrEngine",
        "a server with OpenAI's transcription API: Speaches, vLLM, NVIDIA NIM, LocalAI",
        needs=("openai",),
        extra="openai",
        licence="openai: Apache-2.0; the model is the server's",
        auto=False,
    ),
    EngineSpec(
        "whisper-cpp",
        "wyoming_servers.asr.whisper_cpp:WhisperCppEngine",
        "whisper.cpp's whisper-server, on this machine or another",
        licence="whisper.cpp and Whisper's models: MIT",
        auto=False,
    ),
    EngineSpec(
        "riva",
        "wyoming_servers.asr.riva_grpc:RivaAsrEngine",
        "NVIDIA Riva and Speech NIM: Parakeet, Nemotron, Canary, on a machine with a GPU",
        needs=("riva", "grpc"),
        extra="riva",
        licence="nvidia-riva-client: MIT; NIM containers: NVIDIA AI Enterprise; each model its own",
        auto=False,
    ),
    EngineSpec(
        "wyoming",
        "wyoming_servers.asr.wyoming_upstream:WyomingEngine",
        "any other Wyoming speech recogniser, on this machine or another",
        licence="that of the other server",
        auto=False,
    ),
    EngineSpec(
        "chain",
        "wyoming_servers.asr.chain:ChainEngine",
        "several of these in order: the next is asked when one is unsure, slow or fails",
        licence="those of the engines it asks",
        auto=False,
    ),
)
