"""Shows a picture to a vision model behind OpenAI's chat API, and makes what it says fit to be spoken."""

import asyncio
import base64
import re
import unicodedata
from typing import Any

from wyoming_servers.shared.errors import HttpError
from wyoming_servers.shared.tool import Endpoint, Http, Phrases

from .picture import Picture
from .sources import secret
from .trouble import SightError

_WHY = "a description of a picture"
_MOST_SENTENCES = 2
_MOST_CHARS = 500
_MOST_QUESTION_CHARS = 300
_MOST_ANSWER_BYTES = 1024 * 1024
_THOUGHT = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL)
_MARKUP = re.compile(r"<\|?/?[a-z_]+\|?>|\[(?=[^\]]*\]\()|\]\([^)]*\)|[*_#`|~]+|^[ \t]*[-•>][ \t]+", re.IGNORECASE | re.MULTILINE)
_ENDS = (".", "!", "?", "…")
_BLIND = (400, 413, 415, 422, 501)


class Vision:
    """The model of the settings."""

    def __init__(self, http: Http, options: Any, endpoint: Endpoint) -> None:
        """options: the tool's. endpoint: the language model's, used where the options name none but a model."""
        self._http = http
        self._options = options
        shared = endpoint if not options.base_url and options.model else Endpoint()
        self._base_url = (options.base_url or shared.base_url).rstrip("/")
        keys = options if options.key or options.key_file else shared
        self._key: str = keys.key
        self._key_file: str = keys.key_file

    @property
    def there(self) -> bool:
        """Whether one is set up."""
        return bool(self._base_url)

    async def describe(self, picture: Picture, question: str, phrases: Phrases) -> str:
        """What the model says to a question about a picture, in one or two sentences.

        Raises: SightError.
        """
        limit_s = self._options.timeout_s
        try:
            async with asyncio.timeout(limit_s):
                answer = await self._ask(picture, question, phrases)
        except TimeoutError:
            raise SightError("model_late", f"the vision model at {self._base_url} did not answer within {limit_s:g} s") from None
        spoken = speakable(answer, phrases)
        if not spoken:
            raise SightError("model_silent", f"the vision model at {self._base_url} said nothing")
        return spoken

    async def _ask(self, picture: Picture, question: str, phrases: Phrases) -> Any:
        key = self._key or await asyncio.to_thread(secret, self._key_file)
        try:
            answer = await self._http.post(
                f"{self._base_url}/chat/completions",
                why=_WHY,
                json=self._request(picture, question, phrases),
                headers={"Authorization": f"Bearer {key}"} if key else {},
                timeout_s=self._options.timeout_s + 1,  # whoever asks is told sooner
                most_bytes=_MOST_ANSWER_BYTES,
            )
            return answer.json()
        except HttpError as err:
            hint = "; can it see? llama-server needs a model with --mmproj" if err.status in (*_BLIND, 500) else ""
            raise SightError(_problem(err), f"the vision model: {err}{hint}") from None

    def _request(self, picture: Picture, question: str, phrases: Phrases) -> dict[str, Any]:
        text = f"{(question or phrases.say('describe'))[:_MOST_QUESTION_CHARS]} {phrases.say('style')}"
        image = f"data:image/jpeg;base64,{base64.b64encode(picture.jpeg).decode()}"
        content = [{"type": "image_url", "image_url": {"url": image}}, {"type": "text", "text": text}]
        request = {"messages": [{"role": "user", "content": content}], "max_tokens": self._options.max_tokens, "temperature": 0}
        return ({"model": self._options.model} if self._options.model else {}) | request | self._options.extra


def speakable(answer: Any, phrases: Phrases) -> str:
    """The first sentences of a chat completion, without thoughts, markup, pictograms and a sentence that broke off.

    Empty when nothing is left.
    """
    choices = answer.get("choices") if isinstance(answer, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    message = choice.get("message")
    said = message.get("content") if isinstance(message, dict) else ""
    if not isinstance(said, str):
        return ""
    plain = _MARKUP.sub(" ", _THOUGHT.sub("", said))
    plain = " ".join(
        "".join(letter for letter in plain if unicodedata.category(letter) not in ("So", "Cc", "Cs") or letter == "\n").split()
    )
    sentences = phrases.sentences(plain)
    if len(sentences) > 1 and choice.get("finish_reason") == "length" and not sentences[-1].rstrip("\"'»”)").endswith(_ENDS):
        sentences.pop()
    return " ".join(sentences[:_MOST_SENTENCES])[:_MOST_CHARS].strip()


def _problem(err: HttpError) -> str:
    if err.offline:
        return "model_unreachable"
    if err.status in _BLIND:
        return "model_blind"
    return {401: "model_refuses", 403: "model_refuses", 404: "model_missing"}.get(err.status, "model_failed")
