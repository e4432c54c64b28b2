"""How long until Earshot is ready, what it weighs, and what listening to silence costs."""

import time

import numpy as np
from figures import Figure
from running import cpu_s, earshot_run, rss_mb

_STARTS = 3
_LISTEN_S = 20.0


def measure() -> list[Figure]:
    """Starts several times; listens once."""
    rng = np.random.default_rng(0)
    silence = rng.normal(0, 8, 16000 * 60).astype(np.int16)
    ready, figures = [], []
    for _ in range(_STARTS):
        with earshot_run(silence, "satellite.speaker=null") as running:
            running.wait_for("Earshot is ready", 60)
            ready.append(time.monotonic() - running.began)
    with earshot_run(silence, "satellite.speaker=null") as running:
        running.wait_for("listening on", 60)
        time.sleep(2)
        before = {name: cpu_s(pid) for name, pid in running.parts().items()}
        time.sleep(_LISTEN_S)
        parts = running.parts()
        used = {name: 100 * (cpu_s(pid) - before[name]) / _LISTEN_S for name, pid in parts.items()}
        weight = {name: rss_mb(pid) for name, pid in parts.items()}
    figures.append(Figure("start to ready", "s", ready, target=5.0))
    figures += [Figure(f"memory of {name}", "MB", [value]) for name, value in weight.items()]
    figures.append(Figure("memory of all five", "MB", [sum(weight.values())], target=250.0))
    figures += [Figure(f"one core, {name}", "%", [value]) for name, value in used.items()]
    figures.append(Figure("one core, all five", "%", [sum(used.values())], target=6.0))
    return figures
