"""A tool's way out of the house, over real HTTP: what is tried again, kept, refused, and written down."""

import asyncio
import gzip
import sqlite3
import sys
from pathlib import Path

import pytest
from handle_house import MovedClock
from web_services import EMPTY, ENDLESS, NOT_JSON, TRUNCATED, WebService, hang_up, proxying, redirect, serving, status, tool_http

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


async def refused(http, url: str, **options) -> HttpError:
    with pytest.raises(HttpError) as caught:
        await http.get(url, why=WHY, **options)
    return caught.value


async def test_what_a_service_answers_reaches_the_tool(service, clock, tmp_path):
    async with tool_http(tmp_path, clock) as http:
        answer = await http.get(service.uri + PATH, why=WHY)
    assert (answer.json(), answer.status, answer.age_s) == ({"said": "hello"}, 200, 0.0)


async def test_parameters_are_encoded_and_added_to_those_of_the_address(service, clock, tmp_path):
    async with tool_http(tmp_path, clock) as http:
        await http.get(service.uri + PATH + "?a=1", why=WHY, params={"name": "Köln & Bonn+"})
    assert service.asked[0].query == {"a": "1", "name": "Köln & Bonn+"}


async def test_a_title_in_the_path_may_have_any_letters(service, clock, tmp_path):
    service.reply("/page/Zürich (Stadt)", "Zürich")
    async with tool_http(tmp_path, clock) as http:
        assert (await http.get(f"{service.uri}/page/Zürich%20(Stadt)", why=WHY)).text() == "Zürich"


async def test_what_is_posted_is_json(service, clock, tmp_path):
    async with tool_http(tmp_path, clock) as http:
        await http.post(service.uri + PATH, why=WHY, json={"a": [1]})
    assert (service.asked[0].json(), service.asked[0].headers["content-type"]) == ({"a": [1]}, "application/json")


async def test_services_see_earshot_and_nothing_of_the_tool_that_pretends(service, clock, tmp_path):
    async with tool_http(tmp_path, clock) as http:
        await http.get(service.uri + PATH, why=WHY, headers={"User-Agent": "Mozilla", "Cookie": "a=b", "Accept-Language": "de"})
    headers = service.asked[0].headers
    assert headers["user-agent"].startswith("Earshot/") and "cookie" not in headers and headers["accept-language"] == "de"


async def test_cookies_are_not_kept(service, clock, tmp_path):
    service.reply(PATH, "hello", **{"Set-Cookie": "seen=1"})
    async with tool_http(tmp_path, clock) as http:
        for _ in range(2):
            await http.get(service.uri + PATH, why=WHY)
    assert "cookie" not in service.asked[1].headers


async def test_packed_answers_are_unpacked(service, clock, tmp_path):
    service.reply(PATH, gzip.compress(b"hello"), **{"Content-Encoding": "gzip"})
    async with tool_http(tmp_path, clock) as http:
        assert (await http.get(service.uri + PATH, why=WHY)).text() == "hello"


@pytest.mark.parametrize("fault", [status(500), status(503), status(429), TRUNCATED, hang_up], ids=["500", "503", "429", "cut", "hang up"])
async def test_trouble_is_tried_once_more(service, clock, tmp_path, fault):
    service.fault(fault)
    async with tool_http(tmp_path, clock) as http:
        assert (await http.get(service.uri + PATH, why=WHY)).json() == {"said": "hello"}


async def test_not_more_than_once(service, clock, tmp_path):
    service.fault(status(503), status(502))
    async with tool_http(tmp_path, clock) as http:
        error = await refused(http, service.uri + PATH)
    assert (error.status, error.offline, len(service.asked)) == (502, False, 2)


async def test_what_a_service_declines_is_not_asked_again(service, clock, tmp_path):
    async with tool_http(tmp_path, clock) as http:
        error = await refused(http, service.uri + "/nowhere?key=secret")
    assert (error.status, str(error), len(service.asked)) == (404, f"{service.uri}/nowhere answered 404 Not Found", 1)


async def test_what_is_posted_is_never_sent_twice(service, clock, tmp_path):
    service.fault(status(503))
    async with tool_http(tmp_path, clock) as http:
        with pytest.raises(HttpError):
            await http.post(service.uri + PATH, why=WHY, json={})
    assert len(service.asked) == 1


async def test_a_service_that_is_not_there_is_offline(service, clock, tmp_path):
    service.stop()
    async with tool_http(tmp_path, clock) as http:
        error = await refused(http, service.uri + PATH + "?key=secret")
    assert error.offline and "cannot be reached" in str(error) and "secret" not in str(error)


async def test_a_service_that_hangs_is_given_up_and_not_called_offline(service, clock, tmp_path):
    service.fault(service.stuck)
    async with tool_http(tmp_path, clock) as http:
        error = await refused(http, service.uri + PATH, timeout_s=0.2)
    assert (error.offline, str(error)) == (False, f"{service.uri}{PATH} did not answer within 0.2 s")


async def test_a_name_without_an_address_is_offline(clock, tmp_path):
    def nobody(host: str) -> list[str]:
        raise OSError("no such host")

    async with tool_http(tmp_path, clock, lookup=nobody) as http:
        assert (await refused(http, "http://api.example.org/")).offline


async def test_an_answer_without_end_is_cut_off(service, clock, tmp_path):
    service.fault(ENDLESS)
    async with tool_http(tmp_path, clock) as http:
        assert str(await refused(http, service.uri + PATH, most_bytes=100_000)).endswith("sends more than 100000 bytes")


async def test_a_small_answer_that_unpacks_to_a_huge_one_is_cut_off(service, clock, tmp_path):
    service.reply(PATH, gzip.compress(bytes(20_000_000)), **{"Content-Encoding": "gzip"})
    async with tool_http(tmp_path, clock) as http:
        assert str(await refused(http, service.uri + PATH, most_bytes=100_000)).endswith("sends more than 100000 bytes")


@pytest.mark.parametrize("fault", [NOT_JSON, EMPTY])
async def test_an_answer_that_is_not_json_says_so(service, clock, tmp_path, fault):
    service.fault(fault)
    async with tool_http(tmp_path, clock) as http:
        answer = await http.get(service.uri + PATH, why=WHY)
    with pytest.raises(HttpError, match="did not answer with JSON"):
        answer.json()


@pytest.mark.parametrize("url", ["ftp://example.org/", "file:///etc/passwd", "http://", "hello", "http://[::1", "http://a:99999/"])
async def test_only_the_web_can_be_asked(clock, tmp_path, url):
    async with tool_http(tmp_path, clock) as http:
        assert "is not an http or https address" in str(await refused(http, url))


async def test_proxies_of_the_environment_are_not_used(service, clock, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    async with tool_http(tmp_path, clock) as http:
        assert (await http.get(service.uri + PATH, why=WHY)).status == 200


# Redirects.


async def test_a_redirect_is_followed(service, clock, tmp_path):
    service.fault(redirect(PATH))
    async with tool_http(tmp_path, clock) as http:
        assert (await http.get(service.uri + "/old", why=WHY)).url == service.uri + PATH


async def test_redirects_without_end_are_not(service, clock, tmp_path):
    service.fault(*[redirect("/old")] * 9)
    async with tool_http(tmp_path, clock) as http:
        assert "redirects more than 3 times" in str(await refused(http, service.uri + "/old"))


async def test_a_redirect_to_something_else_than_the_web_is_refused(service, clock, tmp_path):
    service.fault(redirect("file:///etc/passwd"))
    async with tool_http(tmp_path, clock) as http:
        assert "is not an http or https address" in str(await refused(http, service.uri + "/old"))


async def test_what_a_tool_tells_a_host_is_not_told_to_another_it_redirects_to(service, clock, tmp_path):
    with serving(WebService()) as other:
        other.reply("/", "hello")
        service.fault(redirect(other.uri + "/"))
        async with tool_http(tmp_path, clock) as http:
            await http.get(service.uri + "/old", why=WHY, headers={"Authorization": "Bearer secret"})
        assert "authorization" not in other.asked[0].headers and "authorization" in service.asked[0].headers


async def test_the_internet_cannot_redirect_into_the_house(service, clock, tmp_path):
    with proxying(lambda asked: "") as proxy:
        proxy.fault(redirect(service.uri + PATH))
        async with tool_http(tmp_path, clock, proxy=proxy.uri) as http:
            error = await refused(http, "http://api.example.org/")
    assert "redirects to 127.0.0.1, which is in it" in str(error) and service.asked == []


# What is kept.


async def test_a_fresh_answer_is_used_again(service, clock, tmp_path):
    async with tool_http(tmp_path, clock) as http:
        await http.get(service.uri + PATH, why=WHY, keep_s=60)
        clock.advance(59)
        again = await http.get(service.uri + PATH, why=WHY, keep_s=60)
    assert (again.json(), again.age_s, len(service.asked)) == ({"said": "hello"}, 59.0, 1)


async def test_an_old_one_is_not(service, clock, tmp_path):
    async with tool_http(tmp_path, clock) as http:
        await http.get(service.uri + PATH, why=WHY, keep_s=60)
        clock.advance(61)
        assert (await http.get(service.uri + PATH, why=WHY, keep_s=60)).age_s == 0.0


async def test_nothing_is_kept_unless_wanted(service, clock, tmp_path):
    async with tool_http(tmp_path, clock) as http:
        await http.get(service.uri + PATH, why=WHY)
        await http.get(service.uri + PATH, why=WHY)
    assert len(service.asked) == 2 and not (tmp_path / "web.db").exists()


async def test_other_parameters_are_another_question(service, clock, tmp_path):
    async with tool_http(tmp_path, clock) as http:
        for name in ("Paris", "Rome"):
            await http.get(service.uri + PATH, why=WHY, params={"name": name}, keep_s=60)
    assert len(service.asked) == 2


async def test_in_an_outage_the_last_answer_is_used_with_its_age_also_after_a_restart(service, clock, tmp_path):
    async with tool_http(tmp_path, clock) as http:
        await http.get(service.uri + PATH, why=WHY, stale_s=3600)
    service.stop()
    clock.advance(600)
    async with tool_http(tmp_path, clock) as http:
        answer = await http.get(service.uri + PATH, why=WHY, stale_s=3600)
    assert (answer.json(), answer.age_s) == ({"said": "hello"}, 600.0)


async def test_one_that_is_too_old_is_not_used_in_an_outage(service, clock, tmp_path):
    async with tool_http(tmp_path, clock) as http:
        await http.get(service.uri + PATH, why=WHY, stale_s=3600)
        service.stop()
        clock.advance(3601)
        assert (await refused(http, service.uri + PATH, stale_s=3600)).offline


async def test_an_answer_from_a_clock_that_was_ahead_is_asked_for_anew_but_helps_in_an_outage(service, clock, tmp_path):
    async with tool_http(tmp_path, clock) as http:
        await http.get(service.uri + PATH, why=WHY, keep_s=60, stale_s=3600)
        clock.advance(-100_000)
        service.stop()
        assert (await http.get(service.uri + PATH, why=WHY, keep_s=60, stale_s=3600)).age_s == 1.0


async def test_a_service_that_declines_is_believed_although_an_old_answer_is_there(service, clock, tmp_path):
    async with tool_http(tmp_path, clock) as http:
        await http.get(service.uri + PATH, why=WHY, stale_s=3600)
        service.fault(status(404))
        assert (await refused(http, service.uri + PATH, stale_s=3600)).status == 404


async def test_a_damaged_cache_is_put_aside(service, clock, tmp_path, caplog):
    (tmp_path / "web.db").write_bytes(b"this is not a database" * 100)
    async with tool_http(tmp_path, clock) as http:
        await http.get(service.uri + PATH, why=WHY, keep_s=60)
        await http.get(service.uri + PATH, why=WHY, keep_s=60)
    assert len(service.asked) == 1 and "is damaged" in caplog.text


async def test_what_is_kept_is_bounded(service, clock, tmp_path):
    service.reply(PATH, b"x" * 1_900_000)
    async with tool_http(tmp_path, clock) as http:
        for number in range(20):
            clock.advance(1)
            await http.get(service.uri + PATH, why=WHY, params={"n": str(number)}, keep_s=600)
    with sqlite3.connect(tmp_path / "web.db") as file:
        count, newest = file.execute("SELECT COUNT(*), MAX(at) FROM answers").fetchone()
    assert (count, newest) == (17, clock.now())


async def test_the_library_is_loaded_with_the_first_request(service, tmp_path):
    code = f"""
import asyncio, sys, time
from pathlib import Path
from wyoming_servers.handle.http import Web
from wyoming_servers.shared.settings import NetworkSection

async def main():
    web = Web(NetworkSection(), Path({str(tmp_path)!r}) / "egress.db", Path({str(tmp_path)!r}) / "web.db", time.time)
    before = "aiohttp" in sys.modules
    await web.http("probe").get({service.uri + PATH!r}, why="a test")
    await web.close()
    print(before, "aiohttp" in sys.modules)

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    out, _ = await process.communicate()
    assert out.decode().split() == ["False", "True"]


async def test_an_answer_without_an_end_is_enough_when_the_tool_says_so(service, clock, tmp_path):
    service.fault(ENDLESS)
    async with tool_http(tmp_path, clock) as http:
        answer = await http.get(service.uri + PATH, why=WHY, enough=lambda body: len(body) >= 100_000)
        assert len(answer.body) >= 100_000 and (await http.departures(0))[0].status == 200
