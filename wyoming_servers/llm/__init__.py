"""Language models: the list of engines and the contract (engine.py). They are other people's servers; nothing here computes."""

from ..shared.engines import EngineSpec

ENGINES = (
    EngineSpec(
        "openai",
        "wyoming_servers.llm.openai_api:OpenAiLlm",
        "a server with OpenAI's chat API: llama.cpp, Ollama, vLLM, NVIDIA NIM, LM Studio",
        needs=("openai",),
        extra="openai",
        licence="openai: Apache-2.0; the model is the server's",
        auto=False,
    ),
)
