"""Servers that the owner names: which of them may be asked where nothing may leave the house."""

import pytest

from wyoming_servers import services
from wyoming_servers.shared.context import engine_context
from wyoming_servers.shared.engine_service import engine_options
from wyoming_servers.shared.engines import choose, find
from wyoming_servers.shared.errors import EngineUnavailableError
from wyoming_servers.shared.gate import host_of, kept_inside
from wyoming_servers.shared.settings import NetworkSection, validate

DENY = NetworkSection(egress="deny", egress_hosts=("Listed.example.org",))
INSIDE = (
    "http://127.0.0.1:8000",
    "http://10.0.0.7/v1",
    "tcp://[fd00::7]:10300",
    "nas:50051",
    "http://nas.local:8000",
    "unix:///run/asr",
    "",
)
OUTSIDE = ("https://api.example.org/v1", "8.8.8.8:50051", "tcp://asr.example.org:10300", "wss://example.org")
ON_SERVERS = [
    ("asr", "openai", "https://asr.example.org/v1"),
    ("asr", "whisper-cpp", "http://asr.example.org:8080"),
    ("asr", "riva", "asr.example.org:50051"),
    ("asr", "wyoming", "tcp://asr.example.org:10300"),
    ("tts", "openai", "https://tts.example.org/v1"),
    ("tts", "riva", "tts.example.org:50051"),
    ("tts", "vibevoice", "ws://tts.example.org:3000"),
    ("tts", "wyoming", "tcp://tts.example.org:10200"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_a_server_in_the_house_may_be_asked(address: str) -> None:
    assert kept_inside(address, DENY) == ""


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_server_outside_may_not(address: str) -> None:
    assert host_of(address) in kept_inside(address, DENY)
    assert kept_inside(address, NetworkSection()) == ""


def test_a_listed_one_may() -> None:
    assert kept_inside("https://listed.EXAMPLE.org./v1", DENY) == ""


@pytest.mark.parametrize(("kind", "engine", "uri"), ON_SERVERS, ids=lambda value: value)
def test_every_engine_on_another_server_keeps_to_it(kind: str, engine: str, uri: str) -> None:
    settings = validate({"network": {"egress": "deny"}, kind: {"engine": engine, "engines": {engine: {"uri": uri}}}})
    section, specs = getattr(settings, kind), services.engines(kind)
    if find(specs, engine).missing():
        pytest.skip(f"the library of {engine} is not installed")
    with pytest.raises(EngineUnavailableError, match="network.egress is deny: add .*example.org to network.egress_hosts"):
        choose(specs, engine, lambda spec: engine_options(kind, section, spec), engine_context(settings))
