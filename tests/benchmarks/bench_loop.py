"""End of speech to the first sound of the answer, live through four server processes."""

import re

import numpy as np
from figures import Figure
from running import earshot_run
from speech import speak

_TURNS = 15
_COMMANDS = ("what time is it", "set a timer for five minutes", "how much time is left", "cancel all timers", "what is the date today")
_GAP_S = 7.0  # the longest answer takes four, and the next wake word would interrupt it


def measure(turns: int = _TURNS) -> list[Figure]:
    """One long microphone recording with the wake word and a command every few seconds."""
    rng = np.random.default_rng(0)
    pieces = [_noise(rng, 5.0)]
    for turn in range(turns):
        pieces += [speak("hey jarvis"), _noise(rng, 0.3), speak(_COMMANDS[turn % len(_COMMANDS)]), _noise(rng, _GAP_S)]
    stages: dict[str, list[float]] = {}
    with earshot_run(np.concatenate(pieces)) as running:
        for line in running.lines():
            if "v2v" in line:
                for name, value in re.findall(r"\b(endpoint|asr|handle|tts|play|v2v) (\d+)", line):
                    stages.setdefault(name, []).append(float(value))
    if not stages:
        raise RuntimeError("no turn was answered")
    overhead = [v2v - commit for v2v, commit in zip(stages["v2v"], stages["endpoint"], strict=True)]
    figures = [Figure(f"stage {name}", "ms", values) for name, values in stages.items() if name != "v2v"]
    figures.append(Figure("end of speech to first sound", "ms", stages["v2v"]))
    figures.append(Figure("the same less the silence waited for", "ms", overhead, target=150.0))
    return figures


def _noise(rng: np.random.Generator, seconds: float) -> np.ndarray:
    return rng.normal(0, 8, round(16000 * seconds)).astype(np.int16)
