"""What a satellite says when a server does not answer: known beforehand, so that the voice can have it ready."""

APOLOGIES = {
    "asr": "Sorry, I can't hear you right now: the speech recogniser does not answer.",
    "handle": "Sorry, I can't answer right now: the intent server does not answer.",
    "home_assistant": "Sorry, Home Assistant does not answer right now.",
    "answer": "Sorry, the rest of the answer did not come.",
}
"""By the stage of a turn that failed; `answer` when some of it was there."""
