"""Which engines did best on this machine: written by a bake-off, read by `engine: auto`."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from . import paths

_LOGGER = logging.getLogger(__name__)


def ranking_file(kind: str) -> Path:
    """Where the ranking of one kind is kept."""
    return paths.state_dir() / "bakeoff" / f"{kind}.json"


def ranking(kind: str) -> tuple[str, ...]:
    """Names of engines from best to worst; empty when there was no bake-off."""
    try:
        names = json.loads(ranking_file(kind).read_text(encoding="utf-8"))["ranking"]
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError):
        _LOGGER.warning("%s cannot be read and is ignored; `earshot bakeoff %s` writes it anew", ranking_file(kind), kind)
        return ()
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def keep_ranking(kind: str, names: Sequence[str]) -> Path:
    """Remembers a bake-off's result; returns the file."""
    file = ranking_file(kind)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(json.dumps({"ranking": list(names)}, indent=2) + "\n", encoding="utf-8")
    new.replace(file)
    return file
