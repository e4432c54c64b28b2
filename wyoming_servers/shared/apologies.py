"""What a satellite says when a server does not answer: known beforehand, so that the voice can have it ready."""

APOLOGIES = {
    "asr": "Sorry, I can't hear you right now: the speech recogniser does not answer.",
    "handle": "Sorry, I can't answer right now: the intent server does not answer.",
}
"""By the stage of a turn that failed."""
