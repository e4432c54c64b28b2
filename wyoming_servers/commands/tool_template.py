"""What `earshot tools new` writes: a tool that works, its sentences in six languages, and its test."""

import keyword
import re
from collections.abc import Sequence
from pathlib import Path
from string import Template

from ..shared.errors import InvalidRequestError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

_TOOL = Template('''\
"""Counts aloud: a beginning to be changed."""

from dataclasses import dataclass
from typing import Any

from wyoming_servers.shared.errors import ToolError
from wyoming_servers.shared.tool import Tool, ToolContext, ToolResult, argument


class ${class_}(Tool):
    """Counts to a number."""

    name = "${name}"
    description = "Counts aloud to a number."
    intents = {"${intent}": {}}

    @dataclass(frozen=True)
    class Args:
        """What the sentence says. A slot of the same name fills an argument."""

        number: int = argument(3, "how far to count", minimum=1, maximum=100)

    @dataclass(frozen=True)
    class Options:
        """What the owner may set under `handle.tools.${name}`."""

        most: int = argument(10, "the highest number it counts to", minimum=1, maximum=100)

    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """Says the numbers.

        Raises: ToolError beyond the highest.
        """
        words, most = context.phrases, self.options.most
        if args.number > most:
            raise ToolError(words.say("too_far", most=words.number(most)))
        numbers = [words.number(number) for number in range(1, args.number + 1)]
        return ToolResult(words.say("counted", numbers=words.join(numbers)), {"number": args.number})
''')

_SENTENCES = Template("""\
# What people say to the tool ${name}, and what it says.
language: ${language}

lists:
  ${name}_number: {range: {from: 1, to: 100}}

intents:
  ${intent}:
    data:
      - sentences:
          - "${sentence}"

responses:
  ${name}:
    counted: "${counted}"
    too_far: "${too_far}"
""")

_TEST = Template('''\
"""Tests of the tool ${name}. Run them with: pytest ${test}"""

from pathlib import Path

import pytest

from wyoming_servers.handle.testing import house

FOLDER = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def home():
    with house(FOLDER) as home:
        yield home


def test_it_counts(home):
    assert home.ask("ask ${spoken} to count to three") == "I count: one, two and three."


def test_beyond_ten_it_says_what_it_can(home):
    assert home.ask("ask ${spoken} to count to 11") == "I only count to ten."


def test_its_data_says_how_far(home):
    assert home.answer("ask ${spoken} to count to 3").steps[0].data == {"number": 3}


def test_the_owner_may_set_how_far():
    with house(FOLDER, options={"${name}": {"most": 20}}) as home:
        assert home.ask("ask ${spoken} to count to 11").endswith("ten and eleven.")


@pytest.mark.parametrize(
    ("language", "sentence", "answer"),
    [
${rows}
    ],
)
def test_it_counts_in_other_languages(language, sentence, answer):
    with house(FOLDER, language) as home:
        assert home.ask(sentence) == answer
''')

# language → sentence with {number}, the same as people say it, said of the numbers, said of too many, "one, two and three" there
_LANGUAGES = {
    "en": ("(ask|tell) ${spoken} to count to ${number}", "", "I count: {numbers}.", "I only count to {most}.", ""),
    "de": (
        "lass[e] ${spoken} [mal] bis ${number} zählen",
        "lass ${spoken} bis drei zählen",
        "Ich zähle: {numbers}.",
        "Ich zähle nur bis {most}.",
        "Ich zähle: eins, zwei und drei.",
    ),
    "fr": (
        "demande à ${spoken} de compter jusqu'à ${number}",
        "demande à ${spoken} de compter jusqu'à trois",
        "Je compte : {numbers}.",
        "Je ne compte que jusqu'à {most}.",
        "Je compte : un, deux et trois.",
    ),
    "es": (
        "pide[le] a ${spoken} que cuente hasta ${number}",
        "pide a ${spoken} que cuente hasta tres",
        "Cuento: {numbers}.",
        "Solo cuento hasta {most}.",
        "Cuento: uno, dos y tres.",
    ),
    "it": (
        "chiedi a ${spoken} di contare fino a ${number}",
        "chiedi a ${spoken} di contare fino a tre",
        "Conto: {numbers}.",
        "Conto solo fino a {most}.",
        "Conto: uno, due e tre.",
    ),
    "nl": (
        "laat ${spoken} tot ${number} tellen",
        "laat ${spoken} tot drie tellen",
        "Ik tel: {numbers}.",
        "Ik tel maar tot {most}.",
        "Ik tel: een, twee en drie.",
    ),
}


def write(name: str, tools: Path, intents: Path, tests: Path, taken: Sequence[str]) -> list[Path]:
    """Writes the tool `name` into these folders; returns the files, the tool first.

    taken: names that other tools have.
    Raises: InvalidRequestError when the name cannot be used or a file is there; nothing has been written then.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise InvalidRequestError(f"{name!r} cannot name a tool: use small letters, digits and _, beginning with a letter")
    if name in taken:
        raise InvalidRequestError(f"there is a tool {name!r} already; the new one would replace it")
    files = _files(name, tools, intents, tests)
    if there := next((path for path in files if path.exists()), None):
        raise InvalidRequestError(f"{there} is there already")
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as err:
        raise InvalidRequestError(f"{err.filename} cannot be written: {err.strerror}") from None
    return list(files)


def _files(name: str, tools: Path, intents: Path, tests: Path) -> dict[Path, str]:
    camel = "".join(part.capitalize() for part in name.split("_"))
    common = {"name": name, "class_": f"{camel}Tool", "intent": f"{camel}Count", "spoken": name.replace("_", " ").strip()}
    rows = [
        f'        ("{language}", "{Template(said).substitute(common)}", "{answer}"),'
        for language, (_, said, _, _, answer) in _LANGUAGES.items()
        if said
    ]
    test = tests / f"test_{name}.py"
    files = {tools / f"{name}.py": _TOOL.substitute(common)}
    for language, (sentence, _, counted, too_far, _) in _LANGUAGES.items():
        number = f"{{{name}_number:number}}"
        content = {"sentence": Template(sentence).substitute(common, number=number), "counted": counted, "too_far": too_far}
        files[intents / language / f"{name}.yaml"] = _SENTENCES.substitute(common, language=language, **content)
    files[test] = _TEST.substitute(common, rows="\n".join(rows), test=test.name)
    return files
