"""What a Wyoming peer and Home Assistant can rely on, point by point, and the tests that show it.

Run as a program it prints docs/conformance.md.
"""

import re
from collections import defaultdict
from pathlib import Path

PARTS = {
    "a": "Framing and robustness",
    "b": "What `info` says",
    "c": "Speech recognition",
    "d": "Speech synthesis",
    "e": "Wake words",
    "f": "Conversation",
    "g": "Satellite",
}
POINTS = {
    1: "A header with nothing but `type` is enough",
    2: "Data comes inline, in a block, or both; the block wins",
    3: "Lengths are bytes; headers stay small",
    4: "Events may be cut at any byte, and many may come at once",
    5: "HTTP, TLS and blank lines end their connection and nothing else",
    6: "A header that is no object, or without a proper type, is a protocol error",
    7: "A length that is no whole number is a protocol error",
    8: "Data that is no object is a protocol error",
    9: "What is over the limits is refused before it is kept",
    10: "Deep nesting, huge numbers, NaN: refused, and never sent",
    11: "An end in the middle of an event is a hang-up",
    12: "Unknown events are ignored",
    13: "`ping` is answered on every port with the same text",
    14: "`describe` is answered before, during and after a request",
    15: "`describe` is answered on a second connection while others work",
    16: "A thousand connections that say nothing leave nothing behind",
    17: "Who closes one half still gets the reply",
    18: "Idle connections are closed; those that wait for an answer are not",
    19: "Too many connections or requests are refused as `busy`",
    20: "A hang-up cancels the work and frees the place",
    21: "SIGTERM ends requests in order",
    22: "Two requests on one connection are both answered",
    23: "Every failure is told in plain words, then the connection closes",
    24: "`info` has every field a client needs, and no null booleans",
    25: "The first recogniser is the installed one",
    26: "`describe` is answered at once, at any load",
    27: "New models and voices show in the next `describe`",
    28: "`select-program` does no harm",
    29: "Names stay the same over restarts; descriptions are unique",
    30: "Audio in small chunks gives exactly one transcript",
    31: "It works without `transcribe` and with every spelling of a language",
    32: "A language that is not heard is an error that lists those that are",
    33: "Any usual rate, width and number of channels is understood",
    34: "No audio gives the empty transcript",
    35: "Silence and noise give the empty text",
    36: "Text is trimmed, with single spaces",
    37: "A transcript comes in time, or an error does",
    38: "Endless audio is cut",
    39: "With end-pointing the transcript comes while audio still flows",
    40: "With end-pointing and no speech the transcript is empty",
    41: "The client may say how soon a pause is the end",
    42: "Pieces of a transcript come in order and add up",
    43: "A model is chosen by name",
    44: "Names and terms to listen for are taken",
    45: "Sessions at the same time do not mix",
    46: "Plain `synthesize`: one start, sound, one stop",
    47: "The first sentence sounds before the text has ended",
    48: "The copy of the text inside a stream is not spoken",
    49: "`synthesize-stopped` comes last, and not after an error",
    50: "One format per answer, whole samples",
    51: "No voice is the default voice; a language gets a voice of its own",
    52: "An unknown voice is an error",
    53: "Speakers go by name and by number",
    54: "Fragments of any size sound like the whole text",
    55: "Pauses between fragments are bridged",
    56: "A long text without punctuation is spoken before it ends",
    57: "SSML is spoken, or refused",
    58: "A slow reader does not make memory grow",
    59: "Streams and plain requests follow each other on one connection",
    60: "Only the words asked for are heard; only unknown ones is an error",
    61: "Without `detect` the default words are heard",
    62: "Detections repeat, once for each word said",
    63: "Timestamps are milliseconds of the stream",
    64: "A stream without a word ends with `not-detected`",
    65: "Audio faster than real time gives the same detections",
    66: "`transcript` and `recognize` are both answered",
    67: "Conversations are remembered, apart from each other, for five minutes",
    68: "Answers are streamed, and `handled` alone is enough",
    69: "Several intents come in brackets",
    70: "Failures are short and in the language of the request",
    71: "Missing context is tolerated",
    72: "Pong within a second, also while an answer is received and played",
    73: "Who only asks `describe` disturbs nobody",
    74: "A new `run-satellite` takes over at once",
    75: "`detection` comes before `run-pipeline`, with a name that `info` knows",
    76: "Streaming ends with transcript, error, end of voice, pause, hang-up or the watchdog",
    77: "After an error an always streaming satellite runs its pipeline again",
    78: "`played` is sent once for each answer, after its last sample",
    79: "Announcements are played while it streams or speaks",
    80: "Pause and unpause a hundred times leave it responsive",
    81: "Timers ring without Home Assistant",
    82: "Restarts, cuts and half-open connections: ready again at once",
    83: "What is left of an interrupted answer is not played",
    84: "mDNS: real addresses, a steady name, withdrawn at the end",
    85: "The Supervisor is told once, and only when `describe` works",
}
_NAME = re.compile(r"^\s*(?:async )?def (test_([a-g])(\d+)_\w+)", re.MULTILINE)
_MARK = re.compile(r"pytest\.mark\.contract\(([\d, ]+)\)")


def named(folder: Path) -> list[tuple[str, int]]:
    """The letter and the number of each test that is named after a point."""
    return [(part, int(point)) for file in sorted(folder.rglob("test_*.py")) for _, part, point in _NAME.findall(file.read_text("utf-8"))]


def shown(folder: Path) -> dict[int, list[str]]:
    """Point → files with tests of it, which carry the point in their name (`test_a14_…`) or as a mark (`contract(76, 77)`)."""
    found = defaultdict(list)
    for file in sorted(folder.rglob("test_*.py")):
        text = file.read_text("utf-8")
        points = {int(point) for _, _, point in _NAME.findall(text)}
        points |= {int(point) for marked in _MARK.findall(text) for point in marked.split(",")}
        for point in points:
            found[point].append(file.relative_to(folder).as_posix())
    return found


def letter(point: int) -> str:
    """The part a point belongs to."""
    last = {"a": 23, "b": 29, "c": 45, "d": 59, "e": 65, "f": 71, "g": 85}
    return next(part for part, end in last.items() if point <= end)


def markdown(folder: Path) -> str:
    """The page of the documentation."""
    found = shown(folder)
    lines = [
        "# What peers can rely on",
        "",
        "Every point is shown by tests that talk to the real servers over real sockets, most with the stock `wyoming` client.",
        "Tests carry the point in their name (`script/test -k test_a14`) or as a mark, `contract(76)`. This page is made by",
        "`python tests/checklist.py`.",
    ]
    for part, title in PARTS.items():
        lines += ["", f"## {title}", "", "| | point | tests |", "| --- | --- | --- |"]
        for point, text in POINTS.items():
            if letter(point) == part:
                lines.append(f"| {part.upper()}{point} | {text} | {', '.join(f'`{file}`' for file in found[point])} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(Path(__file__).parent), end="")
