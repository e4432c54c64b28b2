"""Written text to what a voice is given: no markup, the owner's pronunciations, numbers and signs in words."""

import asyncio
from pathlib import Path

from ..shared.pronunciation import FOLDER, Pronunciations
from ..shared.settings import TtsSection
from ..shared.speakable import speakable
from ..shared.spoken_numbers import SpokenNumbers, plain_signs, spoken_numbers


class TextFront:
    """For one server; takes pieces of at most a sentence. A piece costs a few tenths of a millisecond."""

    def __init__(self, section: TtsSection, data_dir: Path) -> None:
        """data_dir: the owner's, with their pronunciations."""
        self._normalize = section.normalize
        self._pronunciations = Pronunciations(section.pronunciations, data_dir / FOLDER)
        self._numbers: dict[str, SpokenNumbers | None] = {}

    @property
    def version(self) -> str:
        """Another one when the owner has changed pronunciations; empty while there are none in files."""
        return self._pronunciations.version

    async def load(self, language: str) -> None:
        """Makes a language (BCP 47) ready, off the loop. To be called before `said`."""
        if self._normalize and language not in self._numbers:
            self._numbers[language] = await asyncio.to_thread(spoken_numbers, language)

    def said(self, piece: str, language: str) -> str:
        """What is to be said; empty when nothing is."""
        text = speakable(piece)
        if not text:
            return ""
        text = self._pronunciations.respell(text, language)
        if self._normalize:
            numbers = self._numbers.get(language)
            text = numbers.say(text) if numbers else plain_signs(text)
        return " ".join(text.split())
