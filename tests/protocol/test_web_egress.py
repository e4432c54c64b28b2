"""What may leave the house, and that all of it is written down."""

import asyncio
import sqlite3

import pytest
from handle_house import MovedClock
from web_services import Asked, WebService, proxying, redirect, serving, tool_http

from wyoming_servers.shared.errors import HttpError

PATH = "/answer"
WHY = "a test"


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def service():
    with serving(WebService()) as service:
        service.reply(PATH, {"said": "hello"})
        yield service


async def refused(http, url: str) -> HttpError:
    with pytest.raises(HttpError) as caught:
        await http.get(url, why=WHY)
    return caught.value


async def test_denied_egress_reaches_the_house_but_nothing_outside(service, clock, tmp_path):
    async with tool_http(tmp_path, clock, egress="deny") as http:
        assert (await http.get(service.uri + PATH, why=WHY)).status == 200
        error = await refused(http, "http://api.example.org/")
    assert error.offline and "network.egress is deny" in str(error)


async def test_a_denied_host_is_not_even_looked_up(clock, tmp_path):
    looked_up: list[str] = []

    def lookup(host: str) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    async with tool_http(tmp_path, clock, lookup=lookup, egress="deny") as http:
        await refused(http, "http://api.example.org/")
    assert looked_up == []


async def test_a_name_of_the_house_with_an_address_outside_is_denied(clock, tmp_path):
    async with tool_http(tmp_path, clock, lookup=lambda host: ["8.8.8.8"], egress="deny") as http:
        assert "network.egress is deny" in str(await refused(http, "http://nas.local/"))


async def test_hosts_that_are_named_may_be_asked_although_egress_is_denied(clock, tmp_path):
    with proxying(lambda asked: asked.headers["host"]) as proxy:
        async with tool_http(tmp_path, clock, egress="deny", egress_hosts=("api.example.org",), proxy=proxy.uri) as http:
            assert (await http.get("http://API.example.org/", why=WHY)).text() == "api.example.org"


async def test_what_was_kept_is_still_used_when_egress_is_denied(clock, tmp_path):
    with proxying(lambda asked: "hello") as proxy:
        async with tool_http(tmp_path, clock, proxy=proxy.uri) as http:
            await http.get("http://api.example.org/", why=WHY, stale_s=60)
    async with tool_http(tmp_path, clock, egress="deny") as http:
        assert (await http.get("http://api.example.org/", why=WHY, stale_s=60)).text() == "hello"


# What is written down.


async def test_every_request_is_in_the_ledger(clock, tmp_path):
    with proxying(lambda asked: "hello") as proxy:
        async with tool_http(tmp_path, clock, "weather", proxy=proxy.uri) as http:
            await http.get("http://api.example.org/v1?key=secret", why="the weather in Paris")
            (departure,) = await http.departures(0)
    assert (departure.at, departure.tool, departure.method, departure.host) == (clock.now(), "weather", "GET", "api.example.org")
    assert (departure.why, departure.status, departure.left) == ("the weather in Paris", 200, True)
    assert 50 < departure.sent_bytes < 300 and 5 < departure.received_bytes < 400


async def test_the_house_is_in_the_ledger_but_left_it_not(service, clock, tmp_path):
    async with tool_http(tmp_path, clock) as http:
        await http.get(service.uri + PATH, why=WHY)
        (departure,) = await http.departures(0)
    assert (departure.local, departure.left) == (True, False)


async def test_a_kept_answer_is_no_egress(service, clock, tmp_path):
    async with tool_http(tmp_path, clock) as http:
        for _ in range(3):
            await http.get(service.uri + PATH, why=WHY, keep_s=60)
        assert len(await http.departures(0)) == 1


async def test_every_host_of_a_redirect_is_in_the_ledger(clock, tmp_path):
    with proxying(lambda asked: "hello") as proxy:
        proxy.fault(redirect("http://other.example.org/"))
        async with tool_http(tmp_path, clock, proxy=proxy.uri) as http:
            await http.get("http://api.example.org/", why=WHY)
            departures = await http.departures(0)
    assert [(one.host, one.status) for one in departures] == [("api.example.org", 302), ("other.example.org", 200)]


async def test_a_request_that_reached_nobody_did_not_leave(clock, tmp_path):
    async with tool_http(tmp_path, clock, proxy="http://127.0.0.1:1") as http:
        await refused(http, "http://api.example.org/")
        departures = await http.departures(0)
    assert [(one.sent_bytes, one.left) for one in departures] == [(0, False)] * 2


async def test_a_request_that_is_given_up_has_left(clock, tmp_path):
    with proxying(lambda asked: "") as proxy:
        proxy.fault(proxy.stuck)
        async with tool_http(tmp_path, clock, proxy=proxy.uri) as http:
            asking = asyncio.create_task(http.get("http://api.example.org/", why=WHY))
            await proxy.once_reached()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            (departure,) = await http.departures(0)
    assert (departure.left, departure.problem) == (True, "given up")


async def test_it_is_written_down_before_it_is_sent(clock, tmp_path):
    written: list[int] = []

    def answers(asked: Asked) -> str:
        with sqlite3.connect(tmp_path / "egress.db") as file:
            written.append(file.execute("SELECT COUNT(*) FROM egress").fetchone()[0])
        return "hello"

    with proxying(answers) as proxy:
        async with tool_http(tmp_path, clock, proxy=proxy.uri) as http:
            await http.get("http://api.example.org/", why=WHY)
    assert written == [1]


async def test_what_cannot_be_written_down_is_not_sent(service, clock, tmp_path):
    (tmp_path / "egress.db").mkdir()
    async with tool_http(tmp_path, clock) as http:
        assert "nothing was sent to 127.0.0.1: the egress ledger" in str(await refused(http, service.uri + PATH))
    assert service.asked == []
