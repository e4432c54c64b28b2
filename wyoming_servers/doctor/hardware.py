"""The machine itself: memory, swap, temperature, throttling, and how busy its processor is."""

import os

from .finding import Finding, Visit, failure, note, ok, warning

_LITTLE_MEMORY_MB = 900  # the embedded servers and the satellite take about 400 MB; a recogniser of the open kind 500 more
_SCARCE_MEMORY = 0.08
_MUCH_SWAP = 0.5
_STALLED_PERCENT = 10.0
_HOT_C = 80.0  # a Raspberry Pi slows down from 80 °C, and hard from 85 °C
_FIRMWARE = ("sys/devices/platform/soc/soc:firmware/get_throttled", "sys/class/hwmon/hwmon0/device/get_throttled")
_THROTTLED_NOW = {0: "the power supply is too weak", 1: "the processor is held back", 2: "it is throttled", 3: "it is too hot"}
_SINCE_START = 16
"""Bits this much higher say the same of the time since the start."""
_WEAK_POWER = "use the official power supply and a short cable; nothing else heavy on the USB ports"
_COOLER = "add a heat sink or a fan, and leave air around the board"


def memory(visit: Visit) -> list[Finding]:
    """Memory and swap."""
    figures = _meminfo(visit)
    if not figures:
        return [note("this system does not tell how much memory it has")]
    total, available = figures.get("MemTotal", 0), figures.get("MemAvailable", 0)
    swap, swap_used = figures.get("SwapTotal", 0), figures.get("SwapTotal", 0) - figures.get("SwapFree", 0)
    data = {"total_mb": total, "available_mb": available, "swap_mb": swap, "swap_used_mb": swap_used}
    said = f"{available} of {total} MB memory are available, {swap_used} of {swap} MB swap are in use"
    mend = "choose smaller models (`earshot engines`), or end other programs (`ps aux --sort=-rss | head`)"
    found = []
    if total and available < _SCARCE_MEMORY * total:
        found.append(warning(said, mend, **data))
    elif swap and swap_used > _MUCH_SWAP * swap and swap_used > available:
        found.append(warning(f"{said}: models that were swapped out answer late", mend, **data))
    elif total < _LITTLE_MEMORY_MB:
        found.append(
            note(f"{said}: enough for a satellite, little for servers", "let another machine serve (docs/several-hosts.md)", **data)
        )
    else:
        found.append(ok(said, **data))
    if killed := _killed(visit):
        found.append(
            warning(
                f"the system ended {killed} programs for want of memory since its start", f"`journalctl -k -g oom`; {mend}", killed=killed
            )
        )
    if (stalled := _stalled_percent(visit, "memory")) > _STALLED_PERCENT:
        found.append(warning(f"programs waited for memory {stalled:g} % of the last minute", mend, stalled_percent=stalled))
    return found


def processor(visit: Visit) -> list[Finding]:
    """How much the processor has to do besides."""
    cores = os.cpu_count() or 1
    words = visit.read("proc/loadavg").split()
    try:
        load = float(words[1])
    except (IndexError, ValueError):
        return [note("this system does not tell how busy its processor is")]
    said = f"{load:g} programs wanted one of the {cores} cores in the last 5 minutes"
    data = {"load": load, "cores": cores}
    if load > cores:
        return [warning(f"{said}: answers come late", "see which with `top`, and end or move it", **data)]
    return [ok(said, **data)]


async def temperature(visit: Visit) -> list[Finding]:
    """Temperature, and what it and a weak power supply have made the processor do."""
    found = [_warmth(visit), *await _throttling(visit)]
    return [finding for finding in found if finding] or [note("this machine does not tell its temperature")]


def _warmth(visit: Visit) -> Finding | None:
    zones = [visit.read(path) for path in visit.found("sys/class/thermal/thermal_zone*/temp")]
    readings = [int(zone) / 1000 for zone in zones if zone.lstrip("-").isdigit()]
    if not readings:
        return None
    hottest = max(readings)
    if hottest >= _HOT_C:
        return warning(f"the processor has {hottest:.0f} °C and slows down to cool", _COOLER, celsius=hottest)
    return ok(f"the hottest part has {hottest:.0f} °C", celsius=hottest)


async def _throttling(visit: Visit) -> list[Finding]:
    """Of a Raspberry Pi; nothing on other machines."""
    told = next((value for path in _FIRMWARE if (value := visit.read(path))), "")
    if not told and "Raspberry Pi" in visit.read("proc/device-tree/model"):
        told = (await visit.program("vcgencmd", "get_throttled") or "").strip().partition("=")[2]
    try:
        bits = int(told, 16)
    except ValueError:
        return []
    data = {"throttled": f"{bits:#x}"}
    now = [words for bit, words in _THROTTLED_NOW.items() if bits >> bit & 1]
    before = [words for bit, words in _THROTTLED_NOW.items() if bits >> (bit + _SINCE_START) & 1]
    mend = _WEAK_POWER if bits & 0x10001 else _COOLER
    if now:
        return [failure(f"the Raspberry Pi says: {', '.join(now)}", mend, **data)]
    if before:
        return [warning(f"the Raspberry Pi says that since its start at times {', '.join(before)}", mend, **data)]
    return [ok("the Raspberry Pi was never throttled since its start", **data)]


def _meminfo(visit: Visit) -> dict[str, int]:
    """Name → megabytes."""
    found = {}
    for line in visit.read("proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if words and words[0].isdigit():
            found[name] = int(words[0]) // 1024
    return found


def _killed(visit: Visit) -> int:
    for line in visit.read("proc/vmstat").splitlines():
        name, _, value = line.partition(" ")
        if name == "oom_kill" and value.isdigit():
            return int(value)
    return 0


def _stalled_percent(visit: Visit, what: str) -> float:
    for word in visit.read(f"proc/pressure/{what}").split():
        name, _, value = word.partition("=")
        if name == "avg60":
            return float(value)
    return 0.0
