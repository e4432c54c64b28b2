"""Multicast DNS: whether this machine hears itself, and anybody else, on each of its networks."""

import asyncio
import contextlib
import secrets

from ..shared import interfaces
from .finding import Finding, Visit, failure, note, ok, warning

_TYPE = "_earshot-doctor._tcp.local."
"""Not the type of Wyoming servers: nobody shall try to use this."""
_HEAR_MS = 2500
_OTHERS_S = 2.5
_OPEN = "allow UDP port 5353: `sudo ufw allow 5353/udp`, or what your firewall calls it; else give addresses in satellite.peers"
_ISOLATED = "switch off client isolation and IGMP snooping in the access point; `earshot discover` on another machine shows the other side"


async def mdns(visit: Visit) -> list[Finding]:
    """Announces itself on every network, and looks whether it is heard."""
    if not visit.settings.network.zeroconf:
        return [note("network.zeroconf is false: servers are used by their addresses only")]
    all_addresses = interfaces.addresses()
    chosen = [address.ip for address in all_addresses if address.parsed.version == 4 and not address.internal]
    outward = [ip for ip in chosen if not ip.startswith("127.")]
    if not outward:
        mend = "`ip address`; connect a cable, or `nmcli device wifi connect NAME`"
        return [warning("this machine has no network: only servers on it can be used", mend)]
    return list(await asyncio.gather(*(_on(ip) for ip in outward)))


async def _on(ip: str) -> Finding:
    from zeroconf import Error
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

    name = f"{secrets.token_hex(6)}.{_TYPE}"
    data = {"address": ip}
    try:
        async with contextlib.AsyncExitStack() as stack:
            speaker, listener = AsyncZeroconf(interfaces=[ip]), AsyncZeroconf(interfaces=[ip])
            for radio in (speaker, listener):
                stack.push_async_callback(radio.async_close)
            info = AsyncServiceInfo(_TYPE, name, port=9, parsed_addresses=[ip], server=f"{name.partition('.')[0]}.local.")
            others = asyncio.create_task(_others(listener), name=f"who else is on {ip}")
            stack.callback(others.cancel)
            await (await speaker.async_register_service(info, cooperating_responders=True))
            heard = await AsyncServiceInfo(_TYPE, name).async_request(listener.zeroconf, _HEAR_MS)
            kinds = await others
    except (OSError, Error, RuntimeError) as err:
        return failure(f"multicast DNS does not work on {ip}: {err or type(err).__name__}", _OPEN, **data)
    data |= {"hears_itself": heard, "other_services": kinds}
    if not heard:
        return failure(f"on {ip} this machine does not hear what it announces itself", _OPEN, **data)
    if not kinds:
        return note(f"on {ip} announcements go out, but nobody else announces anything", _ISOLATED, **data)
    return ok(f"on {ip} announcements go out and come in ({len(kinds)} kinds of services heard)", **data)


async def _others(radio: object) -> list[str]:
    """Kinds of services that are announced, this check's excluded."""
    from zeroconf.asyncio import AsyncZeroconfServiceTypes

    found = await AsyncZeroconfServiceTypes.async_find(aiozc=radio, timeout=_OTHERS_S)  # type: ignore[arg-type]
    return sorted(kind for kind in found if kind != _TYPE)
