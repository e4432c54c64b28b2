"""Checks of what is around the machine: real servers, and fakes of other people's."""

import asyncio
from pathlib import Path

import pytest
from fake_home_assistant import TOKEN, home_assistant
from fake_llm import fake_llm
from made_end_of_turn import make_smart_turn
from satellite_servers import ScriptedAsr, ScriptedHandle, ScriptedVoice, ScriptedWake

from wyoming_servers.doctor import engines, links, network, peers
from wyoming_servers.doctor.finding import Finding, State, Visit
from wyoming_servers.shared.settings import validate

NOBODY = "tcp://127.0.0.1:9"


def house(**settings: object) -> Visit:
    return Visit(validate(settings))


def given(**uris: str) -> Visit:
    return house(network={"zeroconf": False}, satellite={"peers": uris})


async def test_every_server_is_told_with_its_latency(serving):
    async with serving(ScriptedAsr(), ScriptedVoice(), ScriptedHandle(), ScriptedWake(1, 1)) as uri:
        found = await peers.peers(given(wake=uri, asr=uri, handle=uri, tts=uri))
    assert [(each.state, each.data["uri"], each.data["answered"]) for each in found] == [(State.OK, uri, 5)]
    assert 0 < found[0].data["p50_ms"] <= found[0].data["worst_ms"]


async def test_a_given_server_that_does_not_answer_is_a_failure(serving):
    async with serving(ScriptedVoice(), ScriptedHandle(), ScriptedWake(1, 1)) as uri:
        found = await peers.peers(given(wake=uri, asr=NOBODY, handle=uri, tts=uri))
    assert {each.data["uri"]: each.state for each in found} == {uri: State.OK, NOBODY: State.FAILURE}


async def test_a_given_server_of_another_kind_is_a_failure(serving):
    async with serving(ScriptedVoice()) as uri:
        found = await peers.peers(given(wake=uri, asr=uri, handle=uri, tts=uri))
    assert any(each.state is State.FAILURE and "does not offer it" in each.text for each in found)


async def test_a_kind_that_nobody_serves_is_a_failure_with_the_command(unused_tcp_port):
    unused = {kind: {"uri": f"tcp://127.0.0.1:{unused_tcp_port}"} for kind in ("wake", "asr", "handle", "tts")}
    found = await peers.peers(house(network={"zeroconf": False}, **unused))
    assert [each.data["kind"] for each in found] == ["wake", "asr", "handle", "tts"]
    assert "earshot serve asr" in found[1].mend


async def test_how_busy_a_server_is_is_told(serving):
    from scripted import Scripted

    async with serving(Scripted(slots=3)) as uri:
        found = await peers.peers(given(wake=NOBODY, asr=uri, handle=NOBODY, tts=NOBODY))
    busy = next(each for each in found if each.data["uri"] == uri)
    assert busy.data["load"] == {"asr": {"working": 0, "waiting": 0, "places": 3}}


async def test_a_language_model_is_told_with_its_name():
    async with fake_llm() as fake:
        (found,) = await links.llm(house(llm={"base_url": fake.uri}))
    assert (found.state, bool(found.data["model"])) == (State.OK, True), found


async def test_a_language_model_that_is_not_there_is_a_failure():
    (found,) = await links.llm(house(llm={"base_url": "http://127.0.0.1:9/v1"}))
    assert (found.state, "llm.base_url" in found.mend) == (State.FAILURE, True)


async def test_a_model_that_is_not_served_is_a_failure():
    async with fake_llm() as fake:
        (found,) = await links.llm(house(llm={"base_url": fake.uri, "model": "another"}))
    assert (found.state, "does not serve another" in found.text) == (State.FAILURE, True)


async def test_a_language_model_outside_the_house_is_not_asked_where_that_is_denied():
    (found,) = await links.llm(house(llm={"base_url": "https://api.example.org/v1"}, network={"egress": "deny"}))
    assert (found.state, "network.egress" in found.text) == (State.FAILURE, True)


async def test_without_a_language_model_that_is_a_note():
    (found,) = await links.llm(house())
    assert found.state is State.NOTE


async def test_home_assistant_is_told_with_what_can_be_controlled():
    async with home_assistant() as fake:
        (found,) = await links.home_assistant(house(home_assistant={"url": fake.url, "token": TOKEN}))
        assert (found.state, found.data["exposed"], found.data["rooms"]) == (State.OK, len(fake.exposed), len(fake.areas)), found


async def test_home_assistant_that_exposes_nothing_is_a_warning():
    async with home_assistant(furnished=False) as fake:
        (found,) = await links.home_assistant(house(home_assistant={"url": fake.url, "token": TOKEN}))
    assert found.state is State.WARNING


async def test_a_token_that_home_assistant_does_not_accept_is_a_failure():
    async with home_assistant() as fake:
        (found,) = await links.home_assistant(house(home_assistant={"url": fake.url, "token": "another"}))
    assert (found.state, found.data["reason"]) == (State.FAILURE, "token")


async def test_home_assistant_that_is_not_there_is_a_failure():
    (found,) = await links.home_assistant(house(home_assistant={"url": "http://127.0.0.1:9", "token": "any"}))
    assert (found.state, found.data["reason"]) == (State.FAILURE, "offline")


async def test_without_home_assistant_that_is_a_note(monkeypatch):
    monkeypatch.delenv("SUPERVISOR_TOKEN", raising=False)
    (found,) = await links.home_assistant(house())
    assert found.state is State.NOTE


async def test_without_mdns_that_is_a_note():
    (found,) = await network.mdns(house(network={"zeroconf": False}))
    assert found.state is State.NOTE


async def test_announcements_that_come_back_are_right_on_the_loopback():
    found = await asyncio.wait_for(network._on("127.0.0.1"), 9)
    assert found.data["hears_itself"] is True


async def test_a_network_without_multicast_is_a_failure():
    found = await asyncio.wait_for(network._on("203.0.113.7"), 9)
    assert (found.state, "5353" in found.mend) == (State.FAILURE, True)


def test_the_engine_of_each_kind_is_told():
    found = engines.engines(house())
    assert [each.data["kind"] for each in found] == ["wake", "asr", "tts"]


def test_an_engine_that_cannot_run_is_a_failure():
    found = engines.engines(house(asr={"engine": "riva"}))
    assert [(each.data["kind"], each.state) for each in found][1] == ("asr", State.FAILURE)


def test_terms_that_forbid_commercial_use_are_a_note():
    found = {each.data["what"]: each for each in engines.licences(house(wake={"engine": "openwakeword"}))}
    assert found["wake: openwakeword"].state is State.NOTE
    assert "NC" in found["wake: openwakeword"].data["licence"]


def melody(tmp_path: Path, **settings: object) -> Finding:
    return engines.end_of_turn(house(models={"folder": str(tmp_path)}, satellite=settings))[0]


def test_without_a_model_of_the_end_of_turns_the_command_that_brings_one_is_told(tmp_path: Path):
    found = melody(tmp_path)
    assert (found.state, found.mend) == (State.NOTE, "earshot models get smart-turn/v3.2")


def test_a_model_of_the_end_of_turns_is_told(tmp_path: Path):
    make_smart_turn(tmp_path / "smart-turn" / "v3.2" / "any.onnx")
    assert melody(tmp_path).state is State.OK


def test_none_listens_to_the_words_only(tmp_path: Path):
    make_smart_turn(tmp_path / "smart-turn" / "v3.2" / "any.onnx")
    assert melody(tmp_path, end_of_turn="none").state is State.NOTE


def test_a_model_that_is_named_and_not_here_is_a_failure_with_the_command(tmp_path: Path):
    found = melody(tmp_path, end_of_turn="smart-turn")
    assert (found.state, found.mend) == (State.FAILURE, "earshot models get smart-turn/v3.2")


def test_a_name_that_names_nothing_is_a_failure(tmp_path: Path):
    assert melody(tmp_path, end_of_turn="smarter-turn").state is State.FAILURE


def test_models_are_told_with_their_size(tmp_path: Path):
    model = tmp_path / "piper" / "my-voice"
    model.mkdir(parents=True)
    (model / "voice.onnx").write_bytes(bytes(2_000_000))
    found = engines.models(house(models={"folder": str(tmp_path)}))
    assert found[0].data == {"model": "piper/my-voice", "size_mb": 2.0}


def test_a_model_of_nothing_is_a_failure(tmp_path: Path):
    model = tmp_path / "piper" / "my-voice"
    model.mkdir(parents=True)
    (model / "voice.onnx").touch()
    assert engines.models(house(models={"folder": str(tmp_path)}))[0].state is State.FAILURE


@pytest.mark.parametrize("text", ['needs piper: pip install "earshot-voice[piper]"', "has no model on this machine: earshot models list"])
def test_the_command_that_brings_an_engine_is_found_in_what_it_lacks(text):
    from wyoming_servers.commands.engines import EngineState

    assert engines._command(EngineState("tts", "piper", "", text, "")) == text.partition(": ")[2]
