"""What a client wants done with the audio that follows: the `transcribe` event, checked."""

from collections.abc import Sequence
from dataclasses import dataclass

from wyoming.event import Event

from ..shared.endpointing import Patience
from ..shared.engines import Model
from ..shared.errors import InvalidRequestError, UnknownNameError
from ..shared.protocol import printable
from ..shared.settings import AsrSection
from .engine import AsrRequest
from .languages import matching

_MAX_BIAS_WORDS = 2000
_SILENCE_S = {"relaxed": 1.25, "default": 0.7, "aggressive": 0.25}  # Home Assistant's figures for these names


@dataclass(frozen=True)
class Wish:
    """One request, before its first sample."""

    request: AsrRequest
    """What the engine is asked."""
    patience: Patience | None
    """When the server ends the turn itself; None when the client says where it ends."""
    hypotheses: bool = False
    """True when the client wants to see every hypothesis, also those that are taken back."""


def wish(event: Event | None, models: Sequence[Model], section: AsrSection) -> Wish:
    """The wish of a `transcribe` event; None when a client sent its audio without one.

    Raises: UnsupportedLanguageError, UnknownNameError, InvalidRequestError.
    """
    data = event.data if event else {}
    name, language = _text(data, "name"), _text(data, "language")
    fitting = [model for model in models if name in (None, model.name)]
    if not fitting:
        raise UnknownNameError(f"no model {printable(str(name))!r}; there are: {', '.join(model.name for model in models)}")
    if language is not None:
        language = matching(language, [tag for model in fitting for tag in model.languages])
    request = AsrRequest(language, name, _words(data, "transcript_names"), _words(data, "transcript_terms"))
    context = data.get("context")
    if not isinstance(context, dict):
        context = {}
    ends_here = context.get("earshot_end_of_speech")
    if not isinstance(ends_here, bool):
        ends_here = section.end_of_speech
    patience = _patience(data.get("vad_sensitivity"), section) if ends_here else None
    return Wish(request, patience, context.get("earshot_partials") is True)


def _patience(sensitivity: object, section: AsrSection) -> Patience:
    """A sensitivity that is not known is the owner's."""
    known = sensitivity if isinstance(sensitivity, str) and sensitivity in _SILENCE_S else section.vad_sensitivity
    return Patience(_SILENCE_S[known], section.no_speech_s, min(section.longest_turn_s, section.longest_s))


def _text(data: dict, key: str) -> str | None:
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        raise InvalidRequestError(f"transcribe: {key!r} must be text")
    return value or None


def _words(data: dict, key: str) -> tuple[str, ...]:
    value = data.get(key) or []
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise InvalidRequestError(f"transcribe: {key!r} must be a list of texts")
    return tuple(value[:_MAX_BIAS_WORDS])
