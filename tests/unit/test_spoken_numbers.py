"""Numbers, units, money, dates and times in words, and those that are better left in digits."""

import dataclasses

import pytest

from wyoming_servers.shared.number_words import NumberWords, language_words, languages
from wyoming_servers.shared.spoken_numbers import SpokenNumbers, plain_signs, spoken_numbers

ENGLISH = [
    ("-1.5 °C", "minus one point five degrees Celsius"),
    ("\u22125 ℃", "minus five degrees Celsius"),
    ("68°F", "sixty-eight degrees Fahrenheit"),
    ("1 °C", "one degree Celsius"),
    ("20 km/h", "twenty kilometers per hour"),
    ("12kWh", "twelve kilowatt hours"),
    ("40 m²", "forty square meters"),
    ("99.9%", "ninety-nine point nine percent"),
    ("10–20 %", "ten to twenty percent"),
    ("$5.50", "five dollars and fifty cents"),
    ("-$3", "minus three dollars"),
    ("$0.99", "ninety-nine cents"),
    ("$1.2 million", "one point two million dollars"),
    ("12 €", "twelve euros"),
    ("$10-20", "ten to twenty dollars"),
    ("from 9am-5pm", "from nine am to five pm"),
    ("1,234.56", "one thousand two hundred thirty-four point five six"),
    ("5,000 people", "five thousand people"),
    ("3-5 eggs", "three to five eggs"),
    ("1939-1945", "nineteen thirty-nine to nineteen forty-five"),
    ("from 1939 to 1945", "from nineteen thirty-nine to nineteen forty-five"),
    ("the 21st", "the twenty-first"),
    ("5-minute timer", "five-minute timer"),
    ("2½ hours", "two and a half hours"),
    ("2 + 2 = 4", "two plus two equals four"),
    ("#5", "number five"),
    ("at 7:30", "at seven thirty"),
    ("It's 7:05 PM.", "It's seven oh five PM."),
    ("7:00 a.m.", "seven a.m."),
    ("14:00", "fourteen hundred"),
    ("7:30-8:00", "seven thirty to eight o'clock"),
    ("2026-12-31", "December thirty-first, twenty twenty-six"),
    ("12/31/2026", "December thirty-first, twenty twenty-six"),
    ("January 5, 2027", "January fifth, twenty twenty-seven"),
    ("on the 3rd of May 2024", "on the third of May, twenty twenty-four"),
    ("in May 2026", "in May twenty twenty-six"),
    ("in 1990", "in nineteen ninety"),
    ("the 1990s and the 80s", "the nineteen nineties and the eighties"),
    ("call 911", "call nine one one"),
    ("The code is 4711.", "The code is four seven one one."),
    ("+49 30 1234567", "plus four nine, three zero, one two three four five six seven"),
    ("555-123-4567", "five five five, one two three, four five six seven"),
    ("007", "zero zero seven"),
    ("R & B", "R and B"),
]
LEFT_ALONE = [
    "1000000",
    "2026",
    "version 1.2.3",
    "v2.0",
    "192.168.1.1",
    "16:9",
    "a score of 3:2",
    "24/7",
    "A4 and MP3",
    "H2O",
    "Boeing 747-400",
    "x=5",
    "AT&T",
    "a < b",
    "1.5e3",
    "2,5",
    "5x5",
    "05/2026",
    "1000000000000000000000",
    "no digits here",
]
OTHERS = [
    ("de", "-1,5 °C", "minus eins Komma fünf Grad Celsius"),
    ("de", "21.5 °C", "einundzwanzig Komma fünf Grad Celsius"),
    ("de", "5,50 €", "fünf Euro fünfzig"),
    ("de", "1.234,56", "eintausendzweihundertvierunddreißig Komma fünf sechs"),
    ("de", "um 7:30 Uhr", "um sieben Uhr dreißig"),
    ("de", "um 1:00 Uhr", "um ein Uhr"),
    ("de", "am 3. Mai", "am dritten Mai"),
    ("de", "3.5.2024", "dritter Mai zweitausendvierundzwanzig"),
    ("de", "im 21. Jahrhundert", "im einundzwanzigsten Jahrhundert"),
    ("de", "1 Stunde", "1 Stunde"),
    ("de", "50 %ige", "50 %ige"),
    ("de", "1 kWh", "eine Kilowattstunde"),
    ("de", "im Jahr 1990", "im Jahr neunzehnhundertneunzig"),
    ("fr", "-1,5 °C", "moins un virgule cinq degrés Celsius"),
    ("fr", "7h30", "sept heures trente"),
    ("fr", "21h", "vingt-et-une heures"),
    ("fr", "le 1er mai 2026", "le premier mai deux mille vingt-six"),
    ("fr", "5 000 personnes", "cinq mille personnes"),
    ("fr", "5,50 €", "cinq euros cinquante"),
    ("fr", "3,14", "trois virgule quatorze"),
    ("es", "21 °C", "veintiún grados Celsius"),
    ("es", "£21", "veintiuna libras"),
    ("es", "200 casas", "200 casas"),
    ("es", "el 31/12/2026", "el treinta y uno de diciembre de dos mil veintiséis"),
    ("es", "a la 1:30", "a la una treinta"),
    ("it", "-1,5 °C", "meno uno virgola cinque gradi Celsius"),
    ("it", "alle 7:30", "alle sette e trenta"),
    ("it", "1 maggio", "primo maggio"),
    ("nl", "-1,5 °C", "min een komma vijf graden Celsius"),
    ("nl", "om 7.30 uur", "om zeven uur dertig"),
    ("nl", "31-12-2026", "eenendertig december tweeduizendzesentwintig"),
]


@pytest.mark.parametrize(("written", "said"), ENGLISH)
def test_english(written, said):
    assert spoken_numbers("en-US").say(written) == said


@pytest.mark.parametrize("written", LEFT_ALONE)
def test_what_could_mean_several_things_keeps_its_digits(written):
    assert spoken_numbers("en-US").say(written) == written


@pytest.mark.parametrize(("language", "written", "said"), OTHERS)
def test_other_languages(language, written, said):
    assert spoken_numbers(language).say(written) == said


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("en-US", "March fourth, twenty twenty-six"),
        ("en-GB", "April third, twenty twenty-six"),
        ("en", "3/4/2026"),
    ],
)
def test_the_region_decides_which_number_of_a_date_is_the_month(tag, said):
    assert spoken_numbers(tag).say("3/4/2026") == said


@pytest.mark.parametrize("said", [said for _, said in ENGLISH])
def test_what_is_in_words_stays_as_it_is(said):
    assert spoken_numbers("en-US").say(said) == said


@pytest.mark.parametrize("language", ["pl", "zh", "xx", "", "../en"])
def test_a_language_without_words_has_none(language):
    assert spoken_numbers(language) is None


def test_signs_many_voices_do_not_know_become_plain_in_every_language():
    assert plain_signs("\u22125 ℃ i 3 ° C") == "-5 °C i 3 °C"


@pytest.mark.parametrize("family", languages())
def test_every_language_file_is_complete(family):
    language = language_words(family).language
    assert len(language.months) == 12
    assert all(len(unit) in (2, 3) for unit in language.units.values())
    assert all(len(names) in (4, 5) for names in language.currencies.values())
    assert {"+", "=", "&", "#", "<", ">"} <= set(language.signs)


@pytest.mark.parametrize("family", languages())
def test_no_text_of_digits_and_signs_is_too_much(family):
    numbers = spoken_numbers(family)
    for text in (
        "1" * 5000,
        "1," * 2000,
        "1.1" * 1000,
        "-" * 3000 + "5",
        "$" * 500 + "1",
        "½" * 100,
        "+1 " * 1000,
        "7:30-" * 500,
        "0 " * 2000,
    ):
        assert numbers.say(text)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1 km", "jeden kilometr"),
        ("2 km", "dwa kilometry"),
        ("5 km", "pięć kilometrów"),
        ("22 km", "dwadzieścia dwa kilometry"),
        ("1,5 km", "jeden przecinek pięć kilometra"),
        ("2-5 km", "dwa do pięć kilometrów"),
        ("3 zł", "trzy złote"),
    ],
)
def test_a_language_has_as_many_plurals_as_it_wants(written, said):
    dutch = language_words("nl")
    assert dutch is not None
    polish = dataclasses.replace(
        dutch.language,
        rulesets={"cardinal": "spellout-numbering"},
        point="przecinek",
        to="do",
        units={"km": ("jeden kilometr", "kilometrów")},
        currencies={"zł": ("jeden złoty", "złotych", "jeden grosz", "groszy")},
        plurals={"kilometrów": {"few": "kilometry", "other": "kilometra"}, "złotych": {"few": "złote"}},
    )
    assert SpokenNumbers("pl", NumberWords("pl", polish)).say(written) == said
