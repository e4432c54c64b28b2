"""The lists tool: what can be said to it."""

import asyncio
import contextvars
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from wyoming_servers.shared.errors import ToolError
from wyoming_servers.shared.tool import Home, Tool, ToolContext, ToolResult, argument

from .store import DONE, GONE, Store
from .wording import SHOPPING, TODO, Wording, fitting

ACTIONS = ("add", "remove", "complete", "restore", "read", "contains", "clear", "create", "lists")
MOST = 500
"""Things on one list, and lists."""
T = TypeVar("T")


@dataclass(frozen=True)
class _Request:
    """One call, its list found."""

    args: Any
    wording: Wording
    key: str
    spoken: str
    """What a list of its own name is called."""
    items: list[str]
    """What is on the list."""

    @property
    def label(self) -> str:
        """`shopping list`."""
        return self.wording.label(self.key, self.spoken)


class ListsTool(Tool):
    """Shopping lists, to-do lists and lists of any other name, shared by the whole house and kept in its own database.

    Several things may be named at once, what is on a list already is not added again, and clearing a list asks back first.
    A list that does not exist yet is made when the first thing is put on it. "Undo" takes back what was said last.
    """

    name = "lists"
    description = (
        "Shopping, to-do and other lists: add, remove, complete (check off), read, contains, clear, create, lists (which there are)."
    )
    intents = {
        "HassShoppingListAddItem": {"action": "add", "name": SHOPPING},
        "HassShoppingListCompleteItem": {"action": "complete", "name": SHOPPING},
        "HassListAddItem": {"action": "add"},
        "HassListCompleteItem": {"action": "complete"},
        "HassListRemoveItem": {"action": "remove"},
        "EarshotListAdd": {"action": "add"},
        "EarshotListRemove": {"action": "remove"},
        "EarshotListComplete": {"action": "complete"},
        "EarshotListRead": {"action": "read"},
        "EarshotListContains": {"action": "contains"},
        "EarshotListClear": {"action": "clear"},
        "EarshotListCreate": {"action": "create"},
        "EarshotListNames": {"action": "lists"},
    }
    deadline_s = 8.0  # a memory card may take seconds to write
    changes = True
    only_tells = {"action": frozenset({"read", "contains", "lists"})}

    @dataclass(frozen=True)
    class Args:
        """What is to be done with which list."""

        action: str = argument("read", "what to do", choices=ACTIONS)
        item: str | None = argument(None, "the thing, or several joined by commas")
        name: str | None = argument(None, "which list: shopping (the usual one), todo, or its name")
        confirmed: bool | None = argument(None, "only for clear, and only when the user has said yes or no to the question")

    def __init__(self, options: Any, home: Home) -> None:
        super().__init__(options, home)
        self._thread = ThreadPoolExecutor(1, "lists")
        self._store: Store | None = None

    async def start(self) -> None:
        """Opens the file.

        Raises: ToolError when it cannot be used.
        """
        try:
            self._store = await self._aside(lambda: Store(self.home.database))
        except (sqlite3.Error, OSError) as err:
            raise ToolError(f"lists cannot be kept in {self.home.database}: {err}") from err

    async def stop(self) -> None:
        """Closes the file."""
        store, self._store = self._store, None
        if store is not None:
            await self._aside(store.close)
        self._thread.shutdown(wait=False)

    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """Does one action. A change is on disk before it is confirmed."""
        wording = Wording(context.phrases)
        try:
            return await self._aside(lambda: self._do(args, wording))
        except (sqlite3.Error, OSError) as err:
            raise ToolError(wording.say("not_saved")) from err

    async def _aside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, contextvars.copy_context().run, work)

    @property
    def _kept(self) -> Store:
        assert self._store is not None
        return self._store

    def _do(self, args: Any, wording: Wording) -> ToolResult:
        if args.action == "lists":
            return self._names(wording)
        key = wording.key(args.name or "")
        known = {wording.key(name): name for name in self.home.house.lists} | self._kept.lists()
        request = _Request(args, wording, key, known.get(key, wording.bare(args.name or "")), self._kept.items(key))
        if args.action in ("read", "clear", "remove", "complete", "contains") and key not in {*known, SHOPPING, TODO}:
            raise ToolError(wording.say("no_list", list=request.label))
        actions = {"add": self._add, "restore": self._add, "read": self._read, "contains": self._contains, "clear": self._clear}
        return (actions | {"create": self._create}).get(args.action, self._take)(request)

    def _add(self, request: _Request) -> ToolResult:
        wording, things = request.wording, request.wording.split(request.args.item or "")
        if not things:
            return _told(wording.say("ask_add"), ask="item")
        if len(request.items) + len(things) > MOST or len(self._kept.lists()) > MOST:
            raise ToolError(wording.say("full", list=request.label))
        back = request.args.action == "restore"
        added, present = self._kept.add(request.key, request.spoken, things, back=back)
        data = {"list": request.key, "added": added, "present": present}
        sentences = [wording.say("restored" if back else "added", added, list=request.label)] if added else []
        if present:
            sentences.append(wording.say("present", present, list=request.label))
        undo = {"action": "remove", "name": request.key, "item": _lines(added)} if added else {}
        return ToolResult(" ".join(sentences), data, undo=undo)

    def _take(self, request: _Request) -> ToolResult:
        wording, state = request.wording, DONE if request.args.action == "complete" else GONE
        wanted = wording.split(request.args.item or "")
        if not wanted:
            return _told(wording.say("ask_complete" if state == DONE else "ask_remove"), ask="item")
        found = {thing: fitting(thing, request.items) for thing in wanted}
        if several := next((items for items in found.values() if len(items) > 1), None):
            return _told(wording.say("which", several), {"items": several}, ask="item")
        missing = [thing for thing, items in found.items() if not items]
        taken = self._kept.take(request.key, [items[0] for items in found.values() if items], state)
        data = {"list": request.key, "taken": taken, "missing": missing}
        lacking = wording.say("missing", missing, list=request.label) if missing else ""
        if not taken:
            raise ToolError(lacking or wording.say("empty", list=request.label))
        done = wording.say("completed" if state == DONE else "removed", taken, list=request.label)
        return ToolResult(f"{done} {lacking}".strip(), data, undo={"action": "restore", "name": request.key, "item": _lines(taken)})

    def _read(self, request: _Request) -> ToolResult:
        data = {"list": request.key, "items": request.items}
        if not request.items:
            return _told(request.wording.say("empty", list=request.label), data)
        return _told(request.wording.say("read", request.items, list=request.label), data)

    def _contains(self, request: _Request) -> ToolResult:
        wording, things = request.wording, request.wording.split(request.args.item or "")
        if not things:
            return self._read(request)
        found = {thing: fitting(thing, request.items) for thing in things}
        there = [item for items in found.values() for item in items]
        missing = [thing for thing, items in found.items() if not items]
        sentences = [wording.say("yes", there, list=request.label)] if there else []
        if missing:
            sentences.append(wording.say("missing" if there else "no", missing, list=request.label))
        return _told(" ".join(sentences), {"list": request.key, "found": there, "missing": missing})

    def _clear(self, request: _Request) -> ToolResult:
        wording = request.wording
        if not request.items:
            return _told(wording.say("empty", list=request.label))
        if request.args.confirmed is None:
            return _told(wording.say("ask_clear", request.items, list=request.label), ask="confirmed")
        if not request.args.confirmed:
            return _told(wording.say("kept", list=request.label))
        taken = self._kept.take(request.key, request.items, GONE)
        undo = {"action": "restore", "name": request.key, "item": _lines(taken)}
        return ToolResult(wording.say("cleared", list=request.label), {"list": request.key, "taken": taken}, undo=undo)

    def _create(self, request: _Request) -> ToolResult:
        wording = request.wording
        if not request.args.name:
            return _told(wording.say("ask_name"), ask="name")
        if len(self._kept.lists()) > MOST:
            raise ToolError(wording.say("full", list=request.label))
        made = self._kept.create(request.key, request.spoken)
        return ToolResult(wording.say("created" if made else "exists", list=request.label), {"list": request.key})

    def _names(self, wording: Wording) -> ToolResult:
        known = {wording.key(name): name for name in self.home.house.lists} | self._kept.lists()
        labels = [wording.label(key, spoken) for key, spoken in known.items()]
        return _told(wording.say("lists", labels) if labels else wording.say("no_lists"), {"lists": list(known)})


def _told(speech: str, data: Mapping[str, Any] | None = None, ask: str = "") -> ToolResult:
    """An answer that changed nothing."""
    return ToolResult(speech, data or {}, ask, undo={})


def _lines(items: list[str]) -> str:
    """Things so that none is taken for two."""
    return "".join(f"{item}\n" for item in items)
