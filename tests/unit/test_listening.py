"""Sockets to listen on."""

import socket

import pytest

from wyoming_servers.shared.listening import listening_socket


@pytest.mark.parametrize("host", ["127.0.0.1", "[::]"])
async def test_what_is_written_to_an_accepted_connection_is_sent_at_once(host):
    bound = await listening_socket(f"tcp://{host}:0")
    with bound, socket.create_connection(("127.0.0.1", bound.getsockname()[1]), timeout=5):
        bound.settimeout(5)
        accepted, _ = bound.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
