"""What was changed while a satellite ran, kept for its next start."""

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..shared import paths

_LOGGER = logging.getLogger(__name__)


class Remembered:
    """One JSON object of one satellite. Counts until the owner changes the setting that it stands for. Its methods block."""

    def __init__(self, subject: str, name: str, configured: Any, folder: Path | None = None) -> None:
        """subject: what it is about, for the file's name and messages. name: the satellite's. configured: what the settings say.

        folder: where it is kept; None means Earshot's state folder.
        """
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]  # a name may hold anything, a file name must not
        self._subject = subject
        self._file = (folder or paths.state_dir()) / f"{subject}-{digest}.json"
        self._configured = configured

    def read(self) -> dict[str, Any]:
        """What was kept; empty when there is nothing, or when the setting has been changed since."""
        with contextlib.suppress(OSError, ValueError):
            kept = json.loads(self._file.read_text("utf-8"))
            if isinstance(kept, dict) and kept.pop("configured", None) == self._configured:
                return kept
        return {}

    def write(self, kept: Mapping[str, Any]) -> None:
        """Keeps it; a disk that cannot be written is a warning."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=self._file.parent, prefix=self._file.name)
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                json.dump({**kept, "configured": self._configured}, out)
            Path(draft).replace(self._file)
        except OSError as err:
            _LOGGER.warning("the %s is not remembered: %s cannot be written: %s", self._subject, self._file, err.strerror)
