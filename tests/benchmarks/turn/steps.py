"""What lies between two engines: from the end of one's work to the begin of the next one's."""

from collections.abc import Sequence

from .day import Measured

STEPS = ("recogniser", "words", "voice", "loudspeaker")
"""What each step leads to, in order."""


def steps_of(turn: Measured) -> dict[str, float]:
    """Seconds that each step of one turn took, by what it leads to; without those that were waiting on purpose, or did not happen."""
    if not (turn.path and turn.commit_s and turn.v2v_s):
        return {}
    last = {work.kind: work for work in turn.work if work.used and work.kind != "tts"}
    voice = next((work for work in turn.work if work.used and work.kind == "tts"), None)
    asr, words = last.get("asr"), last.get("intent")
    answer = last.get("llm", words)
    if not (asr and words and answer and voice):
        return {}
    door = turn.commit_s if turn.path.after_commit_s else 0.0
    return {
        "recogniser": asr.begin - turn.path.rules.pause_end_s,
        "words": words.begin - asr.end,
        "voice": voice.begin - max(answer.first, door),
        "loudspeaker": turn.v2v_s - max(voice.first, turn.commit_s),
    }


def medians_ms(turns: Sequence[Measured]) -> dict[str, float]:
    """The usual length of each step, in milliseconds."""
    steps = [found for turn in turns if (found := steps_of(turn))]
    return {step: sorted(found[step] for found in steps)[len(steps) // 2] * 1000 for step in STEPS} if steps else {}
