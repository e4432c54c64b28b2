"""What can be said here: the spoken sentences of every language that has some, replaced as a whole when its files change."""

from collections.abc import Mapping
from typing import Any

from .phrases import COMMON, SectionPhrases


class Languages:
    """The sentences of every language that has some. Replaced on the loop, so that nobody sees half of a change."""

    def __init__(self, default: str, responses: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """responses: language → section → key → sentence."""
        self.default = default
        self._responses = dict(responses)

    def has(self, language: str, section: str) -> bool:
        """True when there are sentences of this section in this language."""
        return section in self._responses.get(language, {})

    def phrases(self, language: str, section: str) -> SectionPhrases:
        """One section's sentences, in the default language where the wanted one has none."""
        chosen = language if self.has(language, section) else self.default
        return SectionPhrases(chosen, self._responses.get(chosen, {}), section)

    def spoken(self) -> list[str]:
        """Languages with the common sentences, sorted."""
        return sorted(language for language in self._responses if self.has(language, COMMON))

    def items(self, language: str, key: str) -> list[str]:
        """A common list of words of a language; empty when it has none of its own."""
        return self.phrases(language, COMMON).items(key) if self.has(language, COMMON) else []

    def replace(self, language: str, sections: Mapping[str, Mapping[str, Any]]) -> None:
        """New sentences for one language."""
        self._responses[language] = sections
