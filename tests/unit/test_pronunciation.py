"""The owner's pronunciations: whole words, cases, files per language, and files that are wrong."""

import os

import pytest

from wyoming_servers.shared.pronunciation import Pronunciations


@pytest.mark.parametrize(
    ("words", "text", "said"),
    [
        ({"Earshot": "ear shot"}, "Earshot is here.", "ear shot is here."),
        ({"Earshot": "ear shot"}, "in earshot", "in earshot"),
        ({"nginx": "engine x"}, "Nginx, NGINX and nginx", "engine x, engine x and engine x"),
        ({"nginx": "engine x"}, "nginxes", "nginxes"),
        ({"US": "U S", "us": "uss"}, "US and us", "U S and uss"),
        ({"home assistant": "hass", "home": "house"}, "Home Assistant at home", "hass at house"),
        ({"C++": "see plus plus"}, "C++ and C", "see plus plus and C"),
        ({"GPT-4": "G P T four"}, "GPT-4o and GPT-4.", "GPT-4o and G P T four."),
        ({"重庆": "崇庆"}, "我在重庆住", "我在崇庆住"),
        ({"a.b": "x"}, "acb a.b", "acb x"),
        ({"uh": ""}, "well uh yes", "well  yes"),
        ({}, "as it is", "as it is"),
    ],
)
def test_respell(words, text, said):
    assert Pronunciations(words).respell(text, "en") == said


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "all.yaml").write_text("Earshot: ear shot\nWyoming: y o ming\n", "utf-8")
    (tmp_path / "de.yaml").write_text("Earshot: Ihrschott\n", "utf-8")
    (tmp_path / "de-AT.yaml").write_text("Jause: Jausn\n", "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("language", "said"),
    [("en-US", "ear shot, y o ming, Jause"), ("de", "Ihrschott, y o ming, Jause"), ("de_AT", "Ihrschott, y o ming, Jausn")],
)
def test_the_file_of_the_language_goes_before_that_of_all(folder, language, said):
    assert Pronunciations({}, folder).respell("Earshot, Wyoming, Jause", language) == said


def test_the_settings_go_before_the_files(folder):
    assert Pronunciations({"Earshot": "E"}, folder).respell("Earshot", "de") == "E"


def test_a_changed_file_is_read_again(folder, monkeypatch):
    monkeypatch.setattr("wyoming_servers.shared.pronunciation._LOOK_EVERY_S", 0.0)
    words = Pronunciations({}, folder)
    assert words.respell("Earshot", "en") == "ear shot"
    (folder / "all.yaml").write_text("Earshot: year shot\n", "utf-8")
    os.utime(folder / "all.yaml", ns=(1, 1))
    assert words.respell("Earshot", "en") == "year shot"


@pytest.mark.parametrize("content", ["- a\n- b\n", "No: noh\n", "a: 5\n", "a: [b]\n", "a: {\n", "\udcff", f"a: {'x' * 300}\n"])
def test_a_file_that_is_no_dictionary_is_reported_and_left_out(tmp_path, caplog, content):
    (tmp_path / "en.yaml").write_text(content, "utf-8", errors="surrogateescape")
    (tmp_path / "all.yaml").write_text("fine: good\n", "utf-8")
    assert Pronunciations({}, tmp_path).respell("fine", "en") == "good"
    assert "en.yaml" in caplog.text


def test_a_folder_that_is_not_there_holds_no_words(tmp_path):
    assert Pronunciations({}, tmp_path / "none").respell("as it is", "en") == "as it is"
