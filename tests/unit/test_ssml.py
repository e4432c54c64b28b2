"""SSML as text and pauses; what is malformed, too large or dangerous is refused."""

import pytest

from wyoming_servers.shared.errors import InvalidRequestError
from wyoming_servers.tts.ssml import LONGEST_CHARS, Passage, parse_ssml


def said(inside: str) -> list[tuple[str, int | None]]:
    return [(passage.text, passage.pause_ms) for passage in parse_ssml(f"<speak>{inside}</speak>", "en-US")]


@pytest.mark.parametrize(
    ("inside", "passages"),
    [
        ("Hello there.", [("Hello there.", None)]),
        ("One <break time='750ms'/> two", [("One", None), ("two", 750)]),
        ("One<break time='1.5s'/>two", [("One", None), ("two", 1500)]),
        ("One <break strength='x-strong'/> two <break/> three", [("One", None), ("two", 1000), ("three", 400)]),
        ("One <break time='99s'/> two", [("One", None), ("two", 10_000)]),
        ("One <break time='soon'/> two", [("One", None), ("two", 400)]),
        ("<p>One. Two.</p><p>Three.</p>", [("One. Two.", None), ("Three.", 500)]),
        ("<s>One</s><s>Two</s>", [("One", None), ("Two", None)]),
        ("<sub alias='World Wide Web Consortium'>W3C</sub> rules", [("World Wide Web Consortium rules", None)]),
        ("<emphasis level='strong'>very</emphasis> <prosody rate='slow'>slow</prosody>", [("very slow", None)]),
        ("<phoneme alphabet='ipa' ph='təˈmeɪtoʊ'>tomato</phoneme>", [("tomato", None)]),
        ("<voice name='x'>a <lang xml:lang='fr'>b</lang></voice>", [("a b", None)]),
        ("<amazon:effect name='whispered'>hush</amazon:effect>", [("hush", None)]),
        ("<audio src='http://a.org/b.mp3'><desc>a cat</desc>meow</audio>", [("meow", None)]),
        ("<metadata>no</metadata>yes<mark name='m'/>", [("yes", None)]),
        ("Spell <say-as interpret-as='characters'>abc</say-as>!", [("Spell A B C!", None)]),
        ("<say-as interpret-as='telephone'>2122241555</say-as>", [("two one two two two four one five five five", None)]),
        ("<say-as interpret-as='ordinal'>3</say-as>", [("third", None)]),
        ("<say-as interpret-as='cardinal'>4711</say-as>", [("four thousand seven hundred eleven", None)]),
        ("<say-as interpret-as='date' format='dmy'>3/4/2026</say-as>", [("2026-04-03", None)]),
        ("<say-as interpret-as='klingon'>5</say-as>", [("5", None)]),
        ("1 &lt; 2 &amp; &#51;", [("1 < 2 & 3", None)]),
        ("<![CDATA[a < b]]>", [("a < b", None)]),
        ("<!-- no -->yes", [("yes", None)]),
        ("", []),
    ],
)
def test_what_is_said(inside, passages):
    assert said(inside) == passages


@pytest.mark.parametrize(
    "document",
    [
        "<?xml version='1.0' encoding='UTF-16'?><speak version='1.1' xmlns='http://www.w3.org/2001/10/synthesis' xml:lang='en'>hi</speak>",
        "  <speak>hi</speak>\n",
        "hi",
        "<s>hi</s>",
        "<ssml:speak xmlns:ssml='x'>hi</ssml:speak>",
    ],
)
def test_the_frame_may_have_a_declaration_or_be_left_out(document):
    assert parse_ssml(document, "en") == [Passage("hi", None)]


@pytest.mark.parametrize(
    "document",
    [
        "<speak>hi",
        "<speak>a < b</speak>",
        "<speak>&nbsp;</speak>",
        "<speak><b>hi</speak></b>",
        "<speak>hi</speak><speak>there</speak>",
        "<!DOCTYPE speak [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><speak>&b;</speak>",
        "<speak><!DOCTYPE x></speak>",
        "<speak>" + "<p>" * 40 + "hi" + "</p>" * 40 + "</speak>",
        "<speak>" + "x" * LONGEST_CHARS + "</speak>",
        "<speak>\x00</speak>",
    ],
)
def test_what_is_refused(document):
    with pytest.raises(InvalidRequestError):
        parse_ssml(document, "en")


def test_an_external_entity_is_never_read(tmp_path):
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(InvalidRequestError, match="DOCTYPE"):
        parse_ssml(f"<!DOCTYPE s [<!ENTITY x SYSTEM 'file://{tmp_path}/secret'>]><speak>&x;</speak>", "en")


def test_an_error_says_where():
    with pytest.raises(InvalidRequestError, match="line 2, column"):
        parse_ssml("<speak>\n<b>hi</speak>", "en")


def test_digits_are_spelt_out_in_languages_without_number_words():
    passages = parse_ssml("<speak><say-as interpret-as='telephone'>+48 22</say-as></speak>", "pl")
    assert passages == [Passage("+ 4 8 2 2", None)]
