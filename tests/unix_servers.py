"""Servers of a test on Unix sockets."""

from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path

from wyoming_servers.shared.server import WyomingServer
from wyoming_servers.shared.service import Service


async def serve_all(stack: AsyncExitStack, folder: Path, services: Iterable[Service]) -> dict[str, str]:
    """Serves each in a folder, until the stack is left; their addresses by kind."""
    uris = {}
    for service in services:
        server = WyomingServer(f"unix://{folder}/{service.kind}.sock", [service])
        await server.start()
        stack.push_async_callback(server.stop)
        uris[service.kind] = server.uri
    return uris
