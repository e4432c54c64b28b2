"""Wake words: the list of engines, the contract (engine.py) and the Wyoming face (server.py)."""

from ..shared.engines import EngineSpec

ENGINES = (
    EngineSpec(
        "openwakeword",
        "wyoming_servers.wake.openwakeword:OpenWakeWordEngine",
        "openWakeWord: five words at once, custom .tflite files",
        needs=("pyopen_wakeword",),
        licence="openWakeWord: Apache-2.0, its stock models CC BY-NC-SA 4.0",
    ),
)
