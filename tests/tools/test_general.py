"""Stop, never mind, repeat, undo and why, and the sentences all tools have in common, in every language with tools."""

import pytest
from tool_sentences import LANGUAGES, phrases, response_keys, sentences, understood

INTENTS = ("EarshotStop", "HassNevermind", "EarshotRepeat", "EarshotUndo", "EarshotWhy")
SENTENCES = {
    "en": ("be quiet", "never mind", "what did you say", "undo that", "why did you do that"),
    "de": ("hör auf", "vergiss es", "was hast du gesagt", "mach das rückgängig", "warum hast du das gemacht"),
    "fr": ("arrête ça", "laisse tomber", "répète", "annule la dernière commande", "pourquoi as-tu dit ça"),
    "es": ("cállate", "no importa", "repítelo otra vez", "deshaz lo último", "por qué has hecho eso"),
    "it": ("smettila", "lascia stare", "che cosa hai detto", "annulla l'ultimo comando", "perché l'hai fatto"),
    "nl": ("hou op", "laat maar zitten", "wat zei je", "maak dat ongedaan", "waarom deed je dat"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_about_the_conversation_is_understood(language):
    assert [understood(language, text) for text in SENTENCES[language]] == [(intent, {}) for intent in INTENTS]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_sentence(language):
    assert response_keys(language, "general") == response_keys("en", "general")
    cannot = {name: sentences(name, "general")["responses"]["common"]["cannot"].keys() for name in (language, "en")}
    assert cannot[language] == cannot["en"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_can_explain_itself(language):
    say = phrases(language, "common").say
    for key in ("template", "answer", "follow_up", "repair", "llm", "llm_tool", "no_tool", "none", "no_language", "loading", "nothing"):
        assert say(f"why_{key}", said="xyzzy", tool="plugh")
    assert all(say(key, question="Q?") for key in ("unknown", "again", "failed", "too_slow", "loading", "nothing_to_undo", "cannot_undo"))
