"""What keeps the camera tool from seeing."""

from wyoming_servers.shared.errors import AssistantError


class SightError(AssistantError):
    """Nothing was seen. `key` is the tool's sentence that says so; the text is for the log, in English, and says what helps."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = key
