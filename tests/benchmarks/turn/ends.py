"""How soon a turn is taken to be over, and how often too soon: the corpus of `script/bench endpoint`, judged by the words."""

from concurrent.futures import ProcessPoolExecutor

from endpoint import judges
from endpoint.corpus import COMMAND, Utterance, sound, utterances
from endpoint.trials import Trial, heard, outcome

from wyoming_servers.shared.patience import Prospect, wait_s

from .targets import Row

_NEVER_S = 99.0


def ends() -> list[Row]:
    """On the half of the corpus that no wait was tuned on."""
    said = [utterance for utterance in utterances() if utterance.number % 2]
    with ProcessPoolExecutor() as pool:
        trials = list(pool.map(_trial, said, chunksize=8))
    usual = {prospect: wait_s(prospect) for prospect in Prospect}
    commands = [trial for trial in trials if trial.utterance.kind == COMMAND]
    whole = outcome([trial for trial in commands if trial.pauses[-1].prospect is Prospect.COMPLETE], usual)
    cut = outcome(commands, dict.fromkeys(Prospect, _NEVER_S) | {Prospect.COMPLETE: usual[Prospect.COMPLETE]})
    mixed = outcome(trials, usual)
    return [
        Row(
            "commands that are complete: commit after the end of speech (G7)",
            "median ≤ 220 ms, ≤ 1 % cut off",
            f"{whole.median_ms:.0f} ms, {cut.per_hundred:.1f} %",
            len(whole.delays_s),
            whole.median_ms <= 220 and cut.per_hundred <= 1,
        ),
        Row(
            "commands and conversation: commit after the end of speech (G8)",
            "mean ≤ 400 ms, ≤ 5 % cut off",
            f"{mixed.mean_ms:.0f} ms, {mixed.per_hundred:.1f} %",
            len(mixed.delays_s),
            mixed.mean_ms <= 400 and mixed.per_hundred <= 5,
            "" if mixed.per_hundred <= 5 else "words alone often cannot tell a hesitation from an end; the curve: script/bench endpoint",
        ),
    ]


def _trial(utterance: Utterance) -> Trial:
    return heard(utterance, sound(utterance), judges.by_true_words)
