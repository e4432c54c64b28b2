"""How words are pronounced, in the phones of pocketsphinx's English model: its dictionary first, then espeak-ng."""

from collections.abc import Iterable
from pathlib import Path

from ..shared.espeak import espeak

_SAID_OTHERWISE = {"off": ("AA F",)}
"""Common pronunciations the dictionary lacks. Without this one, "off" is taken for "on" in American voices."""
_VOICE = "en-us"
_LENGTH_AND_STRESS = str.maketrans("", "", "ˈˌː‍͡ʲ'̩̃ʔ.")
_PHONES = {
    "tʃ": "CH", "dʒ": "JH", "aɪɚ": "AY ER", "aʊɚ": "AW ER", "aɪə": "AY AH", "eɪ": "EY", "aɪ": "AY", "aʊ": "AW", "oʊ": "OW", "əʊ": "OW",
    "ɔɪ": "OY", "ɪɹ": "IH R", "ʊɹ": "UH R", "ɛɹ": "EH R", "ɑɹ": "AA R", "ɔɹ": "AO R", "oɹ": "AO R", "əl": "AH L", "iə": "IY AH",
    "p": "P", "b": "B", "t": "T", "d": "D", "k": "K", "g": "G", "ɡ": "G", "f": "F", "v": "V", "θ": "TH", "ð": "DH", "s": "S", "z": "Z",
    "ʃ": "SH", "ʒ": "ZH", "h": "HH", "x": "K", "ç": "HH", "m": "M", "n": "N", "ŋ": "NG", "ɲ": "N Y", "l": "L", "ɫ": "L", "ɬ": "L",
    "r": "R", "ɹ": "R", "ʁ": "R", "ɾ": "T", "j": "Y", "w": "W", "ʍ": "W", "i": "IY", "ɪ": "IH", "ᵻ": "IH", "ɨ": "IH", "y": "UW",
    "ʏ": "UH", "e": "EH", "ɛ": "EH", "ø": "ER", "œ": "ER", "æ": "AE", "a": "AA", "ɐ": "AH", "ɑ": "AA", "ɒ": "AA", "ʌ": "AH", "ə": "AH",
    "ɚ": "ER", "ɜ": "ER", "ɝ": "ER", "o": "OW", "ɔ": "AO", "u": "UW", "ʊ": "UH", "ʉ": "UW", "β": "V", "ɣ": "G", "c": "K", "ɟ": "G",
}  # fmt: skip
_LONGEST = max(map(len, _PHONES))


def pronunciations(words: Iterable[str], dictionary: Path) -> dict[str, list[str]]:
    """For each word its phone sequences, the usual one first; words nothing can be said about are missing.

    dictionary: CMU format, read once from end to end.
    """
    wanted = set(words)
    found: dict[str, list[str]] = {}
    with dictionary.open(encoding="utf-8") as lines:
        for line in lines:
            entry, _, phones = line.strip().partition(" ")
            word = entry.partition("(")[0]
            if word in wanted:
                found.setdefault(word, []).append(phones)
    for word in wanted:
        if word not in found and (phones := from_ipa(espeak().phonemes(word, _VOICE))):
            found[word] = [phones]
        for phones in _SAID_OTHERWISE.get(word, ()):
            if phones not in found.setdefault(word, []):
                found[word].append(phones)
    return found


def from_ipa(ipa: str) -> str:
    """IPA as ARPABET phones, parted by spaces; sounds English does not have become the nearest it has."""
    text = ipa.translate(_LENGTH_AND_STRESS)
    phones: list[str] = []
    position = 0
    while position < len(text):
        for length in range(_LONGEST, 0, -1):
            if sound := _PHONES.get(text[position : position + length]):
                phones += sound.split()
                position += length
                break
        else:
            position += 1  # a sign without a sound of its own
    return " ".join(phones)
