"""What is said about timers, alarms and reminders in six languages, and what is answered."""

from pathlib import Path

import pytest
import yaml
from handle_house import MovedClock, linked, running, said
from tool_sentences import LANGUAGES, matcher, response_keys

from wyoming_servers.handle.matcher import Context
from wyoming_servers.shared import paths

SENTENCES = yaml.safe_load(Path(__file__).with_name("timer_sentences.yaml").read_text("utf-8"))
ASKING = frozenset(
    {"HassStartTimer", "HassCancelTimer", "EarshotSetAlarm", "EarshotCancelAlarm", "EarshotSetReminder", "EarshotCancelReminder"}
)
OWN = {"which_half"}
"""Sentences that not every language needs."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_understood(language):
    wrong = []
    for line in SENTENCES[language]:
        asked, last = line.get("asked", ""), line.get("last", "")
        matches = matcher(language).match(line["said"].lower(), Context(asked=asked, asking=ASKING if asked else frozenset(), last=last))
        got = [(match.intent, match.slots) for match in matches]
        if got != [(line["intent"], line["slots"])]:
            wrong.append((line["said"], got))
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("section", ["timers", "alarms", "reminders"])
def test_every_answer_is_there_in_every_language(language, section):
    assert response_keys("en", section) ^ response_keys(language, section) <= OWN


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_length_and_time_is_there_in_every_language(language):
    assert {"length_hours", "length_minutes", "length_seconds", "length_days", "day_hours", "weekday_names"} <= common(language)


def common(language: str) -> set[str]:
    """The names of the sentences that timers, alarms and reminders have in common."""
    content = yaml.safe_load((Path(paths.content("intents")) / language / "_times.yaml").read_text("utf-8"))
    return set(content["responses"]["common"])


# said → answered; a Saturday, 17:08
CONVERSATIONS = {
    "en": {
        "set a timer for an hour and 21 minutes": "Timer set for 1 hour and 21 minutes.",
        "set an alarm for half past seven in the morning": "Alarm set tomorrow at 7:30 AM.",
        "set an alarm for 7 am every monday and friday": "Alarm set every Monday and Friday at 7 AM.",
        "remind me at six to call mum": "I'll remind you at 6 PM: call mum.",
        "what alarms do I have": "You have 2 alarms: tomorrow at 7:30 AM and every Monday and Friday at 7 AM.",
    },
    "de": {
        "stelle einen timer auf 1 stunde und 21 minuten": "Timer auf eine Stunde und 21 Minuten gestellt.",
        "wie lange läuft der timer noch": "Timer über eine Stunde und 21 Minuten: noch eine Stunde und 21 Minuten.",
        "stell den wecker auf halb acht": "Wecker gestellt: morgen um 7 Uhr 30.",
        "weck mich werktags um ein uhr nachts": "Wecker gestellt: werktags um ein Uhr.",
        "erinnere mich um sechs an den müll": "Ich erinnere dich um 18 Uhr: müll.",
        "welche wecker habe ich": "Du hast 2 Wecker: morgen um 7 Uhr 30 und werktags um ein Uhr.",
    },
    "fr": {
        "mets un minuteur d'une heure et 21 minutes": "Minuteur lancé : une heure et vingt et une minutes.",
        "combien de temps reste-t-il": "Minuteur d'une heure et de 21 minutes : il reste une heure et vingt et une minutes.",
        "réveille-moi demain à sept heures et demie": "Réveil réglé demain à 7 heures 30.",
        "mets un réveil à une heure de la nuit tous les lundis": "Réveil réglé chaque lundi à une heure.",
        "rappelle-moi à six heures d'appeler maman": "Je te le rappelle à 18 heures : appeler maman.",
        "quels sont mes réveils": "Tu as 2 réveils : demain à 7 heures 30 et chaque lundi à une heure.",
    },
    "es": {
        "pon un temporizador de una hora y 21 minutos": "Temporizador puesto: una hora y veintiún minutos.",
        "despiértame mañana a las siete y media": "Alarma puesta mañana a las 7 y 30 de la mañana.",
        "pon una alarma a la una de la tarde": "Alarma puesta mañana a la una de la tarde.",
        "despiértame de lunes a viernes a las siete": "Alarma puesta de lunes a viernes a las 7 de la mañana.",
        "recuérdame a las seis llamar a mamá": "Te lo recordaré a las 6 de la tarde: llamar a mamá.",
    },
    "it": {
        "imposta un timer di un'ora e 21 minuti": "Timer impostato: un'ora e 21 minuti.",
        "quanto tempo manca": "Timer da un'ora e 21 minuti: ancora un'ora e 21 minuti.",
        "svegliami domani alle sette e mezza": "Sveglia impostata domani alle 7 e 30.",
        "imposta una sveglia a mezzanotte": "Sveglia impostata domani a mezzanotte.",
        "svegliami ogni lunedì all'una di notte": "Sveglia impostata ogni lunedì all'una.",
        "ricordami alle sei di chiamare la mamma": "Te lo ricordo alle 18: chiamare la mamma.",
    },
    "nl": {
        "zet een timer van 1 uur en 21 minuten": "Timer gezet op één uur en 21 minuten.",
        "hoe lang duurt de timer nog": "Timer van één uur en 21 minuten: nog één uur en 21 minuten.",
        "zet een wekker om half acht 's ochtends": "Wekker gezet morgen om 7 uur 30.",
        "maak me elke maandag om zeven uur wakker": "Wekker gezet elke maandag om 7 uur.",
        "herinner me om zes uur aan de vuilnis": "Ik herinner je om 18 uur: vuilnis.",
    },
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_lengths_and_times_are_said_as_people_say_them(language, tmp_path):
    async with running(tmp_path, MovedClock()) as uri, linked(uri, "hall"):
        answers = {text: await said(uri, text, language=language) for text in CONVERSATIONS[language]}
    assert answers == CONVERSATIONS[language]


# set, asked, answered, repaired, what there is then
REPAIRED = {
    "en": (
        "set a timer",
        "For how long?",
        "five minutes",
        "no, ten minutes",
        "how much time is left",
        "10 minutes left on your 10 minute timer.",
    ),
    "de": (
        "stelle einen timer",
        "Für wie lange?",
        "fünf minuten",
        "nein, zehn minuten",
        "wie lange noch",
        "Timer über 10 Minuten: noch 10 Minuten.",
    ),
    "fr": (
        "mets un minuteur",
        "Pour combien de temps ?",
        "cinq minutes",
        "non, dix minutes",
        "combien de temps reste-t-il",
        "Minuteur de 10 minutes : il reste 10 minutes.",
    ),
    "es": (
        "pon un temporizador",
        "¿Para cuánto tiempo?",
        "cinco minutos",
        "no, diez minutos",
        "cuánto queda",
        "Temporizador de 10 minutos: aún 10 minutos.",
    ),
    "it": (
        "imposta un timer",
        "Per quanto tempo?",
        "cinque minuti",
        "no, dieci minuti",
        "quanto manca",
        "Timer da 10 minuti: ancora 10 minuti.",
    ),
    "nl": ("zet een timer", "Hoe lang?", "vijf minuten", "nee, tien minuten", "hoe lang nog", "Timer van 10 minuten: nog 10 minuten."),
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_length_is_asked_for_and_repaired(language, tmp_path):
    first, question, answer, repair, check, left = REPAIRED[language]
    async with running(tmp_path, MovedClock()) as uri, linked(uri, "hall"):
        spoken = [await said(uri, text, language=language, conversation_id="talk") for text in (first, answer, repair, check)]
    assert (spoken[0], spoken[-1]) == (question, left)
