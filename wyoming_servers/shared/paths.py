"""Where things lie: the shipped content, and the owner's folders (XDG)."""

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_ELSEWHERE = {"routing": "tests/routing"}
"""Content that is not at the top of the checkout."""


def content(name: str) -> Path:
    """The shipped folder `config`, `intents`, `routing` or `tools`: inside an installed wheel, else in the checkout."""
    bundled = _PACKAGE / "_bundled" / name
    return bundled if bundled.is_dir() else _PACKAGE.parent / _ELSEWHERE.get(name, name)


def in_checkout() -> bool:
    """True when this runs from a clone of the repository."""
    return (_PACKAGE.parent / "script" / "setup").is_file()


def config_dir() -> Path:
    """The owner's settings: $XDG_CONFIG_HOME/earshot."""
    return _xdg("XDG_CONFIG_HOME", ".config")


def data_dir() -> Path:
    """The owner's models, wake words, sentences and tools: $XDG_DATA_HOME/earshot."""
    return _xdg("XDG_DATA_HOME", ".local/share")


def state_dir() -> Path:
    """What Earshot must remember (timers, its identity): $XDG_STATE_HOME/earshot."""
    return _xdg("XDG_STATE_HOME", ".local/state")


def cache_dir() -> Path:
    """What can be made again: $XDG_CACHE_HOME/earshot."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def _xdg(variable: str, fallback: str) -> Path:
    base = os.environ.get(variable)
    return (Path(base) if base else Path.home() / fallback) / "earshot"
