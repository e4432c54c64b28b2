"""`earshot languages`: which languages are spoken here, and what one of them still lacks."""

import argparse
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..handle.phrases import languages_of, read_responses
from ..shared import number_words, paths, templates
from ..shared.context import intents_dirs
from ..shared.errors import UnsupportedLanguageError
from ..shared.house import House
from ..shared.settings import Settings
from .common import load_settings, settings_arguments

_MODEL = "en"
"""The language whose files the others are translated from."""


@dataclass(frozen=True)
class FileState:
    """One shipped file of sentences, seen from one language."""

    name: str
    """`timers`; those that begin with `_` are shared by several tools."""
    begun: bool
    """There is at least one of its answers."""
    lacks: tuple[str, ...]
    """Answers, as `section.key`, that every other language has; `section.key: few` where only that form is missing."""
    unheard: tuple[str, ...]
    """Intents that no sentence of this language leads to."""

    @property
    def complete(self) -> bool:
        """Nothing is missing."""
        return not self.lacks and not self.unheard


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the language and the form."""
    settings_arguments(parser)
    parser.add_argument("language", nargs="?", metavar="LANGUAGE", help="what this one lacks, such as sv (default: a line for each)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Exit 0.

    Raises: SettingsError, UnsupportedLanguageError.
    """
    settings = load_settings(args)
    if args.language and not templates.known_language(args.language):
        raise UnsupportedLanguageError(f"Home Assistant has no sentences in {args.language!r}; it has: {', '.join(templates.languages())}")
    wanted = [templates.family(args.language)] if args.language else languages_of(intents_dirs(settings))
    found = {language: states(language, settings) for language in wanted}
    if args.json:
        print(json.dumps({language: [asdict(state) for state in files] for language, files in found.items()}, indent=1))
    elif args.language:
        print("\n".join([_numbers(wanted[0]), *(_line(state) for state in found[wanted[0]])]))
    else:
        for language, files in found.items():
            print(f"{language}  {sum(state.complete for state in files)} of {len(files)} files; {_numbers(language)}")
    return 0


def states(language: str, settings: Settings) -> list[FileState]:
    """The shipped files, with what a language's own files, and the owner's, lack of them. Blocking.

    Raises: SettingsError that names a file that cannot be read.
    """
    folders = intents_dirs(settings)
    family = templates.family(language)
    answers = read_responses(language, folders)
    heard = set(templates.load(language, House(), folders, scope="text").intents.intents)
    shipped = paths.content("intents")
    return [_state(path, shipped, family, answers, heard) for path in sorted((shipped / _MODEL).glob("*.yaml"))]


def _state(model: Path, shipped: Path, language: str, answers: Mapping[str, Mapping[str, Any]], heard: set[str]) -> FileState:
    translations = [templates.read_yaml(path) for path in sorted(shipped.glob(f"*/{model.name}"))]
    keys = [_keys(content) for content in translations]
    needed = set.intersection(*[theirs for theirs in keys if len(theirs) * 2 > len(_keys(templates.read_yaml(model)))])
    there = {f"{section}.{key}" for section, sentences in answers.items() for key in sentences}
    intents = set(templates.read_yaml(model).get("intents") or {})
    lacks = [*sorted(needed - there), *_missing_forms(language, answers, needed & there)]
    return FileState(model.stem, bool(needed & there) or not needed, tuple(lacks), tuple(sorted(intents - heard)))


def _missing_forms(language: str, answers: Mapping[str, Mapping[str, Any]], names: Collection[str]) -> Iterator[str]:
    """Sentences with a number that are told apart by fewer forms than the language has."""
    wanted = number_words.plural_forms(language)
    for name in sorted(names):
        section, _, key = name.partition(".")
        forms = answers[section][key]
        if isinstance(forms, Mapping) and forms.keys() & {*wanted, "other"}:
            yield from (f"{name}: {form}" for form in wanted if form not in forms and not (form == "one" and 1 in forms))


def _keys(content: Mapping[str, Any]) -> set[str]:
    return {f"{section}.{key}" for section, sentences in (content.get("responses") or {}).items() for key in sentences}


def _line(state: FileState) -> str:
    if state.complete:
        return f"{state.name:<12} complete"
    if not state.begun:
        return f"{state.name:<12} not translated"
    return f"{state.name:<12} {'; '.join(_missing(state))}"


def _missing(state: FileState) -> Sequence[str]:
    lacks = [f"lacks {', '.join(state.lacks)}"] if state.lacks else []
    return lacks + ([f"has no sentences for {', '.join(state.unheard)}"] if state.unheard else [])


def _numbers(language: str) -> str:
    if language in number_words.languages():
        return "numbers are said in words"
    return f"numbers are said in digits: there is no wyoming_servers/shared/spoken/{language}.yaml"
