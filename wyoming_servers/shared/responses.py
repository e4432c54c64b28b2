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
    family = language.replace("_", "-").partition("-")[0].lower()
    shipped = paths.content("intents") / family / f"{section}.yaml"
    english = {} if family == _ENGLISH else responses(_ENGLISH, section)
    if not family.isalpha() or not shipped.is_file():
        return english
    return {**english, **yaml.safe_load(shipped.read_text("utf-8"))["responses"][section]}


def apologies(language: str) -> Mapping[str, str]:
    """What a satellite says by the stage of a turn that failed: `asr`, `handle`, `home_assistant`; `answer` when some of it was there."""
    return responses(language, "satellite")
