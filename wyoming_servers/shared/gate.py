"""The door through which requests to a server of the owner's choice leave, and the rule for those that may not."""

from abc import ABC, abstractmethod
from urllib.parse import urlsplit

from .inside import is_local_name
from .settings import NetworkSection


class Trip(ABC):
    """One request that leaves the house."""

    @abstractmethod
    def end(self, received_bytes: int, status: int, problem: str = "", *, sent: bool = True, further_bytes: int = 0) -> None:
        """Writes down what became of it, without waiting.

        status: HTTP status, 0 without one. sent: False without a connection. further_bytes: sent since, for what is a stream.
        """


class Gate(ABC):
    """Is asked before anything is sent."""

    outside = False
    """True once a request was for a server outside the house."""

    @abstractmethod
    async def leave(self, method: str, host: str, sent_bytes: int) -> Trip | None:
        """Lets a request pass; None when it stays in the house, of which nothing is written down.

        Raises: EgressDeniedError when it may not leave; HttpError when the host has no address, or the ledger cannot be written.
        """


def host_of(address: str) -> str:
    """The host of an address, with or without a scheme, in lower case; empty for a Unix socket and for what is no address."""
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        return "" if parts.scheme == "unix" else (parts.hostname or "").rstrip(".")
    except ValueError:
        return ""


def kept_inside(address: str, network: NetworkSection) -> str:
    """Why the server at `address` may not be asked, with what to change; empty when it may. Judged by its name, without looking it up."""
    host = host_of(address.strip())
    allowed = {name.lower().rstrip(".") for name in network.egress_hosts}
    if network.egress != "deny" or not host or is_local_name(host) or host in allowed:
        return ""
    return f"is at {host}, outside the house, and network.egress is deny: add {host} to network.egress_hosts, or use one in the house"
