"""The score a word needs: the settings', and what the owner has changed since, while streams are open."""

import json
import logging
import math
from collections.abc import Mapping
from pathlib import Path

from ..shared.errors import InvalidRequestError

LOWEST, HIGHEST = 0.01, 1.0
_COMMON = 0.5
_LOGGER = logging.getLogger(__name__)


class Thresholds:
    """One engine's. Streams ask for every batch of audio, on their threads; changes come from the event loop."""

    def __init__(self, default: float, words: Mapping[str, float]) -> None:
        """default: of words that the settings do not name, 0 for what their makers recommend; words: the settings' for single words."""
        self._default = default
        self._words = dict(words)
        self._recommended: dict[str, float] = {}
        self._changed: dict[str, float] = {}

    def recommend(self, name: str, threshold: float) -> None:
        """What the maker of one word's model recommends."""
        self._recommended[name] = threshold

    def of(self, name: str) -> float:
        """The threshold of one word."""
        return self._changed.get(name) or self._words.get(name) or self._default or self._recommended.get(name, _COMMON)

    def change(self, name: str, threshold: float | None) -> None:
        """From now on, for streams that are open too; None goes back to the settings.

        Raises: InvalidRequestError when it is out of range.
        """
        if threshold is None:
            self._changed.pop(name, None)
            return
        known = isinstance(threshold, int | float) and not isinstance(threshold, bool) and math.isfinite(threshold)
        if not known or not LOWEST <= threshold <= HIGHEST:
            raise InvalidRequestError(f"threshold of {name}: {threshold!r} is no number from {LOWEST:g} to {HIGHEST:g}")
        self._changed[name] = float(threshold)

    def keep(self, file: Path) -> None:
        """Writes what was changed, so that it outlives the server."""
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        new.write_text(json.dumps(self._changed, indent=1) + "\n", encoding="utf-8")
        new.replace(file)

    def restore(self, file: Path) -> None:
        """Takes up what was kept; a damaged file is told and left alone."""
        try:
            for name, threshold in json.loads(file.read_text(encoding="utf-8")).items():
                self.change(name, threshold)
        except FileNotFoundError:
            pass
        except (OSError, ValueError, AttributeError, InvalidRequestError) as err:
            _LOGGER.warning("changed thresholds in %s cannot be used: %s", file, err)
