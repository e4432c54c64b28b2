"""Sums and units over the wire, and what is understood in each language."""

import subprocess
import sys

import pytest
from handle_house import ask, running, said
from tool_sentences import LANGUAGES, response_keys, sentences, understood

from wyoming_servers.shared import paths

INTO = {"en": "in", "de": "in", "fr": "en", "es": "en", "it": "in", "nl": "in"}

ENGLISH = {
    "what's fifteen percent of eighty": "That's twelve.",
    "15% of 80": "That's twelve.",
    "what is 2 plus 3 times 4": "That's fourteen.",
    "what's two hundred and five minus seven": "That's one hundred ninety-eight.",
    "what's five minus seven": "That's minus two.",
    "what is one thousand two hundred plus 5": "That's one thousand two hundred five.",
    "how much is 0.1 plus 0.2": "That's zero point three.",
    "what's 1,000 divided by 8": "That's one hundred twenty-five.",
    "what is 10 divided by 3": "That's about three point three three.",
    "what's 2 divided by 300": "That's about zero point zero zero six six seven.",
    "what's twenty five thousand times two": "That's fifty thousand.",
    "what's three point five times two": "That's seven.",
    "what's 2.5 plus 1": "That's three point five.",
    "what's 100 plus 10 percent": "That's one hundred ten.",
    "what's 5 squared": "That's twenty-five.",
    "what's the square root of 144": "That's twelve.",
    "what's the square root of two": "That's about one point four one.",
    "what's 2 to the power of 10": "That's one thousand twenty-four.",
    "what's 2 to the power of minus 1": "That's zero point five.",
    "what's 17 mod 5": "That's two.",
    "what's 2 to the power of 100": "That's about one point two seven times ten to the power of thirty.",
    "calculate 2 * (3 + 4)": "That's fourteen.",
    "how many cups in a litre": "That's about four point two three cups.",
    "100 fahrenheit in celsius": "That's about thirty-seven point seven eight degrees Celsius.",
    "what's minus 40 celsius in fahrenheit": "That's minus forty degrees Fahrenheit.",
    "5 miles in kilometres": "That's about eight point zero five kilometers.",
    "convert five and a half feet to centimetres": "That's one hundred sixty-seven point six four centimeters.",
    "how many days are in a week": "That's seven days.",
    "how many feet are in 0.3048 meters": "That's one foot.",
    "what is 100 km/h in mph": "That's about sixty-two point one four miles per hour.",
}
REFUSED = {
    "what's 5 divided by zero": "Nothing can be divided by zero.",
    "what's 9 to the power of 9 to the power of 9 to the power of 9": "That is too large for me.",
    "what's the square root of minus 4": "There is no square root of a negative number.",
    "what's 5 times bananas": "I can't work that out.",
    "calculate 2 + (3 * 4": "I can't work that out.",
    "how many miles are in a kilo": "I can't turn kilograms into miles.",
}


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("5 m in feet", "EarshotConvert"),
        ("how many feet are 5 m", "EarshotConvert"),
        ("convert 10m to yards", "EarshotConvert"),
        ("what is 5 km in m", "EarshotConvert"),
        ("timer for 5 m", "HassStartTimer"),
        ("how much time is left on the 5 m timer", "HassTimerStatus"),
        ("remind me in 5 m to check the oven", "EarshotSetReminder"),
    ],
)
def test_what_is_converted_is_a_metre_and_what_is_timed_a_minute(text, intent):
    assert understood("en", text)[0] == intent


OTHER_QUESTIONS = (
    "what is love",
    "what's the new york times",
    "how many people live in paris",
    "how far is a marathon in miles",
    "what's the difference between google plus and facebook",
)


@pytest.mark.parametrize("text", OTHER_QUESTIONS)
def test_other_questions_are_no_sums(text):
    match = understood("en", text)
    assert match is None or match[0] not in ("EarshotCalculate", "EarshotConvert")


async def test_sums_and_conversions(tmp_path):
    async with running(tmp_path) as uri:
        assert {text: await said(uri, text) for text in ENGLISH} == ENGLISH


async def test_what_cannot_be_worked_out_is_said(tmp_path):
    async with running(tmp_path) as uri:
        answers = {text: await ask(uri, text) for text in REFUSED}
    assert {text: (answer.type, answer.data["text"]) for text, answer in answers.items()} == {
        text: ("not-handled", sentence) for text, sentence in REFUSED.items()
    }


async def test_the_result_comes_in_digits_too(tmp_path):
    async with running(tmp_path) as uri:
        assert (await ask(uri, "15% of 80")).data["context"]["earshot"]["data"] == {"sum": "15 % of 80", "result": "12"}


async def test_imperial_measures(tmp_path):
    async with running(tmp_path, options={"calculator": {"measures": "imperial"}}) as uri:
        assert await said(uri, "how many millilitres are in a pint") == "That's about five hundred sixty-eight point two six milliliters."


SPOKEN = [
    ("de", "was ist fünfzehn Prozent von achtzig", "Das sind zwölf."),
    ("de", "wie viel ist dreihundertfünfundzwanzig mal zwei", "Das sind sechshundertfünfzig."),
    ("de", "was ist zweitausenddreihundert plus fünf", "Das sind zweitausenddreihundertfünf."),
    ("de", "was ist drei Komma fünf mal zwei", "Das sind sieben."),
    ("de", "was ist 3,5 plus 1", "Das sind vier Komma fünf."),
    ("de", "was ist 1.500 geteilt durch 3", "Das sind fünfhundert."),
    ("de", "was ist 10 geteilt durch 3", "Das sind etwa drei Komma drei drei."),
    ("de", "was ist die Wurzel aus 144", "Das sind zwölf."),
    ("de", "was ist zweieinhalb mal vier", "Das sind zehn."),
    ("de", "was ist 5 geteilt durch null", "Durch null kann man nicht teilen."),
    ("de", "wie viele Tassen sind ein Liter", "Das sind etwa vier Komma zwei drei Tassen."),
    ("de", "100 Fahrenheit in Celsius", "Das sind etwa siebenunddreißig Komma sieben acht Grad Celsius."),
    ("de", "5 Meilen in Kilometer", "Das sind etwa acht Komma null fünf Kilometer."),
    ("de", "rechne minus 40 Grad Celsius in Fahrenheit um", "Das sind minus vierzig Grad Fahrenheit."),
    ("de", "wie viele Meilen sind ein Kilo", "Kilogramm lassen sich nicht in Meilen umrechnen."),
    ("fr", "combien font quinze pour cent de quatre-vingts", "Ça fait douze."),
    ("fr", "combien font deux mille trois cents plus cinq", "Ça fait deux mille trois cent cinq."),
    ("fr", "combien font quatre-vingt-dix-sept moins vingt et un", "Ça fait soixante-seize."),
    ("fr", "combien font 3,5 fois 2", "Ça fait sept."),
    ("fr", "combien font trois virgule cinq fois deux", "Ça fait sept."),
    ("fr", "quelle est la racine carrée de 144", "Ça fait douze."),
    ("fr", "combien font 5 divisé par zéro", "On ne peut pas diviser par zéro."),
    ("fr", "combien de tasses dans un litre", "Ça fait environ quatre virgule vingt-trois tasses."),
    ("fr", "100 fahrenheit en celsius", "Ça fait environ trente-sept virgule soixante-dix-huit degrés Celsius."),
    ("fr", "convertis 5 miles en kilomètres", "Ça fait environ huit virgule zéro cinq kilomètres."),
    ("es", "cuánto es el quince por ciento de ochenta", "Son doce."),
    ("es", "cuánto es dos mil trescientos más cinco", "Son dos mil trescientos cinco."),
    ("es", "cuánto es treinta y cinco por dos", "Son setenta."),
    ("es", "cuánto es 3,5 por 2", "Son siete."),
    ("es", "cuál es la raíz cuadrada de 144", "Son doce."),
    ("es", "cuánto es 5 entre cero", "No se puede dividir por cero."),
    ("es", "cuántas tazas hay en un litro", "Son aproximadamente cuatro coma veintitrés tazas."),
    ("es", "100 fahrenheit en celsius", "Son aproximadamente treinta y siete coma setenta y ocho grados Celsius."),
    ("es", "5 millas en kilómetros", "Son aproximadamente ocho coma cero cinco kilómetros."),
    ("it", "quanto fa quindici per cento di ottanta", "Fa dodici."),
    ("it", "quanto fa duemilatrecento più cinque", "Fa duemilatrecentocinque."),
    ("it", "quanto fa ventitré per due", "Fa quarantasei."),
    ("it", "quanto fa 3,5 per 2", "Fa sette."),
    ("it", "qual è la radice quadrata di 144", "Fa dodici."),
    ("it", "quanto fa 5 diviso zero", "Non si può dividere per zero."),
    ("it", "quante tazze ci sono in un litro", "Fa circa quattro virgola ventitré tazze."),
    ("it", "100 fahrenheit in celsius", "Fa circa trentasette virgola settantotto gradi Celsius."),
    ("it", "5 miglia in chilometri", "Fa circa otto virgola zero cinque chilometri."),
    ("nl", "wat is vijftien procent van tachtig", "Dat is twaalf."),
    ("nl", "wat is tweeduizend driehonderd plus vijf", "Dat is tweeduizenddriehonderdvijf."),
    ("nl", "hoeveel is vijfendertig keer twee", "Dat is zeventig."),
    ("nl", "wat is 3,5 keer 2", "Dat is zeven."),
    ("nl", "wat is de wortel van 144", "Dat is twaalf."),
    ("nl", "wat is 5 gedeeld door nul", "Delen door nul kan niet."),
    ("nl", "hoeveel koppen zitten er in een liter", "Dat is ongeveer vier komma twee drie koppen."),
    ("nl", "100 fahrenheit in celsius", "Dat is ongeveer zevenendertig komma zeven acht graden Celsius."),
    ("nl", "5 mijl in kilometer", "Dat is ongeveer acht komma nul vijf kilometer."),
]


async def test_it_speaks_six_languages(tmp_path):
    async with running(tmp_path, language_s=8.0) as uri:
        answers = [(language, text, await said(uri, text, language=language)) for language, text, _ in SPOKEN]
    assert answers == SPOKEN


def test_every_language_has_every_sentence_and_unit():
    keys = {language: response_keys(language, "calculator") | response_keys(language, "calculator", "_units") for language in LANGUAGES}
    assert keys == dict.fromkeys(LANGUAGES, keys["en"])


def units(language: str) -> dict[str, str]:
    """What each is called behind a number."""
    said = sentences(language, "_units")["responses"]["calculator"]
    return {key.removeprefix("unit_"): forms["other"].removeprefix("{n} ") for key, forms in said.items()}


async def test_pint_knows_every_unit(tmp_path):
    names = list(units("en").values())
    async with running(tmp_path) as uri:
        answers = {name: await said(uri, f"20 {name} in {name}") for name in names}
    assert answers == {name: f"That's twenty {name}." for name in names}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_unit_is_heard_as_it_is_said(language):
    said = units(language)
    heard = {name: understood(language, f"20 {names} {INTO[language]} {names}") for name, names in said.items()}
    assert heard == {name: ("EarshotConvert", {"amount": 20, "unit": name, "to": name}) for name in said}


def test_pint_is_loaded_for_units_only():
    code = f"""
import sys
sys.path.insert(0, {str(paths.content("tools"))!r})
import calculator
assert "pint" not in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
