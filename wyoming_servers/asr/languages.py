"""Language tags of recognisers: `en`, `en-US` and `en_US` are written by different people for the same."""

from collections.abc import Sequence

from ..shared.errors import UnsupportedLanguageError
from ..shared.protocol import printable


def matching(language: str, tags: Sequence[str]) -> str:
    """The listed tag that means `language`: the same, else its base language, else a dialect of it.

    Raises: UnsupportedLanguageError.
    """
    wanted = _normal(language)
    base = wanted.partition("-")[0]
    for match in (lambda tag: tag == wanted, lambda tag: tag == base, lambda tag: tag.partition("-")[0] == base):
        for tag in tags:
            if match(_normal(tag)):
                return tag
    raise UnsupportedLanguageError(
        f"language {printable(language, 40)!r} is not recognised here; these are: {', '.join(sorted(set(tags)))}"
    )


def _normal(tag: str) -> str:
    return tag.replace("_", "-").lower()
