"""The critical path: what a turn costs at least, given its engines and the moment it was committed."""

from wyoming_servers.shared.sentences import Splitter

from .house import SPEECH_PER_TOKEN_S
from .profile import Profile
from .scenes import Scene
from .spoken import Saying


def critical_s(profile: Profile, scene: Scene, saying: Saying, commit_s: float) -> float:
    """Seconds from the end of speech to the first sample of the answer when every engine begins as soon as it can.

    Recogniser, templates, model and voice may work before the commit on what they are likely to be asked; what changes the world may
    not. commit_s: from the end of speech to the commit.
    """
    audio_s = saying.speech_end / 16_000
    asr_s = profile.asr.cost_s(audio_s, audio_s)
    answer_s, first = _answer(profile, scene, saying)
    voice_s = profile.tts.first_s(len(first.split()) * SPEECH_PER_TOKEN_S)
    if scene.answer.changes:
        return max(commit_s, asr_s) + answer_s + voice_s
    return max(commit_s, asr_s + answer_s + voice_s)


def _answer(profile: Profile, scene: Scene, saying: Saying) -> tuple[float, str]:
    """Seconds until there is something to speak, and what that is."""
    text = scene.answer.text
    first = pieces[0] if (pieces := _first_pieces(text)) else text
    if scene.answer.by == "intent" or profile.llm is None:
        return profile.intent_s, first
    llm = profile.llm
    before_s = profile.intent_s + llm.first_s + len(saying.text.split()) / llm.prefill_per_s
    if scene.answer.by == "tool":
        return before_s + llm.tool_tokens / llm.decode_per_s, first
    return before_s + len(first.split()) / llm.decode_per_s, first


def _first_pieces(text: str) -> list[str]:
    splitter = Splitter("en", first_clause=True)
    return splitter.feed(text) + splitter.finish()
