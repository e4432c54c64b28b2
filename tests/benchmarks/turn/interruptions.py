"""How soon an answer yields, and every engine stops, in virtual time."""

from collections.abc import Sequence

from .house import Answer
from .scenes import Scene
from .stage import Stage, staged
from .targets import Row

_ANSWER = "Because of the air around us, which scatters blue light. At sunset the way is longer. What is left looks red and golden."
_SCENES = (
    Scene("question", "", ("why is the sky blue",), Answer(_ANSWER, "llm", prospect="sentence"), True),
    Scene("command", "", ("what time is it",), Answer("It is twelve fifteen.")),
)
_SPOKEN_S = (0.5, 1.0, 2.0, 3.0, 5.0)
_CHUNK_S = 0.064  # to the wake server, which knows of no word before its chunk is complete


async def interrupted() -> list[Row]:
    """Answers that are spoken over, at several moments, by a wake word and by speech; with the room's echo taken out by the device."""
    by_voice, by_word, cancelled = [], [], []
    for spoken_s in _SPOKEN_S:
        async with staged(_SCENES, "n100", echo_cancel="device") as stage:
            await answering(stage, spoken_s)
            onset, end = stage.say("command", wake=False)
            await stage.until(lambda stage=stage, end=end: stage.now > end)
            by_voice.append(_silent_at(stage, onset) - onset)
        async with staged(_SCENES, "n100") as stage:
            await answering(stage, spoken_s)
            word_end = stage.wake()
            await stage.until(lambda stage=stage, word_end=word_end: stage.now > word_end + 1.0)
            by_word.append(_silent_at(stage, word_end) - word_end)
            cancelled += [work.end - word_end - _CHUNK_S for work in stage.engines.work if not work.used and work.end > word_end]
    return [
        _row("an answer is silent after the onset of speech over it (G11)", 250, by_voice),
        _row("an answer is silent after the end of a wake word (G11)", 60, by_word),
        _row("engines have stopped after the wake word's last chunk (G12)", 20, cancelled),
    ]


async def answering(stage: Stage, spoken_s: float) -> None:
    """Has a long answer spoken for so long."""
    stage.say("question")
    await stage.until(lambda: bool(stage.speech) and stage.speech[-1][1] - stage.speech[0][0] >= spoken_s)


def _silent_at(stage: Stage, since: float) -> float:
    """When what was being said then has ended."""
    return max(until for began, until, _ in stage.speech if began < since)


def _row(name: str, most_ms: float, taken_s: Sequence[float]) -> Row:
    if not taken_s:
        return Row(name, f"≤ {most_ms:g} ms", "never", 0, False, "nothing was interrupted")
    slowest_ms = max(taken_s) * 1000
    return Row(name, f"≤ {most_ms:g} ms", f"{max(0.0, slowest_ms):.0f} ms", len(taken_s), slowest_ms <= most_ms)
