"""The one error tree. `code` goes into the Wyoming `error` event; `retryable` says whether the same request may succeed later."""


class AssistantError(Exception):
    """Base of every error Earshot raises on purpose; its text is fit to be shown to the owner."""

    code = "internal-error"
    retryable = False


class ProtocolError(AssistantError):
    """The peer sent bytes that are not a Wyoming event, or one past the limits."""

    code = "protocol-error"


class InvalidRequestError(AssistantError):
    """A well-formed event that cannot be served: wrong order, wrong type, wrong value."""

    code = "invalid-request"


class UnknownNameError(AssistantError):
    """A model, voice, speaker or wake word that does not exist here; the text lists those that do."""

    code = "unknown-name"


class UnsupportedLanguageError(AssistantError):
    """The engine does not speak or hear this language; the text lists those it does."""

    code = "unsupported-language"


class BusyError(AssistantError):
    """Every slot and every place in the queue is taken."""

    code = "busy"
    retryable = True


class StoppingError(AssistantError):
    """The server is being stopped."""

    code = "stopping"
    retryable = True


class DeadlineError(AssistantError):
    """The work took longer than its deadline."""

    code = "deadline-exceeded"
    retryable = True


class EngineError(AssistantError):
    """An engine failed while loading or working."""

    code = "engine-error"


class EngineUnavailableError(EngineError):
    """An engine's library or model is not on this machine; the text has the command that brings it."""

    code = "engine-unavailable"


class SettingsError(AssistantError):
    """A setting that is unknown, of the wrong type or out of range; the text names source, key and what is allowed."""

    code = "invalid-settings"


class PortInUseError(AssistantError):
    """The address cannot be listened on: taken, or not this machine's."""

    code = "port-in-use"


class PeerError(AssistantError):
    """Another Wyoming server answered with an `error` event."""

    code = "peer-error"
    retryable = True


class PeerBusyError(PeerError):
    """Another Wyoming server refused a request before it began, since it has too many; another server may take it."""

    code = "peer-busy"


class PeerUnreachableError(PeerError):
    """Another server cannot be connected to, hung up, or stayed silent past the deadline."""

    code = "peer-unreachable"


class ToolError(AssistantError):
    """A tool could not do what was asked; the text is a finished sentence to be spoken."""

    code = "tool-error"


class NoAnswerError(ToolError):
    """A tool was asked something about the world and has found no answer; whoever answers what no template fits may try."""


class UndeclaredChangeError(AssistantError):
    """A tool wanted to change something in a call that it declares to be only telling."""

    code = "undeclared-change"


class HttpError(AssistantError):
    """A web service could not be asked, or its answer could not be used."""

    code = "http-error"
    retryable = True

    def __init__(self, text: str, status: int = 0, offline: bool = False) -> None:
        """status: HTTP status, 0 when there was no answer; offline: True when the service could not be reached at all."""
        super().__init__(text)
        self.status = status
        self.offline = offline


class EgressDeniedError(HttpError):
    """The owner lets nothing be sent to that host."""

    code = "egress-denied"
    retryable = False

    def __init__(self, text: str) -> None:
        super().__init__(text, offline=True)


class MissingSentenceError(AssistantError, KeyError):
    """A tool has a section in a language, but not the sentence that it wants to say; the text says where it belongs."""

    __str__ = AssistantError.__str__  # a KeyError shows its text in quotes


class HouseError(AssistantError):
    """Home Assistant could not be asked, or did not do what it was told; the text says why and what helps."""

    code = "house-error"
    retryable = True

    def __init__(self, text: str, reason: str = "offline") -> None:
        """reason: `offline`, `token`, `rights` (the token's user may not), `address` (nothing of Home Assistant's is there), `refused` (it
        does not do what it was told)."""
        super().__init__(text)
        self.reason = reason
