"""Takes an answer that comes into being slowly, passes it on as it comes, and knows in the end what was said."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

from ..shared.errors import AssistantError, DeadlineError
from .exchange import Step
from .fallback import Piece

_LOGGER = logging.getLogger(__name__)
Speak = Callable[[str], Awaitable[None]]
"""Takes a fragment of the answer while the rest is still to come."""


async def spoken_steps(pieces: AsyncIterator[Piece], speak: Speak | None, sentence: Callable[[str], Awaitable[str]]) -> tuple[Step, ...]:
    """The steps of an answer with the texts that were spoken; at least one. Closes the iterator also when cancelled.

    speak: gets all fragments; what is not handled and was not begun to be spoken is left to the caller. sentence: a common one by its key.
    """
    hearing, trouble, apology = _Hearing(speak), "", "failed"
    async with aclosing(pieces) as source:  # type: ignore[type-var]
        while not trouble:
            try:
                piece = await anext(source)
            except StopAsyncIteration:
                break
            except AssistantError as err:
                trouble, apology = str(err), "too_slow" if isinstance(err, DeadlineError) else "failed"
                _LOGGER.warning("the answer broke off: %s", err)
            except Exception as err:  # as for a tool's call: it must not end in silence
                trouble = type(err).__name__
                _LOGGER.exception("the answer broke off")
            else:
                await (hearing.fragment(piece) if isinstance(piece, str) else hearing.step(piece))
    if not trouble and (hearing.said or not hearing.steps):
        trouble = "ended without telling what became of it"
    if trouble:
        text = "" if hearing.said or hearing.steps else await sentence(apology)
        await hearing.step(Step(bool(hearing.said), text, "llm", why=trouble))
    return tuple(hearing.steps)


class _Hearing:
    """What was spoken until now."""

    def __init__(self, speak: Speak | None) -> None:
        self._speak = speak
        self._begun = False
        self._gap = ""
        """The blank between what was spoken and what follows, where there is none yet."""
        self.steps: list[Step] = []
        self.said = ""
        """Fragments since the last step."""

    async def fragment(self, text: str) -> None:
        """Something to be spoken."""
        if not self.said:
            text = text.lstrip()  # an answer does not begin with a blank, but for the one between two
        if text:
            gap = "" if self.said else self._gap
            self.said += text
            await self._say(gap + text)

    async def step(self, step: Step) -> None:
        """What became of what was spoken, or what is to be spoken now."""
        if self.said.strip():
            step = replace(step, text=self.said.strip())
        elif step.text and (step.handled or self._begun):
            await self._say(self._gap + step.text)
        self.steps.append(step)
        self.said = ""

    async def _say(self, text: str) -> None:
        self._begun = True
        self._gap = "" if text[-1].isspace() else " "
        if self._speak:
            await self._speak(text)
