"""A language that Earshot has no sentences for, begun by somebody in a folder of their own: Polish, which has three plurals."""

from pathlib import Path

import pytest
from fake_llm import Call
from handle_house import MovedClock, running, said, talk
from llm_house import llm_house

POLISH = """
language: pl
expansion_rules:
  length: "({timer_hours:hours} (godzina|godziny|godzin|godzinę)[ i ]|){timer_minutes:minutes} (minutę|minuty|minut)"
intents:
  HassStartTimer: {data: [{sentences: ["ustaw minutnik na <length>"]}]}
  HassCancelAllTimers: {data: [{sentences: ["anuluj wszystkie minutniki"]}]}
  EarshotListAdd: {data: [{sentences: ["dodaj {shopping_list_item:item}"], slots: {name: shopping}}]}
  HassTimerStatus: {data: [{sentences: ["jakie mam minutniki"]}]}
responses:
  common:
    "and": "{first} i {last}"
    unknown: "Nie wiem."
    failed: "Coś poszło nie tak."
    length_hours: {one: "{n} godzina", few: "{n} godziny", many: "{n} godzin", other: "{n} godziny"}
    length_minutes: {one: "{n} minuta", few: "{n} minuty", many: "{n} minut", other: "{n} minuty"}
  lists:
    shopping: "lista zakupów"
    added: {one: "{items} jest już na liście.", other: "{items} są już na liście."}
  timers:
    unnamed: "minutnik"
    nobody_rings: "{answer}"
    started: "Nastawiony: {length}."
    no_timers: "Nie masz minutników."
    cancelled_all: {one: "Anulowany.", few: "{n} minutniki anulowane.", many: "{n} minutników anulowanych.", other: "{n}."}
    count: {one: "{n} minutnik.", few: "{n} minutniki: {timers}.", many: "{n} minutników.", other: "{n}."}
"""

SUMS = """
language: pl
lists: {calc_words: {range: {from: 0, to: 999}}, calc_right: {wildcard: true}, calc_sign: {values: [{in: razy, out: "*"}]}}
intents: {EarshotCalculate: {data: [{sentences: ["ile to {calc_words:amount} {calc_sign:operation} {calc_right:right}"]}]}}
responses: {calculator: {decimal_sign: ",", is: "To {number}."}}
"""


@pytest.fixture
def house(tmp_path: Path):
    """A folder in which somebody has begun."""
    folder = tmp_path / "intents" / "pl"
    folder.mkdir(parents=True)
    (folder / "timers.yaml").write_text(POLISH)
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("ustaw minutnik na jedną minutę", "Nastawiony: 1 minuta."),
        ("ustaw minutnik na dwadzieścia dwie minuty", "Nastawiony: 22 minuty."),
        ("ustaw minutnik na dwanaście minut", "Nastawiony: 12 minut."),
        ("ustaw minutnik na dwie godziny i pięć minut", "Nastawiony: 2 godziny i 5 minut."),
    ],
)
async def test_numbers_are_understood_in_words_and_said_with_the_right_plural(house, asked, told):
    async with running(house, MovedClock()) as uri:
        assert await said(uri, asked, language="pl") == told


async def test_how_many_there_are_has_its_plural_too(house):
    async with running(house, MovedClock()) as uri:
        set_one = "ustaw minutnik na pięć minut"
        assert await talk(uri, set_one, set_one, "anuluj wszystkie minutniki", language="pl") == "2 minutniki anulowane."


async def test_things_on_a_list_stay_whole_without_words_that_stand_between_them(house):
    async with running(house, MovedClock()) as uri:
        assert await said(uri, "dodaj mleko, chleb", language="pl") == "Mleko i chleb są już na liście."


async def test_a_sentence_that_is_missing_is_named_in_the_log(house, caplog):
    async with running(house, MovedClock()) as uri:
        set_one = "ustaw minutnik na pięć minut"
        assert await talk(uri, set_one, set_one, "jakie mam minutniki", language="pl") == "Coś poszło nie tak."
    assert "no sentence timers.one_of in language 'pl'" in caplog.text and "Traceback" not in caplog.text


@pytest.mark.parametrize(("degrees", "told"), [(220, "Oven at 220 degrees, heated 1 times."), (210, "")])
async def test_what_a_model_makes_of_numbers_in_words_is_checked(tmp_path, degrees, told):
    async with llm_house(tmp_path) as here:
        here.llm.on("piekarnik", Call("oven", {"degrees": degrees}))
        answer = await here.ask("rozgrzej piekarnik do dwustu dwudziestu stopni", language="pl")
        assert (answer.data["text"] if answer.type == "handled" else "") == told


async def test_sums_are_worked_out_of_numbers_in_words(house):
    (house / "intents" / "pl" / "calculator.yaml").write_text(SUMS)
    async with running(house, MovedClock()) as uri:
        assert await said(uri, "ile to dwadzieścia dwa razy trzy", language="pl") == "To 66."
