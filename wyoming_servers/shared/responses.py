"""Spoken sentences for those who are not the intent server: the `responses` of the shipped `intents/<language>/<section>.yaml`."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import yaml

from . import paths

_ENGLISH = "en"


@lru_cache(maxsize=64)  # asked for in the middle of a turn
def responses(language: str, section: str) -> Mapping[str, Any]:
    """Key → sentence of a section; in English where the language has none. Blocking the first time."""
    return {**_section(_ENGLISH, section, section), **_section(language, section, section)}


def apologies(language: str) -> Mapping[str, str]:
    """What a satellite says by the stage of a turn that failed: `asr`, `handle`, `home_assistant`; `answer` when some of it was there.

    A language that has none says that something went wrong, if it can say that; else it is English.
    """
    failed = _section(language, "general", "common").get("failed")
    plain = dict.fromkeys(responses(_ENGLISH, "satellite"), failed) if failed else responses(_ENGLISH, "satellite")
    return {**plain, **_section(language, "satellite", "satellite")}


@lru_cache(maxsize=64)
def _section(language: str, file: str, section: str) -> Mapping[str, Any]:
    """What a language itself has; empty for nothing."""
    family = language.replace("_", "-").partition("-")[0].lower()
    shipped = paths.content("intents") / family / f"{file}.yaml"
    if not family.isalpha() or not shipped.is_file():
        return {}
    return yaml.safe_load(shipped.read_text("utf-8")).get("responses", {}).get(section, {})
