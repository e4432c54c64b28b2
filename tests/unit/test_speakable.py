"""What is left of written text when it is to be said."""

import pytest

from wyoming_servers.shared.speakable import has_words, speakable


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("**Bold**, *it*, __under__, ~~gone~~ and `code`.", "Bold, it, under, gone and code."),
        ("# Heading", "Heading"),
        ("- [x] done", "done"),
        ("> a quote", "a quote"),
        ("1. Milk", "1. Milk"),
        ('[the page](https://example.com/a_(b) "title") is', "the page is"),
        ("![a cat](cat.png) here", "a cat here"),
        ("See https://www.example.com/a/b?c=d.", "See example.com."),
        ("<https://example.com:8123/x>", "example.com"),
        ("www.example.com/x, then", "example.com, then"),
        ("mail me@example.org", "mail me@example.org"),
        ("<b>hi</b> there<br/>", "hi there"),
        ("a < b and c > d", "a < b and c > d"),
        ("snake_case", "snake case"),
        ("| one | two |", "one, two"),
        ("|---|:--:|", ""),
        ("---", ""),
        ("2 * 3 and 5*3", "2 * 3 and 5*3"),
        ("\\*no\\* \\#1", "no #1"),
        ("ok ✅ 👍🏽 👨\u200d👩\u200d👧 🇩🇪", "ok"),
        ("1\ufe0f\u20e3 and ①", "1 and 1"),
        ("20 °C, 50 %, $5, ½", "20 °C, 50 %, $5, ½"),
        ("in\u200bvis\u00adible", "invisible"),
        ("نمی\u200cخواهم", "نمی\u200cخواهم"),
        ("😀", ""),
        ("...", ""),
        ("", ""),
        ('it\'s "fine"', 'it\'s "fine"'),
    ],
)
def test_speakable(text, said):
    assert speakable(text) == said


@pytest.mark.parametrize(
    ("text", "words"), [("a", True), ("٣", True), ("你", True), ("%", False), ("①", False), ("...", False), ("", False)]
)
def test_has_words(text, words):
    assert has_words(text) is words
