"""How long a user of Home Assistant waits for us. The figures are printed; the bounds leave room for a busy machine."""

import statistics

import pytest
from assist import speak_to
from household import House
from speech import speak

pytestmark = pytest.mark.home_assistant

MINUTES = {
    "its own voice detector": ("five", "six", "seven", "eight", "nine"),
    "our end of speech": ("ten", "twelve", "fifteen", "twenty", "thirty"),
}
"""Both keep what was spoken once: every turn has another answer."""
LONGEST_S = {"its own voice detector": 3.0, "our end of speech": 1.8}


async def test_an_answer_comes_soon_after_the_end_of_speech(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    async with house.core.client() as client:
        version = (await client.get("api/config"))["version"]
        for who, pipeline in zip(MINUTES, (house.pipeline, house.eager_pipeline), strict=True):
            runs = [await speak_to(client, pipeline, speak(f"set a timer for {minutes} minutes")) for minutes in MINUTES[who]]
            waited = [run.first_byte_at - run.spoken_at for run in runs]
            transcript, text = (statistics.median(run.at(kind) for run in runs) for kind in ("stt-end", "tts-end"))
            lines += [
                f"Home Assistant {version}, {who}: from the end of speech to the transcript {_ms(transcript)}, to the answer's text",
                f"{_ms(text)}, to its first byte of sound {_ms(statistics.median(waited))} ({_ms(min(waited))} to {_ms(max(waited))})",
            ]
            assert statistics.median(waited) < LONGEST_S[who if await client.ends_turns() else "its own voice detector"]
    with capsys.disabled():
        print("\n" + "\n".join(lines))


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
