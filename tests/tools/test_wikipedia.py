"""The Wikipedia tool against a Wikipedia and a kiwix-serve of our own."""

from contextlib import asynccontextmanager, contextmanager

import pytest
from handle_house import HOUSE, MovedClock, ask, running, said
from tool_sentences import LANGUAGES, phrases
from web_services import FAULTS, tool_http
from wikipedias import BOOK, kiwix, wikipedia

from wyoming_servers.shared import paths
from wyoming_servers.shared.errors import NoAnswerError, ToolError
from wyoming_servers.shared.plugins import load_tools
from wyoming_servers.shared.tool import Home, ToolContext, ToolResult, Turn

(WIKIPEDIA,) = [tool for tool in load_tools([paths.content("tools")])[0] if tool.name == "wikipedia"]
EINSTEIN = (
    "Albert Einstein was a German-born theoretical physicist who is best known for developing the theory of relativity. "
    "Einstein also made important contributions to quantum mechanics."
)
FROM_KIWIX = "Albert Einstein was a physicist & pacifist. He developed the theory of relativity."
QUESTION = "Do you mean Mercury the planet, Mercury the element or Mercury the mythology?"
PLANET = "Mercury is the first planet from the Sun. It is a rocky planet."


class Rig:
    """The tool, called without a server."""

    def __init__(self, tool, clock):
        self.tool, self.clock = tool, clock

    async def result(self, subject: str, language: str = "en", history: tuple[Turn, ...] = (), **args) -> ToolResult:
        context = ToolContext(language=language, phrases=phrases(language, "wikipedia"), history=history)
        return await self.tool.call(WIKIPEDIA.Args(subject=subject, **args), context)

    async def said(self, subject: str, language: str = "en", **args) -> str:
        return (await self.result(subject, language, **args)).speech


@asynccontextmanager
async def rigged(folder, **options):
    clock = MovedClock()
    async with tool_http(folder, clock, "wikipedia") as http:
        home = type("Rigged", (Home,), {"phrases": None, "satellites": None, "announce": None})()
        home.clock, home.http, home.house = clock, http, HOUSE
        yield Rig(WIKIPEDIA(WIKIPEDIA.Options(**{"timeout_s": 1.0, **options}), home), clock)


@asynccontextmanager
async def online(folder, **options):
    with wikipedia() as service:
        async with rigged(folder, uri=f"{service.uri}/{{language}}", **options) as rig:
            rig.service = service
            yield rig


@contextmanager
def failing():
    with pytest.raises(ToolError) as failure:
        yield failure


async def test_two_sentences_over_the_wire(tmp_path):
    with wikipedia() as service:
        async with running(tmp_path, options={"wikipedia": {"uri": f"{service.uri}/{{language}}"}}) as uri:
            answer = await ask(uri, "who was Albert Einstein")
    assert (answer.type, answer.data["text"]) == ("handled", EINSTEIN)


async def test_in_german_over_the_wire(tmp_path):
    with wikipedia() as service:
        options = {"wikipedia": {"uri": f"{service.uri}/{{language}}"}}
        async with running(tmp_path, options=options, language_s=30.0, deadline_s=30.0) as uri:
            answer = await said(uri, "wer war Albert Einstein", language="de")
    assert answer == (
        "Albert Einstein war ein schweizerisch-US-amerikanischer theoretischer Physiker deutscher Herkunft. "
        "Er gilt als einer der bedeutendsten Physiker der Wissenschaftsgeschichte."
    )


async def test_more_and_more_until_all_is_said(tmp_path):
    with wikipedia() as service:
        async with running(tmp_path, options={"wikipedia": {"uri": f"{service.uri}/{{language}}"}}) as uri:
            texts = ("who was Albert Einstein", "tell me more", "go on", "tell me more")
            told = [await said(uri, text, conversation_id="a") for text in texts]
    assert told == [
        EINSTEIN,
        'His mass–energy equivalence formula has been called "the world\'s most famous equation". '
        "He received the Nobel Prize in Physics in 1921.",
        "Born in the German Empire, Einstein moved to Switzerland in 1895.",
        "That's all I know about Albert Einstein.",
    ]


async def test_which_of_several_is_asked_and_chosen_by_name(tmp_path):
    with wikipedia() as service:
        async with running(tmp_path, options={"wikipedia": {"uri": f"{service.uri}/{{language}}"}}) as uri:
            told = [await said(uri, text, conversation_id="a") for text in ("what is mercury", "the planet")]
    assert told == [QUESTION, PLANET]


@pytest.mark.parametrize(
    ("which", "answer"),
    [
        ("1", PLANET),
        ("2", "Mercury is a chemical element; it has symbol Hg and atomic number 80."),
        ("9", "Mercury is a Roman god."),
        ("mercury the planet", PLANET),
        ("plannet", PLANET),
        ("god", "Mercury is a Roman god."),
    ],
)
async def test_a_choice(tmp_path, which, answer):
    async with online(tmp_path) as rig:
        assert await rig.said("mercury", which=which) == answer


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
async def test_the_question_in_other_languages(tmp_path, language):
    with wikipedia() as service:
        async with rigged(tmp_path, uri=f"{service.uri}/en") as rig:
            result = await rig.result("mercury", language)
    assert result.ask == "which"
    assert all(word in result.speech for word in ("mercury", "planet", "element", "mythology"))


async def test_the_article_of_that_name_goes_before_the_first_one(tmp_path):
    async with online(tmp_path) as rig:
        assert (await rig.result("albert einstein")).data["title"] == "Albert Einstein"


async def test_what_was_heard_a_little_wrong_is_found(tmp_path):
    async with online(tmp_path) as rig:
        assert (await rig.result("albert einstine")).data["title"] == "Albert Einstein"


async def test_a_title_with_a_stroke(tmp_path):
    async with online(tmp_path) as rig:
        assert await rig.said("ac dc") == "AC/DC are an Australian rock band formed in Sydney in 1973."


async def test_what_an_article_is_by_its_description(tmp_path):
    async with online(tmp_path) as rig:
        assert await rig.said("capital of australia") == "Canberra is the capital city of Australia."


@pytest.mark.parametrize("subject", ["xyzzy", "good way to cook eggs"])
async def test_what_no_article_is_about(tmp_path, subject):
    async with online(tmp_path) as rig:
        with failing() as failure:
            await rig.said(subject)
    assert str(failure.value) == f"I found nothing about {subject}."


async def test_what_is_about_the_house_is_asked_of_nobody(tmp_path):
    async with online(tmp_path) as rig:
        with pytest.raises(NoAnswerError):
            await rig.said("your name")
        assert rig.service.asked == []


async def test_nothing_to_look_up(tmp_path):
    async with online(tmp_path) as rig:
        result = await rig.result("")
    assert (result.speech, result.ask) == ("About what?", "subject")


async def test_an_article_is_fetched_once_a_day(tmp_path):
    async with online(tmp_path) as rig:
        await rig.said("albert einstein")
        rig.clock.advance(86000)
        await rig.said("albert einstein")
        assert len(rig.service.asked) == 2


async def test_offline_what_was_told_before_is_told_again(tmp_path):
    async with online(tmp_path) as rig:
        await rig.said("albert einstein")
        rig.service.stop()
        rig.clock.advance(7 * 86400)
        assert await rig.said("albert einstein") == EINSTEIN


async def test_offline(tmp_path):
    async with online(tmp_path) as rig:
        rig.service.stop()
        with failing() as failure:
            await rig.said("albert einstein")
    assert str(failure.value) == "I can't reach Wikipedia right now."


@pytest.mark.parametrize("fault", FAULTS, ids=range(len(FAULTS)))
async def test_a_wikipedia_in_trouble_is_said_and_nothing_of_it_kept(tmp_path, fault):
    async with online(tmp_path) as rig:
        rig.service.fault(*[fault] * 4)
        with failing() as failure:
            await rig.said("albert einstein")
        rig.service.well()
        assert await rig.said("albert einstein") == EINSTEIN
    assert str(failure.value) == "Wikipedia isn't working right now."


async def test_a_wikipedia_that_never_answers(tmp_path):
    async with online(tmp_path) as rig:
        rig.service.fault(rig.service.stuck)
        with failing() as failure:
            await rig.said("albert einstein")
    assert str(failure.value) == "Wikipedia isn't working right now."


async def test_a_copy_in_the_house_is_asked_first(tmp_path):
    with kiwix() as copy, wikipedia() as service:
        async with rigged(tmp_path, kiwix_url=copy.uri, uri=service.uri) as rig:
            result = await rig.result("albert einstein")
            assert service.asked == []
    assert (result.speech, result.data["source"]) == (FROM_KIWIX, "kiwix")


async def test_its_largest_wikipedia_of_the_language_is_asked(tmp_path):
    with kiwix() as copy:
        async with rigged(tmp_path, kiwix_url=copy.uri, source="kiwix") as rig:
            await rig.said("albert einstein")
    catalogue, suggestions, article = copy.asked
    assert (catalogue.path, suggestions.query["content"]) == ("/catalog/v2/entries", BOOK)
    assert article.path == f"/content/{BOOK}/A/Albert_Einstein"


async def test_more_of_a_copy(tmp_path):
    with kiwix() as copy:
        async with rigged(tmp_path, kiwix_url=copy.uri) as rig:
            history = (Turn("who was albert einstein", FROM_KIWIX, "EarshotWikipedia", {"subject": "albert einstein"}, "wikipedia"),)
            told = (await rig.result("albert einstein", history=history, more=True)).speech
    assert told == "He played the violin. He was born in Ulm."


async def test_an_ambiguous_name_in_a_copy(tmp_path):
    with kiwix() as copy:
        async with rigged(tmp_path, kiwix_url=copy.uri) as rig:
            told = await rig.said("mercury"), await rig.said("mercury", which="planet")
    assert told == ("Do you mean Mercury the planet or Mercury the element?", "Mercury is the first planet from the Sun.")


async def test_a_copy_is_searched_when_no_title_fits(tmp_path):
    with kiwix() as copy:
        async with rigged(tmp_path, kiwix_url=copy.uri, source="kiwix") as rig:
            assert await rig.said("einstein relativity") == FROM_KIWIX


async def test_what_a_copy_does_not_have_is_asked_of_wikipedia(tmp_path):
    with kiwix() as copy, wikipedia() as service:
        async with rigged(tmp_path, kiwix_url=copy.uri, uri=f"{service.uri}/en") as rig:
            assert (await rig.result("ac dc")).data["source"] == "wikipedia"


async def test_only_a_copy(tmp_path):
    with kiwix() as copy, wikipedia() as service:
        async with rigged(tmp_path, kiwix_url=copy.uri, uri=f"{service.uri}/en", source="kiwix") as rig:
            with failing() as failure:
                await rig.said("ac dc")
            assert service.asked == []
    assert str(failure.value) == "I found nothing about ac dc."


async def test_a_copy_helps_out_when_wikipedia_cannot_be_reached(tmp_path):
    with kiwix() as copy:
        async with rigged(tmp_path, kiwix_url=copy.uri, uri="http://127.0.0.1:9", source="online") as rig:
            assert await rig.said("albert einstein") == FROM_KIWIX


async def test_only_a_copy_that_nobody_named(tmp_path):
    async with rigged(tmp_path, source="kiwix") as rig:
        with failing() as failure:
            await rig.tool.start()
    assert str(failure.value) == "handle.tools.wikipedia: source is kiwix, but kiwix_url is empty"


@pytest.mark.parametrize("fault", FAULTS, ids=range(len(FAULTS)))
async def test_a_copy_in_trouble_is_passed_over(tmp_path, fault):
    with kiwix() as copy, wikipedia() as service:
        copy.fault(*[fault] * 8)
        async with rigged(tmp_path, kiwix_url=copy.uri, uri=f"{service.uri}/en") as rig:
            assert await rig.said("albert einstein") == EINSTEIN
