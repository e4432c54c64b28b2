"""Utterances with a pause in the middle, each on a day of its own: who is cut off, and who is heard out because the turn opens again."""

from collections.abc import Sequence
from dataclasses import dataclass

from endpoint.corpus import COMMAND, Utterance
from endpoint.judges import of_text

from wyoming_servers.shared.patience import Prospect

from .day import Day, engines_of, running, take_turn
from .house import Answer, House
from .profile import Profile
from .scenes import Scene, house_of

_SENTENCES = frozenset({Prospect.COMPLETE, Prospect.EXTENDABLE})


@dataclass(frozen=True)
class Heard:
    """What became of one utterance."""

    whole: bool
    """False when it was cut off: what was done in the end was not for all of it."""
    reopened: bool
    """True when it had been taken for whole before it was."""
    effects: int
    """How often something was done."""


async def hesitate(profile: Profile, utterance: Utterance, pauses: float = 1.0) -> Heard:
    """Says it to a satellite of this house. pauses: so many times as long as the utterance says. In virtual time when the loop is."""
    words, place = utterance.words, utterance.place
    parts = (" ".join(words[:place]), utterance.hesitation_s * pauses, " ".join(words[place:]))
    scene = Scene("hesitation", utterance.text, parts, Answer(""))
    plain = house_of(profile, [scene])
    saying = plain.sayings[1]
    house = _JudgingHouse(profile, plain.sayings, _Anything(changes=utterance.kind == COMMAND))
    async with engines_of(house, apart=False) as engines, running("ours", Day(house, engines)) as day:
        turn = await take_turn(day, "ours", scene, saying)
        asked = [work.what for work in turn.work if work.kind == "intent" and work.used]
        return Heard(asked[-1:] == [saying.text], len(day.commits) > 1, len(engines.effects))


def summary(heard: Sequence[Heard]) -> dict[str, int]:
    """How many there were, and how many of them were cut off, heard out after the turn had opened again, and done twice."""
    return {
        "said": len(heard),
        "cut off": sum(not each.whole for each in heard),
        "heard out by opening again": sum(each.whole and each.reopened for each in heard),
        "done twice": sum(each.effects > 1 for each in heard),
    }


class _JudgingHouse(House):
    """Its intent server judges with the real templates."""

    def prospect(self, text: str) -> str:
        return str(of_text(text))


class _Anything(dict[str, Answer]):
    """Sentences of the templates are carried out, whatever else is said goes to the model."""

    def __init__(self, *, changes: bool) -> None:
        super().__init__()
        self._changes = changes

    def get(self, text: str, default: Answer | None = None) -> Answer | None:  # type: ignore[override]
        if not text:
            return default
        if of_text(text) in _SENTENCES:
            return Answer("It is done now.", changes=self._changes)
        return Answer("I think that it is a good idea, and many people do so.", "llm")
