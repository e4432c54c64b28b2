"""Fetching models over HTTP from servers that behave, and from those that do not."""

import hashlib
import json
from typing import Any

import pytest
from model_fetch import DATA, IMPATIENT, SHA256, Told, checked, content, error_of, fetch, file
from model_server import (
    announcing,
    dropping,
    holding,
    model_server,
    sending,
    status,
    without_length,
    without_ranges,
)

from wyoming_servers.shared.catalogue import MANIFEST, ModelFile
from wyoming_servers.shared.downloads import DownloadError, Origins, weakens
from wyoming_servers.shared.fetching import DOWNLOADS


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def server() -> Any:
    async with model_server(x=DATA) as server:
        yield server


async def test_a_model_is_where_engines_look_for_it(server, tmp_path):
    assert await fetch(tmp_path, file(server)) == tmp_path / "toy" / "small"
    assert content(tmp_path / "toy" / "small") == DATA


async def test_files_may_lie_in_folders(server, tmp_path):
    path = await fetch(tmp_path, ModelFile("a/b/x.bin", f"{server.url}/x"))
    assert (path / "a" / "b" / "x.bin").read_bytes() == DATA


async def test_the_manifest_has_the_checksum_that_was_computed(server, tmp_path):
    path = await fetch(tmp_path, file(server))
    assert json.loads((path / MANIFEST).read_text())["files"] == [
        {"path": "x.bin", "url": f"{server.url}/x", "size_bytes": len(DATA), "sha256": SHA256, "checked": "size"}
    ]


async def test_nothing_is_left_of_the_download(server, tmp_path):
    await fetch(tmp_path, file(server))
    assert [path.name for path in (tmp_path / DOWNLOADS / "toy").iterdir()] == ["small.lock"]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"sha256": SHA256, "md5": "0" * 32}, "sha256"),
        ({"md5": hashlib.md5(DATA).hexdigest()}, "md5"),
        ({"size_bytes": len(DATA)}, "size"),
    ],
)
async def test_the_manifest_says_what_the_file_was_compared_with(server, tmp_path, known, expected):
    assert checked(await fetch(tmp_path, file(server, **known))) == expected


async def test_the_servers_word_is_taken_when_the_catalogue_has_no_checksum(server, tmp_path):
    server.always["/x"] = status(302, Location="/cdn", X_Linked_Etag=f'"{SHA256}"', X_Linked_Size=str(len(DATA)))
    server.files["/cdn"] = DATA
    assert checked(await fetch(tmp_path, file(server))) == "server"


async def test_what_is_not_what_the_server_announced_is_refused(server, tmp_path):
    server.always["/x"] = status(302, Location="/cdn", X_Linked_Etag=f'"{"0" * 64}"')
    server.files["/cdn"] = DATA
    assert f"wrong checksum: {SHA256} instead of {'0' * 64}" in await error_of(tmp_path, file(server))


@pytest.mark.parametrize("known", [{"sha256": "0" * 64}, {"md5": "0" * 32}])
async def test_a_wrong_checksum_is_refused_after_a_second_try(server, tmp_path, known):
    assert "wrong checksum" in await error_of(tmp_path, file(server, **known))
    assert server.ranges("/x") == ["", ""]


async def test_what_was_damaged_once_is_fetched_again(server, tmp_path, told):
    server.next_answers["/x"] = [sending(DATA[:-1] + b"?")]
    assert content(await fetch(tmp_path, file(server, sha256=SHA256), told=told)) == DATA
    assert "fetching it once more" in told.notes[0]


async def test_a_broken_connection_is_continued(server, tmp_path):
    server.next_answers["/x"] = [dropping(100_000)]
    assert content(await fetch(tmp_path, file(server))) == DATA
    assert server.ranges("/x") == ["", "bytes=100000-"]


async def test_the_rest_is_only_asked_for_while_the_file_is_the_same(server, tmp_path):
    server.next_answers["/x"] = [dropping(100_000, ETag='"older"')]
    assert content(await fetch(tmp_path, file(server))) == DATA
    assert server.requests[1].headers["If-Range"] == '"older"'


async def test_a_file_that_changed_under_a_server_that_ignores_if_range_is_begun_again(server, tmp_path, told):
    server.next_answers["/x"] = [dropping(100_000, ETag='"older"'), dropping(1000)]
    assert content(await fetch(tmp_path, file(server), told=told)) == DATA
    assert server.ranges("/x") == ["", "bytes=100000-", ""]


async def test_a_server_that_ignores_ranges_starts_over(server, tmp_path):
    server.next_answers["/x"] = [dropping(100_000)]
    server.always["/x"] = without_ranges
    assert content(await fetch(tmp_path, file(server, sha256=SHA256))) == DATA


async def test_without_anything_to_recognise_the_file_by_it_is_begun_again(server, tmp_path):
    server.next_answers["/x"] = [dropping(100_000, ETag="")]
    assert content(await fetch(tmp_path, file(server))) == DATA
    assert server.ranges("/x") == ["", ""]


async def test_a_server_that_always_hangs_up_is_given_up(server, tmp_path):
    server.always["/x"] = dropping(0)
    assert "the connection ended in the middle (3 tries)" in await error_of(tmp_path, file(server))


async def test_a_server_that_always_hangs_up_but_brings_a_megabyte_each_time_is_not(server, tmp_path):
    server.files["/x"] = DATA * 20
    server.always["/x"] = dropping(1_200_000)
    assert content(await fetch(tmp_path, file(server))) == DATA * 20


async def test_a_silent_server_is_asked_again(server, tmp_path, told):
    server.next_answers["/x"] = [holding(50_000)]
    assert content(await fetch(tmp_path, file(server), limits=IMPATIENT, told=told)) == DATA
    assert told.notes == ["nothing came for 0.1 s; trying again"]


async def test_nobody_at_the_address_is_an_error_that_says_so(tmp_path):
    assert "http://127.0.0.1:1/x: Cannot connect to host 127.0.0.1:1" in await error_of(
        tmp_path, ModelFile("x.bin", "http://127.0.0.1:1/x")
    )


async def test_a_passing_error_is_tried_again(server, tmp_path, told):
    server.next_answers["/x"] = [status(500), status(503, Retry_After="0")]
    assert content(await fetch(tmp_path, file(server), told=told)) == DATA
    assert told.notes == [f"127.0.0.1 answers {code}; trying again" for code in ("500 Internal Server Error", "503 Service Unavailable")]


async def test_a_missing_file_is_not_asked_for_twice(server, tmp_path):
    del server.files["/x"]
    assert f"{server.url}/x: 127.0.0.1 answers 404 Not Found" in await error_of(tmp_path, file(server))
    assert len(server.requests) == 1


@pytest.mark.parametrize("code", [401, 403])
async def test_a_locked_door_says_how_to_open_it(server, tmp_path, code):
    server.always["/x"] = status(code)
    assert "accept its terms there and give a token as HF_TOKEN" in await error_of(tmp_path, file(server))


async def test_another_size_than_the_catalogues_is_refused_before_a_byte_is_read(server, tmp_path):
    server.always["/x"] = announcing(10**9)
    assert f"has 1000000000 bytes, not the {len(DATA)}" in await error_of(tmp_path, file(server, size_bytes=len(DATA)))


async def test_a_server_that_announces_more_than_it_has_is_given_up(server, tmp_path):
    server.always["/x"] = announcing(len(DATA) + 1)
    assert "3 tries" in await error_of(tmp_path, file(server))


async def test_more_than_the_size_is_refused_as_soon_as_it_comes(server, tmp_path):
    server.always["/x"] = sending(DATA + DATA)
    assert "more came than the 307200 bytes" in await error_of(tmp_path, file(server, size_bytes=len(DATA)))


async def test_less_than_the_size_is_no_complete_file(server, tmp_path):
    server.always["/x"] = sending(DATA[:-1])
    assert "only 307199 of 307200 bytes came" in await error_of(tmp_path, file(server, size_bytes=len(DATA)))


async def test_a_size_that_is_never_said_is_found_out(server, tmp_path):
    server.always["/x"] = without_length
    assert content(await fetch(tmp_path, file(server))) == DATA


async def test_a_web_page_is_no_model(server, tmp_path):
    server.always["/x"] = sending(b"<html>please log in", Content_Type="text/html")
    assert "sends a web page instead of the file" in await error_of(tmp_path, file(server))


async def test_what_comes_compressed_is_refused(server, tmp_path):
    server.always["/x"] = sending(b"...", Content_Encoding="gzip")
    assert "comes as gzip" in await error_of(tmp_path, file(server))


async def test_redirects_are_followed(server, tmp_path):
    server.always["/x"] = status(302, Location="/y")
    server.files["/y"] = DATA
    assert content(await fetch(tmp_path, file(server))) == DATA


@pytest.mark.parametrize("place", ["ftp://127.0.0.1/x", "file:///etc/passwd", "/x"])
async def test_redirects_to_nowhere_are_refused(server, tmp_path, place):
    server.always["/x"] = status(302, Location=place)
    assert "redirects to nowhere useful" in await error_of(tmp_path, file(server))


@pytest.mark.parametrize(
    ("schemes", "expected"),
    [
        (["https", "https"], False),
        (["http", "https"], False),
        (["http", "http"], False),
        (["https", "http"], True),
        (["https", "http", "https"], True),
    ],
)
def test_leaving_https_is_noticed(schemes, expected):
    assert weakens(schemes) == expected


async def test_a_token_is_sent_to_its_own_host(server, tmp_path):
    await fetch(tmp_path, file(server), origins=Origins(tokens={server.url: "secret"}))
    assert server.requests[0].headers["Authorization"] == "Bearer secret"


async def test_a_token_does_not_follow_a_redirect_to_another_host(server, tmp_path):
    async with model_server(y=DATA) as other:
        server.always["/x"] = status(302, Location=f"{other.url}/y")
        await fetch(tmp_path, file(server), origins=Origins(tokens={server.url: "secret"}))
        assert "Authorization" not in other.requests[0].headers


async def test_a_token_is_not_sent_to_other_hosts(server, tmp_path):
    await fetch(tmp_path, file(server), origins=Origins(tokens={"https://huggingface.co": "secret"}))
    assert "Authorization" not in server.requests[0].headers


def test_a_token_is_not_shown():
    assert "secret" not in repr(Origins(tokens={"https://huggingface.co": "secret"}))


async def test_a_mirror_is_asked_first(server, tmp_path):
    origins = Origins({"http://far.example/": f"{server.url}/"})
    assert content(await fetch(tmp_path, ModelFile("x.bin", "http://far.example/x"), origins=origins)) == DATA


async def test_the_longest_mirror_that_fits_counts(tmp_path):
    origins = Origins({"http://far/": "http://a/", "http://far/deep/": "http://b/"})
    assert origins.of("http://far/deep/x") == ["http://b/x", "http://far/deep/x"]


async def test_the_original_follows_a_mirror_that_fails(server, tmp_path, told):
    async with model_server() as empty:
        origins = Origins({server.url: empty.url})
        assert content(await fetch(tmp_path, file(server), origins=origins, told=told)) == DATA
        assert f"{empty.url}/x: 127.0.0.1 answers 404 Not Found" in told.notes[0]


async def test_when_all_places_fail_each_is_named(server, tmp_path):
    server.always["/x"] = status(404)
    async with model_server() as empty:
        message = await error_of(tmp_path, file(server), origins=Origins({server.url: empty.url}))
        assert f"{empty.url}/x" in message and f"{server.url}/x" in message


async def test_a_proxy_from_the_environment_is_used(server, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert content(await fetch(tmp_path, ModelFile("x.bin", "http://far.example/x"))) == DATA
    assert server.requests[0].headers["Host"] == "far.example"


async def test_too_little_room_is_said_before_anything_is_asked_for(server, tmp_path):
    message = await error_of(tmp_path, file(server, size_bytes=len(DATA)), free=lambda folder: 1000)
    assert "0.3 MB are missing" in message and "0.0 MB free" in message and server.requests == []


async def test_too_little_room_for_what_the_server_announces_is_said(server, tmp_path):
    assert "0.3 MB are missing" in await error_of(tmp_path, file(server), free=lambda folder: 1000)


async def test_a_disk_that_fills_up_meanwhile_is_noticed(server, tmp_path):
    server.files["/x"] = DATA * 150
    room = iter([10**9, 0])
    assert "earshot models remove" in await error_of(tmp_path, file(server), free=lambda folder: next(room))


async def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(server, tmp_path):
    (tmp_path / DOWNLOADS).write_text("in the way")
    with pytest.raises(DownloadError, match=rf"cannot be written to {tmp_path}"):
        await fetch(tmp_path, file(server))
