"""Where a turn is taken to be over: false commits against commit delay, by what was said and by silence alone."""

import dataclasses
import functools
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from endpoint import judges
from endpoint.chart import Point, svg
from endpoint.corpus import COMMAND, Sound, Utterance, sound, utterances
from endpoint.recordings import recordings as read_recordings
from endpoint.trials import Outcome, Trial, Waits, heard, outcome

from wyoming_servers.shared import end_of_turn, paths
from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.errors import AssistantError
from wyoming_servers.shared.patience import Prosody, Prospect, wait_s

_FOLDER = paths.cache_dir() / "bench" / "endpoint"
_SILENCES_S = [step * 0.032 for step in range(4, 48)]
_SCALES = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0, 2.5]
_MOST_CUT = 5.0
_EVERY = 2  # of the commands the recogniser hears so many less: each takes it a second
_CHOICES: dict[Prospect, tuple[float, ...]] = {
    Prospect.COMPLETE: (0.2,),
    Prospect.EXTENDABLE: (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.1, 1.3, 1.4),
    Prospect.PREFIX: (1.4, 1.6),
    Prospect.SENTENCE: (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4),
    Prospect.UNFINISHED: (1.3, 1.4, 1.6),
}


def report(*, model: str = "", recordings: str = "") -> None:
    """Measures, prints the table, and keeps the curve.

    model: also with one that listens to the voice, as `satellite.end_of_turn` names it. recordings: folder of real voices to be heard
    instead of our own.
    """
    if model and (obstacle := _obstacle(model)):
        raise SystemExit(f"--model {model}: {obstacle}")
    if recordings:
        _report_recordings(read_recordings(Path(recordings)), model)
    else:
        _report_own_voice(model)


def _obstacle(model: str) -> str:
    try:
        return end_of_turn.obstacle(model, EngineContext())
    except AssistantError as err:
        return str(err)


def _report_own_voice(model: str) -> None:
    said = utterances()
    commands = [u for u in said if u.kind == COMMAND and u.number % 2 and u.number // 2 % _EVERY == 0]
    with ProcessPoolExecutor() as pool:  # nothing of speech may be loaded here before it forks
        known = pool.map(judges.hears, [utterance.text for utterance in commands], chunksize=100)
        tried = list(itertools.compress(commands, known))
        trials = list(pool.map(functools.partial(_by_true_words, model), said, chunksize=8))
        recognised = list(pool.map(_by_recogniser, tried, chunksize=4))
    tuning, held_out = ([trial for trial in trials if trial.utterance.number % 2 == half] for half in (0, 1))
    ordered = [trial for trial in held_out if trial.utterance.kind == COMMAND]
    print(f"  {len(said)} utterances by the embedded voice, {sum(u.place > 0 for u in said)} with a hesitation of 0.3, 0.6, 0.9 or 1.2 s")
    print("  figures on the half that nothing was tuned on; classes from the true words up to the pause unless a row says otherwise")
    _heading()
    _row("complete commands, only their class can cut them (G7)", _complete(ordered))
    _row("all commands", outcome(ordered, _usual()))
    _row("all commands, silence alone, 0.7 s", outcome(ordered, _silence(0.7)))
    _row("commands it knows, heard by the embedded recogniser", outcome(recognised, _usual()))
    _row("  the same ones, true words", outcome([t for t in trials if t.utterance in tried], _usual()))
    _row("mixed corpus (G8)", outcome(held_out, _usual()))
    tuned = _tuned(tuning)
    _row("mixed corpus, waits tuned for 5/100 on the other half", outcome(held_out, tuned))
    _row("mixed corpus, silence alone, tuned alike", outcome(held_out, _tuned_silence(tuning)))
    _row("mixed corpus, if the voice always told: a bound", outcome([_told(trial) for trial in held_out], _melodic()))
    print(f"  tuned waits: {', '.join(f'{prospect} {seconds:g} s' for prospect, seconds in tuned.items())}")
    lines = {
        "commands, by what was said": _line(ordered, _usual, _SCALES),
        "mixed corpus, by what was said": _line(held_out, _usual, _SCALES),
    }
    if model:
        _row(f"mixed corpus, and by {Path(model).stem}", outcome(held_out, _melodic()))
        print("  no verdict on the model: this voice reads whole sentences, and a part of one as if it were whole; see --recordings")
        lines[f"mixed corpus, and by {Path(model).stem}"] = _line(held_out, _melodic, _SCALES)
    _keep(held_out, lines | {"mixed corpus, silence alone": _line(held_out, _silence, _SILENCES_S)})


def _report_recordings(made: Sequence[tuple[Utterance, Sound]], model: str) -> None:
    with ProcessPoolExecutor() as pool:
        trials = list(pool.map(functools.partial(_of_recording, model), made))
    hesitant = sum(trial.utterance.place > 0 for trial in trials)
    print(f"  {len(made)} recordings, {hesitant} with a hesitation; classes from the words as they were written down")
    _heading()
    _row("by what was said", outcome(trials, _usual()))
    _row("silence alone, 0.7 s", outcome(trials, _silence(0.7)))
    lines = {"by what was said": _line(trials, _usual, _SCALES), "silence alone": _line(trials, _silence, _SILENCES_S)}
    if model:
        _row(f"by what was said, and by {Path(model).stem}", outcome(trials, _melodic()))
        lines[f"and by {Path(model).stem}"] = _line(trials, _melodic, _SCALES)
    _keep(trials, lines)


def _by_true_words(model: str, utterance: Utterance) -> Trial:
    return _of_recording(model, (utterance, sound(utterance)))


def _of_recording(model: str, made: tuple[Utterance, Sound]) -> Trial:
    if not model:
        return heard(*made, judges.by_true_words)
    return heard(*made, judges.by_true_words, functools.partial(judges.by_melody, model))


def _by_recogniser(utterance: Utterance) -> Trial:
    return heard(utterance, sound(utterance), judges.by_recogniser)


def _usual(scale: float = 1.0) -> Waits:
    return {prospect: wait_s(prospect, scale) for prospect in (None, *Prospect)}


def _melodic(scale: float = 1.0) -> Waits:
    """With the voice's melody, where that makes a difference."""
    classes = (None, *Prospect)
    return _usual(scale) | {(prospect, prosody): wait_s(prospect, scale, prosody) for prospect in classes for prosody in Prosody}


def _told(trial: Trial) -> Trial:
    """As if a model heard without error which pause is the end: what listening to the voice can bring at most."""
    *hesitations, end = trial.pauses
    pauses = [dataclasses.replace(pause, prosody=Prosody.CONTINUING) for pause in hesitations]
    return dataclasses.replace(trial, pauses=(*pauses, dataclasses.replace(end, prosody=Prosody.FINAL)))


def _silence(seconds: float) -> Waits:
    return dict.fromkeys((None, *Prospect), seconds)


def _complete(trials: Sequence[Trial]) -> Outcome:
    """Delays of the complete commands; cut are those that were ended because a part of them seemed complete."""
    patient = {prospect: wait_s(prospect) if prospect is Prospect.COMPLETE else 99.0 for prospect in Prospect}
    whole = [trial for trial in trials if trial.pauses[-1].prospect is Prospect.COMPLETE]
    return Outcome(outcome(whole, _usual()).delays_s, outcome(trials, patient).hesitations, outcome(trials, patient).cut)


def _tuned(trials: Sequence[Trial]) -> Waits:
    """The waits with the smallest mean delay at no more than 5 false commits in 100 hesitations."""
    return _best(trials, (dict(zip(_CHOICES, chosen, strict=True)) for chosen in itertools.product(*_CHOICES.values())))


def _tuned_silence(trials: Sequence[Trial]) -> Waits:
    return _best(trials, map(_silence, _SILENCES_S))


def _best(trials: Sequence[Trial], candidates: Iterable[Waits]) -> Waits:
    found = [(outcome(trials, waits), waits) for waits in candidates]
    fit = [(result.mean_ms, number) for number, (result, _) in enumerate(found) if result.per_hundred <= _MOST_CUT]
    return found[min(fit)[1]][1]


def _heading() -> None:
    print(f"  {'':52}  {'n':>4}  {'median':>7}  {'mean':>7}  {'cut/100':>7}")


def _row(name: str, result: Outcome) -> None:
    heard_out = bool(result.delays_s)
    median, mean = (f"{result.median_ms:.0f} ms", f"{result.mean_ms:.0f} ms") if heard_out else ("-", "-")
    print(f"  {name:52}  {len(result.delays_s):>4}  {median:>7}  {mean:>7}  {result.per_hundred:>7.1f}")


def _keep(trials: Sequence[Trial], lines: Mapping[str, Sequence[Point]]) -> None:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    picture = svg("Where a turn is taken to be over", lines, (400.0, _MOST_CUT))
    (_FOLDER / "endpoint.svg").write_text(picture, "utf-8")
    (_FOLDER / "curve.json").write_text(json.dumps(lines, indent=1), "utf-8")
    rows = [
        {
            "text": trial.utterance.text,
            "kind": trial.utterance.kind,
            "hesitation_s": trial.utterance.hesitation_s,
            "after_words": trial.utterance.place,
            "end_s": trial.end_s,
            "pauses": [(pause.begin_s, pause.silence_s, pause.prospect, pause.prosody) for pause in trial.pauses],
        }
        for trial in trials
    ]
    (_FOLDER / "trials.json").write_text(json.dumps(rows, indent=1), "utf-8")
    print(f"  the curve: {_FOLDER / 'endpoint.svg'}, {_FOLDER / 'curve.json'}; every utterance: {_FOLDER / 'trials.json'}")


def _line(trials: Sequence[Trial], waits: Callable[[float], Waits], values: Sequence[float]) -> list[Point]:
    results = [outcome(trials, waits(value)) for value in values]
    return [(result.mean_ms, result.per_hundred) for result in results if result.delays_s]
