"""An intent server whose language model is a script, with one tool of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from fake_llm import FakeLlm, fake_llm
from handle_house import HOUSE, MovedClock, decisive, sentence
from wire import Message, wire

from wyoming_servers.handle.matcher import Matcher
from wyoming_servers.handle.server import HandleService
from wyoming_servers.shared import paths, templates
from wyoming_servers.shared.server import WyomingServer
from wyoming_servers.shared.settings import HandleSection, LlmSection, NetworkSection, Settings

OVEN = '''
from dataclasses import dataclass

from wyoming_servers.shared.tool import Tool, ToolResult, argument


class OvenTool(Tool):
    """Heats an oven that no template knows."""

    name = "oven"
    description = "Heats the oven for a dish."
    changes = CHANGES
    final = FINAL
    languages = frozenset({"en", "de", "fr", "es", "it", "nl"})

    @dataclass(frozen=True)
    class Args:
        degrees: int | None = argument(None, "degrees Celsius", minimum=30, maximum=300)
        dish: str | None = argument(None, "what is baked")
        mode: str = argument("fan", "how", choices=("fan", "grill"))

    heated = 0

    async def call(self, args, context):
        type(self).heated += 1
        if args.degrees is None:
            return ToolResult("How hot?", ask="degrees")
        return ToolResult(f"Oven at {args.degrees} degrees, heated {type(self).heated} times.")
'''

FORECAST = """In Paris it is twelve degrees with light rain, and tomorrow stays dry, with up to fourteen degrees in the afternoon."""
SKY = f'''
from dataclasses import dataclass

from wyoming_servers.shared.tool import Tool, ToolResult, argument


class SkyTool(Tool):
    """Says always the same."""

    name = "sky"
    description = "The weather at a place."
    final = FINAL
    languages = frozenset({{"en"}})

    @dataclass(frozen=True)
    class Args:
        place: str = argument("", "where")

    async def call(self, args, context):
        return ToolResult({FORECAST!r})
'''


@dataclass
class LlmHouse:
    """A running house."""

    uri: str
    llm: FakeLlm
    service: HandleService

    async def events(self, text: str, language: str = "", conversation: str = "talk") -> list[Message]:
        """All events up to the decisive one."""
        got = []
        async with wire(self.uri) as peer:
            await peer.send(sentence(text, conversation_id=conversation, language=language))
            while (message := await peer.receive()) is not None:
                got.append(message)
                if message.type in ("handled", "not-handled", "error"):
                    return got
        raise AssertionError("no answer")

    async def ask(self, text: str, language: str = "", conversation: str = "talk") -> Message:
        """The answer itself."""
        async with wire(self.uri) as peer:
            await peer.send(sentence(text, conversation_id=conversation, language=language))
            return await decisive(peer)

    async def said(self, text: str, **options: str) -> str:
        """What is spoken."""
        return (await self.ask(text, **options)).data["text"]

    async def told(self, text: str, **options: str) -> dict[str, Any]:
        """How the answer came about."""
        return (await self.ask(text, **options)).data["context"]["earshot"]


@lru_cache
def _matcher() -> Matcher:
    """The house's templates, parsed once for all tests."""
    return Matcher(templates.load("en", HOUSE, [paths.content("intents")], scope="text"))


@asynccontextmanager
async def llm_house(
    folder: Path,
    llm: FakeLlm | None = None,
    *,
    own_tool: bool = True,
    final: bool = True,
    changes: bool = True,
    warm: bool = True,
    network: NetworkSection | None = None,
    tool_options: dict[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[LlmHouse]:
    """llm: a server that runs, or not, already. own_tool: only the oven and the sky instead of the shipped tools. warm: begins once the
    prompt was read. network: what may leave the house; nothing, unless given. tool_options: by tool.
    options: of the language model."""
    async with AsyncExitStack() as stack:
        llm = llm or await stack.enter_async_context(fake_llm())
        tools = [folder / "tools"] if own_tool else [paths.content("tools")]
        if own_tool:
            tools[0].mkdir(exist_ok=True)
            (tools[0] / "oven.py").write_text(OVEN.replace("CHANGES", str(changes)).replace("FINAL", str(final)))
            (tools[0] / "sky.py").write_text(SKY.replace("FINAL", str(final)))
        settings = Settings(
            house=HOUSE,
            handle=HandleSection(
                database=str(folder / "timers.db"), intents=str(folder / "intents"), tools=tool_options or {}, language_s=20.0
            ),
            network=network or NetworkSection(egress="deny"),
            llm=LlmSection(**{"base_url": llm.uri, "first_token_s": 5.0, "read_ahead": False, **options}),
        )
        service = HandleService(settings, MovedClock(), tools, _matcher())
        server = WyomingServer("tcp://127.0.0.1:0", [service])
        await server.start()
        stack.push_async_callback(server.stop)
        if warm:
            await llm.read_aheads(1)
        yield LlmHouse(server.uri, llm, service)
