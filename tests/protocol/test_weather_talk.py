"""The weather, talked about: "in Paris" and then "and tomorrow?", by templates alone, by the language model, and by both in turns."""

from contextlib import asynccontextmanager

from fake_llm import Call
from handle_house import MovedClock, running, said
from llm_house import LlmHouse, llm_house
from open_meteo import addresses, open_meteo

PARIS = "It's eight degrees in Paris, with overcast skies."
TOMORROW = "Tomorrow in Paris it will be three to ten degrees, with light rain."
TO_THE_MODEL = "sunny or grim over there in Paris, would you say"
THEN_TO_THE_MODEL = "would tomorrow be nicer for a picnic over there"


@asynccontextmanager
async def house(folder):
    """With a language model, and the weather from a server of our own."""
    with open_meteo() as service:
        async with llm_house(folder, own_tool=False, tool_options={"weather": addresses(service)}) as running:
            running.llm.on("sunny or grim", Call("weather", {"name": "Paris"}))
            running.llm.on("picnic", Call("weather", {"name": "Paris", "when": "tomorrow"}))
            yield running


async def talked(talk: LlmHouse, *texts: str) -> list[tuple[str, str]]:
    """Which way each sentence went, and what was said."""
    answers = [(await talk.ask(text)).data for text in texts]
    return [(answer["context"]["earshot"]["route"], answer["text"]) for answer in answers]


async def test_templates_alone_go_on_from_a_place(tmp_path):
    with open_meteo() as service:
        async with running(tmp_path, MovedClock(), options={"weather": addresses(service)}) as uri:
            told = [await said(uri, text, conversation_id="talk") for text in ("what's the weather in Paris", "and tomorrow?")]
    assert told == [PARIS, TOMORROW]


async def test_the_model_goes_on_from_what_it_has_asked_itself(tmp_path):
    async with house(tmp_path) as talk:
        assert await talked(talk, TO_THE_MODEL, THEN_TO_THE_MODEL) == [("llm", PARIS), ("llm", TOMORROW)]


async def test_a_template_goes_on_from_what_the_model_has_asked(tmp_path):
    async with house(tmp_path) as talk:
        assert await talked(talk, TO_THE_MODEL, "and tomorrow?") == [("llm", PARIS), ("template", TOMORROW)]


async def test_the_model_goes_on_from_what_a_template_has_asked(tmp_path):
    async with house(tmp_path) as talk:
        told = await talked(talk, "what's the weather in Paris", THEN_TO_THE_MODEL)
        shown = talk.llm.answers[-1].body["messages"]
    assert told == [("template", PARIS), ("llm", TOMORROW)]
    assert any("Paris" in (message.get("content") or "") for message in shown[1:-1])
