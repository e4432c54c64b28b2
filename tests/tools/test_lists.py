"""Lists over the wire, what is kept of them, and what is understood in each language."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from handle_house import ask, running, said
from tool_sentences import LANGUAGES, response_keys, understood

from wyoming_servers.shared import paths


@pytest.fixture
async def uri(tmp_path):
    async with running(tmp_path) as address:
        yield address


async def talk(uri: str, *texts: str) -> list[str]:
    """A conversation; what is answered."""
    return [await said(uri, text, conversation_id="talk") for text in texts]


async def test_several_things_are_added_at_once(uri):
    assert await said(uri, "put milk and eggs on the shopping list") == "I've added milk and eggs to the shopping list."


async def test_things_between_commas_are_several(uri):
    assert await said(uri, "add milk, some eggs and bread to my shopping list") == "I've added milk, eggs and bread to the shopping list."


async def test_what_belongs_together_is_one_thing(uri):
    answer = await ask(uri, "add mac and cheese and milk to the shopping list")
    assert answer.data["context"]["earshot"]["data"]["added"] == ["mac and cheese", "milk"]


async def test_the_order_is_kept(uri):
    answers = await talk(uri, "put milk and eggs on the shopping list", "add bread to the list", "what's on the shopping list")
    assert answers[-1] == "There are 3 things on the shopping list: milk, eggs and bread."


async def test_names_keep_their_capitals(uri):
    assert await talk(uri, "add Greek yoghurt to the shopping list") == ["I've added Greek yoghurt to the shopping list."]


async def test_what_is_there_already_is_not_added_again(uri):
    answers = await talk(uri, "put milk on the shopping list", "put Milk and eggs on the shopping list", "what's on the shopping list")
    assert answers[1:] == [
        "I've added eggs to the shopping list. The shopping list already has Milk.",
        "There are 2 things on the shopping list: milk and eggs.",
    ]


async def test_a_list_of_another_name_is_made_when_something_is_put_on_it(uri):
    answers = await talk(uri, "put a tent on the camping list", "what's on the camping list", "which lists do we have")
    assert answers == [
        "I've added tent to the camping list.",
        "There is one thing on the camping list: tent.",
        "You have these lists: camping list.",
    ]


async def test_a_list_is_made_by_name(uri):
    answers = await talk(uri, "create a list called camping", "create a camping list", "what's on the camping list")
    assert answers == ["You have a camping list now.", "You have a camping list already.", "The camping list is empty."]


async def test_to_dos_are_apart_from_shopping(uri):
    answers = await talk(uri, "add call mom to my to-do list", "what's on the shopping list", "what do I have to do")
    assert answers[1:] == ["The shopping list is empty.", "There is one thing on the to-do list: call mom."]


async def test_a_list_that_nobody_made_is_not_there(uri):
    assert await said(uri, "what's on the packing list") == "There is no packing list."


async def test_things_are_taken_off(uri):
    answers = await talk(
        uri, "put milk, eggs and tea on the shopping list", "remove milk from the shopping list", "check off eggs on the shopping list"
    )
    assert answers[1:] == ["I've taken milk off the shopping list.", "I've checked eggs off the shopping list."]


async def test_what_is_not_there_cannot_be_taken_off(uri):
    answer = await ask(uri, "remove milk from the shopping list")
    assert (answer.type, answer.data["text"]) == ("not-handled", "I can't find milk on the shopping list.")


async def test_a_part_of_the_name_is_enough(uri):
    answers = await talk(uri, "put two litres of milk on the shopping list", "remove milk from the shopping list")
    assert answers[-1] == "I've taken two litres of milk off the shopping list."


async def test_which_of_several_is_asked(uri):
    answers = await talk(uri, "put oat milk and soy milk on the shopping list", "remove milk from the shopping list", "soy milk")
    assert answers[1:] == ["Which one: oat milk and soy milk?", "I've taken soy milk off the shopping list."]


async def test_whether_something_is_on_a_list(uri):
    questions = ("is milk on the shopping list", "is there any tea on the shopping list", "are eggs on it")
    answers = await talk(uri, "put milk and eggs on the shopping list", *questions)
    assert answers[1:] == [
        "Yes, the shopping list has milk.",
        "No, the shopping list doesn't have tea.",
        "Yes, the shopping list has eggs.",
    ]


async def test_a_missing_thing_is_asked_for(uri):
    answers = await talk(uri, "add something to the camping list", "a tent and a lamp", "what's on the camping list")
    assert answers == [
        "What shall I add?",
        "I've added tent and lamp to the camping list.",
        "There are 2 things on the camping list: tent and lamp.",
    ]


async def test_clearing_asks_back(uri):
    answers = await talk(uri, "put milk on the shopping list", "clear the shopping list", "yes", "what's on the shopping list")
    assert answers[1:] == [
        "There is one thing on the shopping list. Shall I clear it?",
        "The shopping list is empty now.",
        "The shopping list is empty.",
    ]


async def test_clearing_can_be_declined(uri):
    answers = await talk(uri, "put milk on the shopping list", "clear the shopping list", "no", "is milk on the shopping list")
    assert answers[2:] == ["All right, the shopping list stays as it is.", "Yes, the shopping list has milk."]


async def test_what_was_added_is_taken_back(uri):
    answers = await talk(
        uri, "put milk on the shopping list", "put milk and eggs on the shopping list", "undo that", "what's on the shopping list"
    )
    assert answers[-1] == "There is one thing on the shopping list: milk."


async def test_what_was_taken_off_comes_back_in_its_place(uri):
    answers = await talk(
        uri, "put milk, eggs and tea on the shopping list", "remove eggs from the shopping list", "undo that", "what's on the shopping list"
    )
    assert answers[-1] == "There are 3 things on the shopping list: milk, eggs and tea."


async def test_what_was_cleared_comes_back(uri):
    answers = await talk(
        uri, "put milk and eggs on the shopping list", "clear the shopping list", "yes", "undo that", "what's on the shopping list"
    )
    assert answers[-1] == "There are 2 things on the shopping list: milk and eggs."


async def test_asking_is_not_what_is_taken_back(uri):
    answers = await talk(uri, "put milk on the shopping list", "what's on the shopping list", "undo that", "what's on the shopping list")
    assert answers[-1] == "The shopping list is empty."


async def test_a_long_list_is_cut(uri):
    things = ", ".join(f"thing{letter}" for letter in "abcdefghijklmno")
    assert (await talk(uri, f"put {things} on the shopping list", "what's on the shopping list"))[-1].endswith("thingl and 3 more.")


async def test_lists_survive_a_restart(tmp_path):
    async with running(tmp_path) as uri:
        await said(uri, "put milk on the shopping list")
    async with running(tmp_path) as uri:
        assert await said(uri, "what's on the shopping list") == "There is one thing on the shopping list: milk."


def test_what_was_confirmed_survives_a_kill(tmp_path):
    writer = f"""
import sys
sys.path.insert(0, {str(paths.content("tools"))!r})
from pathlib import Path
from lists.store import Store
store = Store(Path({str(tmp_path / "lists.db")!r}))
for number in range(10_000):
    store.add("shopping", "", [f"thing {{number}}"])
    print(number, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", writer], stdout=subprocess.PIPE, text=True) as process:
        confirmed = [process.stdout.readline() for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        confirmed += process.stdout.readlines()
    with closing(sqlite3.connect(tmp_path / "lists.db")) as database:
        kept = {text for (text,) in database.execute("SELECT text FROM list_items")}
    assert {f"thing {number.strip()}" for number in confirmed if number.endswith("\n")} <= kept


def test_two_processes_write_the_same_list_without_losing_or_doubling(tmp_path):
    writer = f"""
import sys
sys.path.insert(0, {str(paths.content("tools"))!r})
from pathlib import Path
from lists.store import Store
store = Store(Path({str(tmp_path / "lists.db")!r}))
for number in range(25):
    store.add("shopping", "", [f"{{sys.argv[1]}} {{number}}", f"both {{number}}"])
"""
    writers = [subprocess.Popen([sys.executable, "-c", writer, name]) for name in ("one", "two")]
    assert [process.wait(10) for process in writers] == [0, 0]
    with closing(sqlite3.connect(tmp_path / "lists.db")) as database:
        kept = [text for (text,) in database.execute("SELECT text FROM list_items WHERE state = 'open'")]
    assert sorted(kept) == sorted(f"{name} {number}" for name in ("one", "two", "both") for number in range(25))


async def test_when_nothing_can_be_saved_that_is_said(tmp_path):
    async with running(tmp_path) as uri:
        await said(uri, "put milk on the shopping list")
        with closing(sqlite3.connect(tmp_path / "timers.db")) as database:
            database.execute("DROP TABLE list_items")
        answer = await ask(uri, "put eggs on the shopping list")
    assert (answer.type, answer.data["text"]) == ("not-handled", "I couldn't save that, so nothing has changed.")


def test_every_language_has_every_sentence():
    assert {language: response_keys(language, "lists") for language in LANGUAGES} == dict.fromkeys(LANGUAGES, response_keys("en", "lists"))


ADD, REMOVE, COMPLETE, READ = "EarshotListAdd", "EarshotListRemove", "EarshotListComplete", "EarshotListRead"
CONTAINS, CLEAR, CREATE, NAMES = "EarshotListContains", "EarshotListClear", "EarshotListCreate", "EarshotListNames"
SHOP_ADD, SHOP_DONE = "HassShoppingListAddItem", "HassShoppingListCompleteItem"
SENTENCES = [
    ("en", "put milk and eggs on the shopping list", SHOP_ADD, {"item": "milk and eggs"}),
    ("en", "add milk, eggs and bread to my grocery list", ADD, {"item": "milk, eggs and bread", "name": "shopping"}),
    ("en", "add call mom to my to-do list", ADD, {"item": "call mom", "name": "todo"}),
    ("en", "put a tent on the camping list", ADD, {"item": "a tent", "name": "camping"}),
    ("en", "remove milk from the shopping list", REMOVE, {"item": "milk", "name": "shopping"}),
    ("en", "take the tent off the camping list", REMOVE, {"item": "the tent", "name": "camping"}),
    ("en", "cross off the tent on the camping list", COMPLETE, {"item": "the tent", "name": "camping"}),
    ("en", "check milk off the shopping list", SHOP_DONE, {"item": "milk"}),
    ("en", "what's on the shopping list", READ, {"name": "shopping"}),
    ("en", "read me the camping list", READ, {"name": "camping"}),
    ("en", "what do we need to buy", READ, {}),
    ("en", "is milk on the shopping list", CONTAINS, {"item": "milk", "name": "shopping"}),
    ("en", "do we have a lamp on the camping list", CONTAINS, {"item": "a lamp", "name": "camping"}),
    ("en", "clear the shopping list", CLEAR, {"name": "shopping"}),
    ("en", "remove everything from the camping list", CLEAR, {"name": "camping"}),
    ("en", "create a list called camping", CREATE, {"name": "camping"}),
    ("en", "which lists do I have", NAMES, {}),
    ("de", "setze Milch und Eier auf die Einkaufsliste", SHOP_ADD, {"item": "milch und eier"}),
    ("de", "schreib ein Zelt auf die Campingliste", ADD, {"item": "ein zelt", "name": "camping"}),
    ("de", "schreib Mama anrufen auf meine Aufgabenliste", ADD, {"item": "mama anrufen", "name": "todo"}),
    ("de", "streich Milch von der Einkaufsliste", REMOVE, {"item": "milch", "name": "shopping"}),
    ("de", "hake das Zelt auf der Campingliste ab", COMPLETE, {"item": "das zelt", "name": "camping"}),
    ("de", "was steht auf der Einkaufsliste", READ, {"name": "shopping"}),
    ("de", "was habe ich zu tun", READ, {"name": "todo"}),
    ("de", "steht Milch auf der Einkaufsliste", CONTAINS, {"item": "milch", "name": "shopping"}),
    ("de", "leere die Einkaufsliste", CLEAR, {"name": "shopping"}),
    ("de", "erstelle eine Liste Camping", CREATE, {"name": "camping"}),
    ("de", "welche Listen gibt es", NAMES, {}),
    ("fr", "ajoute du lait et des œufs à la liste de courses", SHOP_ADD, {"item": "lait et des œufs"}),
    ("fr", "ajoute une tente à la liste camping", ADD, {"item": "tente", "name": "camping"}),
    ("fr", "note appeler maman sur ma liste de tâches", ADD, {"item": "appeler maman", "name": "todo"}),
    ("fr", "enlève le lait de la liste de courses", REMOVE, {"item": "lait", "name": "shopping"}),
    ("fr", "coche la tente sur la liste camping", COMPLETE, {"item": "tente", "name": "camping"}),
    ("fr", "qu'est-ce qu'il y a sur la liste de courses", READ, {"name": "shopping"}),
    ("fr", "qu'est-ce que j'ai à faire", READ, {"name": "todo"}),
    ("fr", "est-ce qu'il y a du lait sur la liste de courses", CONTAINS, {"item": "lait", "name": "shopping"}),
    ("fr", "vide la liste de courses", CLEAR, {"name": "shopping"}),
    ("fr", "crée une liste appelée camping", CREATE, {"name": "camping"}),
    ("fr", "quelles listes ai-je", NAMES, {}),
    ("es", "añade leche y huevos a la lista de la compra", SHOP_ADD, {"item": "leche y huevos"}),
    ("es", "pon una tienda en la lista de camping", ADD, {"item": "una tienda", "name": "camping"}),
    ("es", "apunta llamar a mamá en mi lista de tareas", ADD, {"item": "llamar a mamá", "name": "todo"}),
    ("es", "quita la leche de la lista de la compra", REMOVE, {"item": "la leche", "name": "shopping"}),
    ("es", "tacha la tienda en la lista de camping", COMPLETE, {"item": "la tienda", "name": "camping"}),
    ("es", "qué hay en la lista de la compra", READ, {"name": "shopping"}),
    ("es", "qué tengo que hacer", READ, {"name": "todo"}),
    ("es", "hay leche en la lista de la compra", CONTAINS, {"item": "leche", "name": "shopping"}),
    ("es", "vacía la lista de la compra", CLEAR, {"name": "shopping"}),
    ("es", "crea una lista llamada camping", CREATE, {"name": "camping"}),
    ("es", "qué listas tengo", NAMES, {}),
    ("it", "aggiungi latte e uova alla lista della spesa", SHOP_ADD, {"item": "latte e uova"}),
    ("it", "metti una tenda nella lista campeggio", ADD, {"item": "tenda", "name": "campeggio"}),
    ("it", "scrivi chiamare mamma sulla lista delle cose da fare", ADD, {"item": "chiamare mamma", "name": "todo"}),
    ("it", "togli il latte dalla lista della spesa", REMOVE, {"item": "latte", "name": "shopping"}),
    ("it", "spunta la tenda dalla lista campeggio", COMPLETE, {"item": "tenda", "name": "campeggio"}),
    ("it", "cosa c'è nella lista della spesa", READ, {"name": "shopping"}),
    ("it", "cosa devo fare", READ, {"name": "todo"}),
    ("it", "c'è il latte nella lista della spesa", CONTAINS, {"item": "latte", "name": "shopping"}),
    ("it", "svuota la lista della spesa", CLEAR, {"name": "shopping"}),
    ("it", "crea una lista chiamata campeggio", CREATE, {"name": "campeggio"}),
    ("it", "quali liste ho", NAMES, {}),
    ("nl", "zet melk en eieren op de boodschappenlijst", SHOP_ADD, {"item": "melk en eieren"}),
    ("nl", "zet een tent op de kampeerlijst", ADD, {"item": "een tent", "name": "kampeer"}),
    ("nl", "zet mama bellen op mijn takenlijst", ADD, {"item": "mama bellen", "name": "todo"}),
    ("nl", "haal melk van de boodschappenlijst", REMOVE, {"item": "melk", "name": "shopping"}),
    ("nl", "vink de tent op de kampeerlijst af", COMPLETE, {"item": "de tent", "name": "kampeer"}),
    ("nl", "wat staat er op de boodschappenlijst", READ, {"name": "shopping"}),
    ("nl", "wat moet ik doen", READ, {"name": "todo"}),
    ("nl", "staat melk op de boodschappenlijst", CONTAINS, {"item": "melk", "name": "shopping"}),
    ("nl", "wis de boodschappenlijst", CLEAR, {"name": "shopping"}),
    ("nl", "maak een lijst met de naam kamperen", CREATE, {"name": "kamperen"}),
    ("nl", "welke lijsten heb ik", NAMES, {}),
]


@pytest.mark.parametrize(("language", "text", "intent", "slots"), SENTENCES)
def test_a_sentence_is_understood(language, text, intent, slots):
    assert understood(language, text) == (intent, slots)


SPOKEN = {
    "de": ("setze Milch und Eier auf die Einkaufsliste", "Ich habe Milch und Eier auf die Einkaufsliste gesetzt."),
    "fr": ("ajoute du lait et des œufs à la liste de courses", "J'ai ajouté lait et œufs à la liste de courses."),
    "es": ("añade leche y huevos a la lista de la compra", "He añadido leche y huevos a la lista de la compra."),
    "it": ("aggiungi latte e uova alla lista della spesa", "Ho aggiunto latte e uova alla lista della spesa."),
    "nl": ("zet melk en eieren op de boodschappenlijst", "Ik heb melk en eieren op de boodschappenlijst gezet."),
}


@pytest.mark.parametrize("language", SPOKEN)
async def test_it_speaks_the_language_of_the_request(tmp_path, language):
    text, answer = SPOKEN[language]
    async with running(tmp_path, language_s=8.0) as uri:
        assert await said(uri, text, language=language) == answer
