"""What sentences in the languages with tools are understood as, without a server."""

from functools import lru_cache
from pathlib import Path

import yaml

from wyoming_servers.handle.matcher import Matcher
from wyoming_servers.handle.phrases import SectionPhrases, read_responses
from wyoming_servers.shared import paths, templates
from wyoming_servers.shared.house import House

LANGUAGES = ("en", "de", "fr", "es", "it", "nl")


@lru_cache
def matcher(language: str) -> Matcher:
    """The shipped templates of one language."""
    conjunctions = phrases(language, "common").items("conjunctions")
    return Matcher(templates.load(language, House(), [paths.content("intents")], scope="text"), conjunctions)


def understood(language: str, text: str) -> tuple[str, dict] | None:
    """Intent and slots of a sentence in small letters, as many recognisers write; None when it is not exactly one command."""
    matches = matcher(language).match(text.lower())
    return (matches[0].intent, matches[0].slots) if len(matches) == 1 else None


@lru_cache
def phrases(language: str, section: str) -> SectionPhrases:
    """What a tool says in one language."""
    return SectionPhrases(language, read_responses(language, [paths.content("intents")]), section)


def response_keys(language: str, section: str, file: str = "") -> set[str]:
    """The names of a tool's sentences in its own file, or in another one."""
    return set(sentences(language, file or section)["responses"][section])


def sentences(language: str, file: str) -> dict:
    """A file of sentences."""
    return yaml.safe_load((Path(paths.content("intents")) / language / f"{file}.yaml").read_text("utf-8"))
