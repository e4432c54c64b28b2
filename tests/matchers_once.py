"""A language's matcher is made once for all tests that have the same sentences and names: nothing else a server makes is as dear."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from wyoming_servers.handle.matcher import Matcher
from wyoming_servers.handle.understanding import Understanding
from wyoming_servers.shared import paths


@contextmanager
def matchers_once() -> Iterator[None]:
    """Inside, servers of this process share matchers. Who has sentences of his own gets one of his own."""
    load = Understanding._load
    kept: dict[tuple[str, str], Matcher] = {}

    @functools.wraps(load)
    def shared(understanding: Understanding, code: str) -> Matcher:
        given = understanding._made if code == understanding.house_language else None
        if given or _own_sentences(understanding):
            return load(understanding, code)
        key = (code, repr(understanding.source.house))
        if key not in kept:
            kept[key] = load(understanding, code)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Understanding, "_load", shared)
        yield


def _own_sentences(understanding: Understanding) -> bool:
    shipped = paths.content("intents")
    return any(folder != shipped and any(folder.rglob("*.yaml")) for folder in understanding._folders)
