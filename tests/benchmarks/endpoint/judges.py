"""Who tells the class of what was said: the intent server's matcher, on the true words or on those that a recogniser heard."""

from functools import cache

import numpy as np

from wyoming_servers.asr.engine import AsrRequest, Transcription
from wyoming_servers.handle.matcher import Matcher
from wyoming_servers.handle.phrases import COMMON, read_responses
from wyoming_servers.shared import paths
from wyoming_servers.shared.audio import RATE_HZ
from wyoming_servers.shared.end_of_turn import EndOfTurnModel
from wyoming_servers.shared.end_of_turn import load as load_model
from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.grammar import spoken_words
from wyoming_servers.shared.house import Area, Device, House
from wyoming_servers.shared.patience import Prosody, Prospect
from wyoming_servers.shared.templates import load

from .corpus import Sound

_HOUSE = House(
    areas=tuple(Area(name) for name in ("Kitchen", "Bedroom", "Living Room", "Office", "Bathroom", "Hallway")),
    devices=(
        Device("Kitchen Light", "light", "Kitchen"),
        Device("Bed Lamp", "light", "Bedroom"),
        Device("Standing Light", "light", "Office"),
        Device("Fan", "fan", "Bedroom"),
        Device("Front Door", "lock"),
        Device("TV", "media_player", "Living Room"),
    ),
    places=("Paris", "London"),
    lists=("Shopping",),
)
_HEARD_AFTER_S = 0.1
_PRE_ROLL_S = 0.5  # as the satellite keeps of what comes before the speech


def by_true_words(sound: Sound, second: float) -> Prospect | None:
    """As if the recogniser made no mistake and took no time; None where nobody wrote down what was said."""
    if not any(words for _, _, words in sound.spans):
        return None
    return of_text(" ".join(sound.words_until(second)))


def of_text(text: str) -> Prospect:
    """What may follow these words."""
    return _matcher().prospect(text)


def by_recogniser(sound: Sound, second: float) -> Prospect | None:
    """As the embedded recogniser hears what was said until then; None when it understands nothing."""
    heard = _recognised(sound.samples[: round((second + _HEARD_AFTER_S) * RATE_HZ)])
    if heard.begun:
        return Prospect.PREFIX
    return _matcher().prospect(heard.text) if heard.text else None


def by_melody(model: str, sound: Sound, second: float) -> Prosody | None:
    """As a model of the end of turns hears it, at no cost in time. model: as `satellite.end_of_turn` names it."""
    listener = _listener(model)
    end = round(second * RATE_HZ)
    begin = max(0, round((sound.spans[0][0] - _PRE_ROLL_S) * RATE_HZ), end - round(listener.window_s * RATE_HZ))
    return listener.prosody(sound.samples[begin:end])


def hears(text: str) -> bool:
    """Whether a sentence is one that the embedded recogniser knows."""
    grammar, _ = _recogniser().hears
    return grammar.accepts(spoken_words(text))


def _recognised(samples: np.ndarray) -> Transcription:
    stream = _recogniser().open(AsrRequest("en"))
    try:
        stream.feed(samples)
        return stream.finish()
    finally:
        stream.close()


@cache
def _matcher() -> Matcher:
    folders = [paths.content("intents")]
    common = read_responses("en", folders)[COMMON]
    return Matcher(load("en", _HOUSE, folders, scope="text"), common["conjunctions"], common["unfinished"])


@cache
def _recogniser():
    from wyoming_servers.asr.phrases import PhrasesEngine, PhrasesOptions

    return PhrasesEngine(PhrasesOptions(), EngineContext(house=_HOUSE, intents_dirs=(paths.content("intents"),)))


@cache
def _listener(model: str) -> EndOfTurnModel:
    listener = load_model(model, EngineContext())
    assert listener, "the report has looked whether it is there"
    return listener
