"""How language models are measured: does a sentence lead to the right tool, and how soon could the answer be heard?"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import datetime

from ..handle.agent_prompt import specs, system_prompt, warm_up
from ..handle.routing import FALSE_CALL, RIGHT, Case, Choice, Graded, model_choice
from ..llm.engine import LlmEngine, Message
from ..llm.openai_api import ranked_name, server_of
from ..shared.errors import EngineError
from ..shared.settings import LlmSection
from ..shared.tool import Tool
from .candidates import Candidate
from .hosting import Hosted
from .race import Measure
from .trials import Tokens, Trial

_READING_S = 600.0  # 167 s were seen for 1,800 tokens on a Raspberry Pi 4


class ChoosingMeasure(Measure):
    """Labelled sentences, one after the other, as one household would ask them. No tool is carried out."""

    unit = "question to first words, or to the end of a tool call"

    def __init__(
        self, cases: Sequence[Case], tools: Sequence[type[Tool]], options: LlmSection, make: Callable[[LlmSection], LlmEngine]
    ) -> None:
        """options: the owner's; a candidate has its own address or model. make: opens an endpoint; blocking."""
        self.items = [f"{case.text} ({case.language})" for case in cases]
        self._cases = cases
        self._tools = tools
        self._options = options
        self._make = make
        self._engine: LlmEngine | None = None
        self._served: dict[str, str] = {}  # by candidate

    @asynccontextmanager
    async def host(self, candidate: Candidate, arguments: Sequence[str]) -> AsyncIterator[Hosted]:
        """The candidate's endpoint, which runs already.

        Raises: AssistantError when it is not there, or does not have the model.
        """
        begun = time.perf_counter()
        options = self.options_of(candidate)
        self._engine = self._make(options)
        try:
            offer = await self._engine.probe()
            if options.model and offer.models and options.model not in offer.models:
                raise EngineError(f"{options.base_url} does not have it; there are: {', '.join(offer.models)}")
            self._served[candidate.name] = ranked_name(server_of(options).base, offer.model)
            yield Hosted(self._served[candidate.name], begun)
        finally:
            await self._engine.close()
            self._engine = None

    def auto_name(self, candidate: Candidate) -> str:
        """Its model at its address; without `llm.model` the address that is set is asked for the best of its own."""
        return self._served.get(candidate.name, "")

    def options_of(self, candidate: Candidate) -> LlmSection:
        """The settings that ask this candidate. The owner's key is for the owner's endpoint, and goes to no other."""
        given = dict(candidate.options)
        own = self._options
        if given.get("base_url", own.base_url).rstrip("/") == own.base_url.rstrip("/"):
            return replace(own, model=given.get("model", ""))
        return replace(own, base_url=given["base_url"], model=given.get("model", ""), key="", key_file="", ca_file="")

    async def first(self, uri: str) -> None:
        """Has it read what comes before every question."""
        assert self._engine is not None
        messages = [Message("system", system_prompt(self._options.prompt)), Message("user", warm_up())]
        answer = self._engine.chat(messages, specs(self._tools), max_tokens=1, first_s=_READING_S, total_s=_READING_S)
        async with aclosing(answer) as items:
            async for _ in items:
                pass

    async def trial(self, uri: str, item: int, round_number: int) -> Trial:
        """One sentence."""
        assert self._engine is not None
        case = self._cases[item]
        choice = await model_choice(self._engine, self._tools, case, datetime.now().astimezone(), self._options.prompt)
        if choice.failure:
            return self.lost(item, choice.failure)
        grade = Graded(case, choice).grade
        usage = choice.usage
        return Trial(
            self.items[item],
            grade == RIGHT,
            "" if grade == RIGHT else f"{grade}: {_told(choice)}",
            wait_ms=choice.first_s * 1000,
            work_s=choice.seconds,
            false_accepts=grade == FALSE_CALL,
            tokens=Tokens(usage.prompt, usage.cached, usage.generated),
        )

    def lost(self, item: int, error: str) -> Trial:
        """Not answered."""
        return Trial(self.items[item], False, error=error)


def _told(choice: Choice) -> str:
    return " ".join([choice.tool, *(f"{key}={value}" for key, value in choice.args.items())])
