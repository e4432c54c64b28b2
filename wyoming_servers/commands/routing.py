"""`earshot routing`: do labelled sentences lead to the right tools, with a language model or by the templates alone?"""

import argparse
import asyncio
import json
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ..handle.routing import Graded, template_choice, try_model
from ..shared import templates
from ..shared.settings import Settings
from .common import load_settings, settings_arguments
from .labelled import labelled, opener, shipped

_GRADES = ("wrong tool", "wrong arguments", "false call", "missed", "failed")
_COLUMNS = ("", "sentences", "right", *_GRADES, "prompt", "cached", "generated", "median s", "p95 s")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="labelled sentences (default: those that come with Earshot)")
    parser.add_argument("--base-url", metavar="URL", help="endpoint of the language model (default: llm.base_url of the settings)")
    parser.add_argument("--model", action="append", default=[], help="which of its models; several are compared")
    parser.add_argument("--templates", action="store_true", help="try the sentence templates instead of a language model")
    parser.add_argument("--language", action="append", default=[], help="only sentences in this language")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N sentences of each file")
    parser.add_argument("--json", action="store_true", help="print one object with every sentence")
    settings_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Prints a table. Exit 0 when every sentence could be tried.

    Raises: InvalidRequestError, SettingsError, EngineUnavailableError.
    """
    settings = load_settings(args)
    cases, tools = labelled(args.files or shipped(), args.language, args.limit)
    if args.templates:
        results = {"templates": _by_templates(settings, tools, cases)}
    else:
        results = asyncio.run(_by_models(args, settings, [tool for tool in tools if tool.offered], cases))
    print(json.dumps(_as_json(results), ensure_ascii=False) if args.json else _page(results))
    return 0 if all(graded.grade != "failed" for trial in results.values() for graded in trial) else 1


def _by_templates(settings: Settings, tools: Sequence[Any], cases: Sequence[Any]) -> list[Any]:
    from ..handle.matcher import Matcher
    from ..handle.phrases import COMMON, read_responses
    from ..shared.context import intents_dirs

    graded, folders = [], intents_dirs(settings)
    for language in dict.fromkeys(case.language for case in cases):
        conjunctions = read_responses(language, folders).get(COMMON, {}).get("conjunctions", ())
        matcher = Matcher(templates.load(language, settings.house, folders, scope="text"), [str(word) for word in conjunctions])
        graded += [Graded(case, template_choice(matcher, tools, case.text)) for case in cases if case.language == language]
    return graded


async def _by_models(args: argparse.Namespace, settings: Settings, tools: Sequence[Any], cases: Sequence[Any]) -> dict[str, list[Any]]:
    options = replace(settings.llm, base_url=args.base_url or settings.llm.base_url)
    make = opener(settings, "routing")
    results: dict[str, list[Any]] = {}
    for name in args.model or [options.model]:
        engine = make(replace(options, model=name))
        done = 0

        def told(graded: Graded) -> None:
            nonlocal done
            done += 1
            if sys.stderr.isatty():
                print(f"\r{done}/{len(cases)} {graded.grade[:20]:20}", end="", file=sys.stderr, flush=True)

        try:
            offer = await engine.probe()
            results[offer.model] = await try_model(engine, tools, cases, datetime.now().astimezone(), told, options.prompt)
        finally:
            await engine.close()
            if sys.stderr.isatty():
                print(file=sys.stderr)
    return results


def _page(results: dict[str, list[Any]]) -> str:
    rows = [_COLUMNS]
    for name, trial in results.items():
        rows.append(_row(name, trial))
        languages = list(dict.fromkeys(graded.case.language for graded in trial))
        rows += [_row(f"  {language}", [graded for graded in trial if graded.case.language == language]) for language in languages[:20]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [
        "  ".join(
            cell.ljust(width) if not column else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    for name, trial in results.items():
        lines += [f"{name}: {graded.grade}: {_wrong(graded)}" for graded in trial if graded.grade != "right"]
    return "\n".join(lines)


def _row(name: str, trial: Sequence[Any]) -> tuple[str, ...]:
    figures = _figures(trial)
    counts = [str(figures[grade]) for grade in _GRADES]
    tokens = [f"{figures[key]:.0f}" for key in ("prompt", "cached", "generated")]
    return (
        name,
        str(figures["sentences"]),
        f"{figures['right']:.1%}",
        *counts,
        *tokens,
        *(f"{figures[key]:.2f}" for key in ("median_s", "p95_s")),
    )


def _figures(trial: Sequence[Any]) -> dict[str, Any]:
    """Tokens are means per sentence."""
    grades = Counter(graded.grade for graded in trial)
    seconds = sorted(graded.choice.seconds for graded in trial)
    usages = [graded.choice.usage for graded in trial]
    mean = {key: statistics.fmean(getattr(usage, key) for usage in usages) for key in ("prompt", "cached", "generated")}
    times = {"median_s": statistics.median(seconds), "p95_s": seconds[min(len(seconds) - 1, int(len(seconds) * 0.95))]}
    return {"sentences": len(trial), "right": grades["right"] / len(trial), **{grade: grades[grade] for grade in _GRADES}, **mean, **times}


def _wrong(graded: Any) -> str:
    case, choice = graded.case, graded.choice
    got = choice.failure or f"{choice.tool} {_shown(choice.args)}"
    return f"{case.text!r} ({case.language}): {got} instead of {case.tool} {_shown(case.args)}".replace(" instead", ", instead", 1)


def _shown(args: Any) -> str:
    return json.dumps(dict(args), ensure_ascii=False, default=str) if args else ""


def _as_json(results: dict[str, list[Any]]) -> dict[str, Any]:
    def row(graded: Any) -> dict[str, Any]:
        case, choice = graded.case, graded.choice
        told = {"text": case.text, "language": case.language, "tool": case.tool, "args": dict(case.args), "grade": graded.grade}
        told |= {"got": {"tool": choice.tool, "args": dict(choice.args)}, "failure": choice.failure, "seconds": round(choice.seconds, 3)}
        return told | {"prompt": choice.usage.prompt, "cached": choice.usage.cached, "generated": choice.usage.generated}

    return {name: {"summary": _figures(trial), "sentences": [row(graded) for graded in trial]} for name, trial in results.items()}
