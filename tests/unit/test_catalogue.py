"""The catalogue of models: what is shipped is sound, and what an owner writes wrongly is named."""

import re
from pathlib import Path
from typing import Any

import pytest

from wyoming_servers import services
from wyoming_servers.shared import catalogue, end_of_turn, paths
from wyoming_servers.shared.catalogue import SERVER, Catalogue, CatalogueModel
from wyoming_servers.shared.errors import SettingsError, UnknownNameError

ENTRY = {
    "description": "A toy.",
    "languages": ["en"],
    "licence": "MIT",
    "commercial_use": True,
    "source": "https://example.org/toy",
    "base": "https://example.org/files",
    "files": [{"path": "toy.bin", "size_bytes": 3, "sha256": "AB" * 32}],
}


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An owner without a catalogue."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "earshot"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return Catalogue(catalogue.read(paths.content("config") / catalogue.FILE_NAME))


def one(**changes: Any) -> CatalogueModel:
    return catalogue.parse({"toy": {"small": ENTRY | changes}}, "file.yaml")[0]


def error_of(values: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        catalogue.parse(values, "file.yaml")
    return str(caught.value)


def entry_error(**changes: Any) -> str:
    return error_of({"toy": {"small": ENTRY | changes}})


def test_the_shipped_catalogue_has_models_of_every_engine_that_needs_some(shipped):
    assert {model.engine for model in shipped} == {"faster-whisper", "sherpa-onnx", "piper", "kokoro", "csm", "microwakeword", "smart-turn"}


def test_every_shipped_model_is_one_of_an_engine_there_is(shipped):
    known = {spec.name for kind in services.ENGINES for spec in services.engines(kind)} | {spec.name for spec in end_of_turn.MODELS}
    assert {model.engine for model in shipped} - known == set()


def test_voices_speak_many_languages(shipped):
    assert len({tag for model in shipped.of("piper") for tag in model.languages}) >= 50


def test_every_shipped_file_has_a_size(shipped):
    assert [model.title for model in shipped if model.size_bytes is None] == []


def test_only_what_is_behind_an_account_has_no_published_checksum(shipped):
    assert [model.title for model in shipped if model.checksum == SERVER] == ["csm/csm-1b"]


def test_shipped_files_come_over_https(shipped):
    assert {file.url.partition(":")[0] for model in shipped for file in model.files} == {"https"}


def test_every_shipped_voice_comes_with_its_settings_and_its_card(shipped):
    wrong = [
        model.name
        for model in shipped.of("piper")
        if [file.path for file in model.files] != [f"{model.name}.onnx.json", f"{model.name}.onnx", "MODEL_CARD"]
    ]
    assert wrong == []


def test_shipped_whisper_models_are_whole(shipped):
    for model in shipped.of("faster-whisper"):
        assert {"config.json", "model.bin", "tokenizer.json"} <= {file.path for file in model.files}


def test_what_must_not_earn_money_says_so(shipped):
    assert "CC-BY-NC-SA-4.0, does not allow commercial use" in shipped.find("en_US-hfc_female-medium").terms


def test_what_needs_an_account_says_so(shipped):
    assert "it needs a Hugging Face account" in shipped.find("csm-1b").terms


def test_addresses_with_letters_beyond_ascii_are_encoded(shipped):
    assert shipped.find("pt_PT-tugão-medium").files[1].url.endswith("/tug%C3%A3o/medium/pt_PT-tug%C3%A3o-medium.onnx")


def test_a_name_is_found_with_and_without_its_engine(shipped):
    assert shipped.find("piper/en_US-lessac-medium") is shipped.find("en_US-lessac-medium", "piper") is shipped.find("en_US-lessac-medium")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("en_US-lesac-medium", "en_US-lessac-medium"), ("thorsten", "de_DE-thorsten-low"), ("faster-whisper/base.n", "base.en")],
)
def test_an_unknown_name_gets_similar_ones(shipped, wanted, expected):
    with pytest.raises(UnknownNameError, match=f"did you mean .*{re.escape(expected)}"):
        shipped.find(wanted)


def test_a_name_like_nothing_gets_the_way_to_the_list(shipped):
    with pytest.raises(UnknownNameError, match="`earshot models list --engine piper` shows all"):
        shipped.find("zzzzzzzz", "piper")


def test_a_name_that_two_engines_have_is_asked_back():
    both = Catalogue(catalogue.parse({"a": {"same": ENTRY}, "b": {"same": ENTRY}}, "file.yaml"))
    with pytest.raises(UnknownNameError, match="several engines have a model 'same': a/same, b/same"):
        both.find("same")


def test_the_owners_catalogue_is_on_top(own_folder):
    (own_folder / catalogue.FILE_NAME).write_text(
        "toy:\n  small: {description: Mine., languages: [], licence: MIT, source: 'http://nas/', files: [{path: a, url: 'http://nas/a'}]}\n"
    )
    everything = catalogue.load()
    assert everything.find("toy/small").commercial_use is None and everything.get("piper", "en_US-lessac-medium")


def test_an_owners_entry_replaces_the_shipped_one(own_folder):
    (own_folder / catalogue.FILE_NAME).write_text(
        "kokoro:\n  kokoro-v1.0:\n"
        "    {description: Mine., languages: [], licence: MIT, source: 'http://nas/', base: 'http://nas/k', files: [{path: a}]}\n"
    )
    assert [file.url for file in catalogue.load().find("kokoro-v1.0").files] == ["http://nas/k/a"]


def test_the_example_in_the_documentation_is_right(own_folder):
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    path = own_folder / catalogue.FILE_NAME
    path.write_text(page.partition("## Models of your own")[2].partition("```yaml\n")[2].partition("```")[0])
    assert [model.title for model in catalogue.read(path)] == ["faster-whisper/small-swedish"]


def test_a_mistake_in_the_owners_catalogue_names_the_file(own_folder):
    path = own_folder / catalogue.FILE_NAME
    path.write_text("toy: {small: {}}")
    with pytest.raises(SettingsError, match=rf"{path}: toy/small: "):
        catalogue.load()


@pytest.mark.parametrize("text", ["a: [1", "a: 1\na: 2", "\0"])
def test_what_is_not_yaml_is_an_error(own_folder, text):
    (own_folder / catalogue.FILE_NAME).write_text(text)
    with pytest.raises(SettingsError, match="is not YAML"):
        catalogue.load()


def test_a_name_given_twice_is_an_error(own_folder):
    (own_folder / catalogue.FILE_NAME).write_text("toy: {small: {}, small: {}}")
    with pytest.raises(SettingsError, match="'small' is there twice"):
        catalogue.load()


@pytest.mark.parametrize("values", [[], "text", {"toy": []}, {"toy": {"small": []}}])
def test_another_shape_is_an_error(values):
    assert error_of(values).startswith("file.yaml: ")


@pytest.mark.parametrize("key", ["description", "languages", "licence", "source", "files"])
def test_a_missing_key_is_named(key):
    values = {name: value for name, value in ENTRY.items() if name != key}
    assert error_of({"toy": {"small": values}}) == f"file.yaml: toy/small: {key}: required key not provided"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"colour": "red"}, "colour: extra keys not allowed"),
        ({"languages": ["english language"]}, "languages.0"),
        ({"languages": [False]}, "languages.0"),
        ({"licence": ""}, "licence"),
        ({"description": "two\nlines"}, "description"),
        ({"commercial_use": "perhaps"}, "commercial_use"),
        ({"source": "ftp://example.org"}, "source"),
        ({"base": "file:///etc/"}, "base"),
        ({"base": "https://user:word@example.org/"}, "base"),
        ({"files": []}, "files: needs at least one file"),
        ({"files": [{"path": "a", "size_bytes": 0}]}, "files.0.size_bytes"),
        ({"files": [{"path": "a", "sha256": "12"}]}, "files.0.sha256"),
        ({"files": [{"path": "a", "md5": 12}]}, "files.0.md5"),
        ({"files": [{"path": "a"}, {"path": "A"}]}, "A is there twice"),
    ],
)
def test_a_wrong_value_is_named(changes, place):
    message = entry_error(**changes)
    assert message.startswith("file.yaml: toy/small: ") and place in message


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../up", "a//b", ".hidden", "a/.b", "C:x", "a\\b", "", ".", "a/", "a\n"])
def test_a_file_cannot_leave_the_models_folder(path):
    assert "files.0.path" in entry_error(files=[{"path": path}])


@pytest.mark.parametrize("name", ["..", "a/b", ".hidden", "", "a b", 3, True])
def test_a_name_is_a_plain_name(name):
    assert "is no name" in error_of({"toy": {name: ENTRY}})
    assert "is no name" in error_of({name: {"small": ENTRY}})


def test_a_file_without_any_address_is_an_error():
    values = {name: value for name, value in ENTRY.items() if name != "base"}
    assert "toy.bin has no url" in error_of({"toy": {"small": values}})


def test_digests_are_in_small_letters():
    assert one().files[0].sha256 == "ab" * 32


def test_a_models_size_is_that_of_its_files():
    assert one(files=[{"path": "a", "size_bytes": 1}, {"path": "b", "size_bytes": 2}]).size_bytes == 3


def test_a_models_size_is_unknown_when_a_files_is():
    assert one(files=[{"path": "a", "size_bytes": 1}, {"path": "b"}]).size_bytes is None


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([{"path": "a", "size_bytes": 100, "sha256": "0" * 64}, {"path": "b", "size_bytes": 1}], "sha256"),
        ([{"path": "a", "size_bytes": 100, "md5": "0" * 32}], "md5"),
        ([{"path": "a", "size_bytes": 100}, {"path": "b", "size_bytes": 1, "sha256": "0" * 64}], SERVER),
        ([{"path": "a"}], SERVER),
    ],
)
def test_a_model_is_as_well_known_as_its_large_files(files, expected):
    assert one(files=files).checksum == expected
