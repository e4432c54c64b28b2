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
        ("if x<y and z>w", "if x<y and z>w"),
        ("a List<String> x", "a List<String> x"),
        ("I <3 you", "I <3 you"),
        ("<p class=\"x\">hi</p> <a href='y'>there</a>", "hi there"),
        ("<speak>hi <break time='1s'/></speak>", "hi"),
        ("<!-- no -->yes", "yes"),
        ("Tom &amp; Jerry&nbsp;&copy;", "Tom & Jerry ©"),
        ("As said[1], and here[^2].", "As said, and here."),
        ("[the page][1] is", "the page is"),
        ("done :white_check_mark: at 10:30:15", "done at 10:30:15"),
    ],
)
def test_speakable(text, said):
    assert speakable(text) == said


@pytest.mark.parametrize(
    ("text", "words"), [("a", True), ("٣", True), ("你", True), ("%", False), ("①", False), ("...", False), ("", False)]
)
def test_has_words(text, words):
    assert has_words(text) is words
