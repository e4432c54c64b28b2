"""How a text is pronounced, written as Kokoro wants it: espeak-ng's IPA with the text's own punctuation left in."""

import re

from ..shared.errors import EngineError
from ..shared.espeak import espeak, plain

_MARKS = re.compile(r'((?:\s*(?:[;:!?¡¿—…"«»“”(){}\[\]]|(?<![0-9])[,.]|[,.](?![0-9]))+\s*)+)')
"""Punctuation, which is no sound but decides the melody: what kokoro-onnx keeps, too. `1.5` is one word."""
_WIDE = str.maketrans({"。": ". ", "，": ", ", "、": ", ", "！": "! ", "？": "? ", "；": "; ", "：": ": ", "「": "“", "」": "”"})
_SWITCH = re.compile(r"\([^)]*\)")
"""espeak-ng's remark that it goes on in another language, `(en)`; read aloud it would be two sounds."""


class Phonemizer:
    """Asks this process's one espeak-ng, whose state only its own thread may touch. May be used by several threads."""

    def __init__(self) -> None:
        """Raises: EngineError when espeak-ng cannot be loaded."""
        self._espeak = espeak()
        best: dict[str, tuple[int, str]] = {}
        for voice in self._espeak.voices():
            for tag, preference in voice.languages:
                best[tag] = min(best.get(tag, (1000, "")), (preference, voice.identifier))
        self._voices = {tag: identifier for tag, (_, identifier) in best.items()}

    def phonemes(self, text: str, language: str) -> str:
        """IPA with punctuation.

        language: as espeak-ng calls it, for example `en-us`. Raises: EngineError.
        """
        voice = self._voices.get(language)
        if voice is None:
            raise EngineError(f"espeak-ng has no language {language!r}")
        parts = _MARKS.split(plain(text).translate(_WIDE).strip())
        return "".join(part if number % 2 or not part.strip() else self._sounds(part, voice) for number, part in enumerate(parts))

    def _sounds(self, words: str, voice: str) -> str:
        return _SWITCH.sub("", self._espeak.phonemes(words, voice))
