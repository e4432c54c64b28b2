"""Time and date over the wire. The clock stands at 17:08 on Saturday, 21 November 2026."""

import zoneinfo
from datetime import UTC, datetime

import pytest
from handle_house import MovedClock, running, said

from wyoming_servers.handle.phrases import read_responses
from wyoming_servers.shared import paths
from wyoming_servers.shared.errors import SettingsError

ANSWERS = {
    "what time is it": "It's 5:08 PM.",
    "what's the date": "It's Saturday, November 21, 2026.",
    "what is the date tomorrow": "Tomorrow is Sunday, November 22, 2026.",
    "what day is it": "It's Saturday.",
    "what day is tomorrow": "Tomorrow is Sunday.",
    "what day was it yesterday": "Yesterday was Friday.",
    "what month is it": "It's November.",
    "what year is it": "It's 2026.",
}
TIMES = {(0, 0): "It's midnight.", (0, 5): "It's 12:05 AM.", (9, 0): "It's 9 AM.", (12, 0): "It's noon.", (12, 30): "It's 12:30 PM."}


async def test_everything_that_can_be_asked(tmp_path):
    async with running(tmp_path, MovedClock()) as uri:
        assert {text: await said(uri, text) for text in ANSWERS} == ANSWERS


async def test_times_of_the_day(tmp_path):
    clock, told = MovedClock(), {}
    async with running(tmp_path, clock) as uri:
        for hour, minute in TIMES:
            clock.set_wall(datetime(2026, 11, 21, hour, minute, tzinfo=UTC).timestamp())
            told[hour, minute] = await said(uri, "what time is it")
    assert told == TIMES


async def test_a_24_hour_clock(tmp_path):
    async with running(tmp_path, MovedClock(), options={"clock": {"hours": "24"}}) as uri:
        assert await said(uri, "what time is it") == "It's 17:08."


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"clock": {"hours": "13"}}, "handle.tools.clock: hours: '13' is not allowed (allowed: auto, 12, 24)"),
        ({"clock": {"colour": "red"}}, "handle.tools.clock: unknown key 'colour' (allowed here: hours)"),
        ({"clokc": {}}, "handle.tools: no tool 'clokc' (there are: "),
    ],
)
async def test_wrong_options_stop_the_server_with_their_names(tmp_path, options, reason):
    with pytest.raises(SettingsError) as failure:
        async with running(tmp_path, options=options):
            pass
    assert str(failure.value).startswith(reason)


IN_OTHER_LANGUAGES = {
    "de": {
        "welches datum haben wir": "Heute ist Samstag, der 21. November 2026.",
        "welcher tag ist morgen": "Morgen ist Sonntag, der 22. November 2026.",
        "welches jahr haben wir": "Wir haben das Jahr 2026.",
        "wie viel uhr ist es in Tokio": "In Tokio ist es morgen schon 2 Uhr 8.",
        "wie spät ist es in der Schweiz": "In der Schweiz ist es 18 Uhr 8.",
        "wie spät ist es in Narnia": "Ich weiß nicht, wie spät es in Narnia ist.",
        "welches datum ist in Sydney": "In Sydney ist Sonntag, der 22. November 2026.",
        "auf welchen tag fällt der fünfte März": "Der 5. März 2027 ist ein Freitag.",
        "wie viele tage sind es noch bis Weihnachten": "Bis dahin sind es noch 34 Tage.",
        "wie lange ist es noch bis zum 22. November": "Das ist morgen.",
    },
    "fr": {
        "quelle est la date": "Nous sommes le samedi 21 novembre 2026.",
        "quel jour sommes-nous demain": "Demain, ce sera le dimanche 22 novembre 2026.",
        "quelle heure est-il à Tokyo": "Tokyo : il est déjà 2 heures 8, demain.",
        "quelle heure est-il aux Pays-Bas": "Pays-Bas : il est 18 heures 8.",
        "quelle heure est-il à Narnia": "Je ne sais pas quelle heure il est là-bas : Narnia.",
        "quel jour tombe le premier janvier": "Le 1er janvier 2027 est un vendredi.",
        "combien de jours jusqu'à Noël": "Il reste 34 jours d'ici là.",
    },
    "es": {
        "qué fecha es hoy": "Hoy es sábado, 21 de noviembre de 2026.",
        "qué día es mañana": "Mañana es domingo, 22 de noviembre de 2026.",
        "qué hora es en Tokio": "En Tokio ya es mañana y son las 2 y 8 de la madrugada.",
        "qué hora es en los Países Bajos": "En los Países Bajos son las 6 y 8 de la tarde.",
        "qué hora es en Narnia": "No sé qué hora es en Narnia.",
        "qué día cae el primero de enero": "El 1 de enero de 2027 es viernes.",
        "cuántos días faltan para el 5 de marzo": "Quedan 104 días.",
    },
    "it": {
        "che giorno è oggi": "Oggi è sabato 21 novembre 2026.",
        "che giorno è domani": "Domani è domenica 22 novembre 2026.",
        "che ore sono a Tokyo": "Tokyo: è già domani e sono le 2 e 8.",
        "che ore sono nei Paesi Bassi": "Paesi Bassi: sono le 18 e 8.",
        "che ore sono a Narnia": "Non so che ore sono lì: Narnia.",
        "che giorno cade il primo gennaio": "Il primo gennaio 2027 è venerdì.",
        "quanti giorni mancano al 5 marzo": "Mancano 104 giorni.",
    },
    "nl": {
        "wat is de datum": "Het is zaterdag 21 november 2026.",
        "welke dag is het morgen": "Morgen is het zondag 22 november 2026.",
        "hoe laat is het in Tokio": "In Tokio is het morgen al 2 uur 8.",
        "hoe laat is het in Duitsland": "In Duitsland is het 18 uur 8.",
        "hoe laat is het in Narnia": "Ik weet niet hoe laat het in Narnia is.",
        "op welke dag valt de eerste januari": "1 januari 2027 is een vrijdag.",
        "hoeveel dagen nog tot 5 maart": "Het duurt nog 104 dagen.",
    },
}


@pytest.mark.parametrize("language", sorted(IN_OTHER_LANGUAGES))
async def test_in_other_languages(tmp_path, language):
    answers = IN_OTHER_LANGUAGES[language]
    async with running(tmp_path, MovedClock()) as uri:
        assert {text: await said(uri, text, language=language) for text in answers} == answers


ANYWHERE = {
    "what time is it in Tokyo": "It's already 2:08 AM tomorrow in Tokyo.",
    "what's the time in San Francisco": "It's 9:08 AM in San Francisco.",
    "what time is it in Germany": "It's 6:08 PM in Germany.",
    "what time is it in the Netherlands": "It's 6:08 PM in the Netherlands.",
    "what time is it in Port Moresby": "It's already 3:08 AM tomorrow in Port Moresby.",
    "what time is it in Narnia": "I don't know what time it is in Narnia.",
    "what is the date in Sydney": "It's Sunday, November 22, 2026 in Sydney.",
    "what day is the 5th of march": "March 5, 2027 is a Friday.",
    "what day was november twentieth 2026": "November 20, 2026 was a Friday.",
    "what day is the 31st of june 2027": "There is no such date.",
    "how many days until christmas": "34 days until December 25, 2026.",
    "how long until november 22": "That's tomorrow.",
    "how many days until february 29": "465 days until February 29, 2028.",
    "how long until november twenty-first": "That's today.",
}


async def test_other_places_and_dates(tmp_path):
    async with running(tmp_path, MovedClock()) as uri:
        assert {text: await said(uri, text) for text in ANYWHERE} == ANYWHERE


async def test_every_listed_place_has_a_time_zone():
    known = zoneinfo.available_timezones()
    for language in ("en", *IN_OTHER_LANGUAGES):
        lines = read_responses(language, [paths.content("intents")])["clock"]["places"]
        assert not [line for line in lines if line.partition(" = ")[0] not in known], language
