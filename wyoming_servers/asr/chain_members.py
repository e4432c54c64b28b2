"""The engines of a chain: who can run here, who is loaded, and one engine's try at one utterance on a thread of its own."""

import dataclasses
import logging
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..shared.engine_service import engine_options
from ..shared.engines import EngineContext, EngineSpec, Model
from ..shared.errors import AssistantError, EngineError, EngineUnavailableError, UnsupportedLanguageError
from ..shared.house import House
from ..shared.settings import ServerSection
from .engine import AsrEngine, AsrRequest, AsrStream, Transcription
from .languages import matching

_LOGGER = logging.getLogger(__name__)
_MOST_LEFT_BEHIND = 4  # calls that do not end, of one engine: with more it is not asked until some have ended
_CLOSE_S = 0.5  # for calls that are just ending


class Member:
    """One engine of a chain. Its methods may be called on any thread."""

    def __init__(self, spec: EngineSpec, options: Any, context: EngineContext, models: Sequence[Model]) -> None:
        self.name = spec.name
        self.models = tuple(models)
        self.ready = threading.Event()
        """Set while it is loaded."""
        self._spec = spec
        self._options = options
        self._context = context
        self._engine: AsrEngine | None = None
        self._changed = threading.Condition()
        self._left_behind = 0
        self._complaint = ""

    @property
    def installed(self) -> bool:
        """True when loading it downloads nothing."""
        return self.models[0].installed

    def renew(self, house: House) -> None:
        """Names and sentences of the house have changed, also for a member that is loaded later. Blocking."""
        self._context = dataclasses.replace(self._context, house=house)
        if self._engine is not None:
            self._engine.renew(house)

    def load(self) -> None:
        """Blocking, for minutes if need be.

        Raises: EngineError.
        """
        try:
            engine = self._spec.load_class()(self._options, self._context)
        except AssistantError as err:
            raise EngineError(f"{self.name}: {err}") from err
        except Exception as err:  # whatever a library raises: the others of the chain go on
            raise EngineError(f"{self.name} could not be loaded: {err}") from err
        self._engine = engine
        self.ready.set()

    def can_hear(self, language: str | None) -> bool:
        """True when it is loaded, answers, and knows the language."""
        with self._changed:
            if not self.ready.is_set() or self._left_behind >= _MOST_LEFT_BEHIND:
                return False
        try:
            self._tag(language)
        except UnsupportedLanguageError:
            return False
        return True

    def open(self, request: AsrRequest) -> AsrStream:
        """Begins an utterance with the member's own name for the language, and its default model.

        Raises: EngineError when it was closed meanwhile, and what the engine raises.
        """
        engine = self._engine
        if engine is None:
            raise EngineError(f"{self.name} is closed")
        return engine.open(dataclasses.replace(request, language=self._tag(request.language), model=None))

    def complain(self, text: str) -> None:
        """Tells the owner, once for each thing that goes wrong."""
        level = logging.DEBUG if text == self._complaint else logging.WARNING
        self._complaint = text
        _LOGGER.log(level, "chain: %s", text)

    def left_behind(self, more: int) -> None:
        """So many more of its calls are waited for by nobody; negative when they have ended."""
        with self._changed:
            self._left_behind += more
            self._changed.notify_all()
            full = more > 0 and self._left_behind == _MOST_LEFT_BEHIND
        if full:
            _LOGGER.warning("chain: %d calls of %s have not ended; it is not asked until one has", _MOST_LEFT_BEHIND, self.name)

    def close(self) -> None:
        """Frees the engine, unless a call is still in it."""
        with self._changed:
            self.ready.clear()
            engine, self._engine = self._engine, None
            busy = not self._changed.wait_for(lambda: not self._left_behind, _CLOSE_S)
        if engine is None:
            return
        if busy:
            _LOGGER.warning("chain: a call of %s has not ended, the engine is left open", self.name)
        else:
            engine.close()

    def _tag(self, language: str | None) -> str | None:
        return None if language is None else matching(language, [tag for model in self.models for tag in model.languages])


def lineup(specs: Sequence[EngineSpec], names: Sequence[str], context: EngineContext) -> tuple[list[Member], list[str]]:
    """The engines of these names that can run here, be it after a download, and why each of the others cannot. Loads nothing.

    Raises: EngineUnavailableError for a name that is no engine; SettingsError for options that are wrong.
    """
    members, reasons = [], []
    section = ServerSection(engines=dict(context.engines.get("asr", {})))
    known = {spec.name: spec for spec in specs if spec.name != "chain"}
    for name in names:
        if (spec := known.get(name)) is None:
            raise EngineUnavailableError(f"cannot ask {name!r}; it can ask: {', '.join(known)}")
        options = engine_options("asr", section, spec)
        if reason := spec.lacks(options, context):
            reasons.append(f"{spec.name} {reason}")
        else:
            members.append(Member(spec, options, context, spec.load_class().models(options, context)))
    return members, reasons


class Recording:
    """One utterance's audio, kept once for all who listen. Read and changed only while `changed` is held."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        """Notified whenever audio comes, and whenever an attempt gets on."""
        self.pieces: list[np.ndarray] = []
        """(n,) int16 mono 16 kHz each."""
        self.ended = False
        """True once all of it is here."""


class Attempt:
    """One member's try at one utterance, begun at once. It changes only while the recording's `changed` is held."""

    def __init__(self, member: Member, recording: Recording, request: AsrRequest) -> None:
        self.member = member
        self.hypothesis: str | None = None
        """The newest; None until there is one."""
        self.heard_pieces = 0
        """How many pieces of the recording it has worked off."""
        self.result: Transcription | None = None
        self.error: Exception | None = None
        self._recording = recording
        self._request = request
        self._stream: AsrStream | None = None
        self._given_up = False
        threading.Thread(target=self._work, name=f"asr-chain {member.name}", daemon=True).start()

    @property
    def done(self) -> bool:
        """True once it has a result or has failed."""
        return self.result is not None or self.error is not None

    def give_up(self) -> None:
        """Nobody wants its result any more: it ends as soon as the engine lets it."""
        with self._recording.changed:
            if self.done or self._given_up:
                return
            self._given_up = True
            self.member.left_behind(1)
            self._recording.changed.notify_all()
            if self._stream is not None:
                self._stream.cancel()  # while we hold `changed` it is not closed

    def _work(self) -> None:
        result, error = None, None
        try:
            result = self._recognise()
        except Exception as err:  # handed to the chain, which asks the next engine
            error = err
        with self._recording.changed:
            self.result, self.error = result, error
            if self._given_up:
                self.member.left_behind(-1)
            self._recording.changed.notify_all()

    def _recognise(self) -> Transcription:
        stream = self.member.open(self._request)
        try:
            with self._recording.changed:
                self._stream = stream
            while (pieces := self._next_pieces()) is not None:
                hypothesis = stream.feed(np.concatenate(pieces))
                with self._recording.changed:
                    self.heard_pieces += len(pieces)
                    self.hypothesis = self.hypothesis if hypothesis is None else hypothesis
                    self._recording.changed.notify_all()
            return stream.finish()
        finally:
            with self._recording.changed:
                self._stream = None
            stream.close()

    def _next_pieces(self) -> list[np.ndarray] | None:
        """What has come since, waited for; None after the last.

        Raises: EngineError when it is given up.
        """
        recording = self._recording
        with recording.changed:
            recording.changed.wait_for(lambda: self._given_up or recording.ended or len(recording.pieces) > self.heard_pieces)
            if self._given_up:
                raise EngineError("the request was given up")
            return recording.pieces[self.heard_pieces :] or None
