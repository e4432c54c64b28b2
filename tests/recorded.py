"""The recordings that lie beside some checkouts: human voices, and the house that they speak of."""

import csv
from pathlib import Path

import numpy as np
import pytest
from speech import silence

from wyoming_servers.asr.engine import AsrEngine, AsrRequest
from wyoming_servers.shared import paths
from wyoming_servers.shared.audio import read_wav
from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.house import Area, Device, House

AUDIO = Path(__file__).resolve().parents[2] / "shared" / "audio"
HOUSE = House(
    areas=(Area("Kitchen"), Area("Office"), Area("Living Room")),
    devices=(
        Device("Bed Light", "light"),
        Device("Standing Light", "light", "Office"),
        Device("ceiling lights", "light", "Kitchen"),
        Device("Sliding Door", "cover", "Office"),
        Device("blinds", "cover", "Office"),
        Device("Office curtains", "cover", "Office"),
        Device("windows", "cover"),
        Device("Front Door", "lock"),
        Device("TV", "media_player"),
        Device("EcoBee", "sensor"),
        Device("Outdoor Humidity", "sensor"),
        Device("Party Time", "script"),
        Device("Mood Lighting", "scene"),
    ),
    places=("New York",),
    lists=("Shopping List",),
)
CONTEXT = EngineContext(house=HOUSE, intents_dirs=(paths.content("intents"),))


def recording(name: str) -> np.ndarray:
    """One file; skips where the recordings are not beside the checkout."""
    path = AUDIO / name
    if not path.exists():
        pytest.skip(f"needs the recording {name} beside the checkout")
    return read_wav(path)


def labels(kind: str) -> list[tuple[str, str]]:
    """File and words of every recording of one folder; skips where there are none."""
    path = AUDIO / "labels.csv"
    if not path.exists():
        pytest.skip("needs the recordings beside the checkout")
    with path.open(newline="", encoding="utf-8") as lines:
        return [(row["file"], row["text"]) for row in csv.DictReader(lines) if row["file"].startswith(f"{kind}/")]


def heard(engine: AsrEngine, samples: np.ndarray) -> str:
    """The transcript of one utterance and half a second of silence."""
    stream = engine.open(AsrRequest())
    stream.feed(np.concatenate((samples, silence(0.5))))
    text = stream.finish().text
    stream.close()
    return text
