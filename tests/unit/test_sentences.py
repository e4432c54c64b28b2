"""Text streams to pieces: the ends that are certain, those that need the next word, and that fragments make no difference."""

import random

import pytest

from wyoming_servers.shared.sentences import LONGEST_CHARS, Splitter, split

PROSE = (
    'Hello there! Dr. Smith paid 3.50 at 5 p.m. on Jan. 3. "Really?" she asked. Well... no. See https://a.org/b.c?d=e. Bye\n'
    "1. Milk. 2. Eggs.\n\n```python\nprint('x. y')\n```\nDone。你好。世界！ e.g. this, i.e. that etc. The end…  \t and so on "
    + "and on "
    * 80
)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("It costs 3.5 dollars. Yes.", ["It costs 3.5 dollars.", "Yes."]),
        ("Version 1.2.3 is out.", ["Version 1.2.3 is out."]),
        ("Dr. Smith and Mrs. Jones met Prof. Lee.", ["Dr. Smith and Mrs. Jones met Prof. Lee."]),
        ("It is 5 p.m. now.", ["It is 5 p.m. now."]),
        ("It is 5 p.m. The shop is shut.", ["It is 5 p.m.", "The shop is shut."]),
        ("I was born in the U.S. Army.", ["I was born in the U.S. Army."]),
        ("J. R. Smith is here.", ["J. R. Smith is here."]),
        ("Milk, eggs, etc. are here.", ["Milk, eggs, etc. are here."]),
        ("Milk, eggs, etc. They are here.", ["Milk, eggs, etc.", "They are here."]),
        ("She said no. He left.", ["She said no.", "He left."]),
        ("Number 5 is No. 5 of 6.", ["Number 5 is No. 5 of 6."]),
        ("The answer is 42. Next question.", ["The answer is 42.", "Next question."]),
        ("1. Milk\n2. Eggs", ["1. Milk", "2. Eggs"]),
        ('He said "go." Then he left.', ['He said "go.', "Then he left."]),
        ("What?! No way!!!", ["What?", "No way!"]),
        ("Wait... what", ["Wait... what"]),
        ("It is .5 or so.", ["It is .5 or so."]),
        ("See https://example.com/a.b?c=d! Now.", ["See https://example.com/a.b?c=d!", "Now."]),
        ("Mail me@example.com today.", ["Mail me@example.com today."]),
        ("你好。世界！", ["你好。", "世界！"]),
        ("नमस्ते। फिर मिलेंगे।", ["नमस्ते।", "फिर मिलेंगे।"]),
        ("Title\nText", ["Title", "Text"]),
        ("Before.\n```python\na = 1. + b\n```\nAfter.", ["Before.", "After."]),
        ("", []),
        (" \n\t ", []),
        ("?! ... — “”", []),
    ],
)
def test_pieces(text, pieces):
    assert split(text) == pieces


@pytest.mark.parametrize(("language", "pieces"), [("en", ["Am 3.", "Mai ist er da."]), ("de-DE", ["Am 3. Mai ist er da."])])
def test_a_number_with_a_stop_is_an_ordinal_where_people_write_so(language, pieces):
    assert split("Am 3. Mai ist er da.", language) == pieces


@pytest.mark.parametrize("end", ["It works.", "Really?", "Yes!", "Hm…", "好。", "Line\n"])
def test_a_certain_end_is_told_at_once(end):
    assert Splitter().feed(end) == [end.strip()]


@pytest.mark.parametrize("end", ["It is 5 p.m.", "Is it?"[:-1] + " ok.", "Milk etc.", "He is from Paris."])
def test_a_doubtful_end_waits_for_the_next_word(end):
    splitter = Splitter()
    assert splitter.feed(end + " ") == []
    assert splitter.may_have_ended
    assert splitter.feed("N") == [end]


@pytest.mark.parametrize("text", ["", "It is", "It costs 3.", "This is done.", "Dr"])
def test_a_text_without_a_doubtful_end_has_not_ended(text):
    splitter = Splitter()
    splitter.feed(text)
    assert not splitter.may_have_ended


def test_flush_gives_what_is_held_back():
    splitter = Splitter()
    splitter.feed("It is 5 p.m.")
    assert splitter.flush() == ["It is 5 p.m."]
    assert splitter.finish() == []


def test_a_finished_splitter_is_as_new():
    splitter = Splitter()
    splitter.feed("```\nunfinished code")
    splitter.finish()
    assert splitter.feed("Hello there. ") == ["Hello there."]


@pytest.mark.parametrize("seed", range(5))
def test_fragments_of_any_size_give_the_pieces_of_the_whole(seed):
    dice = random.Random(seed)
    splitter, pieces, rest = Splitter(), [], PROSE
    while rest:
        size = dice.choice((1, 1, 2, 3, 8, 40))
        pieces += splitter.feed(rest[:size])
        rest = rest[size:]
    assert pieces + splitter.finish() == split(PROSE)


@pytest.mark.parametrize("text", ["word " * 300, "x" * 2000, "你" * 700, "no, " * 300, "...a" * 400, "p.m." * 200, ("a" * 245 + ". ") * 9])
def test_no_piece_is_longer_than_a_breath_and_nothing_is_lost(text):
    pieces = split(text)
    assert max(map(len, pieces)) <= LONGEST_CHARS
    letters = [c for c in text if c.isalnum()]
    assert [c for piece in pieces for c in piece if c.isalnum()] == letters


def test_a_long_text_is_cut_behind_a_clause():
    text = "we went to the shop and bought a lot of things that we did not need at all, " + "and then we went home again " * 10
    assert split(text)[0].endswith("at all,")


def test_a_long_text_is_not_cut_inside_a_word_or_a_number():
    pieces = split("a value of 1,000,000 and " * 40)
    assert set(" ".join(pieces).split()) == {"a", "value", "of", "1,000,000", "and"}


def early(text: str) -> list[str]:
    splitter = Splitter(first_clause=True)
    return splitter.feed(text) + splitter.finish()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("I have looked it up for you, and it will rain, I fear.", ["I have looked it up for you,", "and it will rain, I fear."]),
        ("Well, yes, it will rain.", ["Well, yes, it will rain."]),
        ("You need to buy the following: milk, eggs.", ["You need to buy the following:", "milk, eggs."]),
        ("I think so too – but who knows.", ["I think so too –", "but who knows."]),
        ("In the old town of Paris, there is a bridge.", ["In the old town of Paris,", "there is a bridge."]),
        ("There are three lights on in Paris, France.", ["There are three lights on in Paris, France."]),
        ("The number we got is 1,000,000 or more.", ["The number we got is 1,000,000 or more."]),
        ("The values we got are 1, 2, 3 or more.", ["The values we got are 1, 2, 3 or more."]),
        ("It is Tuesday today, January 5, 2027.", ["It is Tuesday today,", "January 5, 2027."]),
        ("We can all meet at 10:30 or so.", ["We can all meet at 10:30 or so."]),
        ("Click on [the page, please](http://a.org/b), thank you.", ["Click on [the page, please](http://a.org/b),", "thank you."]),
        ("I see (as you all know, of course) a cat.", ["I see (as you all know, of course) a cat."]),
        ("今天天气非常好呀，我们出去玩吧。", ["今天天气非常好呀，", "我们出去玩吧。"]),
        ("One. Then we go on and on, and on.", ["One.", "Then we go on and on, and on."]),
        ("```\nwe go on and on, and on\n```\nThen we go on, and on and on.", ["Then we go on,", "and on and on."]),
    ],
)
def test_the_first_clause_of_a_long_first_sentence_is_a_piece_of_its_own(text, pieces):
    assert early(text) == pieces


def test_the_first_clause_is_told_without_waiting_for_the_next_word():
    assert Splitter(first_clause=True).feed("I have looked it up for you,") == ["I have looked it up for you,"]


def test_the_first_clause_is_sought_again_after_the_end_of_a_text():
    splitter = Splitter(first_clause=True)
    splitter.feed("Hello there. And")
    splitter.finish()
    assert splitter.feed("I have looked it up for you,") == ["I have looked it up for you,"]


def test_a_long_beginning_without_a_comma_is_cut_between_two_plain_words():
    text = (
        "we saw the San Francisco Bay Area Rapid Transit System Building 12 on the way and then we went on to see " + "another thing " * 6
    )
    first = early(text)[0]
    assert 60 < len(first) <= 150
    assert first.rsplit(" ", 1)[1].islower()
    assert text[len(first) :].lstrip()[0].islower()


@pytest.mark.parametrize(
    "text", [PROSE, "So this is the thing, you see, and that – well – is: " * 20, "a (b, c d e f, g " * 30, "no, " * 300]
)
@pytest.mark.parametrize("seed", range(3))
def test_with_a_first_clause_fragments_make_no_difference_either(text, seed):
    dice = random.Random(seed)
    splitter, pieces, rest = Splitter(first_clause=True), [], text
    while rest:
        size = dice.choice((1, 1, 2, 3, 8, 40))
        pieces += splitter.feed(rest[:size])
        rest = rest[size:]
    assert pieces + splitter.finish() == early(text)
    assert max(map(len, pieces)) <= LONGEST_CHARS
