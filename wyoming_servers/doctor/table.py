"""Every check, in the order in which they are made. A new one is a function and a line here.

A check takes a Visit and returns findings; it may be `async`, or block (then it runs on a thread of its own).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from . import clock, configuration, engines, hardware, links, network, peers, sound, storage, wake
from .finding import Finding, Visit


@dataclass(frozen=True)
class Check:
    """One line of the table."""

    section: str
    """Its name for --section."""
    what: str
    """What it looks at, for people."""
    make: Callable[[Visit], list[Finding] | Awaitable[list[Finding]]]
    deadline_s: float = 5.0
    """After this it counts as failed."""
    asked_only: bool = False
    """True when it is made only for who asks for it."""


CHECKS = (
    Check("settings", "the settings file: wrong keys, and keys that others can read", configuration.settings),
    Check("microphone", "opens, its level while it listens for 3 s, clipping, silence", sound.microphone, 12.0),
    Check("loudspeaker", "opens; with --play it plays a chime", sound.loudspeaker, 8.0),
    Check("wake", "the best score of each wake word while you say it; only with --wake", wake.wake, 45.0, asked_only=True),
    Check("peers", "each server: there, latency (the middle of five questions), how busy", peers.peers, 20.0),
    Check("engines", "which engine each server takes, and what better ones lack", engines.engines, 30.0),
    Check("end-of-turn", "the model that hears from the voice whether you have finished", engines.end_of_turn),
    Check("models", "models on this machine and their size", engines.models, 15.0),
    Check("licences", "terms of the engines and models in use", engines.licences, 30.0),
    Check("disk", "room where models, memories and phrases lie; folders that cannot be written", storage.disk),
    Check("file-systems", "network disks under models and databases", storage.file_systems),
    Check("memory", "memory, swap, and programs that were ended for want of it", hardware.memory),
    Check("processor", "how busy it is", hardware.processor),
    Check("temperature", "temperature, and throttling of a Raspberry Pi", hardware.temperature),
    Check("clock", "set by the network; goes on without power", clock.clock, 8.0),
    Check("mdns", "announcements go out and come in on every network", network.mdns, 12.0),
    Check("llm", "the language model's server", links.llm, 15.0),
    Check("home-assistant", "Home Assistant's address and token", links.home_assistant, 15.0),
)
