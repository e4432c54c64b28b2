"""Real voices instead of the embedded one: a folder of WAV files, and when what was said in each."""

import csv
import itertools
from pathlib import Path

from wyoming_servers.shared.audio import read_wav
from wyoming_servers.shared.errors import AssistantError

from .corpus import CONVERSATION, Sound, Utterance

LABELS = "labels.csv"
_COLUMNS = ["file", "begin_s", "end_s", "words"]


def recordings(folder: Path) -> list[tuple[Utterance, Sound]]:
    """Every recording that the folder's labels.csv names: a row for each stretch of speech, in order, with what was said in it.

    Raises: SystemExit that names the file and the line.
    """
    try:
        with (folder / LABELS).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as err:
        raise SystemExit(
            f"{folder / LABELS}: {err.strerror}; it has a line `{','.join(_COLUMNS)}`, and one for each stretch of speech"
        ) from None
    spans: dict[str, list[tuple[float, float, tuple[str, ...]]]] = {}
    for number, row in enumerate(rows, 2):
        begin_s, end_s = _span(row, f"{folder / LABELS}, line {number}", spans.get(row.get("file") or "", []))
        spans.setdefault(row["file"], []).append((begin_s, end_s, tuple((row["words"] or "").split())))
    return [_recording(number, folder / name, said) for number, (name, said) in enumerate(spans.items())]


def _span(row: dict[str, str], place: str, before: list) -> tuple[float, float]:
    if any(row.get(column) is None for column in _COLUMNS):
        raise SystemExit(f"{place}: needs {', '.join(_COLUMNS)}; words may be empty")
    try:
        begin_s, end_s = float(row["begin_s"]), float(row["end_s"])
    except ValueError:
        raise SystemExit(f"{place}: begin_s and end_s are seconds, such as 1.25") from None
    if not (before[-1][1] if before else 0.0) <= begin_s < end_s:
        raise SystemExit(f"{place}: speech ends after it begins, and begins after what stands before it")
    return begin_s, end_s


def _recording(number: int, path: Path, said: list[tuple[float, float, tuple[str, ...]]]) -> tuple[Utterance, Sound]:
    try:
        samples = read_wav(path)
    except AssistantError as err:
        raise SystemExit(f"{path}: {err}") from None
    gaps = [after[0] - before[1] for before, after in itertools.pairwise(said)]
    words = tuple(word for _, _, stretch in said for word in stretch)
    place = max(1, len(said[0][2])) if gaps else 0
    return Utterance(number, CONVERSATION, words, place, max(gaps, default=0.0)), Sound(samples, tuple(said))
