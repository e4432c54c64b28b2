"""The pages that say how to install: their commands are accepted, their settings exist, their links lead somewhere."""

import re
import shlex
import textwrap
from pathlib import Path

import pytest
import yaml
from deployment import ROOT, accept, settings_of

PAGES = sorted(path.name for path in (ROOT / "docs").glob("install*.md") if path.name != "install-home-assistant.md")
OURS = re.compile(r"^(?:\S*/)?(?:earshot|earshot-service)$|^script/run$")


def text(page: str) -> str:
    return (ROOT / "docs" / page).read_text()


def blocks(page: str, language: str) -> list[str]:
    return [textwrap.dedent(block) for block in re.findall(rf"^ *```{language}\n(.*?)^ *```", text(page), re.M | re.S)]


def commands(page: str) -> list[list[str]]:
    """What follows `earshot` in every command of a page."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    found = []
    for command in (part for line in lines for part in line.split("&&")):
        words = shlex.split(command, comments=True)
        if words[:1] == ["sudo"]:
            words = words[1:]
        if words and OURS.match(words[0]):
            found.append(words[1:] or ["run"])
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_is_accepted(page: str) -> None:
    for words in commands(page):
        accept(words)


def test_commands_are_found_in_the_pages() -> None:
    assert {page: bool(commands(page)) for page in PAGES if page not in ("install.md", "install-compose.md")} == {
        "install-kubernetes.md": True,
        "install-laptop.md": True,
        "install-raspberry-pi.md": True,
        "install-systemd.md": True,
    }


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_of_a_page_exists(page: str) -> None:
    for block in blocks(page, "yaml"):
        values = yaml.safe_load(block)
        if "apiVersion" not in values:
            settings_of(values)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_and_every_file_named_exists(page: str) -> None:
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text(page)) if "://" not in link]
    assert [link for link in links if not (ROOT / "docs" / link).is_file()] == []
    files = [Path(name) for name in re.findall(r"(?<![./\w])(config/[\w./-]+\w)", text(page))]
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_the_index_names_every_page() -> None:
    assert set(re.findall(r"\((install-[\w-]+\.md)\)", text("install.md"))) == {*PAGES, "install-home-assistant.md"} - {"install.md"}


def test_the_models_that_pages_name_are_in_the_catalogue() -> None:
    named = {name for page in PAGES for name in re.findall(r"\b(?:piper|faster-whisper)/[\w.-]*\w", text(page))}
    catalogue = yaml.safe_load((ROOT / "config" / "models.yaml").read_text())
    assert named and [name for name in named if name.partition("/")[2] not in catalogue.get(name.partition("/")[0], {})] == []
