"""Wake words: the list of engines, the contract (engine.py) and the Wyoming face (server.py)."""

from ..shared.engines import EngineSpec

ENGINES = (
    EngineSpec(
        "openwakeword",
        "wyoming_servers.wake.openwakeword:OpenWakeWordEngine",
        "openWakeWord: five words at once, custom .tflite and .onnx files",
        needs=("pyopen_wakeword",),
        licence="openWakeWord: Apache-2.0, its stock models CC BY-NC-SA 4.0",
    ),
    EngineSpec(
        "microwakeword",
        "wyoming_servers.wake.microwakeword:MicroWakeWordEngine",
        "microWakeWord: the small models of the Voice PE, four words, custom .json + .tflite files",
        needs=("pymicro_wakeword",),
        extra="microwakeword",
        licence="microWakeWord and its stock models: Apache-2.0",
    ),
)
