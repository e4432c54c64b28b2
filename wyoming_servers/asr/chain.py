"""Several recognisers in order: a quick one that knows when it is unsure, and others that are asked then."""

import dataclasses
import functools
import logging
import math
import threading
import time
from dataclasses import dataclass

import numpy as np

from ..shared.audio import FRAME_SAMPLES
from ..shared.engines import EngineContext, Model
from ..shared.errors import DeadlineError, EngineError, EngineUnavailableError, UnknownNameError, UnsupportedLanguageError
from ..shared.house import House
from ..shared.schema import option
from . import ENGINES
from .chain_members import Attempt, Member, Recording, lineup
from .engine import AsrEngine, AsrRequest, AsrStream, Transcription
from .speech_gate import SpeechGate

_LOGGER = logging.getLogger(__name__)
_NAME = "chain"
_SPEECH = 0.5  # Silero's own threshold
_ONSET_FRAMES = 3  # of 32 ms: "yes" has eight, a click has one


@dataclass(frozen=True)
class ChainOptions:
    """Settings of the chain."""

    engines: tuple[str, ...] = option(
        ("phrases", "faster-whisper"), "recognisers in the order they are asked; each has its own options under asr.engines"
    )
    confidence: float = option(
        0.6, "confidence from which an answer is taken; below it the next engine is asked, and the last is believed", minimum=0, maximum=1
    )
    slow_s: float = option(
        3.0, "seconds after the end of speech that an engine may take before the next is asked as well", minimum=0.1, maximum=60
    )
    give_up_s: float = option(
        15.0, "seconds after the end of speech when the best answer so far is taken; keep it below asr.deadline_s", minimum=0.5, maximum=600
    )
    parallel: bool = option(
        False, "all engines listen from the beginning: the later ones answer sooner, and cost their power for every sentence"
    )


class ChainEngine(AsrEngine):
    """Asks several recognisers in order, for example `phrases` first, which answers in a tenth of a second and knows when it is
    unsure, and Whisper for everything else. The next engine is asked when one is unsure, hears no words in what is speech,
    fails, or is slow; silence is answered by the first. An engine that cannot run here is left out with a warning. The
    members' own options, hardware and licences apply; memory is needed for all of them together."""

    Options = ChainOptions
    streams_partials = True
    specs = ENGINES
    """Whom it can ask."""

    @classmethod
    def models(cls, options: ChainOptions, context: EngineContext) -> list[Model]:
        """One, with the languages of all members that can run here."""
        members, reasons = lineup(cls.specs, options.engines, context)
        if not members:
            raise EngineUnavailableError(f"has no engine that can run here: {'; '.join(reasons) or 'asr.engines.chain.engines is empty'}")
        models = [model for member in members for model in member.models]
        return [
            Model(
                _NAME,
                ", then ".join(member.name for member in members),
                tuple(dict.fromkeys(tag for model in models for tag in model.languages)),
                ", ".join(dict.fromkeys(model.author for model in models)),
                next((model.url for model in models if model.url), ""),
                installed=any(member.installed for member in members),
            )
        ]

    def __init__(self, options: ChainOptions, context: EngineContext) -> None:
        """Returns once one member is loaded, if possible one that need not be downloaded; the others follow meanwhile.

        Raises: EngineError when none can be loaded.
        """
        self.options = options
        self.members, reasons = lineup(self.specs, options.engines, context)
        for reason in reasons:
            _LOGGER.warning("chain: left out: %s", reason)
        self._closed = threading.Event()
        waiting = sorted(self.members, key=lambda member: not member.installed)
        while waiting and not self._load(waiting.pop(0), reasons):
            pass
        if not any(member.ready.is_set() for member in self.members):
            raise EngineError(f"no engine of the chain could be loaded: {'; '.join(reasons) or 'asr.engines.chain.engines is empty'}")
        if waiting:
            threading.Thread(target=self._load_all, args=(waiting,), name="asr-chain-load", daemon=True).start()

    def open(self, request: AsrRequest) -> "ChainStream":
        """Begins an utterance.

        Raises: UnsupportedLanguageError, UnknownNameError.
        """
        if request.model not in (None, _NAME):
            raise UnknownNameError(f"no model {request.model!r}; there is: {_NAME}")
        return ChainStream(self, request)

    def renew(self, house: House) -> None:
        """Tells every member."""
        for member in self.members:
            member.renew(house)

    def after(self, member: Member | None, language: str | None) -> Member | None:
        """Who is asked next: the first after `member` that is loaded, answers and knows the language."""
        following = self.members[self.members.index(member) + 1 :] if member else self.members
        return next((each for each in following if each.can_hear(language)), None)

    def close(self) -> None:
        """Frees the members; one that still loads is freed when it has."""
        self._closed.set()
        for member in self.members:
            member.close()

    def _load(self, member: Member, reasons: list[str]) -> bool:
        try:
            member.load()
        except EngineError as err:
            _LOGGER.warning("chain: left out: %s", err)
            reasons.append(str(err))
            return False
        return True

    def _load_all(self, members: list[Member]) -> None:
        for member in members:
            if not self._closed.is_set() and self._load(member, []):
                _LOGGER.info("chain: %s is ready as well", member.name)
            if self._closed.is_set():
                member.close()


class ChainStream(AsrStream):
    """One utterance. The members work on threads of their own, so that one that hangs is left behind and not waited for."""

    def __init__(self, engine: ChainEngine, request: AsrRequest) -> None:
        """Raises: UnsupportedLanguageError."""
        self._engine = engine
        self._options = engine.options
        self._request = request
        self._recording = Recording()
        self._attempts: list[Attempt] = []
        self._asked = 0
        self._slow: Attempt | None = None
        self._hypothesis: str | None = None
        self._cancelled = False
        if not self._ask_next():
            raise UnsupportedLanguageError(f"no engine of the chain hears {request.language or 'anything'} now")
        while self._options.parallel and self._begin_next():
            pass

    def feed(self, samples: np.ndarray) -> str | None:
        """Takes (n,) int16 mono 16 kHz. Returns the hypothesis of whoever is asked at present, when it has changed."""
        changed, recording = self._recording.changed, self._recording
        with changed:
            recording.pieces.append(samples.copy())
            changed.notify_all()
        front = self._attempts[self._asked - 1]
        if front is not self._slow:
            with changed:
                kept_up = changed.wait_for(
                    lambda: self._cancelled or front.done or front.heard_pieces == len(recording.pieces), self._options.slow_s
                )
            if not kept_up or front.error:
                self._slow = front
                self._pass_on(front)
        hypothesis = self._attempts[self._asked - 1].hypothesis
        if hypothesis == self._hypothesis:
            return None
        self._hypothesis = hypothesis
        return hypothesis

    def finish(self) -> Transcription:
        """The first answer that can be believed.

        Raises: EngineError, DeadlineError.
        """
        with self._recording.changed:
            self._recording.ended = True
            self._recording.changed.notify_all()
        now = time.monotonic()
        give_up_at = now + self._options.give_up_s
        slow_at = now + (0 if self._attempts[self._asked - 1] is self._slow else self._options.slow_s)
        while not self._cancelled:
            asked = self._attempts[: self._asked]
            for attempt in asked:
                if attempt.result is not None and self._believed(attempt.result):
                    return self._answer(attempt)
            now = time.monotonic()
            if asked[-1].done or now >= slow_at:
                slow_at = now + self._options.slow_s if self._pass_on(asked[-1]) else math.inf
                if slow_at < math.inf:
                    continue
            pending = [attempt for attempt in asked if not attempt.done]
            if not pending or now >= give_up_at:
                return self._last_resort(asked)
            self._wait(pending, min(slow_at, give_up_at) - now)
        raise EngineError("the request was given up")

    def cancel(self) -> None:
        """The client has hung up."""
        with self._recording.changed:
            self._cancelled = True
        for attempt in self._attempts:
            attempt.give_up()

    def close(self) -> None:
        """Whoever still works on it does so for nobody."""
        for attempt in self._attempts:
            attempt.give_up()

    def _ask_next(self) -> bool:
        """One more engine's answer counts; False when there is none to ask."""
        if self._asked == len(self._attempts) and not self._begin_next():
            return False
        self._asked += 1
        return True

    def _begin_next(self) -> bool:
        before = self._attempts[-1].member if self._attempts else None
        member = self._engine.after(before, self._request.language)
        if member is None:
            return False
        self._attempts.append(Attempt(member, self._recording, self._request))
        return True

    def _pass_on(self, attempt: Attempt) -> bool:
        """This attempt is not enough: asks the next engine as well. False when there is none."""
        member = attempt.member
        if attempt.error is not None:
            member.complain(f"{member.name} failed: {attempt.error}")
        elif attempt.result is None:
            member.complain(f"{member.name} has not kept up for {self._options.slow_s:g} s")
        else:
            _LOGGER.debug("chain: %s is not sure (%s)", member.name, attempt.result.confidence)
        return self._ask_next()

    def _believed(self, result: Transcription) -> bool:
        if not result.text.strip():
            return not self._spoken
        return result.confidence is None or result.confidence >= self._options.confidence

    def _wait(self, pending: list[Attempt], timeout_s: float) -> None:
        with self._recording.changed:
            self._recording.changed.wait_for(lambda: self._cancelled or any(attempt.done for attempt in pending), timeout_s)

    def _last_resort(self, asked: list[Attempt]) -> Transcription:
        """Nobody is sure: the last that answered counts, because it was asked for being the better one."""
        for attempt in reversed(asked):
            if attempt.result is not None:
                return self._answer(attempt)
        if failed := [f"{attempt.member.name}: {attempt.error}" for attempt in asked if attempt.error is not None]:
            raise EngineError(f"no engine of the chain answered: {'; '.join(failed)}")
        raise DeadlineError(f"no engine of the chain answered within {self._options.give_up_s:g} s")

    def _answer(self, attempt: Attempt) -> Transcription:
        assert attempt.result is not None
        return dataclasses.replace(attempt.result, engine=attempt.member.name)

    @functools.cached_property
    def _spoken(self) -> bool:
        """Whether there is speech in the recording; looked for only when an engine heard no words."""
        gate, run = SpeechGate(_SPEECH), 0
        samples = np.concatenate(self._recording.pieces) if self._recording.pieces else np.empty(0, np.int16)
        for first in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            run = run + 1 if gate.speaks(samples[first : first + FRAME_SAMPLES]) else 0
            if run == _ONSET_FRAMES:
                return True
        return False
