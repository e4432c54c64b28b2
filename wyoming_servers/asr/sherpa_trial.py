"""Makes a recogniser of sherpa-onnx and lets it hear something. Also a program, which is why it imports nothing else of Earshot:
`python sherpa_trial.py` with {"factory": …, "keywords": …} as JSON on stdin ends with 0 when the model is sound.
"""

import json
import random
import sys
from collections.abc import Mapping
from typing import Any

_RATE_HZ = 16_000
_STEP = _RATE_HZ // 100
_LONGEST_CHUNK_S = 10


def build(factory: str, keywords: Mapping[str, Any]) -> Any:
    """The library's recogniser; takes seconds, and raises whatever the library does, or ends the process.

    factory: class and method of sherpa_onnx.
    """
    import sherpa_onnx

    kind, _, method = factory.partition(".")
    return getattr(getattr(sherpa_onnx, kind), method)(**keywords)


def rehearse(factory: str, recogniser: Any) -> int:
    """Lets it hear faint noise once, so that nobody waits for what it does only the first time.

    Returns how many samples a streaming recogniser takes in one step; 0 for another.
    Raises: whatever the library does.
    """
    chance = random.Random(0)
    noise = [chance.gauss(0, 1e-3) for _ in range(_STEP)]
    stream, step = recogniser.create_stream(), 0
    if factory.startswith("Offline"):
        stream.accept_waveform(_RATE_HZ, noise * 200)
        recogniser.decode_stream(stream)
        return 0
    while not recogniser.is_ready(stream):
        if step > _LONGEST_CHUNK_S * _RATE_HZ:
            raise RuntimeError(f"the model says that it takes more than {_LONGEST_CHUNK_S} s in one step")
        stream.accept_waveform(_RATE_HZ, noise)
        step += _STEP
    while recogniser.is_ready(stream):
        recogniser.decode_stream(stream)
    recogniser.get_result_all(stream)
    return step


def _main() -> int:
    recipe = json.load(sys.stdin)
    try:
        rehearse(recipe["factory"], build(**recipe))
    except Exception as err:  # onnxruntime's errors have no other base
        sys.stderr.write(f"{err}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
