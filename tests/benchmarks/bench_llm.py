"""A question that a tool answers, through a language model that writes 1.6 tokens a second: one pass against two.

The model is scripted: its prefix cache and its tokens are true, its time is counted and not waited for. In two passes it says the
tool's own sentence again, in the same words: the fewest that it could. In one pass the tool speaks once the arguments of its call are
whole, while the model is still closing the call.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fake_llm import Call, fake_llm, tokens
from figures import Figure
from llm_house import LlmHouse, llm_house
from open_meteo import addresses, open_meteo

PREFILL, GENERATION = 10.0, 1.6
"""Tokens per second of a model with four billion weights on a Raspberry Pi 5."""
TARGET = 0.5
QUESTIONS = (
    ("should I take a coat when I go to Berlin", Call("weather", {"name": "Berlin"})),
    ("tell me if people in Berlin get wet", Call("weather", {"what": "rain", "name": "Berlin"})),
    ("my tea has to draw for 4 minutes, tell me then", Call("timers", {"minutes": 4})),
    ("we have run out of oat milk", Call("lists", {"item": "oat milk"})),
    ("my wife wonders what I should bring home from the shop", Call("lists", {"action": "read"})),
    ("have I forgotten which date we write", Call("clock", {"what": "date"})),
    ("I lost my watch", Call("clock")),
    ("my share is 15% of 80, what do I owe", Call("calculator", {"expression": "15% of 80"})),
)
"""In words that no template has, and the call that the model makes of them: what was not said is left out, as it is told to."""


def measure() -> list[Figure]:
    """Seconds until the answer can be spoken, question by question."""
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    figures, shares = [], []
    with tempfile.TemporaryDirectory() as kept:
        for number, (question, call) in enumerate(QUESTIONS):
            once, said = await seconds(Path(kept, f"{number}-1"), question, call, passes=1)
            twice, _ = await seconds(Path(kept, f"{number}-2"), question, call, passes=2, say=said)
            cost = f"{len(tokens(call.raw))} of arguments, {len(tokens(said))} of answer"
            figures += [Figure(f"{call.name}: {question} ({cost})", "s", [once]), Figure("  in two passes", "s", [twice])]
            figures.append(Figure("  one pass / two passes", "", [once / twice], TARGET))
            shares.append(once / twice)
    return [*figures, Figure("all: one pass / two passes", "", shares, TARGET)]


async def seconds(folder: Path, question: str, call: Call, passes: int, say: str = "") -> tuple[float, str]:
    """How long the model took, in its own time, and what was said. say: what it makes of the tool's answer in two passes."""
    async with _house(folder) as house:
        if passes == 2:
            for tool in house.service.toolbox.tools.values():
                tool.final = False
        house.llm.on(".", call)
        house.llm.after_tool(".", say)
        said = await house.said(question)
        if house.llm.answers[-1].last.partition(" [")[0] != question or len(house.llm.answers) != passes:
            raise RuntimeError(f"{question!r} was not answered in {passes} passes: {said!r}")
        *before, last = house.llm.answers
        return sum(asked.seconds for asked in before) + (last.called_s or last.seconds), said


@asynccontextmanager
async def _house(folder: Path) -> AsyncIterator[LlmHouse]:
    folder.mkdir()
    async with fake_llm(prefill=PREFILL, generation=GENERATION) as llm:
        with open_meteo() as weather:
            options = {"weather": {**addresses(weather), "name": "Paris"}}
            async with llm_house(folder, llm, own_tool=False, tool_options=options) as house:
                await house.service.ready()
                yield house
