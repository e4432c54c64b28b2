"""The language model behind the sentence templates: finds its endpoint, keeps it warm, and lets it answer."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime

from ..llm import ENGINES
from ..llm.engine import LlmEngine, Message, Offer
from ..shared.engines import find
from ..shared.errors import AssistantError, BusyError, DeadlineError, PeerUnreachableError
from ..shared.gate import Gate
from ..shared.protocol import printable
from ..shared.settings import LlmSection, Settings
from ..shared.tasks import TaskOwner, cancel
from ..shared.tool import Turn
from .agent_memory import Memory
from .agent_prompt import Facts, specs, system_prompt, warm_up
from .agent_turn import AgentTurn, Asked
from .exchange import Request
from .fallback import Fallback, Hands, Piece

_LOGGER = logging.getLogger(__name__)
_FIRST_LOOK_AGAIN_S = 2.0
_LOOK_OUTSIDE_S = 900.0
"""A server outside the house is told no more than it must be: it is not looked at often, and reads nothing ahead."""
_WARM_UP_S = 600.0
"""167 s were seen for 1,800 tokens on a Raspberry Pi 4."""


def open_agent(settings: Settings, hands: Hands, gate: Gate) -> Fallback | None:
    """The agent the settings ask for; None when they name no endpoint, or when its library is not here, which is said. Blocking.

    gate: what it sends goes through it.

    Raises: SettingsError.
    """
    options = settings.llm
    if not options.base_url:
        return None
    spec = find(ENGINES, options.engine)
    if missing := spec.missing():
        _LOGGER.warning("the language model cannot be asked: needs %s: %s", ", ".join(missing), spec.install_command())
        return None
    engine_class = spec.load_class()
    engine_class.check(options)
    return Agent(options, hands, lambda: engine_class(options, gate), gate)


class Agent(Fallback):
    """Any number of requests at a time; a server with one slot takes them one after the other."""

    def __init__(
        self, options: LlmSection, hands: Hands, make: Callable[[], LlmEngine], gate: Gate, now: Callable[[], datetime] | None = None
    ) -> None:
        """make: the engine; blocking. gate: tells where it is. now: the time in the house."""
        self._gate = gate
        self._options = options
        self._hands = hands
        self._make = make
        self._now = now or (lambda: datetime.now().astimezone())
        self._system = Message("system", system_prompt(options.prompt))
        self._memory = Memory()
        self._owner = TaskOwner()
        self._engine: LlmEngine | None = None
        self._opened = asyncio.Event()
        self._lost = asyncio.Event()  # the endpoint failed: look at once, and warm it up when it is back
        self._reading: asyncio.Task | None = None  # what may be given up when somebody asks something
        self.offer: Offer | None = None
        """What the endpoint has; None while it is not there."""
        self.warmed = 0
        """How often the prompt has been read ahead of all questions."""

    async def start(self) -> None:
        """Opens the engine and looks after its endpoint until cancelled."""
        self._engine = await asyncio.to_thread(self._make)
        self._opened.set()
        complaint, known, wait_s = "", None, _FIRST_LOOK_AGAIN_S
        while True:
            self._lost.clear()
            try:
                self.offer = await self._engine.probe()
            except AssistantError as err:
                self.offer = known = None
                if str(err) != complaint:
                    complaint = str(err)
                    _LOGGER.warning("no language model: %s", err)
                wait_s = min(wait_s * 2, self._options.check_s)
            else:
                if self.offer != (known[0] if known else None):
                    _LOGGER.info("%s", _told(self.offer, self._options))
                tools = specs(self._hands.tools())
                if (self.offer, tools) != known and (self._gate.outside or await self._warm_up()):
                    known = (self.offer, tools)
                complaint, wait_s = "", max(self._options.check_s, _LOOK_OUTSIDE_S if self._gate.outside else 0.0)
            if await self._lost_within(wait_s):
                known = None

    async def stop(self) -> None:
        """Hangs up."""
        await self._owner.close()
        if self._engine is not None:
            await self._engine.close()

    async def answer(self, request: Request, history: tuple[Turn, ...], language: str) -> AsyncIterator[Piece]:
        """Text as it is written, tools as they are called; every failure is a short sentence."""
        await cancel(self._reading)
        engine = await self._ready()
        tools = {tool.name: tool for tool in self._hands.tools()}
        conversation = self._memory.open(request.conversation_id, history, tools)
        asked = Asked(request, language, Facts(self._now(), request.area, language), self._system, tools)
        turn = AgentTurn(engine, self._hands, self._options, conversation, asked)
        async with aclosing(turn.pieces()) as pieces:
            async for piece in pieces:
                yield piece
        if isinstance(turn.failure, PeerUnreachableError | BusyError):
            self._lost.set()
        elif self._options.read_ahead and turn.failure is None and not self._gate.outside:
            self._reading = self._owner.start(self._read([*conversation.messages, Message("user", warm_up())]), "read ahead")

    async def _ready(self) -> LlmEngine:
        try:
            async with asyncio.timeout(self._options.first_token_s):
                await self._opened.wait()
        except TimeoutError:
            raise DeadlineError("the language model's library is still being loaded") from None
        assert self._engine is not None
        return self._engine

    async def _warm_up(self) -> bool:
        """Has everything read that never changes. False when it failed, or somebody asked something meanwhile."""
        self._reading = self._owner.start(self._read([Message("user", warm_up())]), "warm up")
        await asyncio.wait([self._reading])
        if self._reading.cancelled() or not self._reading.result():
            return False
        self.warmed += 1
        return True

    async def _read(self, messages: Sequence[Message]) -> bool:
        assert self._engine is not None
        tools = specs(self._hands.tools())
        try:
            answer = self._engine.chat([self._system, *messages], tools, max_tokens=1, first_s=_WARM_UP_S, total_s=_WARM_UP_S)
            async with aclosing(answer) as items:
                async for _ in items:
                    pass
        except AssistantError as err:
            _LOGGER.debug("not read ahead: %s", err)
            return False
        return True

    async def _lost_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._lost.wait()
        return self._lost.is_set()


def _told(offer: Offer, options: LlmSection) -> str:
    size = f", reads {offer.context_tokens} tokens at once" if offer.context_tokens else ""
    others = [name for name in offer.models if name != offer.model]
    more = f"; also there: {printable(', '.join(others))}" if others else ""
    return f"language model {printable(offer.model)} at {options.base_url}{size}{more}"
