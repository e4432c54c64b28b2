"""How far a hypothesis of the phrases engine can be trusted: the nearest sentence is always found, also for what is none."""

import math

import numpy as np

from .phrase_decoder import Hypothesis

_SPEECH_FRAME = 3.2  # frames of 10 ms in one of the detector's
_SILENCE_AROUND = 60  # frames of it belong to every utterance
_WEIGHTS = {
    "score": 1.501,
    "worst": 0.205,
    "covered": -1.827,
    "silence": -16.63,
    "length": 0.29,
    "rhythm": -9.011,
}
_BIAS = 15.67
"""Logistic regression over 220 recorded commands (as they are, softer, louder, noisy, faster, slower), 170 synthetic ones in six
voices and 230 utterances outside the grammar, chosen in cross-validation by sentence. From 0.6 on, of what was heard rightly 99 %
of the recorded and 88 % of the synthetic commands are kept; of 199 sentences outside the grammar 5.5 % are taken for one."""


def confidence(hypothesis: Hypothesis, speech_frames: int) -> float:
    """0 (a guess) to 1 (sure). speech_frames: frames of 32 ms in which somebody spoke."""
    scores = np.array([segment.score for segment in hypothesis.segments])
    frames = np.array([segment.frames for segment in hypothesis.segments])
    phones = np.array([segment.phones for segment in hypothesis.segments])
    spoken = speech_frames * _SPEECH_FRAME
    # How far each word's length is from what its number of sounds lets expect at this speaker's speed.
    stretch = np.log((frames + 3) / (phones * frames.sum() / phones.sum() + 3))
    features = {
        "score": scores.sum() / frames.sum(),
        "worst": (scores / (frames + 10)).min(),
        "covered": frames.sum() / spoken,
        "silence": max(0, hypothesis.filler_frames - _SILENCE_AROUND) / (spoken + 20),
        "length": math.log(frames.sum()),
        "rhythm": math.sqrt((stretch**2 * phones).sum() / phones.sum()),
    }
    logit = _BIAS + sum(weight * features[name] for name, weight in _WEIGHTS.items())
    return 1 / (1 + math.exp(-min(max(logit, -30.0), 30.0)))
