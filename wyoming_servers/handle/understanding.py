"""The sentences of the house: read at the start, per language when it is first used, and anew when their files change."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from ..shared import templates
from ..shared.context import intents_dirs
from ..shared.errors import AssistantError, SettingsError
from ..shared.house_source import HouseSource
from ..shared.sentence_watch import changes, look
from ..shared.settings import Settings
from ..shared.templates import Templates, family, known_language
from .languages import Languages
from .matcher import Matcher
from .matchers import Matchers
from .phrases import COMMON, languages_of, read_responses

_LOGGER = logging.getLogger(__name__)
_Sections = Mapping[str, Mapping[str, Any]]


class Understanding:
    """Templates and spoken sentences, of the folders the settings name."""

    languages: Languages
    matchers: Matchers
    source: HouseSource
    """The names of the house, and its devices."""

    def __init__(self, settings: Settings, matcher: Matcher | None = None) -> None:
        """matcher: the house language's, made already."""
        self.house_language = known_language(settings.language) or family(settings.language)
        self.revision = 0
        """Goes up when there is something to be said in another language."""
        self._settings = settings
        self._folders = intents_dirs(settings)
        self._made = matcher
        self._first: Templates | None = None
        self._exchanging = asyncio.Lock()

    def prepare(self) -> None:
        """Reads what is spoken in all languages, and the templates of the house's. Blocking.

        Raises: SettingsError that names the file; UnsupportedLanguageError.
        """
        handle, own = self._settings.handle, family(self.house_language)
        self.source = HouseSource(self._settings)
        self._seen = look(self._folders)
        if self._made is None:
            self._first = self._templates(self.house_language, strict=True)
        read = {name: read_responses(name, self._folders, _left_out) for name in languages_of(self._folders) if name != own}
        self.languages = Languages(own, {**read, own: read_responses(own, self._folders)})
        if not self.languages.has(own, COMMON):
            _LOGGER.warning("Earshot has no answers in language %r yet; it can only say that it does not understand", own)
        self.matchers = Matchers(self._load, self.house_language, waiting=handle.waiting, most=handle.languages)

    def answered(self) -> list[str]:
        """Languages that are understood and spoken, the house's first."""
        spoken = [name for name in self.languages.spoken() if known_language(name)]
        return sorted(spoken, key=lambda name: (name != self.languages.default, name))

    async def watch(self) -> None:
        """Takes over changed files, until it is cancelled. What is wrong is logged, and what was read before stays in use."""
        if self._settings.handle.reload_s:
            async for changed in changes(self._folders, self._seen, self._settings.handle.reload_s):
                for name in sorted({family(folder) for folder in changed}):
                    await self._take_over(name, "sentences")

    async def follow(self) -> None:
        """Takes over changed names of the house, until it is cancelled."""
        async for _ in self.source.changes():
            self._made = self._first = None  # made with the names before
            for name in sorted({family(code) for code in self.matchers.loaded()}):
                await self._take_over(name, "names")

    async def _take_over(self, language: str, what: str) -> None:
        async with self._exchanging:
            await self._exchange(language, what)

    async def _exchange(self, language: str, what: str) -> None:
        codes = [code for code in self.matchers.loaded() if family(code) == language]
        try:
            sections, fresh = await asyncio.to_thread(self._read_anew, language, codes)
        except AssistantError as err:
            _LOGGER.error("changed %s are not used: %s; what was read before stays in use", what, err)
            return
        except Exception:  # hassil has errors of its own for templates that lead nowhere
            _LOGGER.exception("changed %s in language %s are not used; what was read before stays in use", what, language)
            return
        before = self.answered()
        await self.matchers.exchange(fresh, lambda: self.languages.replace(language, sections))
        self.revision += self.answered() != before
        _LOGGER.info("%s in language %s were changed and are in use", what, language)

    def _read_anew(self, language: str, codes: list[str]) -> tuple[_Sections, dict[str, Matcher]]:
        """Everything of a language, or an error."""
        sections = read_responses(language, self._folders)
        fresh = {code: self._matcher(self._templates(code, strict=True), sections) for code in codes}
        if not codes and known_language(language):
            self._templates(language, strict=True)  # what is wrong is said now, not when somebody speaks it
        return sections, fresh

    def _load(self, code: str) -> Matcher:
        """The matcher of a language that is used for the first time."""
        loaded = None
        if code == self.house_language:
            if self._made:
                return self._made
            loaded, self._first = self._first, None
        sections = {COMMON: {key: self.languages.items(family(code), key) for key in ("conjunctions", "unfinished")}}
        return self._matcher(loaded or self._templates(code, strict=False), sections)

    def _templates(self, code: str, *, strict: bool) -> Templates:
        broken = None if strict else _left_out
        return templates.load(code, self.source.house, self._folders, scope="text", broken=broken)

    def _matcher(self, loaded: Templates, sections: _Sections) -> Matcher:
        conjunctions, unfinished = ([str(word) for word in sections.get(COMMON, {}).get(key, ())] for key in ("conjunctions", "unfinished"))
        matcher = Matcher(loaded, conjunctions, unfinished)
        if loaded.language == self.house_language:
            matcher.prospect("a")  # the first takes long
        return matcher


def _left_out(err: SettingsError) -> None:
    _LOGGER.error("a file of sentences is left out: %s", err)
