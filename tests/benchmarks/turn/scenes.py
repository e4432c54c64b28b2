"""What happens in the house: which words are said when, and what is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .house import WAKE_SOUND, Answer
from .spoken import Saying, say

_LONG = (
    "I think the sky is blue because the air scatters short waves more, so that blue light comes from everywhere. "
    "At sunset the light takes a longer way. Most of the blue is lost on it. What is left looks red and golden."
)


@dataclass(frozen=True)
class Scene:
    """One turn, to be repeated."""

    name: str
    title: str
    parts: tuple[str | float, ...]
    """As `spoken.say` takes them."""
    answer: Answer
    needs_llm: bool = False
    prospects: Mapping[str, str] = field(default_factory=dict)
    """Classes of beginnings that are not what `House.prospect` takes them for."""

    def saying(self, number: int) -> Saying:
        """The command as sound."""
        return say(number, self.parts)


SCENES = (
    Scene("s1", "a complete command", ("what time is it",), Answer("It is twelve fifteen.")),
    Scene("s2", "a command with a pause of 0.4 s", ("turn on the", 0.4, "kitchen light"), Answer("The kitchen light is on.", changes=True)),
    Scene(
        "s3",
        "a command that could have ended before",
        ("set a timer for twenty", 0.3, "five minutes"),
        Answer("Twenty five minutes.", changes=True, prospect="extendable"),
        prospects={"set a timer for twenty": "extendable"},
    ),
    Scene(
        "s4",
        "a free question",
        ("why is the sky blue in one sentence",),
        Answer("Because air scatters blue light more than red light.", "llm", prospect="sentence"),
        True,
    ),
    Scene(
        "s5",
        "a question for a tool of the model",
        ("how warm will it be on sunday",),
        Answer("On Sunday it will be twelve degrees.", "tool", prospect="sentence"),
        True,
    ),
    Scene("s6", "a long answer", ("why is the sky blue",), Answer(_LONG, "llm", prospect="sentence"), True),
)
"""Those without faults and interruptions."""


def sayings(scenes: Sequence[Scene]) -> dict[int, Saying]:
    """Every sound by its number: the wake word, and the commands from 1 on."""
    return {WAKE_SOUND: say(WAKE_SOUND, ("hey jarvis",))} | {at: scene.saying(at) for at, scene in enumerate(scenes, 1)}


def prospects_of(scenes: Sequence[Scene]) -> dict[str, str]:
    """The classes of beginnings that scenes name."""
    return {text: prospect for scene in scenes for text, prospect in scene.prospects.items()}
