"""How the exposed devices are, as Home Assistant tells it in `subscribe_entities`: all of it once, then what has changed."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .devices import EntityState
from .errors import HouseError

_FIRST_S = 5.0


class States:
    """All states. Used on the loop."""

    def __init__(self, renamed: Callable[[], None]) -> None:
        """renamed: called when a device has come, or has another name."""
        self._renamed = renamed
        self._known: dict[str, EntityState] = {}
        self._told = asyncio.Event()

    def of(self, entity_id: str) -> EntityState | None:
        """One device's; None when it is not known."""
        return self._known.get(entity_id)

    def attributes(self) -> dict[str, Mapping[str, Any]]:
        """The attributes of all, by id."""
        return {id: state.attributes for id, state in self._known.items()}

    def forget(self) -> None:
        """The connection is gone: nothing is known any more."""
        self._known.clear()
        self._tell()

    def take(self, event: Any) -> None:
        """One event: `a` are new, `c` have changed, `r` are gone."""
        if not isinstance(event, dict):
            return
        for id, row in _pairs(event.get("a")):
            self._known[id] = EntityState(str(row.get("s", "unknown")), dict(_mapping(row.get("a"))))
            self._renamed()
        for id, change in _pairs(event.get("c")):
            self._change(id, change)
        for id in event.get("r") or ():
            self._known.pop(str(id), None)
        self._tell()

    async def first(self, ended: "asyncio.Future[HouseError]") -> None:
        """Waits until states have come.

        Raises: HouseError when the connection ends, or none come.
        """
        told = asyncio.ensure_future(self._next())
        try:
            await asyncio.wait([told, ended], timeout=_FIRST_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
        if ended.done():
            raise ended.result()

    async def wait(self, entity_ids: Sequence[str], done: Callable[[str, EntityState], bool], timeout_s: float) -> Sequence[str]:
        """Those of the devices of which `done` is not true within the time."""
        left = list(entity_ids)
        try:
            async with asyncio.timeout(timeout_s):
                while left := [id for id in left if (state := self.of(id)) is None or not done(id, state)]:
                    await self._told.wait()
        except TimeoutError:
            pass
        return left

    async def _next(self) -> None:
        if not self._known:
            await self._told.wait()

    def _tell(self) -> None:
        """Wakes everybody who waits now."""
        self._told.set()
        self._told = asyncio.Event()

    def _change(self, id: str, change: Mapping[str, Any]) -> None:
        before = self._known.get(id, EntityState("unknown"))
        more, less = _mapping(change.get("+")), _mapping(change.get("-"))
        gone = less.get("a") if isinstance(less.get("a"), list) else []
        if "friendly_name" in _mapping(more.get("a")):
            self._renamed()
        attributes = {key: value for key, value in before.attributes.items() if key not in gone} | dict(_mapping(more.get("a")))
        self._known[id] = EntityState(str(more.get("s", before.value)), attributes)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _pairs(value: Any) -> list[tuple[str, Mapping[str, Any]]]:
    return [(id, row) for id, row in _mapping(value).items() if isinstance(row, dict)]
