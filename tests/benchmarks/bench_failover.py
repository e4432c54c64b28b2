"""A machine fails in the middle of a turn: until another one is used, and until the first one is used again."""

import json
import subprocess
import sys
from pathlib import Path

from figures import Figure

_TIMES = 10
_SCENARIO = Path(__file__).parents[1] / "hosts" / "scenario.py"
_NAMESPACES = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def measure() -> list[Figure]:
    """A satellite and two recognisers in network namespaces; needs root."""
    command = [*_NAMESPACES, sys.executable, str(_SCENARIO), str(_TIMES)]
    seen = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, timeout=600).stdout)
    kinds = ("pulled while speaking", "silent while speaking", "silent while thinking")
    figures = [Figure(f"{kind}: the other is used", "ms", [each["switched_ms"] for each in seen[kind]], target=2000.0) for kind in kinds]
    late = [each["after_sentence_ms"] for each in seen["silent while thinking"]]
    return [*figures, Figure("silent while thinking: transcript", "ms", late, target=2000.0), Figure("used again", "ms", seen["back ms"])]
