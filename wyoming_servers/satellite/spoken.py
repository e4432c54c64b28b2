"""How much of a text has been heard when its speech was cut off."""

_CHARS_PER_S = 15.0  # of speech at the usual pace: 175 words of English a minute


def spoken_part(text: str, played_s: float, whole_s: float | None) -> str:
    """The beginning of the text that took so long to say, in whole words.

    whole_s: how long all of it takes; None while that is not known.
    """
    text = " ".join(text.split())
    if whole_s is not None and played_s >= whole_s:
        return text
    chars = round(played_s / whole_s * len(text)) if whole_s else round(played_s * _CHARS_PER_S)
    if chars >= len(text):
        return text
    return text[: text.rfind(" ", 0, chars + 1)].rstrip() if " " in text[: chars + 1] else ""
