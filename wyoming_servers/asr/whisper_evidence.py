"""Whether a text of Whisper was said: it was trained on subtitles, and writes their usual words where nobody speaks."""

import math
import unicodedata
import zlib
from dataclasses import dataclass

_QUICK_CHARS = 30.0  # a second; the quickest talkers say 20
_ECHO_WORDS = 3
_CREDITS = (
    "amara org",
    "dimatorzok",
    "castingwords",
    "btistudios",
    "nicolai winther",
    "untertitel im auftrag des zdf",
    "untertitelung des zdf",
    "untertitel der",
    "sous titrage",
    "sous titres réalisés",
    "subtítulos realizados",
    "sottotitoli e revisione a cura",
    "sottotitoli creati",
    "legenda adriana zanotto",
    "legendas pela comunidade",
    "ondertitels ingediend",
    "napisy stworzone",
    "titulky vytvořil",
    "undertexter från",
    "undertekster av",
    "редактор субтитров",
    "субтитры сделал",
    "субтитры создавал",
    "altyazı m k",
    "字幕由",
    "字幕志愿者",
    "明镜与点点栏目",
    "mbc 뉴스",
    "ترجمة نانسي قنقر",
    "υπότιτλοι authorwave",
)
"""Parts of the credits at the end of subtitles."""
_FAREWELLS = (
    "thank you for watching",
    "thanks for watching",
    "thank you so much for watching",
    "thank you very much for watching",
    "please subscribe",
    "please like and subscribe",
    "like and subscribe",
    "subscribe to my channel",
    "dont forget to subscribe",
    "see you in the next video",
    "see you in the next one",
    "see you next time",
    "vielen dank fürs zuschauen",
    "danke fürs zuschauen",
    "vielen dank für ihre aufmerksamkeit",
    "bis zum nächsten mal",
    "merci davoir regardé cette vidéo",
    "merci davoir regardé",
    "abonnez vous",
    "gracias por ver el video",
    "gracias por ver",
    "suscríbete al canal",
    "grazie per aver guardato il video",
    "grazie per la visione",
    "iscrivetevi al canale",
    "obrigado por assistir",
    "inscreva se no canal",
    "bedankt voor het kijken",
    "tack för att du tittade",
    "takk for at du så på",
    "tak fordi du så med",
    "kiitos kun katsoit",
    "dziękuję za oglądanie",
    "děkuji za pozornost",
    "děkujeme za sledování",
    "köszönöm hogy megnéztétek",
    "mulțumesc pentru vizionare",
    "спасибо за просмотр",
    "подписывайтесь на канал",
    "продолжение следует",
    "дякую за перегляд",
    "izlediğiniz için teşekkür ederim",
    "izlediğiniz için teşekkürler",
    "abone olmayı unutmayın",
    "terima kasih telah menonton",
    "اشتركوا في القناة",
    "شكرا للمشاهدة",
    "ご視聴ありがとうございました",
    "次の動画でお会いしましょう",
    "谢谢观看",
    "感谢观看",
    "謝謝觀看",
    "시청해주셔서 감사합니다",
    "다음 영상에서 만나요",
)
"""What is said at the end of a video, and to no assistant."""
_POLITE = (
    "thank you",
    "thank you very much",
    "thanks",
    "bye",
    "bye bye",
    "you",
    "so",
    "oh",
    "okay",
    "the end",
    "vielen dank",
    "danke",
    "tschüss",
    "merci",
    "gracias",
    "grazie",
    "grazie a tutti",
    "obrigado",
    "bedankt",
    "tack",
    "takk",
    "tak",
    "kiitos",
    "dziękuję",
    "děkuji",
    "спасибо",
    "дякую",
    "teşekkürler",
    "ありがとうございました",
    "谢谢",
    "謝謝",
    "감사합니다",
)
"""What is also said in earnest, and written for noise."""


@dataclass(frozen=True)
class Limits:
    """The owner's limits."""

    no_speech: float
    """Probability that nobody spoke, above which an unsure text is dropped."""
    logprob: float
    """Average log probability of a token, below which a text is unsure."""
    repetition: float
    """How many times smaller a text may become when it is compressed."""


@dataclass(frozen=True)
class Evidence:
    """What is known about one text."""

    text: str
    logprob: float
    """Average log probability of its tokens."""
    no_speech: float
    """Probability that nobody spoke, as the model sees it."""
    speech_s: float
    """Seconds of speech, as the voice detector sees it."""
    prompt: str = ""
    """What the model was told before."""


def doubt(evidence: Evidence, limits: Limits) -> str:
    """Why this text was most likely not said; empty when it can be trusted."""
    if repetition(evidence.text) > limits.repetition:
        return "the model repeats itself"
    if evidence.no_speech > limits.no_speech and evidence.logprob < limits.logprob:
        return "nobody seems to speak"
    if evidence.logprob < 1.5 * limits.logprob:
        return "the model guesses"
    sentences = _sentences(evidence.text)
    if ends_a_video(evidence.text) and _weak(evidence, logprob=-0.3, no_speech=0.2):
        return "subtitles of videos end like this"
    if all(sentence in _POLITE for sentence in sentences) and _weak(evidence, logprob=-0.7, no_speech=0.4):
        return "Whisper writes this for noise"
    if _echoes(evidence.text, evidence.prompt) and _weak(evidence, logprob=-0.7, no_speech=0.4):
        return "the model repeats what it was told"
    return ""


def repetition(text: str) -> float:
    """How many times smaller the text becomes when it is compressed; ordinary sentences stay below 2."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw))


def repeats(text: str) -> bool:
    """Whether the whole text is one phrase said several times."""
    words = normal(text).split()
    return any(
        len(words) % length == 0 and words == words[:length] * (len(words) // length)
        for length in range(1, len(words) // 2 + 1)
        if length > 1 or len(words) > 2
    )


def ends_a_video(text: str) -> bool:
    """Whether all of it is what subtitles and videos end with, and what nobody says to a house."""
    return all(sentence in _FAREWELLS or any(credit in sentence for credit in _CREDITS) for sentence in _sentences(text))


def confidence(logprob: float) -> float:
    """0 (guess) to 1 (sure): the mean probability of a token."""
    return min(1.0, math.exp(logprob))


def normal(text: str) -> str:
    """Small letters without punctuation, words apart by one space. An apostrophe leaves no gap."""
    text = unicodedata.normalize("NFC", text).casefold()
    for mark in "'’\u0307":  # the dot that a Turkish capital I leaves behind
        text = text.replace(mark, "")
    return " ".join("".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in text).split())


def _weak(evidence: Evidence, *, logprob: float, no_speech: float) -> bool:
    """Whether anything but the text itself speaks against it."""
    quick = len(evidence.text) > _QUICK_CHARS * evidence.speech_s
    return evidence.logprob < logprob or evidence.no_speech > no_speech or quick


def _sentences(text: str) -> list[str]:
    for mark in "!?。!?\n":
        text = text.replace(mark, ". ")
    return [sentence for part in text.split(". ") if (sentence := normal(part))] or [normal(text)]


def _echoes(text: str, prompt: str) -> bool:
    words = normal(text)
    return len(words.split()) >= _ECHO_WORDS and f" {words} " in f" {normal(prompt)} "
