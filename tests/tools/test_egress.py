"""What left the house, told in six languages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from handle_house import MovedClock, ask, running, said

from wyoming_servers.shared.ledger import Ledger

WEATHER, ARTICLE = ("weather", "api.open-meteo.com", "the weather in Paris"), ("wikipedia", "en.wikipedia.org", "an article on rain")
QUESTIONS = {
    "en": "what left the house today",
    "de": "was hat heute das Haus verlassen",
    "fr": "qu'est-ce qui a quitté la maison aujourd'hui",
    "es": "qué ha salido de casa hoy",
    "it": "cosa è uscito di casa oggi",
    "nl": "wat heeft vandaag het huis verlaten",
}
NOTHING = {
    "en": "Nothing left the house today.",
    "de": "Heute hat nichts das Haus verlassen.",
    "fr": "Rien n'a quitté la maison aujourd'hui.",
    "es": "Hoy no ha salido nada de casa.",
    "it": "Oggi non è uscito niente di casa.",
    "nl": "Vandaag heeft niets het huis verlaten.",
}
ONE = {
    "en": "One request to api.open-meteo.com for the weather in Paris, at 8:02 AM.",
    "de": "Eine Anfrage an api.open-meteo.com für das Wetter, um 8:02 Uhr.",
    "fr": "Une requête à api.open-meteo.com pour la météo, à 8h02.",
    "es": "Una petición a api.open-meteo.com para el tiempo, a las 8:02.",
    "it": "Una richiesta a api.open-meteo.com per il meteo, alle 8:02.",
    "nl": "Eén verzoek aan api.open-meteo.com voor het weer, om 8:02 uur.",
}
SEVERAL = {
    "en": "Today three requests left the house: two to api.open-meteo.com and one to en.wikipedia.org. "
    "The last one was for an article on rain, at 1:00 PM.",
    "de": "Heute haben drei Anfragen das Haus verlassen: zwei an api.open-meteo.com und eine an en.wikipedia.org. "
    "Die letzte war für einen Artikel aus Wikipedia um 13:00 Uhr.",
    "fr": "Aujourd'hui, trois requêtes ont quitté la maison : deux à api.open-meteo.com et une à en.wikipedia.org. "
    "La dernière, c'était pour un article de Wikipédia à 13h00.",
    "es": "Hoy han salido de casa tres peticiones: dos a api.open-meteo.com y una a en.wikipedia.org. "
    "La última fue para un artículo de Wikipedia a las 13:00.",
    "it": "Oggi sono uscite di casa tre richieste: due a api.open-meteo.com e una a en.wikipedia.org. "
    "L'ultima era per un articolo di Wikipedia alle 13:00.",
    "nl": "Vandaag hebben drie verzoeken het huis verlaten: twee aan api.open-meteo.com en één aan en.wikipedia.org. "
    "Het laatste was voor een artikel van Wikipedia om 13:00 uur.",
}


class Book:
    """The house's ledger, in the hands of a test; it is 17:08 on a Saturday."""

    def __init__(self, folder: Path, clock: MovedClock) -> None:
        self.at = clock.wall
        self._noted = clock.wall
        self.ledger = Ledger(folder / "egress.db", lambda: self.at)

    async def note(self, what: tuple[str, str, str], clock_time: str, *, days_ago: int = 0, local: bool = False, sent: int = 200) -> None:
        hour, minute = map(int, clock_time.split(":"))
        self.at = self._noted - (17 - hour) * 3600 - (8 - minute) * 60 - days_ago * 86400
        tool, host, why = what
        row = await self.ledger.begin(tool, "GET", host, why, local=local, sent_bytes=sent)
        self.ledger.end(row, sent_bytes=sent, received_bytes=900, status=200)


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[tuple[str, Book]]:
    clock = MovedClock()
    book = Book(folder, clock)
    try:
        async with running(folder, clock) as uri:
            yield uri, book
    finally:
        await book.ledger.close()


@pytest.mark.parametrize("language", QUESTIONS)
async def test_it_is_told_in_every_language(tmp_path, language):
    async with house(tmp_path) as (uri, book):
        answers = [await said(uri, QUESTIONS[language], language=language)]
        await book.note(WEATHER, "8:02")
        answers.append(await said(uri, QUESTIONS[language], language=language))
        await book.note(WEATHER, "12:00")
        await book.note(ARTICLE, "13:00")
        answers.append(await said(uri, QUESTIONS[language], language=language))
    assert answers == [NOTHING[language], ONE[language], SEVERAL[language]]


async def test_yesterday_is_not_today(tmp_path):
    async with house(tmp_path) as (uri, book):
        await book.note(WEATHER, "8:02", days_ago=1)
        today, yesterday = await said(uri, "what left the house"), await said(uri, "did anything leave the house yesterday")
    assert (today, yesterday) == (NOTHING["en"], ONE["en"])


async def test_a_week_has_seven_days(tmp_path):
    async with house(tmp_path) as (uri, book):
        await book.note(WEATHER, "8:02", days_ago=7)
        await book.note(WEATHER, "8:02", days_ago=6)
        await book.note(ARTICLE, "9:00")
        answer = await said(uri, "what have you sent to the internet this week")
    assert answer == "In the last seven days two requests left the house: one to api.open-meteo.com and one to en.wikipedia.org."


async def test_what_stayed_in_the_house_and_what_reached_nobody_did_not_leave(tmp_path):
    async with house(tmp_path) as (uri, book):
        await book.note(("camera", "192.168.1.9", "a picture"), "9:00", local=True)
        await book.note(WEATHER, "9:00", sent=0)
        assert await said(uri, "what left the house today") == NOTHING["en"]


async def test_only_three_hosts_are_named(tmp_path):
    async with house(tmp_path) as (uri, book):
        for host in "abcde":
            await book.note(("probe", f"{host}.example.org", ""), "9:00")
        answer = await said(uri, "what went out today")
    assert answer.startswith(
        "Today five requests left the house: one to a.example.org, one to b.example.org, one to c.example.org and two to"
    )


async def test_its_data_counts_by_host(tmp_path):
    async with house(tmp_path) as (uri, book):
        await book.note(WEATHER, "9:00")
        message = await ask(uri, "what left the house today")
    assert message.data["context"]["earshot"]["data"] == {"requests": 1, "hosts": {"api.open-meteo.com": 1}}


async def test_a_ledger_that_cannot_be_read_is_no_clean_sheet(tmp_path):
    (tmp_path / "egress.db").mkdir()
    async with running(tmp_path, MovedClock()) as uri:
        assert await said(uri, "what left the house today") == "I can't read the list of what left the house."
