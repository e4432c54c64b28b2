"""compose.yaml and its Dockerfile: valid by the Compose specification, and in agreement with Earshot. No Docker is needed."""

import copy
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from compose_spec import PyCompose
from deployment import DEPLOY, OUR_IMAGE, ROOT, VERSION, accept, settings_of

from wyoming_servers.shared import settings
from wyoming_servers.shared.settings import KINDS

FOLDER = DEPLOY / "compose"
MACHINES = ("pi", "cpu", "gpu", "spark")
DOCKERFILE = (FOLDER / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    return compose()["services"]


def compose() -> dict[str, Any]:
    """The file as Compose reads it where no variable is set."""
    text = (FOLDER / "compose.yaml").read_text()
    return yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))


def ours(services: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: one for name, one in services.items() if one["image"].startswith("earshot:")}


def started(services: dict[str, dict[str, Any]], *profiles: str) -> dict[str, dict[str, Any]]:
    return {name: one for name, one in services.items() if set(profiles) & set(one["profiles"])}


def test_it_is_valid() -> None:
    read = PyCompose.from_yaml(yaml.safe_dump(compose()))
    read.validate()
    assert set(read.service_names()) == set(compose()["services"])


def test_the_specification_would_tell_of_a_wrong_key() -> None:
    wrong = copy.deepcopy(compose())
    wrong["services"]["asr"]["memory_limit"] = "1g"
    with pytest.raises(ValueError, match="memory_limit"):
        PyCompose.from_yaml(yaml.safe_dump(wrong))


@pytest.mark.parametrize("machine", MACHINES)
def test_every_kind_of_machine_gets_each_server_once(services, machine: str) -> None:
    kinds = [one["command"][1] for one in ours(started(services, machine)).values()]
    assert sorted(kinds) == sorted(KINDS)


@pytest.mark.parametrize(("machine", "expected"), [("pi", []), ("cpu", []), ("gpu", ["vllm"]), ("spark", ["vllm-spark"])])
def test_machines_with_a_graphics_card_get_a_language_model(services, machine: str, expected: list[str]) -> None:
    assert [name for name in started(services, machine) if name not in ours(services)] == expected


def test_only_whisper_on_an_x86_card_and_language_models_reserve_one(services) -> None:
    assert {name for name, one in services.items() if "deploy" in one} == {"asr-gpu", "vllm", "vllm-spark"}


def test_nothing_starts_without_a_profile(services) -> None:
    assert [name for name, one in services.items() if not one.get("profiles")] == []


def test_our_command_line_takes_commands_and_health_checks(services) -> None:
    for one in ours(services).values():
        accept(one["command"])
        if one["command"][0] == "serve":
            how, program, *words = one["healthcheck"]["test"]
            accept(words)
            assert (how, program, words[:2]) == ("CMD", "earshot", ["check", one["command"][1]])


def test_no_part_can_swap(services) -> None:
    assert {name: one["memswap_limit"] for name, one in services.items()} == {name: one["mem_limit"] for name, one in services.items()}


def test_our_containers_may_do_little(services) -> None:
    for one in ours(services).values():
        assert one["read_only"] and one["cap_drop"] == ["ALL"] and one["security_opt"] == ["no-new-privileges:true"]


def test_servers_are_where_mdns_is(services) -> None:
    assert {one["network_mode"] for one in ours(services).values()} == {"host"}


def test_language_models_answer_this_machine_alone(services) -> None:
    for name in set(services) - set(ours(services)):
        assert [port.startswith("127.0.0.1:") for port in services[name]["ports"]] == [True]


def test_every_volume_is_declared_or_a_folder(services) -> None:
    declared = set(compose()["volumes"])
    used = {mount.split(":")[0] for one in services.values() for mount in one.get("volumes", [])}
    assert {name for name in used if not name.startswith(".")} == declared


def test_the_settings_named_exist(services) -> None:
    for one in services.values():
        given = {key: value for key, value in one.get("environment", {}).items() if value is not None}
        for source in settings.from_environment(given):
            settings_of(source.values)
    settings_of(yaml.safe_load((FOLDER / "settings" / "assistant.yaml").read_text()))


def test_handle_finds_the_language_model_where_it_is_published(services) -> None:
    port = urlsplit(services["handle-vllm"]["environment"]["EARSHOT__LLM__BASE_URL"]).port
    assert {services[name]["ports"][0] for name in ("vllm", "vllm-spark")} == {f"127.0.0.1:{port}:{port}"}


def test_the_example_of_an_environment_names_only_what_is_used() -> None:
    named = re.findall(r"^#?([A-Z_]+)=", (FOLDER / "example.env").read_text(), re.M)
    text = (FOLDER / "compose.yaml").read_text()
    assert [name for name in named if name not in text and name != "COMPOSE_PROFILES"] == []


def test_images_are_ours_of_this_version_or_pinned(services) -> None:
    for name, one in services.items():
        if name in ours(services):
            assert one["image"] in (OUR_IMAGE, f"{OUR_IMAGE}-gpu")
        else:
            assert re.search(r"\d", one["image"].rpartition(":")[2])
    assert f'image.version="{VERSION}"' in DOCKERFILE and f"-t {OUR_IMAGE} " in DOCKERFILE


def test_stages_that_are_built_exist(services) -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.M))
    assert {one["build"]["target"] for one in ours(services).values()} <= stages
    assert all((FOLDER / one["build"]["context"]).resolve() == ROOT for one in ours(services).values())
    assert all((ROOT / one["build"]["dockerfile"]).is_file() for one in ours(services).values())


def test_the_extras_of_the_image_exist() -> None:
    declared = set(re.findall(r"^([a-z-]+) = \[", (ROOT / "pyproject.toml").read_text(), re.M))
    (extras,) = re.findall(r'"\.\[([^\]]+)\]"', DOCKERFILE)
    assert set(extras.split(",")) <= declared


def test_folders_of_the_image_are_the_ones_that_are_mounted(services) -> None:
    roots = dict(re.findall(r"XDG_(\w+)_HOME=(\S+)", DOCKERFILE))
    folders = {f"{root}/earshot" for root in roots.values()}
    assert set(roots) == {"CONFIG", "DATA", "STATE", "CACHE"}
    for one in ours(services).values():
        assert {mount.split(":")[1] for mount in one["volumes"]} == folders


def test_what_the_image_copies_is_enough_to_install_from(tmp_path: Path) -> None:
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.M)
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
    for name in " ".join(copied).split():
        assert f"!{name}" in ignored
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"wyoming_servers/cli.py", "wyoming_servers/_bundled/config/assistant.yaml"} <= set(names)
    assert "wyoming_servers/_bundled/config/deploy/systemd/system.conf" in names
