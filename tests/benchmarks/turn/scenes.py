"""What happens in the house: which words are said when, and what is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .house import WAKE_SOUND, Answer, House
from .profile import Profile
from .spoken import say

_LONG = (
    "Because of the air around us, which scatters blue light more than red. At sunset the way through it is longer. "
    "Most of the blue is lost. What is left looks red and golden."
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


SCENES = (
    Scene("s1", "a complete question whose answer is new each time", ("what time is it",), Answer("It is twelve fifteen.")),
    Scene("s1-first", "a complete command, for the first time", ("turn on the hall light",), Answer("The light is on.", changes=True)),
    Scene("s1-again", "the same command again", ("turn on the hall light",), Answer("The light is on.", changes=True)),
    *(
        Scene(f"s2-{pause:g}", f"a command with a pause of {pause:g} s", (before, pause, after), Answer("The light is on.", changes=True))
        for before, pause, after in (
            ("turn", 0.3, "on the kitchen light"),
            ("turn on", 0.6, "the bedroom light"),
            ("turn on the", 0.9, "hall light"),
            ("turn on the garden", 1.2, "light"),
        )
    ),
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


def house_of(profile: Profile, scenes: Sequence[Scene]) -> House:
    """A house where these can be said. Sounds have numbers: the wake word its own, the scenes theirs from 1 on."""
    sounds = {WAKE_SOUND: say(WAKE_SOUND, ("hey jarvis",))} | {at: say(at, scene.parts) for at, scene in enumerate(scenes, 1)}
    answers = {sounds[at].text: scene.answer for at, scene in enumerate(scenes, 1)}
    return House(profile, sounds, answers, {text: prospect for scene in scenes for text, prospect in scene.prospects.items()})
