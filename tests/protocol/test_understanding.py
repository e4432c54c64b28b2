"""Languages on demand, and files of sentences that change while the server runs."""

import asyncio
from pathlib import Path

import pytest
from handle_house import MovedClock, ask, running, said
from test_handle import info

from wyoming_servers.shared.templates import languages

TIME = {
    "de": ("wie spät ist es", "Es ist 17 Uhr 8."),
    "fr": ("quelle heure est-il", "Il est 17 heures 8."),
    "es": ("qué hora es", "Son las 5 y 8 de la tarde."),
    "it": ("che ore sono", "Sono le 17 e 8."),
    "nl": ("hoe laat is het", "Het is 17 uur 8."),
}
LOOK_S = 0.05


def write(folder: Path, language: str, text: str, name: str = "own") -> Path:
    """A file of one's own in a server that runs, or will run, in `folder`."""
    path = folder / "intents" / language / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def clock_sentence(language: str, sentence: str) -> str:
    return f'language: {language}\nintents: {{HassGetCurrentTime: {{data: [{{sentences: ["{sentence}"]}}]}}}}\n'


async def becomes(uri: str, text: str, answer: str, **context: str) -> bool:
    """Asks until this is the answer."""
    async with asyncio.timeout(8):
        while await said(uri, text, **context) != answer:
            pass
    return True


async def test_every_request_is_answered_in_its_language(tmp_path):
    async with running(tmp_path, MovedClock()) as uri:
        assert {language: await said(uri, text, language=language) for language, (text, _) in TIME.items()} == {
            language: answer for language, (_, answer) in TIME.items()
        }


async def test_a_region_is_its_language(tmp_path):
    async with running(tmp_path, MovedClock()) as uri:
        assert [await said(uri, TIME["de"][0], language=tag) for tag in ("de-AT", "de_CH")] == [TIME["de"][1]] * 2


async def test_a_language_that_no_tool_speaks_is_understood_and_apologised_in(tmp_path):
    async with running(tmp_path) as uri:
        message = await ask(uri, "która jest godzina", language="pl")
    assert (message.type, message.data["context"]["earshot"]["intent"]) == ("not-handled", "HassGetCurrentTime")


async def test_a_language_that_is_still_loading_says_so(tmp_path):
    async with running(tmp_path, language_s=0.0) as uri:
        message = await ask(uri, TIME["nl"][0], language="nl")
    assert (message.data["context"]["earshot"]["route"], message.data["text"][:14]) == ("loading", "Een ogenblik, ")


async def test_a_language_goes_on_loading_when_nobody_waits(tmp_path):
    async with running(tmp_path, MovedClock(), language_s=0.0) as uri:
        assert await becomes(uri, *TIME["nl"], language="nl")


async def test_languages_that_were_put_away_come_back(tmp_path):
    async with running(tmp_path, MovedClock(), languages=2) as uri:
        for language in ("de", "fr", "de"):
            assert await said(uri, TIME[language][0], language=language) == TIME[language][1]


async def test_several_commands_are_joined_by_each_languages_own_words(tmp_path):
    both = {"de": "wie spät ist es und welches jahr haben wir", "fr": "quelle heure est-il et quelle année sommes-nous"}
    both |= {"es": "qué hora es y en qué año estamos", "it": "che ore sono e che anno è", "nl": "hoe laat is het en welk jaar is het"}
    async with running(tmp_path) as uri:
        for language, text in both.items():
            steps = (await ask(uri, text, language=language)).data["context"]["earshot"]["steps"]
            assert [step["intent"] for step in steps] == ["HassGetCurrentTime", "EarshotYear"], language


async def test_info_names_the_languages_that_are_answered(tmp_path):
    async with running(tmp_path) as uri:
        assert (await info(uri)).handle[0].models[0].languages == ["en", "de", "es", "fr", "it", "nl"]


async def test_own_sentences_add_a_language(tmp_path):
    write(tmp_path, "pl", 'language: pl\nresponses: {common: {unknown: "Nie wiem."}}\n')
    async with running(tmp_path) as uri:
        assert ("pl" in (await info(uri)).handle[0].models[0].languages, await said(uri, "xyzzy", language="pl")) == (True, "Nie wiem.")


async def test_every_language_listed_has_templates(tmp_path):
    async with running(tmp_path) as uri:
        assert set((await info(uri)).handle[0].models[0].languages) <= set(languages())


@pytest.mark.parametrize("language", ["en", "de"])
async def test_an_added_file_is_used_without_a_restart(tmp_path, language):
    answer = "It's 5:08 PM." if language == "en" else TIME["de"][1]
    async with running(tmp_path, MovedClock(), reload_s=LOOK_S) as uri:
        await said(uri, "xyzzy", language=language)
        write(tmp_path, language, clock_sentence(language, "xyzzy"))
        assert await becomes(uri, "xyzzy", answer, language=language)


async def test_a_removed_file_is_not_used_any_more(tmp_path):
    path = write(tmp_path, "en", clock_sentence("en", "xyzzy"))
    async with running(tmp_path, MovedClock(), reload_s=LOOK_S) as uri:
        assert await said(uri, "xyzzy") == "It's 5:08 PM."
        path.unlink()
        assert await becomes(uri, "xyzzy", "I don't know that yet.")


async def test_changed_answers_are_spoken_without_a_restart(tmp_path):
    async with running(tmp_path, reload_s=LOOK_S) as uri:
        write(tmp_path, "en", 'language: en\nresponses: {common: {unknown: "Beats me."}}\n')
        assert await becomes(uri, "xyzzy", "Beats me.")


async def test_a_broken_file_is_named_and_changes_nothing(tmp_path, caplog):
    write(tmp_path, "en", clock_sentence("en", "xyzzy"))
    async with running(tmp_path, MovedClock(), reload_s=LOOK_S) as uri:
        broken = write(tmp_path, "en", clock_sentence("en", "frobnicate {nobodys_list}"), "second")
        async with asyncio.timeout(8):
            while str(broken) not in caplog.text:
                await ask(uri, "stop")
        assert (await said(uri, "xyzzy"), "{nobodys_list}" in caplog.text) == ("It's 5:08 PM.", True)


async def test_a_repaired_file_is_used(tmp_path, caplog):
    async with running(tmp_path, MovedClock(), reload_s=LOOK_S) as uri:
        broken = write(tmp_path, "en", "language: en\nintents: [")
        async with asyncio.timeout(8):
            while str(broken) not in caplog.text:
                await ask(uri, "stop")
        write(tmp_path, "en", clock_sentence("en", "xyzzy"))
        assert await becomes(uri, "xyzzy", "It's 5:08 PM.")


async def test_a_broken_file_does_not_keep_a_language_from_loading(tmp_path, caplog):
    broken = write(tmp_path, "de", clock_sentence("de", "{nobodys_list}"))
    async with running(tmp_path, MovedClock()) as uri:
        assert (await said(uri, *TIME["de"][:1], language="de"), str(broken) in caplog.text) == (TIME["de"][1], True)
