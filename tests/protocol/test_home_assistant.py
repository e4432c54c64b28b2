"""The connection to Home Assistant: sign-in, names that follow, faults that are named, and what is known without it."""

import asyncio
import json
import logging
import stat

import pytest
from fake_home_assistant import TOKEN, FakeHomeAssistant, home_assistant
from home_rig import known, settings

from wyoming_servers.shared.errors import HouseError, SettingsError
from wyoming_servers.shared.home_assistant import HomeAssistant, access
from wyoming_servers.shared.home_assistant_names import Known
from wyoming_servers.shared.home_assistant_socket import Access
from wyoming_servers.shared.house import Area, Device, House
from wyoming_servers.shared.house_source import merged
from wyoming_servers.shared.settings import HomeAssistantSection, NetworkSection, Settings


class Link:
    """A running connection, and when its names changed."""

    def __init__(self, fake: FakeHomeAssistant, folder, refresh_s: float = 300.0, token: str = TOKEN, **other) -> None:
        place = Access(other.pop("url", fake.url), "/api/websocket", token, answer_s=0.5, **other)
        self.changed = asyncio.Event()
        self.copy = folder / "home_assistant.json"
        self.house = HomeAssistant(place, self.copy, refresh_s, self.changed.set)

    async def __aenter__(self) -> HomeAssistant:
        self.house.start()
        async with asyncio.timeout(5):
            await self.house.settled()
        return self.house

    async def __aexit__(self, *_) -> None:
        await self.house.stop()

    async def news(self) -> None:
        """Waits until names have changed."""
        async with asyncio.timeout(5):
            await self.changed.wait()
        self.changed.clear()


@pytest.fixture
async def fake():
    async with home_assistant() as server:
        yield server


async def test_names_rooms_and_floors_are_read(fake, tmp_path):
    async with Link(fake, tmp_path) as house:
        assert house.known == known(fake)
        counter = next(entity for entity in house.entities() if entity.id == "light.counter")
        assert (counter.name, counter.aliases, counter.area, counter.domain) == ("Counter Lights", ("worktop",), "Kitchen", "light")
        assert [(room.name, room.aliases, room.floor) for room in house.rooms()][1] == ("Living Room", ("lounge",), "Downstairs")


async def test_what_is_not_exposed_is_not_there(fake, tmp_path):
    async with Link(fake, tmp_path) as house:
        assert "light.secret" not in {entity.id for entity in house.entities()}
        assert house.state("light.secret") is None
        with pytest.raises(HouseError, match=r"light\.secret is not exposed"):
            await house.call("light.turn_on", ["light.secret"])
        assert fake.calls == []


async def test_a_device_that_is_exposed_later_comes_and_one_that_is_hidden_goes(fake, tmp_path):
    link = Link(fake, tmp_path)
    async with link as house:
        await link.news()
        fake.exposed ^= {"light.secret", "light.counter"}
        await fake.registry()
        await link.news()
        names = {entity.name for entity in house.entities()}
        assert "Secret Lamp" in names and "Counter Lights" not in names
        assert house.state("light.secret").value == "off"


async def test_what_home_assistant_does_not_tell_is_looked_for(fake, tmp_path):
    link = Link(fake, tmp_path, refresh_s=0.1)
    async with link:
        await link.news()
        fake.exposed.add("light.secret")
        await link.news()


async def test_a_device_with_a_new_name_has_it(fake, tmp_path):
    link = Link(fake, tmp_path)
    async with link as house:
        await link.news()
        await fake.change("light.counter", friendly_name="Worktop Lights")
        await link.news()
        assert "Worktop Lights" in {entity.name for entity in house.entities()}


async def test_states_follow(fake, tmp_path):
    async with Link(fake, tmp_path) as house:
        await fake.change("light.bed_lamp", "on", brightness=128)
        late = await house.wait(["light.bed_lamp"], lambda _, state: state.value == "on", 5)
        assert (late, house.state("light.bed_lamp").attributes["brightness"]) == ([], 128)


async def test_a_wait_ends_with_those_that_have_not_changed(fake, tmp_path):
    async with Link(fake, tmp_path) as house:
        ids = ["light.bed_lamp", "light.kitchen_ceiling"]
        assert await house.wait(ids, lambda _, state: state.value == "on", 0.1) == ["light.bed_lamp"]


async def test_a_restart_of_home_assistant_is_survived(fake, tmp_path):
    async with Link(fake, tmp_path) as house:
        await fake.stop()
        async with asyncio.timeout(5):
            while house.problem != "offline":
                await asyncio.sleep(0.01)
        assert len(house.entities()) == 17 and house.state("light.bed_lamp") is None
        await fake.start()
        async with asyncio.timeout(8):
            while house.problem:
                await asyncio.sleep(0.05)
        assert house.state("light.bed_lamp").value == "off"


async def copied(fake, folder):
    """A server that knows the house has kept a copy and ended; so has Home Assistant."""
    link = Link(fake, folder)
    async with link:
        await link.news()
        async with asyncio.timeout(5):
            while not link.copy.exists():
                await asyncio.sleep(0.01)
    await fake.stop()


async def test_names_are_known_after_a_restart_without_home_assistant(fake, tmp_path):
    await copied(fake, tmp_path)
    async with Link(fake, tmp_path) as house:
        assert (house.problem, len(house.entities())) == ("offline", 17)


async def test_the_copy_on_disk_has_no_token_and_no_states_and_is_the_owners(fake, tmp_path):
    await copied(fake, tmp_path)
    copy = tmp_path / "home_assistant.json"
    assert TOKEN not in copy.read_text() and "brightness" not in copy.read_text()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", json.dumps({"version": 1, "url": "", "entities": 5})])
async def test_a_damaged_copy_is_as_none(fake, tmp_path, content):
    (tmp_path / "home_assistant.json").write_text(content)
    assert Link(fake, tmp_path).house.known == Known()


async def test_the_copy_of_another_house_is_not_used(fake, tmp_path):
    await copied(fake, tmp_path)
    assert Link(fake, tmp_path, url="http://127.0.0.1:1").house.known == Known()


async def test_a_wrong_token_is_named_and_not_tried_again_at_once(fake, tmp_path, caplog):
    async with Link(fake, tmp_path, token="wrong") as house:
        assert house.problem == "token"
        assert "does not accept the token" in caplog.text and "wrong" not in caplog.text.replace("/wrong", "")
        await asyncio.sleep(1.2)  # a second attempt would come after one second
        assert fake.sign_ins == 1


async def test_a_token_without_rights_is_named(fake, tmp_path, caplog):
    fake.admin = False
    async with Link(fake, tmp_path) as house:
        assert house.problem == "rights" and "token of an administrator" in caplog.text


@pytest.mark.parametrize("greeting", ["hello", "[]", '{"type": "welcome"}', "x" * 100_000])
async def test_what_is_no_home_assistant_is_named(fake, tmp_path, caplog, greeting):
    fake.greeting = greeting
    async with Link(fake, tmp_path) as house:
        assert house.problem == "address" and "does not answer as Home Assistant does" in caplog.text


async def test_an_address_without_its_websocket_is_named(fake, tmp_path, caplog):
    async with Link(fake, tmp_path, url=f"{fake.url}/other") as house:
        assert house.problem == "address" and "answered 404" in caplog.text


async def test_a_home_assistant_that_says_nothing_is_given_up(fake, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    fake.silent = True
    async with Link(fake, tmp_path) as house:
        assert house.problem == "offline" and "took longer than 0.5 s" in caplog.text


@pytest.mark.parametrize("url", ["http://8.8.8.8:8123", "http://[2001:4860:4860::8888]:8123"])
async def test_an_address_outside_the_house_is_not_connected_to(fake, tmp_path, caplog, url):
    async with Link(fake, tmp_path, url=url) as house:
        assert house.problem == "address" and "not in this house" in caplog.text


async def test_a_service_that_fails_is_told(fake, tmp_path):
    fake.refuses.add("light.bed_lamp")
    async with Link(fake, tmp_path) as house:
        with pytest.raises(HouseError, match="did not answer") as caught:
            await house.call("light.turn_on", ["light.bed_lamp"])
        assert caught.value.reason == "refused"


async def test_names_that_are_none_are_left_out(fake, tmp_path):
    fake.device("light.long", "x" * 300)
    fake.device("light.none", "")
    fake.entries["light.counter"]["aliases"] = [None, 5, "", "worktop"]
    fake.areas["odd"] = {"area_id": "odd", "name": None}
    async with Link(fake, tmp_path) as house:
        ids = {entity.id for entity in house.entities()}
        assert not ids & {"light.long", "light.none"} and len(house.rooms()) == 4


def test_without_a_url_there_is_none():
    assert access(Settings(), {}) is None


def test_an_add_on_finds_it_through_the_supervisor():
    place = access(Settings(), {"SUPERVISOR_TOKEN": "given"})
    assert (place.url + place.path, place.token) == ("http://supervisor/core/websocket", "given")


def test_the_owners_address_goes_before_the_supervisors(tmp_path):
    (tmp_path / "token").write_text("mine\n")
    section = HomeAssistantSection(url="http://house:8123/", token_file=str(tmp_path / "token"))
    place = access(Settings(home_assistant=section), {"SUPERVISOR_TOKEN": "given"})
    assert (place.url + place.path, place.token) == ("http://house:8123/api/websocket", "mine")


def test_the_token_is_in_no_repr(tmp_path):
    assert TOKEN not in repr(settings(tmp_path, FakeHomeAssistant()))
    assert TOKEN not in repr(access(settings(tmp_path, FakeHomeAssistant()), {}))


@pytest.mark.parametrize(
    ("section", "text"),
    [
        (HomeAssistantSection(url="house:8123", token="t"), "must begin with http://"),
        (HomeAssistantSection(url="http://house:8123"), "make one on your profile page"),
        (HomeAssistantSection(url="http://house:8123", token_file="/nowhere/token"), "cannot be read"),
    ],
)
def test_settings_that_cannot_work_are_named(section, text):
    with pytest.raises(SettingsError, match=text):
        access(Settings(home_assistant=section), {})


def test_a_host_the_owner_names_counts_as_in_the_house():
    section = HomeAssistantSection(url="https://house.example.org", token="t")
    assert access(Settings(home_assistant=section, network=NetworkSection(egress_hosts=("House.example.org",))), {}).trusted


def test_the_owners_names_come_first_and_are_not_doubled(tmp_path):
    fake = FakeHomeAssistant()
    fake.room("Kitchen", "Downstairs", "scullery")
    fake.device("light.counter", "Counter Lights", "off", "Kitchen", "worktop")
    own = House(areas=(Area("kitchen", ("galley",)), Area("Shed")), devices=(Device("counter lights", "light", "kitchen", ("bar",)),))
    house = merged(own, known(fake))
    assert [(area.name, area.aliases) for area in house.areas] == [("kitchen", ("galley", "scullery")), ("Shed", ())]
    assert [(device.name, device.aliases) for device in house.devices] == [("Counter Lights", ("bar", "worktop"))]
