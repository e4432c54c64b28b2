"""The clock that alarms and timers go by."""

import time

from .finding import Finding, Visit, failure, note, ok, warning

_OLDEST_YEAR = 2026
"""Before this the clock cannot be right."""
_SYNCHRONISE = "sudo timedatectl set-ntp true"


async def clock(visit: Visit) -> list[Finding]:
    """Whether it is set by the network, and whether it goes on without power."""
    if (year := time.localtime().tm_year) < _OLDEST_YEAR:
        return [failure(f"the clock says that it is {year}", _SYNCHRONISE, year=year)]
    found = [await _synchronised(visit)]
    if not visit.found("sys/class/rtc/rtc[0-9]*"):
        mend = "add a battery-backed clock, or keep the network's time server near (the router's)"
        found.append(note("this machine has no clock that goes on without power: after an outage alarms wait for the network's time", mend))
    return found


async def _synchronised(visit: Visit) -> Finding:
    told = (await visit.program("timedatectl", "show", "--property=NTPSynchronized", "--value") or "").strip()
    if told == "yes" or visit.found("run/systemd/timesync/synchronized"):
        return ok("the clock is set by the network", synchronised=True)
    if told == "no":
        return warning(
            "the clock is not set by the network: alarms ring when this machine believes it is time", _SYNCHRONISE, synchronised=False
        )
    tracking = await visit.program("chronyc", "-n", "tracking")
    if tracking and "Leap status" in tracking:
        if "Not synchronised" in tracking:
            return warning("chrony has not set the clock yet", "chronyc -n sources", synchronised=False)
        return ok("the clock is set by the network (chrony)", synchronised=True)
    return note("nothing here tells whether the clock is set by the network", "timedatectl")
