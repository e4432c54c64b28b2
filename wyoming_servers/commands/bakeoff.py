"""`earshot bakeoff KIND`: engines side by side on this machine; a table, JSON, a page, a picture, and the settings of the winner."""

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .. import services
from ..bakeoff import inputs, page, results
from ..bakeoff.candidates import LLM_SYNTAX, SYNTAX, Candidate, parse_all
from ..bakeoff.choosing import ChoosingMeasure
from ..bakeoff.hearing import HearingMeasure
from ..bakeoff.race import Measure, race
from ..bakeoff.speaking import SpeakingMeasure
from ..bakeoff.waking import WakingMeasure
from ..bakeoff.wording import Meaning
from ..handle.matcher import Matcher
from ..llm.openai_api import talks
from ..shared import paths
from ..shared.context import engine_context, intents_dirs
from ..shared.engine_service import engine_options
from ..shared.engines import find
from ..shared.errors import EngineUnavailableError, SettingsError
from ..shared.machine import machine
from ..shared.ranking import keep_ranking
from ..shared.settings import Settings
from ..shared.templates import load
from .common import load_settings, run_until_stopped, settings_arguments
from .labelled import labelled, opener, shipped
from .peers import servers_for

_LLM = "llm"
_KINDS = (*sorted(services.ENGINES), _LLM)
_ROUNDS = 3
_LISTENER_S = 30.0
_WAKE_PHRASES = ("hey jarvis", "alexa", "okay nabu", "hey mycroft")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    parser.add_argument("kind", choices=_KINDS, metavar="KIND", help=", ".join(_KINDS))
    parser.add_argument("--candidates", nargs="+", metavar="CANDIDATE", help=f"{SYNTAX}; {LLM_SYNTAX} (default: all that are ready here)")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="your own recordings (tts: sentences.txt; llm: labelled sentences as .yaml); default: what comes with Earshot",
    )
    parser.add_argument(
        "--rounds", type=int, metavar="N", help=f"how often everyone is started and asked everything (default: {_ROUNDS}; llm: 1)"
    )
    parser.add_argument("--floor", type=float, default=0.9, metavar="SHARE", help="accuracy from which speed decides (default: 0.9)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where results.json, index.html and plot.png go")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    settings_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Exit 0 when somebody could be measured.

    Raises: SettingsError, EngineUnavailableError.
    """
    if args.rounds is None:
        args.rounds = 1 if args.kind == _LLM else _ROUNDS
    if args.rounds < 1:
        raise SettingsError("--rounds must be 1 or more")
    if not 0 <= args.floor <= 1:
        raise SettingsError("--floor must be between 0 and 1, for example 0.9")
    settings = load_settings(args)
    candidates = [] if args.kind == _LLM else _candidates(args.kind, args.candidates, settings)
    return run_until_stopped(_bake(args, settings, candidates))


async def _bake(args: argparse.Namespace, settings: Settings, candidates: Sequence[Candidate]) -> int:
    async with contextlib.AsyncExitStack() as stack:
        candidates = candidates or await _language_models(args.candidates, settings)
        measure = await _measure(args, settings, stack)
        further = [
            *(("--config", str(args.config.resolve())) if args.config else ()),
            *(word for text in args.set for word in ("--set", text)),
        ]
        entries = await race(candidates, measure, args.rounds, further, lambda line: print(line, file=sys.stderr))
    date = time.strftime("%Y-%m-%d")
    outcome = results.Outcome(args.kind, machine(), date, args.rounds, len(measure.items), args.floor, measure.unit, entries)
    folder = args.out or paths.state_dir() / "bakeoff" / time.strftime(f"{args.kind}-%Y%m%d-%H%M%S")
    await asyncio.to_thread(_write, outcome, folder, measure)
    print(results.as_json(outcome) if args.json else results.table(outcome))
    print(f"\nWritten: {folder / 'results.json'}, index.html, plot.png", file=sys.stderr)
    return 0 if outcome.ranked else 1


def _write(outcome: results.Outcome, folder: Path, measure: Measure) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(results.as_json(outcome), encoding="utf-8")
    picture = None
    if outcome.ranked:
        try:
            picture = page.plot(outcome)
            (folder / "plot.png").write_bytes(picture)
        except EngineUnavailableError as err:
            print(f"No plot.png: {err}", file=sys.stderr)
        names = [measure.auto_name(entry.candidate) for entry in outcome.ranked if entry.accuracy is not None]
        if names := list(dict.fromkeys(filter(None, names))):
            keep_ranking(outcome.kind, names)
    (folder / "index.html").write_text(page.page(outcome, picture), encoding="utf-8")


def _candidates(kind: str, texts: Sequence[str] | None, settings: Settings) -> list[Candidate]:
    specs, section, context = services.engines(kind), getattr(settings, kind), engine_context(settings)
    if not texts:
        ready = [spec.name for spec in specs if spec.ready(engine_options(kind, section, spec), context)]
        if not ready:
            raise EngineUnavailableError(f"no engine for {kind} is ready here; `earshot engines` says what they lack")
        return parse_all(kind, ready)
    candidates = parse_all(kind, texts)
    for candidate in candidates:
        if candidate.engine:
            find(specs, candidate.engine)
    return candidates


async def _language_models(texts: Sequence[str] | None, settings: Settings) -> list[Candidate]:
    """Those that are named, else all of llm.base_url.

    Raises: SettingsError, PeerError, EngineUnavailableError.
    """
    if texts:
        return parse_all(_LLM, texts)
    engine = await asyncio.to_thread(opener(settings, "bakeoff"), settings.llm)
    try:
        offer = await engine.probe()
    finally:
        await engine.close()
    return parse_all(_LLM, [name for name in offer.models if talks(name)] or [offer.model])


async def _measure(args: argparse.Namespace, settings: Settings, stack: contextlib.AsyncExitStack) -> Measure:
    language = settings.language
    if args.kind == _LLM:
        files = sorted(args.data.glob("*.yaml")) if args.data else shipped(language)
        cases, tools = labelled(files)
        return ChoosingMeasure(cases, [tool for tool in tools if tool.offered], settings.llm, opener(settings, "bakeoff"))
    if args.kind == "wake":
        spoken = inputs.recordings(args.data) if args.data else inputs.spoken_wake_words(_WAKE_PHRASES, language)
        return WakingMeasure(spoken)
    meaning = await asyncio.to_thread(_meaning, settings)
    if args.kind == "asr":
        return HearingMeasure(
            inputs.recordings(args.data) if args.data else inputs.spoken_commands(language), meaning, language, args.rounds
        )
    sentences = inputs.sentences(args.data) if args.data else [*inputs.COMMANDS, *inputs.ANSWERS]
    listener = (await (await stack.enter_async_context(servers_for(["asr"], settings))).pick("asr", _LISTENER_S)).uri
    return SpeakingMeasure(sentences, listener, meaning, language)


def _meaning(settings: Settings) -> Meaning:
    """What a sentence commands in the owner's house."""
    matcher = Matcher(load(settings.language, settings.house, intents_dirs(settings), scope="text"))

    def meaning(text: str) -> tuple | None:
        matches = matcher.match(text)
        return tuple((match.intent, tuple(sorted((key, str(value)) for key, value in match.slots.items()))) for match in matches) or None

    return meaning
