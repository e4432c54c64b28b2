"""What happens in a village of a satellite and two recognisers, told as one JSON object; run by test_hosts.py and the benchmark.

scenario.py TIMES: failures in the middle of a turn are repeated that often.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from village import Host, Village, cut, heal, plug, unplug


class Story:
    """The village and what was seen in it."""

    def __init__(self, state: Path) -> None:
        self.village = Village(state)
        self.one = self.village.add("one", "recogniser_host.py", "one")
        self.two = self.village.add("two", "recogniser_host.py", "two")
        self.satellite = self.village.add("sat", "satellite_host.py")
        self.names = {host.name: host.hear(lambda said: "announced" in said, "announced")["announced"] for host in (self.one, self.two)}
        self.seen: dict[str, Any] = {"names": self.names}

    def settle(self) -> tuple[Host, Host]:
        """(the recogniser that is used, the other one), once nothing is cut and no failure is remembered: then the name decides."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if list(self.known()["known"]) == list(self.names.values()):
                return self.one, self.two
            time.sleep(0.05)
        raise TimeoutError(f"both recognisers should be known, {self.names['one']} first: {self.known()}")

    def known(self) -> dict[str, Any]:
        self.satellite.tell(known=True)
        return self.satellite.hear(lambda said: "known" in said, "what it knows")

    def uses(self, host: Host | None) -> dict[str, Any]:
        wanted = self.names[host.name] if host else None
        return self.satellite.hear(lambda said: "uses" in said and said["name"] == wanted, f"uses {wanted}")

    def answer(self) -> dict[str, Any]:
        return self.satellite.hear(lambda said: "answer" in said, "an answer")

    def fails_while_speaking(self, fail: Callable[[Host], None], mend: Callable[[Host], None]) -> dict[str, Any]:
        """The recogniser's machine fails in the middle of a sentence of 1.5 s."""
        used, other = self.settle()
        self.satellite.tell(turn=1.5)
        time.sleep(0.7)
        return self._answered(used, other, fail, mend)

    def fails_while_thinking(self, fail: Callable[[Host], None], mend: Callable[[Host], None]) -> dict[str, Any]:
        """It fails after the sentence, before its transcript."""
        used, other = self.settle()
        used.tell(think=True)
        self.satellite.tell(turn=0.2)
        used.hear(lambda said: "asked" in said, "it is asked")
        return self._answered(used, other, fail, mend)

    def _answered(self, used: Host, other: Host, fail: Callable[[Host], None], mend: Callable[[Host], None]) -> dict[str, Any]:
        """How long after the failure the other one was used, and how long after it and after the sentence its transcript was there."""
        failed = time.monotonic()
        fail(used)
        answer = self.answer()
        mend(used)
        used.tell(think=False)
        spoken = [said["at"] for said in self.satellite.told if "spoken" in said][-1]
        switched = next(
            (said["at"] for said in self.satellite.told if said["at"] > failed and said.get("name") == self.names[other.name]), 0.0
        )
        return {
            "by_the_other": answer["answer"] == other.name,
            "error": answer.get("error", ""),
            "switched_ms": (switched - failed) * 1000,
            "after_sentence_ms": (answer["at"] - max(spoken, failed)) * 1000,
        }

    def comes_back(self) -> float:
        """Milliseconds from the mending of a partition until the first choice is used again."""
        used, other = self.settle()
        cut(used)
        until = time.monotonic() + 10
        while self.names[used.name] in self.known()["known"] and time.monotonic() < until:
            time.sleep(0.05)
        heal(used)
        mended = time.monotonic()
        return (self.uses(used)["at"] - mended) * 1000

    def moves(self) -> str:
        """The new address of the recogniser in use is followed."""
        used, _ = self.settle()
        used.inside("ip", "address", "delete", f"10.77.0.{used.number}/24", "dev", "eth0")
        used.inside("ip", "address", "delete", f"fd77::{used.number}/64", "dev", "eth0")
        used.inside("ip", "address", "add", f"10.77.0.{used.number + 100}/24", "dev", "eth0")
        moved = f"tcp://10.77.0.{used.number + 100}:10300"
        name = self.names[used.name]
        self.satellite.hear(lambda said: said.get("uses") == moved and said["name"] == name, f"uses {moved}")
        self.satellite.tell(turn=0.2)
        return "followed" if self.answer()["answer"] == used.name else "lost"

    def is_alone(self) -> list[str]:
        """The satellite's own cable is pulled and plugged in again: a turn fails with a sentence, the next one works."""
        unplug(self.satellite)
        self.satellite.tell(turn=0.2)
        alone = self.answer()
        plug(self.satellite)
        used, _ = self.settle()
        self.satellite.tell(turn=0.2)
        return [alone.get("error", ""), self.answer()["answer"] == used.name]

    def leaves(self) -> str:
        """A recogniser that ends says goodbye."""
        used, other = self.settle()
        used.end()
        self.uses(other)
        until = time.monotonic() + 5
        while self.names[used.name] in self.known()["seen"] and time.monotonic() < until:
            time.sleep(0.05)
        return "forgotten" if self.names[used.name] not in self.known()["seen"] else "still known"


def main(times: int) -> None:
    with tempfile.TemporaryDirectory() as state:
        story = Story(Path(state))
        seen = story.seen
        story.settle()
        seen["addresses"] = sorted(uri for uris in story.known()["seen"].values() for uri in uris)
        seen["pulled while speaking"] = [story.fails_while_speaking(unplug, plug) for _ in range(times)]
        seen["silent while speaking"] = [story.fails_while_speaking(cut, heal) for _ in range(times)]
        seen["silent while thinking"] = [story.fails_while_thinking(cut, heal) for _ in range(times)]
        seen["back ms"] = [story.comes_back() for _ in range(times)]
        seen["moved"] = story.moves()
        seen["known"] = sorted(uri for uris in story.known()["seen"].values() for uri in uris)
        seen["alone"] = story.is_alone()
        seen["left"] = story.leaves()
        print(json.dumps(seen))


main(int(sys.argv[1]))
