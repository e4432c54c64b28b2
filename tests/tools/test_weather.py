"""The weather tool against an Open-Meteo of our own. The clock stands at 17:08 UTC on Saturday, 21 November 2026: 18:08 in Paris."""

from contextlib import asynccontextmanager, contextmanager

import pytest
from handle_house import HOUSE, MovedClock, ask, running, said
from open_meteo import FORECAST, SEARCH, addresses, forecast, open_meteo
from tool_sentences import LANGUAGES, phrases
from web_services import FAULTS, status, tool_http

from wyoming_servers.shared import paths
from wyoming_servers.shared.errors import ToolError
from wyoming_servers.shared.house import House
from wyoming_servers.shared.plugins import load_tools
from wyoming_servers.shared.tool import Home, ToolContext, ToolResult

(WEATHER,) = [tool for tool in load_tools([paths.content("tools")])[0] if tool.name == "weather"]


class Rig:
    """The tool, called without a server."""

    def __init__(self, tool, clock, service):
        self.tool, self.clock, self.service = tool, clock, service

    async def result(self, language: str = "en", **args) -> ToolResult:
        return await self.tool.call(WEATHER.Args(**args), ToolContext(language=language, phrases=phrases(language, "weather")))

    async def said(self, language: str = "en", **args) -> str:
        return (await self.result(language, **args)).speech


@asynccontextmanager
async def rigged(folder, service, house: House = HOUSE, **options):
    clock = MovedClock()
    async with tool_http(folder, clock, "weather") as http:
        home = type("Rigged", (Home,), {"phrases": None, "satellites": None, "announce": None})()
        home.clock, home.http, home.house = clock, http, house
        yield Rig(WEATHER(WEATHER.Options(**addresses(service), **options), home), clock, service)


@contextmanager
def failing():
    with pytest.raises(ToolError) as failure:
        yield failure


ANSWERS = {
    "what's the weather": "It's eight degrees, with overcast skies.",
    "what's the weather in Berlin": "It's eight degrees in Berlin, with overcast skies.",
    "what's the weather tomorrow": "Tomorrow it will be three to ten degrees, with light rain.",
    "what's the weather on Monday in Berlin": "On Monday in Berlin it will be two to nine degrees, with light rain.",
    "what's the weather tonight": "Tonight it goes down to three degrees, with light rain.",
    "what's the weather this weekend": (
        "On Saturday it will be four to eleven degrees, with overcast skies. On Sunday it will be three to ten degrees, with light rain."
    ),
    "what's the weather this week": (
        "In the next seven days it will be minus two to eleven degrees. Rain is likely on Sunday and on Thursday."
    ),
    "will it rain": "No, it should stay dry today.",
    "will it rain tomorrow": "Yes, rain is likely tomorrow: eighty percent.",
    "will it rain on Monday": "Perhaps: the chance of rain on Monday is forty percent.",
    "is it raining": "No, it isn't raining right now.",
    "do I need an umbrella tomorrow": "Yes, take one: the chance of rain tomorrow is eighty percent.",
    "will it snow tomorrow": "No, no snow is expected tomorrow.",
    "how warm is it outside": "It's eight point four degrees.",
    "how cold will it get tomorrow": "Tomorrow it will be three to ten degrees.",
    "how windy is it": "The wind blows from the west at twelve kilometres per hour.",
    "how windy will it be tomorrow": (
        "Tomorrow the wind blows from the northeast at up to twenty-two kilometres per hour. Gusts reach fifty-two kilometres per hour."
    ),
    "what's the humidity": "The humidity is eighty-one percent.",
    "when is sunrise": "Tomorrow the sun rises at 8:13 AM.",
    "when is sunset today": "Today the sun sets at 5:00 PM.",
    "what's the weather in Atlantis": "I don't know a place called Atlantis.",
    "what's the weather in Paris Texas": "It's eight degrees in Paris, with overcast skies.",
}
IN_OTHER_LANGUAGES = {
    "de": ("Morgen in Berlin drei bis zehn Grad, bei leichtem Regen.", "Gerade ein Grad, bei bedecktem Himmel."),
    "fr": ("Demain à Berlin, il fera entre trois et dix degrés, avec une pluie légère.", "Il fait un degré, avec un ciel couvert."),
    "es": ("Mañana en Berlin habrá entre tres y diez grados, con lluvia ligera.", "Hay un grado, con cielo cubierto."),
    "it": ("Domani a Berlin tra tre e dieci gradi, con pioggia leggera.", "Adesso un grado, con cielo coperto."),
    "nl": ("Morgen in Berlin wordt het drie tot tien graden, met lichte regen.", "Het is een graad, met een bewolkte hemel."),
}
KINDS = ("weather", "temperature", "rain", "umbrella", "snow", "wind", "humidity", "sunrise", "sunset")
GERMAN = {
    "wie wird das Wetter morgen in Berlin": "Morgen in Berlin drei bis zehn Grad, bei leichtem Regen.",
    "und am Montag": "Am Montag in Berlin zwei bis neun Grad, bei leichtem Regen.",
    "brauche ich morgen einen Regenschirm": "Ja, nimm einen mit: morgen liegt die Regenwahrscheinlichkeit bei achtzig Prozent.",
}


async def test_everything_that_can_be_asked(tmp_path):
    with open_meteo() as service:
        async with running(tmp_path, MovedClock(), options={"weather": addresses(service)}) as uri:
            assert {text: await said(uri, text) for text in ANSWERS} == ANSWERS


async def test_in_german_over_the_wire(tmp_path):
    with open_meteo() as service:
        async with running(tmp_path, MovedClock(), options={"weather": addresses(service)}, language_s=30.0, deadline_s=30.0) as uri:
            told = {text: await said(uri, text, language="de", conversation_id="a") for text in GERMAN}
    assert told == GERMAN


@pytest.mark.parametrize("language", sorted(IN_OTHER_LANGUAGES))
async def test_in_other_languages(tmp_path, language):
    with open_meteo(temperature=1.2) as service:
        async with rigged(tmp_path, service) as rig:
            told = await rig.said(language, when="tomorrow", name="Berlin"), await rig.said(language)
    assert told == IN_OTHER_LANGUAGES[language]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_answer_can_be_given_in_every_language(tmp_path, language):
    with open_meteo(gusts=60.0) as service:
        async with rigged(tmp_path, service) as rig:
            whens = ("", "now", "today", "tonight", "tomorrow", "overmorrow", "weekend", "week", "monday", "sunday")
            told = [await rig.said(language, what=what, when=when, name="berlin") for what in KINDS for when in whens]
            told.append(await rig.said(language))
            rig.clock.advance(7200)
            service.stop()
            told += [
                await rig.said(language, what=what, when=when) for what, when in (("weather", ""), ("temperature", ""), ("rain", "today"))
            ]
    assert [text for text in told if not text[0].isupper() or text[-1] != "." or "{" in text] == []


@pytest.mark.parametrize(
    ("language", "degrees"),
    [
        ("en", "It's minus one point five degrees. It feels like minus six degrees."),
        ("de", "Gerade minus eins Komma fünf Grad. Gefühlt minus sechs Grad."),
        ("fr", "Il fait moins un virgule cinq degré. Le ressenti est de moins six degrés."),
        ("es", "Hay menos uno coma cinco grados. La sensación es de menos seis grados."),
        ("it", "Adesso meno uno virgola cinque gradi. La temperatura percepita è di meno sei gradi."),
        ("nl", "Het is min een komma vijf graden. Het voelt als min zes graden."),
    ],
)
async def test_figures_are_words(tmp_path, language, degrees):
    with open_meteo(temperature=-1.5, feels=-6.2) as service:
        async with rigged(tmp_path, service) as rig:
            assert await rig.said(language, what="temperature") == degrees


async def test_spanish_counts_degrees_as_spaniards_do(tmp_path):
    with open_meteo(temperature=21.0) as service:
        async with rigged(tmp_path, service) as rig:
            assert await rig.said("es", when="now") == "Hay veintiún grados, con cielo cubierto."


async def test_in_fahrenheit_and_miles(tmp_path):
    with open_meteo(temperature=-20.0, feels=-20.0) as service:
        async with rigged(tmp_path, service, units="imperial") as rig:
            told = await rig.said(what="temperature"), await rig.said(what="wind")
    assert told == ("It's minus four degrees.", "The wind blows from the west at eight miles per hour.")


async def test_a_home_in_america_has_its_units(tmp_path):
    with open_meteo(temperature=20.0) as service:
        async with rigged(tmp_path, service, name="Springfield, Illinois") as rig:
            assert await rig.said(when="now") == "It's sixty-eight degrees, with overcast skies."


async def test_the_rest_of_the_day_is_told_while_it_is_young(tmp_path):
    with open_meteo(offset_s=-6 * 3600, chance=55) as service:
        async with rigged(tmp_path, service) as rig:
            told = await rig.said()
    assert told == "It's eight degrees, with overcast skies. Up to eleven degrees today, with a fifty-five percent chance of rain."


async def test_a_follow_up_goes_on_with_place_and_subject(tmp_path):
    with open_meteo() as service:
        async with running(tmp_path, MovedClock(), options={"weather": addresses(service)}) as uri:
            told = [await said(uri, text, conversation_id="a") for text in ("will it rain in Berlin", "and tomorrow", "what about Paris")]
    assert told == [
        "No, it should stay dry today in Berlin.",
        "Yes, rain is likely tomorrow in Berlin: eighty percent.",
        "Yes, rain is likely tomorrow in Paris: eighty percent.",
    ]


async def test_which_of_several_large_places_is_asked(tmp_path):
    with open_meteo() as service:
        async with running(tmp_path, MovedClock(), options={"weather": addresses(service)}) as uri:
            told = [await said(uri, text, conversation_id="a") for text in ("weather in Springfield tomorrow", "the one in Illinois")]
    assert told == [
        "Which Springfield do you mean, the one in Missouri, Massachusetts or Illinois?",
        "Tomorrow in Springfield it will be three to ten degrees, with light rain.",
    ]


@pytest.mark.parametrize(("region", "latitude"), [("1", 37.21), ("2", 42.1), ("3", 39.8), ("ohio", 39.92), ("in Illinois", 39.8)])
async def test_the_region_chooses(tmp_path, region, latitude):
    with open_meteo() as service:
        async with rigged(tmp_path, service) as rig:
            assert (await rig.result(name="springfield", region=region)).data["latitude"] == latitude


async def test_a_region_where_there_is_none_of_that_name(tmp_path):
    with open_meteo() as service:
        async with rigged(tmp_path, service) as rig:
            with failing() as failure:
                await rig.said(name="springfield", region="bavaria")
    assert str(failure.value) == "I don't know a place called springfield, bavaria."


async def test_without_a_home_the_place_is_asked_for(tmp_path):
    with open_meteo() as service:
        async with rigged(tmp_path, service, House()) as rig:
            result = await rig.result(when="tomorrow")
    assert (result.speech, result.ask) == ("For which place?", "name")


async def test_the_home_by_its_coordinates_is_told_to_a_kilometre(tmp_path):
    with open_meteo() as service:
        async with rigged(tmp_path, service, House(), latitude=48.123456, longitude=11.987654) as rig:
            await rig.said()
    assert [(asked.path, asked.query["latitude"], asked.query["longitude"]) for asked in service.asked] == [(FORECAST, "48.12", "11.99")]


async def test_half_of_a_pair_of_coordinates_is_refused(tmp_path):
    with open_meteo() as service:
        async with rigged(tmp_path, service, latitude=48.0) as rig:
            with failing() as failure:
                await rig.tool.start()
    assert str(failure.value) == "handle.tools.weather: latitude and longitude are needed together"


async def test_a_second_question_within_ten_minutes_is_not_asked_again(tmp_path):
    with open_meteo() as service:
        async with rigged(tmp_path, service) as rig:
            await rig.said()
            rig.clock.advance(590)
            await rig.said(what="wind", when="tomorrow")
    assert [asked.path for asked in service.asked] == [SEARCH, FORECAST]


@pytest.mark.parametrize(("later_s", "ago"), [(1200, "Twenty minutes ago"), (3600, "An hour ago"), (7300, "Two hours ago")])
async def test_offline_the_last_known_is_told_with_its_age(tmp_path, later_s, ago):
    with open_meteo() as service:
        async with rigged(tmp_path, service) as rig:
            await rig.said()
            service.stop()
            rig.clock.advance(later_s)
            told = await rig.said(), await rig.said(when="tomorrow")
    assert told == (
        f"{ago} it was eight degrees, with overcast skies.",
        f"As of {ago[0].lower()}{ago[1:]}: Tomorrow it will be three to ten degrees, with light rain.",
    )


async def test_what_is_a_day_old_is_no_forecast(tmp_path):
    with open_meteo() as service:
        async with rigged(tmp_path, service) as rig:
            await rig.said()
            service.stop()
            rig.clock.advance(86401)
            with failing() as failure:
                await rig.said()
    assert str(failure.value) == "I can't reach the weather service right now."


async def test_offline_from_the_start(tmp_path):
    with open_meteo() as service:
        service.stop()
        async with running(tmp_path, MovedClock(), options={"weather": addresses(service)}) as uri:
            answer = await ask(uri, "what's the weather")
    assert (answer.type, answer.data["text"]) == ("not-handled", "I can't reach the weather service right now.")


@pytest.mark.parametrize("fault", FAULTS, ids=range(len(FAULTS)))
async def test_a_service_in_trouble_is_said_and_nothing_of_it_kept(tmp_path, fault):
    with open_meteo() as service:
        async with rigged(tmp_path, service, latitude=48.0, longitude=2.0) as rig:
            service.fault(*[fault] * 4)
            with failing() as failure:
                await rig.said()
            service.well()
            assert await rig.said(when="now") == "It's eight degrees, with overcast skies."
    assert str(failure.value) == "The weather service isn't working right now."


async def test_a_place_search_in_trouble_is_said(tmp_path):
    with open_meteo() as service:
        async with rigged(tmp_path, service) as rig:
            service.fault(status(500), status(500))
            with failing() as failure:
                await rig.said(name="Berlin")
    assert str(failure.value) == "The weather service isn't working right now."


async def test_a_service_that_never_answers(tmp_path):
    with open_meteo() as service:
        async with rigged(tmp_path, service, latitude=48.0, longitude=2.0) as rig:
            service.fault(service.stuck)
            with failing() as failure:
                await rig.said()
    assert str(failure.value) == "The weather service isn't working right now."


async def test_figures_that_are_missing_are_not_made_up(tmp_path):
    answer = forecast(code=None, chance=None, hourly_code=None, chances=[None] * 8)
    answer["current"]["relative_humidity_2m"] = None
    with open_meteo() as service:
        service.reply(FORECAST, answer)
        async with rigged(tmp_path, service) as rig:
            told = await rig.said(when="now"), await rig.said(what="rain", when="tomorrow")
            with failing() as failure:
                await rig.said(what="humidity")
    assert told == ("It's eight degrees, with changeable skies.", "Yes, rain is expected tomorrow.")
    assert str(failure.value) == "I have no forecast for that."


async def test_where_the_sun_does_not_rise(tmp_path):
    answer = forecast()
    answer["daily"]["sunrise"][1] = answer["daily"]["sunset"][1] = "2026-11-24T11:59"
    with open_meteo() as service:
        service.reply(FORECAST, answer)
        async with rigged(tmp_path, service) as rig:
            assert await rig.said(what="sunrise", when="tomorrow") == "Tomorrow the sun neither rises nor sets."
