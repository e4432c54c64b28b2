"""Servers of other makers: addresses, keys, lists, and what is said of those that fail."""

import json

import pytest
from aiohttp import web
from fake_web import FakeWeb, content, endless, serving, status

from wyoming_servers.shared.errors import (
    BusyError,
    DeadlineError,
    EngineError,
    EngineUnavailableError,
    PeerUnreachableError,
    SettingsError,
)
from wyoming_servers.shared.remote import Remote, RemoteOptions, fetch, message_of, remote, sendable

SETTING = "asr.engines.openai"


def at(uri: str, **more) -> Remote:
    return remote(RemoteOptions(uri=uri, **more), SETTING, path="/v1", endpoints=("/audio/speech", "/models"))


@pytest.mark.parametrize(
    ("uri", "base"),
    [
        ("http://host:8000", "http://host:8000/v1"),
        ("http://host:8000/", "http://host:8000/v1"),
        ("http://host:8000/v1", "http://host:8000/v1"),
        ("http://host:8000/v1/", "http://host:8000/v1"),
        ("http://host:8000/v1/audio/speech", "http://host:8000/v1"),
        ("https://host/proxy/openai/v1", "https://host/proxy/openai/v1"),
        ("ws://host:3000", "http://host:3000/v1"),
        ("wss://host", "https://host/v1"),
        (" http://[::1]:8000 ", "http://[::1]:8000/v1"),
    ],
)
def test_addresses_are_taken_as_people_write_them(uri, base):
    assert at(uri).base == base


@pytest.mark.parametrize(
    "uri", ["host:8000", "host", "tcp://host:1", "http://", "http://host:x", "http://host:99999", "http://a b", "http://[::1"]
)
def test_what_is_no_address_is_refused_with_an_example(uri):
    with pytest.raises(SettingsError, match=r"asr\.engines\.openai\.uri.*http://HOST"):
        at(uri)


def test_without_an_address_the_next_step_is_said():
    with pytest.raises(EngineUnavailableError, match=r"--set asr\.engines\.openai\.uri=http://HOST"):
        at("")


@pytest.mark.parametrize("uri", ["http://me:hunter2@host", "http://hunter2@host", "tcp://me:hunter2@host"])
def test_a_password_in_an_address_is_refused_and_not_repeated(uri):
    with pytest.raises(SettingsError) as refused:
        at(uri)
    assert "hunter2" not in str(refused.value)


def test_a_query_in_an_address_is_refused():
    with pytest.raises(SettingsError, match="before the"):
        at("http://host/v1?x=1")


def test_a_key_is_sent_and_never_shown():
    server = at("http://host", key=" s3cret\n")
    assert server.headers() == {"Authorization": "Bearer s3cret"}
    assert "s3cret" not in repr(server) + str(server) + repr(RemoteOptions(key="s3cret"))


def test_a_key_comes_from_a_file(tmp_path):
    (tmp_path / "key").write_text("s3cret\n")
    assert at("http://host", key_file=str(tmp_path / "key")).key == "s3cret"


@pytest.mark.parametrize("text", ["", "two words", "sch\u00f6n"])
def test_a_file_without_a_key_is_named_but_not_quoted(tmp_path, text):
    (tmp_path / "key").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="key_file") as refused:
        at("http://host", key_file=str(tmp_path / "key"))
    assert not text or text not in str(refused.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match="key_file.*No such file"):
        at("http://host", key_file=str(tmp_path / "key"))


def test_a_certificate_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(SettingsError, match="ca_file"):
        at("https://host", ca_file=str(tmp_path / "ca.pem")).tls()


def test_a_key_that_a_server_repeats_is_not_shown():
    said = str(at("http://host", key="s3cret").refused(401, b'{"error": {"message": "Incorrect API key s3cret"}}'))
    assert "s3cret" not in said
    assert "Incorrect API key" in said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "no such model", "type": "x"}}, "no such model"),
        ({"error": "no audio"}, "no audio"),
        ({"detail": "Not Found"}, "Not Found"),
        ({"detail": [{"loc": ["body"], "msg": "field required"}]}, "field required"),
        ({"detail": {"error": "validation_error", "message": "no voice"}}, "no voice"),
        ({"object": "error", "message": "too\nlong"}, "too long"),
        ([], ""),
        ({"detail": None}, ""),
        ("plain words", "plain words"),
    ],
)
def test_the_words_of_a_server_are_found(body, said):
    assert message_of(json.dumps(body).encode()) == said


def test_a_web_page_has_nothing_to_say():
    assert message_of(b"<html><body>502 Bad Gateway</body></html>") == ""


def test_long_and_unprintable_words_are_cut_and_cleaned():
    said = message_of(b"\x1b[31m" + b"a" * 10_000 + b"\xff")
    assert len(said) < 300
    assert said.isprintable()


def test_what_no_server_can_take_is_left_out_of_a_text():
    assert sendable("\ud800 hello\x00world\n") == "hello world"


class Listing(FakeWeb):
    """Its list is what `answer` makes of the request."""

    def __init__(self, answer) -> None:
        super().__init__()
        self.app.router.add_get("/v1/models", answer)


def listed(answer, **more):
    with serving(Listing(answer)) as server:
        return fetch(at(server.uri, **more), "/models")


async def good(request: web.Request) -> web.StreamResponse:
    return web.json_response({"key": request.headers.get("Authorization")})


def test_a_list_is_fetched_with_the_key():
    assert listed(good, key="s3cret") == {"key": "Bearer s3cret"}


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (status(404, {"detail": "Not Found"}), EngineError, "404.*Not Found"),
        (status(503, {"error": "loading"}), BusyError, "loading"),
        (status(302, "", Location="http://elsewhere/"), EngineError, "http://elsewhere/"),
        (content(b"<html>", "text/html"), EngineError, "not JSON"),
        (endless(b" " * 65_536, "application/json"), EngineError, "endless"),
    ],
)
def test_a_list_that_is_none_is_an_error_that_says_so(answer, error, said):
    with pytest.raises(error, match=said):
        listed(answer)


def test_a_server_that_is_not_there_is_named_with_the_setting():
    with pytest.raises(
        PeerUnreachableError, match=r"http://127\.0\.0\.1:9/v1 cannot be reached: Connection refused.*asr\.engines\.openai\.uri"
    ):
        fetch(at("http://127.0.0.1:9"), "/models")


def test_a_list_that_does_not_come_is_given_up():
    server = FakeWeb()
    server.app.router.add_get("/v1/models", server.stuck)
    with serving(server), pytest.raises(DeadlineError, match="connect_s"):
        fetch(at(server.uri, connect_s=0.1), "/models")


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert listed(good) == {"key": None}
