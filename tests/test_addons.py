"""The add-ons' folders: what Home Assistant demands of them, and that they say what the code does."""

import os
import re
import shutil
import struct
import subprocess
import sys
import tomllib
from pathlib import Path

import addon_schema
import pytest
import voluptuous as vol
import yaml

from wyoming_servers import __version__, services
from wyoming_servers.addon import files, options
from wyoming_servers.commands.addon import satellite_settings, servers_settings
from wyoming_servers.shared.errors import SettingsError
from wyoming_servers.shared.settings import KINDS
from wyoming_servers.shared.uri import split_uri

ROOT = Path(__file__).resolve().parents[1]
ADDONS = ROOT / "addons"
NAMES = tuple(options.OPTIONS)
ENGINES = {kind: services.engines(kind) for kind in services.ENGINES}
PORTS = {"earshot": options.PORT, "earshot_satellite": options.SATELLITE_PORT}


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def config(name: str) -> dict:
    return yaml.safe_load(read(ADDONS / name / "config.yaml"))


def scripts() -> list[Path]:
    return [path for path in sorted(ADDONS.rglob("rootfs/**/*")) if path.is_file() and read(path).startswith("#!")]


def size_of(png: Path) -> tuple[int, int]:
    data = png.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR"
    return struct.unpack(">II", data[16:24])


def test_the_repository_is_one_of_add_ons():
    addon_schema.REPOSITORY(yaml.safe_load(read(ROOT / "repository.yaml")))
    assert sorted(path.parent.name for path in ADDONS.rglob("config.*")) == sorted(NAMES)


def test_nothing_else_in_the_repository_is_taken_for_an_add_on():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    taken = [name for name in listed.stdout.splitlines() if Path(name).name in ("config.yaml", "config.yml", "config.json")]
    assert taken == [f"addons/{name}/config.yaml" for name in sorted(NAMES)]


@pytest.mark.parametrize("name", NAMES)
def test_the_configuration_is_as_documented(name: str):
    addon_schema.CONFIG(config(name))


@pytest.mark.parametrize("wrong", [{"host_network": True}, {"arch": ["armv7"]}, {"schema": {"a": "strr"}}, {"timeout": 5}, {"slug": "a/b"}])
def test_a_wrong_configuration_is_refused(wrong: dict):
    with pytest.raises(vol.Invalid):
        addon_schema.CONFIG(config("earshot") | wrong)


@pytest.mark.parametrize("name", NAMES)
def test_the_defaults_are_allowed_by_the_schema(name: str):
    described = config(name)
    assert addon_schema.chosen(described["schema"], described["options"]) == described["options"]


@pytest.mark.parametrize("name", NAMES)
def test_an_add_on_is_what_the_contract_wants(name: str):
    described = config(name)
    assert described["slug"] == name
    assert described["version"] == __version__
    assert described["arch"] == ["amd64", "aarch64"]
    assert described["init"] is False
    assert described["discovery"] == ["wyoming"]
    assert described["homeassistant"] == "2026.8.0"
    assert not (ADDONS / name / "build.yaml").exists()
    assert described["ports"] == {f"{PORTS[name]}/tcp": None}
    assert described["watchdog"] == f"tcp://[HOST]:[PORT:{PORTS[name]}]"


def test_the_servers_are_behind_ingress_and_read_the_names_of_home_assistant():
    described = config("earshot")
    assert (described["ingress"], described["ingress_port"]) == (True, options.INGRESS_PORT)
    assert described["homeassistant_api"] is True


def test_the_satellite_has_sound():
    assert config("earshot_satellite")["audio"] is True


@pytest.mark.parametrize("name", NAMES)
def test_options_and_english_texts_are_what_the_settings_say(name: str):
    stale = [path.name for path, text in files.made(ADDONS / name, name, ENGINES).items() if read(path) != text]
    assert stale == [], "script/addons writes them"


@pytest.mark.parametrize("name", NAMES)
def test_every_option_and_port_is_translated(name: str):
    described = config(name)
    translations = sorted((ADDONS / name / "translations").glob("*.yaml"))
    assert [path.stem for path in translations] == ["de", "en"]
    for path in translations:
        said = addon_schema.TRANSLATION(yaml.safe_load(read(path)))
        fields = {key: value.get("fields", "") for key, value in said["configuration"].items()}
        assert addon_schema.names({key: value or "str" for key, value in fields.items()}) == addon_schema.names(described["schema"])
        assert set(said["network"]) == set(described["ports"])


def test_the_image_brings_the_libraries_of_every_engine_that_can_be_chosen():
    extras = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]["optional-dependencies"]
    assert set(options.EXTRAS) <= set(extras)
    assert requirement("earshot") == f"earshot-voice[{','.join(options.EXTRAS)}]==${{BUILD_VERSION}}"
    schema = config("earshot")["schema"]
    for kind, specs in ENGINES.items():
        offered = schema[kind]["engine"].removeprefix("list(auto|").removesuffix(")").split("|")
        brought = {spec.name for spec in specs if spec.extra in ("", "phrases", *options.EXTRAS)}
        assert set(offered) == brought
        assert {spec.name for spec in specs} - brought <= {"csm"}


def requirement(name: str) -> str:
    """What the image installs."""
    (found,) = re.findall(r'/bin/pip install [^"\n]*"([^"\n]+)"', read(ADDONS / name / "Dockerfile"))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_image_is_built_from_a_pinned_base_and_this_version(name: str):
    dockerfile = read(ADDONS / name / "Dockerfile")
    assert re.search(r"^FROM ghcr\.io/home-assistant/base-debian:trixie-\d{4}\.\d{2}\.\d+$", dockerfile, re.MULTILINE)
    assert f"ARG BUILD_VERSION={__version__}\n" in dockerfile
    assert requirement(name).endswith("==${BUILD_VERSION}")
    for label in ('io.hass.version="${BUILD_VERSION}"', 'io.hass.type="app"', 'io.hass.arch="aarch64|amd64"'):
        assert label in dockerfile
    assert f'CMD ["earshot", "check", "tcp://127.0.0.1:{PORTS[name]}", "--timeout", "10"]' in dockerfile
    assert "--start-period=10m" in dockerfile


@pytest.mark.parametrize("name", NAMES)
def test_the_store_has_pictures_and_pages(name: str):
    assert size_of(ADDONS / name / "icon.png") == (128, 128)
    assert size_of(ADDONS / name / "logo.png") == (250, 100)
    assert f"## {__version__}" in read(ADDONS / name / "CHANGELOG.md")
    assert read(ADDONS / name / "README.md").startswith("# ")
    documented = set(re.findall(r"`([a-z_.]+)`", read(ADDONS / name / "DOCS.md")))
    assert {option.name for option in options.OPTIONS[name]} <= documented


@pytest.mark.parametrize("name", NAMES)
def test_models_are_left_out_of_backups(name: str):
    kept = Path("/mnt/data/addons/data/0a1b2c3d_earshot")
    excluded = config(name)["backup_exclude"]

    def left_out(path: str) -> bool:
        return any(parent.match(pattern) for pattern in excluded for parent in (kept / path, *(kept / path).parents))

    assert left_out("cache/earshot/phrases/1.wav")
    assert not left_out("state/earshot/timers.db")
    if name == "earshot":
        assert left_out("earshot/models/faster-whisper/base.en/model.bin")


@pytest.mark.parametrize("name", NAMES)
def test_the_apparmor_profile_bears_the_slug(name: str):
    profile = read(ADDONS / name / "apparmor.txt")
    assert re.findall(r"^profile (\S+) ", profile, re.MULTILINE) == [name]
    assert "/opt/earshot/bin/earshot cx -> earshot," in profile
    assert profile.count("{") == profile.count("}")


@pytest.mark.parametrize("name", NAMES)
def test_the_apparmor_profile_can_be_compiled(name: str):
    parser = shutil.which("apparmor_parser", path=f"/usr/sbin:/sbin:{os.environ.get('PATH', '')}")
    if not parser:
        pytest.skip("apparmor_parser is not installed (package apparmor)")
    compiled = subprocess.run([parser, "-Q", "-K", str(ADDONS / name / "apparmor.txt")], capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stderr


@pytest.mark.parametrize("name", NAMES)
def test_s6_starts_the_service(name: str):
    services_dir = ADDONS / name / "rootfs" / "etc" / "s6-overlay" / "s6-rc.d"
    assert read(services_dir / name / "type") == "longrun\n"
    assert (services_dir / "user" / "contents.d" / name).exists()
    assert (services_dir / name / "dependencies.d" / "base").exists()


def test_scripts_can_be_executed_and_begin_as_the_base_image_wants():
    assert len(scripts()) == 4
    for path in scripts():
        assert os.access(path, os.X_OK), path
        assert read(path).startswith("#!/command/with-contenv bashio\n# shellcheck shell=bash\n")


def test_scripts_pass_shellcheck():
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    assert shellcheck, "script/setup --test brings it"
    checked = subprocess.run([shellcheck, *map(str, scripts())], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_the_servers_listen_where_the_add_on_says():
    settings = servers_settings({})
    assert {split_uri(getattr(settings, kind).uri)[2] for kind in KINDS} == {options.PORT}
    assert settings.web.uri.endswith(f":{options.INGRESS_PORT}")
    assert settings.web.admit == ("172.30.32.2",)
    assert settings.network.zeroconf is False


def test_options_become_settings():
    settings = servers_settings(
        {
            "language": "de",
            "asr": {"engine": "auto", "model": "faster-whisper/base", "end_of_speech": True},
            "tts": {"engine": "openai", "uri": "http://nas:8880/v1", "key": "secret", "model": "alloy"},
            "wake": {"engine": "auto", "words": ["hey_jarvis"], "threshold": 0.7},
            "llm": {"base_url": "http://nas:8080/v1"},
            "network": {"egress": "deny", "egress_hosts": ["api.open-meteo.com"]},
            "models": {"offline": True, "mirrors": ["https://huggingface.co=http://nas/hf"]},
            "show_words": True,
            "debug": False,
        }
    )
    assert settings.language == "de"
    assert (settings.asr.engine, settings.asr.engines["faster-whisper"]["model"], settings.asr.end_of_speech) == (
        "faster-whisper",
        "base",
        True,
    )
    assert (
        settings.tts.engines["openai"] | {"voice": "alloy", "uri": "http://nas:8880/v1", "key": "secret"} == settings.tts.engines["openai"]
    )
    assert settings.wake.engines["openwakeword"] | {"words": ["hey_jarvis"], "threshold": 0.7} == settings.wake.engines["openwakeword"]
    assert settings.llm.base_url == "http://nas:8080/v1"
    assert (settings.network.egress, settings.network.egress_hosts) == ("deny", ("api.open-meteo.com",))
    assert (settings.models.offline, settings.models.mirrors) == (True, {"https://huggingface.co": "http://nas/hf"})
    assert settings.web.words is True


def test_options_win_over_the_owners_file(tmp_path: Path):
    file = tmp_path / "assistant.yaml"
    file.write_text("language: nl\nasr: {longest_s: 12}\n")
    settings = servers_settings({"language": "fr"}, file)
    assert (settings.language, settings.asr.longest_s) == ("fr", 12)


@pytest.mark.parametrize(
    ("chosen", "named"),
    [
        ({"language": ["de"]}, "add-on option language: "),
        ({"asr": "phrases"}, "add-on option asr: 'phrases' is not a group"),
        ({"asr": {"model": "base.en"}}, "add-on option asr.model: write ENGINE/NAME"),
        ({"asr": {"engine": "phrases", "model": "faster-whisper/base.en"}}, "add-on option asr.model: .* is a model of faster-whisper"),
        ({"asr": {"engine": "phrases", "model": "base.en"}}, "add-on option asr.model: the engine phrases takes none"),
        ({"tts": {"engine": "auto", "uri": "http://nas"}}, "add-on option tts.uri: the engine auto takes none.*openai"),
        ({"network": {"egress": "perhaps"}}, "add-on option network.egress: .*allow, deny"),
        ({"models": {"mirrors": ["http://nas/hf"]}}, "add-on option models.mirrors: .*ADDRESS=MIRROR"),
    ],
)
def test_a_wrong_option_is_named(chosen: dict, named: str):
    with pytest.raises(SettingsError, match=named):
        servers_settings(chosen)


def test_an_option_of_an_older_version_is_named_and_left_out(caplog: pytest.LogCaptureFixture):
    assert servers_settings({"beam_size": 5, "asr": {"old": 1}, "language": "it"}).language == "it"
    assert "beam_size" in caplog.text
    assert "asr.old" in caplog.text


def test_the_satellite_finds_the_servers_beside_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("socket.gethostname", lambda: "0a1b2c3d-earshot-satellite")
    settings = satellite_settings({"area": "Kitchen", "volume": 0.5})
    assert settings.satellite.peers.asr == "tcp://0a1b2c3d-earshot:10300"
    assert (settings.satellite.name, settings.satellite.area, settings.satellite.volume) == ("Earshot Satellite", "Kitchen", 0.5)


def test_the_satellite_can_be_given_other_servers():
    assert satellite_settings({"servers": "tcp://nas:10300"}).satellite.peers.wake == "tcp://nas:10300"
