"""Questions, follow-ups, repairs, undo and "why": what hangs over from one turn to the next."""

from pathlib import Path

import pytest
from handle_house import MovedClock, ask, running, said

from wyoming_servers.shared import paths

KETTLE = """
from dataclasses import dataclass

from wyoming_servers.shared.errors import ToolError
from wyoming_servers.shared.tool import Tool, ToolResult, argument


class KettleTool(Tool):
    name = "kettle"
    description = "Makes tea."
    intents = {"Brew": {"do": "brew"}, "Kettle": {"do": "tell"}}
    changes = True

    @dataclass(frozen=True)
    class Args:
        do: str = argument("brew", "what", choices=("brew", "pour", "tell"))
        tea: str = argument("", "which")
        minutes: int = argument(0, "how long")
        pot: int = argument(0, "which pot")

    async def start(self):
        self.pots = {}

    async def call(self, args, context):
        say = context.phrases.say
        if args.do == "tell":
            return ToolResult(", ".join(self.pots.values()) or say("empty"), undo={})
        if args.do == "pour":
            return ToolResult(say("poured", pot=self.pots.pop(args.pot)))
        for wanted in ("tea", "minutes"):
            if not getattr(args, wanted):
                return ToolResult(say(f"which_{wanted}"), ask=wanted)
        number = max(self.pots, default=0) + 1
        self.pots[number] = f"{args.tea} {args.minutes}"
        undo = None if args.tea == "lava" else {"do": "pour", "pot": number}
        return ToolResult(say("brewing", tea=args.tea, minutes=args.minutes), undo=undo)
"""
ENGLISH = """
language: en
lists:
  kettle_tea: {values: [mint, lemon, lava]}
  kettle_any: {wildcard: true}
intents:
  Brew:
    data:
      - sentences: ["brew [some] [{kettle_tea:tea}] tea", "brew [some] [{kettle_tea:tea}] tea for {timer_minutes:minutes} minutes"]
      - sentences: ["[some] {kettle_any:tea}"]
        requires_context: {asked: tea}
      - sentences: ["[for] {timer_minutes:minutes} (minutes|gulps)"]
        requires_context: {asked: minutes}
      - sentences: ["and [some] {kettle_tea:tea} [too]"]
        requires_context: {last: Brew}
        metadata: {follows: true}
      - sentences: ["no [i mean] {timer_minutes:minutes} minutes", "no [i mean] {kettle_tea:tea}"]
        requires_context: {last: Brew}
        metadata: {repairs: true}
  Kettle:
    data:
      - sentences: ["what is brewing"]
      - sentences: ["list the brews at {kettle_any:tea}"]
        excludes_context: {area: Kitchen}
responses:
  kettle:
    title: the kettle
    empty: Nothing.
    poured: "{pot} poured away."
    brewing: "{tea} for {minutes} minutes."
    which_tea: Which tea?
    which_minutes: For how long?
"""
GERMAN = """
language: de
lists: {kettle_tea: {values: [{in: pfefferminz, out: mint}, {in: zitronen, out: lemon}]}}
intents:
  Brew:
    data:
      - sentences: ["koch [{kettle_tea:tea}] tee"]
      - sentences: ["{kettle_tea:tea}[tee]"]
        requires_context: {asked: tea}
      - sentences: ["{timer_minutes:minutes} minuten"]
        requires_context: {asked: minutes}
      - sentences: ["nein {timer_minutes:minutes} minuten"]
        requires_context: {last: Brew}
        metadata: {repairs: true}
responses:
  kettle:
    title: der Kessel
    empty: Nichts.
    poured: "{pot} weggegossen."
    brewing: "{tea}, {minutes} Minuten."
    which_tea: Welcher Tee?
    which_minutes: Wie lange?
"""


def with_kettle(folder: Path) -> dict:
    """Adds a tool that asks, changes something, and takes it back."""
    (folder / "tools").mkdir()
    (folder / "tools" / "kettle.py").write_text(KETTLE)
    for language, text in (("en", ENGLISH), ("de", GERMAN)):
        (folder / "intents" / language).mkdir(parents=True)
        (folder / "intents" / language / "kettle.yaml").write_text(text)
    return {"tools": [paths.content("tools"), folder / "tools"]}


@pytest.fixture
def clock():
    return MovedClock()


@pytest.fixture
async def uri(tmp_path, clock):
    async with running(tmp_path, clock, **with_kettle(tmp_path)) as address:
        yield address


async def talk(uri: str, *texts: str, **context: str) -> list[str]:
    """What is said to one sentence after the other of a conversation."""
    return [await said(uri, text, **{"conversation_id": "c", **context}) for text in texts]


async def test_a_missing_slot_is_asked_for_and_filled(uri):
    assert await talk(uri, "brew mint tea", "four gulps") == ["For how long?", "mint for 4 minutes."]


async def test_several_missing_slots_are_asked_for_one_after_the_other(uri):
    assert await talk(uri, "brew tea", "mint", "four gulps") == ["Which tea?", "For how long?", "mint for 4 minutes."]


async def test_questions_work_in_another_language(uri):
    answers = await talk(uri, "koch tee", "zitronentee", "drei minuten", language="de")
    assert answers == ["Welcher Tee?", "Wie lange?", "lemon, 3 Minuten."]


async def test_the_answer_tells_that_it_is_a_question(uri):
    assert (await ask(uri, "brew mint tea")).data["context"]["earshot"]["ask"] == "minutes"


async def test_the_answer_to_a_question_says_so(uri):
    await talk(uri, "brew mint tea")
    assert (await ask(uri, "four gulps", conversation_id="c")).data["context"]["earshot"]["why"] == "answer"


async def test_never_mind_drops_the_question(uri):
    assert await talk(uri, "brew mint tea", "never mind", "four gulps") == ["For how long?", "", "I don't know that yet."]


async def test_a_new_command_drops_the_question(uri):
    assert await talk(uri, "brew mint tea", "what time is it", "four gulps") == ["For how long?", "It's 5:08 PM.", "I don't know that yet."]


async def test_a_command_is_no_answer_to_a_question_that_anything_would_fit(uri):
    assert await talk(uri, "brew tea", "what time is it") == ["Which tea?", "It's 5:08 PM."]


async def test_anything_may_be_an_answer(uri):
    assert await talk(uri, "brew tea", "earl grey", "four gulps") == ["Which tea?", "For how long?", "earl grey for 4 minutes."]


async def test_an_answer_that_is_not_understood_is_asked_for_once_more(uri):
    answers = await talk(uri, "brew mint tea", "xyzzy", "four gulps")
    assert answers == ["For how long?", "I didn't get that. For how long?", "mint for 4 minutes."]


async def test_a_question_is_not_repeated_for_ever(uri):
    assert (await talk(uri, "brew mint tea", "xyzzy", "plugh", "four gulps"))[2:] == ["I don't know that yet."] * 2


async def test_a_question_expires_with_the_conversation(uri, clock):
    await talk(uri, "brew mint tea")
    clock.advance(300)
    assert await talk(uri, "four gulps") == ["I don't know that yet."]


async def test_a_question_is_of_one_conversation(uri):
    await talk(uri, "brew mint tea")
    assert await talk(uri, "four gulps", conversation_id="other") == ["I don't know that yet."]


async def test_a_question_may_be_repeated_and_then_answered(uri):
    assert await talk(uri, "brew mint tea", "repeat that", "four gulps") == ["For how long?", "For how long?", "mint for 4 minutes."]


async def test_the_slots_of_the_last_turn_count_on_in_a_follow_up(uri):
    assert await talk(uri, "brew mint tea for 4 minutes", "and some lemon too") == ["mint for 4 minutes.", "lemon for 4 minutes."]


async def test_without_a_turn_before_it_a_follow_up_is_not_understood(uri):
    assert await talk(uri, "and some lemon too") == ["I don't know that yet."]


async def test_a_follow_up_still_works_after_stop(uri):
    assert (await talk(uri, "brew mint tea for 4 minutes", "stop", "and lemon"))[2] == "lemon for 4 minutes."


async def test_a_repair_takes_the_last_command_back_and_does_it_right(uri):
    answers = await talk(uri, "brew mint tea for 4 minutes", "no, 7 minutes", "what is brewing")
    assert answers == ["mint for 4 minutes.", "mint for 7 minutes.", "mint 7"]


async def test_a_repair_in_another_language(uri):
    answers = await talk(uri, "koch pfefferminz tee", "vier minuten", "nein, sieben minuten", language="de")
    assert answers[1:] == ["mint, 4 Minuten.", "mint, 7 Minuten."]
    assert await talk(uri, "what is brewing") == ["mint 7"]


async def test_what_cannot_be_taken_back_is_not_done_twice(uri):
    answers = await talk(uri, "brew lava tea for 4 minutes", "no, 7 minutes", "what is brewing")
    assert answers[1:] == ["I can't undo that.", "lava 4"]


async def test_undo(uri):
    assert (await talk(uri, "brew mint tea for 4 minutes", "undo that", "what is brewing"))[1:] == ["mint 4 poured away.", "Nothing."]


async def test_undo_goes_back_turn_by_turn(uri):
    first, second = "brew mint tea for 4 minutes", "brew lemon tea for 5 minutes"
    answers = await talk(uri, first, second, "undo", "undo", "undo")
    assert answers[2:] == ["lemon 5 poured away.", "mint 4 poured away.", "There is nothing to undo."]


async def test_undo_takes_back_everything_of_a_sentence(uri):
    both = "brew mint tea for 4 minutes and brew lemon tea for 5 minutes"
    assert (await talk(uri, both, "undo that"))[1] == "lemon 5 poured away. mint 4 poured away."


async def test_undo_passes_over_what_only_told_something(uri):
    assert (await talk(uri, "brew mint tea for 4 minutes", "what is brewing", "what time is it", "undo"))[3] == "mint 4 poured away."


async def test_undo_in_another_language(uri):
    await talk(uri, "brew mint tea for 4 minutes")
    assert await talk(uri, "mach das rückgängig", language="de") == ["mint 4 weggegossen."]


async def test_why(uri):
    why = "You said: brew mint tea for 4 minutes. That is a sentence I know, and it goes to the kettle."
    assert (await talk(uri, "brew mint tea for 4 minutes", "why did you do that"))[1] == why


async def test_why_after_an_answer(uri):
    why = "I had asked you something, and you answered: four gulps. That goes to the kettle."
    assert (await talk(uri, "brew mint tea", "four gulps", "why did you do that"))[2] == why


async def test_why_when_nothing_was_understood(uri):
    assert (await talk(uri, "xyzzy", "why did you do that"))[1] == "None of my sentences fits: xyzzy."


async def test_why_before_anything(uri):
    assert await talk(uri, "why did you do that") == ["I haven't done anything yet."]


async def test_why_in_another_language(uri):
    why = "Du hast gesagt: koch zitronen tee. Das ist ein Satz, den ich kenne; zuständig ist der Kessel."
    assert (await talk(uri, "koch zitronen tee", "warum hast du das gemacht", language="de"))[1] == why


async def test_a_sentence_may_be_excluded_in_a_room(uri):
    rooms = {"Kitchen": "I don't know that yet.", "Bedroom": "Nothing."}
    assert {room: await said(uri, "list the brews at home", area=room) for room in rooms} == rooms


async def test_the_room_completes_home_assistants_sentences(uri):
    earshot = (await ask(uri, "turn on the fans", area="Bedroom")).data["context"]["earshot"]
    assert earshot["slots"] == {"domain": "fan", "area": "Bedroom"}


async def test_recognize_completes_a_follow_up(uri):
    await talk(uri, "brew mint tea for 4 minutes")
    message = await ask(uri, "and lemon", kind="recognize", conversation_id="c")
    assert {entity["name"]: entity["value"] for entity in message.data["entities"]} == {"tea": "lemon", "minutes": 4}


async def test_one_line_of_the_log_for_one_sentence(uri, caplog):
    caplog.set_level("INFO", "wyoming_servers.handle.router")
    await talk(uri, "what time is it and what year is it")
    lines = [record.getMessage() for record in caplog.records if record.name == "wyoming_servers.handle.router"]
    assert len(lines) == 1 and lines[0].startswith(
        "template (template): HassGetCurrentTime by clock; template (template): EarshotYear by clock in"
    )
