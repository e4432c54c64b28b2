"""Calls every tool of a folder with every kind of argument, in a process in which nobody can leave the machine, and prints as JSON what
was tried. Run by tests: python trapped_tools.py FOLDER"""

import asyncio
import dataclasses
import ipaddress
import json
import random
import sys
import tempfile
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wyoming_servers.handle.server import HandleService
from wyoming_servers.shared.house import House
from wyoming_servers.shared.settings import HandleSection, NetworkSection, Settings
from wyoming_servers.shared.tool import Fetched, Http, Tool, ToolContext

TRIED: list[str] = []
PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn")
CALLS = 40
CALL_S = 3.0
WORDS = ("Paris", "milk")


def trap(event: str, arguments: tuple) -> None:
    """An audit hook: refuses what leaves this machine, and other programs, which could."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if isinstance(address, tuple) and not ipaddress.ip_address(address[0]).is_loopback:
            refuse(f"{event} {address[0]}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        if not is_known(arguments[0]):
            refuse(f"{event} {arguments[0]}")
    elif event in PROGRAMS:
        refuse(f"{event} {arguments[0]}")


def is_known(host: str | bytes | None) -> bool:
    """True when nobody need be asked where it is."""
    try:
        return host in (None, "", "localhost") or bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def refuse(what: str) -> None:
    TRIED.append(what)
    raise PermissionError(f"trapped: {what}")


class Answering(Http):
    """Answers everything, with nothing that anybody could use; so a tool goes on after its first request."""

    async def get(self, url: str, **options: Any) -> Fetched:
        return Fetched(url, 200, b"{}")

    async def post(self, url: str, **options: Any) -> Fetched:
        return Fetched(url, 200, b"{}")


class Answers:
    """Stands for the server's web."""

    def http(self, tool: str) -> Http:
        return Answering()

    async def close(self) -> None:
        """Nothing is open."""


def calls(tool: Tool) -> Iterator[dict[str, Any]]:
    """Arguments: none, then choices, words and numbers in many combinations, the same ones every time."""
    hints = typing.get_type_hints(tool.Args)
    values = {item.name: [*_values(item, hints[item.name]), None] for item in dataclasses.fields(tool.Args)}
    yield {}
    for seed in range(CALLS):
        picked = {name: random.Random(f"{seed} {name}").choice(among) for name, among in values.items()}
        yield {name: value for name, value in picked.items() if value is not None}


def _values(item: dataclasses.Field, hint: Any) -> list[Any]:
    if item.metadata.get("choices"):
        return list(item.metadata["choices"])
    kinds = {hint, *typing.get_args(hint)}
    if str in kinds:
        return list(WORDS)
    return [True, False] if bool in kinds else [max(2, item.metadata.get("minimum") or 0)]


async def call_all(folder: Path, answers: Answers | None) -> dict[str, int]:
    """Calls every tool; how often each."""
    counts = {}
    with tempfile.TemporaryDirectory() as kept:
        handle = HandleSection(database=str(Path(kept, "tools.db")), intents=str(Path(kept, "none")))
        settings = Settings(house=House(places=("Paris",)), handle=handle, network=NetworkSection(egress="deny"))
        service = HandleService(settings, None, [folder])
        await service.prepare()
        if answers:
            await service.web.close()
            service.web = typing.cast(Any, answers)
        await service.start()
        await service.ready()
        try:
            for name, tool in service.toolbox.tools.items():
                counts[name] = 0
                for arguments in calls(tool):
                    counts[name] += 1
                    context = ToolContext("en", tool.home.phrases("en"), satellite_id="kitchen", conversation_id="trap")
                    try:
                        async with asyncio.timeout(CALL_S):
                            await tool.call(tool.Args(**arguments), context)
                    except Exception as err:  # whatever it makes of it; only what it tried counts
                        print(f"{name} {arguments}: {err!r}", file=sys.stderr)
        finally:
            await service.stop()
    return counts


def main() -> None:
    sys.addaudithook(trap)
    folder = Path(sys.argv[1])
    called = [asyncio.run(call_all(folder, answers)) for answers in (None, Answers())]
    print(json.dumps({"called": called[0], "tried": sorted(set(TRIED))}))


if __name__ == "__main__":
    main()
