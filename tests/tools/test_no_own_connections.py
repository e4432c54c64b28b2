"""No tool opens a connection of its own: what leaves the house goes through `home.http`, and so into the ledger."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from wyoming_servers.shared import paths

ROOT = Path(__file__).resolve().parents[2]
WAYS_OUT = {
    *("socket", "ssl", "socketserver", "select", "selectors", "_socket"),
    *("urllib.request", "http", "ftplib", "smtplib", "imaplib", "poplib", "xmlrpc", "webbrowser"),
    *("aiohttp", "requests", "httpx", "httpcore", "urllib3", "websockets", "websocket", "openai", "grpc", "wyoming", "zeroconf", "paho"),
    *("subprocess", "multiprocessing", "pty", "ctypes"),
}
"""Libraries with which a connection, or another program that has one, can be made."""
CALLS_OUT = {
    *("open_connection", "open_unix_connection", "create_connection", "create_datagram_endpoint", "getaddrinfo", "sock_connect"),
    *("start_server", "create_server", "create_subprocess_exec", "create_subprocess_shell"),
    *("system", "popen", "execv", "execvp", "posix_spawn", "__import__"),
}
"""Functions of asyncio and os that do it."""


def ways_out(code: str) -> Iterator[str]:
    """Names in a tool's code with which it could leave the house."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            modules = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            modules = []
        yield from (name for name in modules if name in WAYS_OUT or name.split(".")[0] in WAYS_OUT)
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name in CALLS_OUT:
            yield name


def trapped(folder: Path) -> dict:
    """What the tools of a folder try when each is called with all kinds of arguments."""
    command = [sys.executable, str(ROOT / "tests" / "trapped_tools.py"), str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_no_shipped_tool_has_a_way_out_of_its_own():
    files = sorted(paths.content("tools").rglob("*.py"))
    assert {str(file): found for file in files if (found := sorted(set(ways_out(file.read_text("utf-8")))))} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import socket",
        "from urllib.request import urlopen",
        "from urllib import request",
        "import http.client as client",
        "def late():\n    import aiohttp",
        "import asyncio\nasync def ask():\n    await asyncio.open_connection('a', 1)",
        "import os\nos.system('curl a')",
        "socket = __import__('socket')",
    ],
)
def test_a_way_out_is_found_in_the_code(code):
    assert list(ways_out(code))


def test_no_shipped_tool_connects_to_anything_when_it_is_called():
    seen = trapped(paths.content("tools"))
    assert seen["tried"] == [] and {"clock", "egress", "timers"} <= seen["called"].keys()


@pytest.mark.parametrize(
    ("body", "tried"),
    [
        ("import socket; socket.create_connection(('192.0.2.1', 80), 1)", "socket.connect 192.0.2.1"),
        ("import urllib.request; urllib.request.urlopen('http://api.example.org/', timeout=1)", "socket.getaddrinfo api.example.org"),
        ("await __import__('asyncio').open_connection('192.0.2.1', 80)", "socket.connect 192.0.2.1"),
        ("__import__('os').system('true')", "os.system b'true'"),
    ],
)
def test_a_tool_that_connects_is_caught(tmp_path, body, tried):
    code = f"""
        from wyoming_servers.shared.tool import Tool, ToolResult

        class Leak(Tool):
            name = "leak"
            description = "Leaks."
            intents = {{}}

            async def call(self, args, context):
                {body}
                return ToolResult("")
    """
    (tmp_path / "leak.py").write_text(dedent(code))
    assert trapped(tmp_path) == {"called": {"leak": 41}, "tried": [tried]}
