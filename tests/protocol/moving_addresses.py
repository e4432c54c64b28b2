"""Run in an empty network namespace by test_discovery.py: an announced server whose machine gets, changes and keeps addresses."""

import asyncio
import logging
import subprocess

from wyoming_servers.shared.announcer import Announcer
from wyoming_servers.shared.discovery import Browser, Sighting

POLL_S = 0.1
WAIT_S = 8.0


class Warnings(logging.Handler):
    """Counts what the owner is told."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


async def main() -> None:
    warnings = Warnings()
    logging.getLogger("wyoming_servers").addHandler(warnings)
    sightings: dict[str, Sighting] = {}
    changed = asyncio.Event()

    def seen(sighting: Sighting) -> None:
        sightings[sighting.name] = sighting
        changed.set()

    def gone(name: str) -> None:
        sightings.pop(name)
        changed.set()

    async def until(*uris: str) -> str:
        async with asyncio.timeout(WAIT_S):
            while [sighting.uris for sighting in sightings.values()] != ([uris] if uris else []):
                changed.clear()
                await changed.wait()
        return " ".join(uris)

    announcer, browser = Announcer("tcp://[::]:10300", ["asr"], poll_s=POLL_S), Browser(seen, gone, poll_s=POLL_S)
    await browser.start()
    await announcer.start()
    async with asyncio.timeout(WAIT_S):
        while warnings.count < 2:
            await asyncio.sleep(0)
    print(f"no network: {warnings.count} warnings")
    ip("link", "set", "lo", "up")
    ip("address", "delete", "::1/128", "dev", "lo")
    ip("address", "add", "10.99.0.1/24", "dev", "lo")
    ip("address", "add", "fd99::1/64", "dev", "lo", "nodad")
    print("interface:", await until("tcp://10.99.0.1:10300", "tcp://[fd99::1]:10300"))
    ip("address", "delete", "10.99.0.1/24", "dev", "lo")
    ip("address", "add", "10.99.0.2/24", "dev", "lo")
    print("moved:", await until("tcp://10.99.0.2:10300", "tcp://[fd99::1]:10300"))
    await announcer.stop()
    await until()
    print("withdrawn")
    await browser.stop()


asyncio.run(main())
