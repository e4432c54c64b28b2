"""The camera tool over the wire: what it sees through which camera, what the model is shown, and what is said when nothing is seen."""

import asyncio
import errno
import sys
import threading

import av
import pytest
from fake_camera import BRIGHT, DARK, ENTITY, SIZE, TOKEN, VisionServer, film, picture, stream
from fake_web import content, cut
from handle_house import MovedClock, ask, running, said, sentence
from web_services import EMPTY, NOT_JSON, TRUNCATED, WRONG_SHAPE, hang_up, status
from wire import wire

from wyoming_servers.shared import ledger

SEEN = "I see a cat."


@pytest.fixture(scope="module")
def webcam(tmp_path_factory):
    """A film in place of a webcam: five dark pictures while it finds its exposure, then bright ones."""
    return film(tmp_path_factory.mktemp("camera") / "webcam.mp4", [DARK] * 5 + [BRIGHT] * 3)


def looking(model: VisionServer, **cameras: str) -> dict:
    """The tool's options."""
    return {"camera": {"cameras": {name.replace("_", " "): where for name, where in cameras.items()}, "base_url": model.base_url}}


def more(options: dict, **values) -> dict:
    return {"camera": options["camera"] | values}


async def test_what_the_model_says_to_a_picture_of_a_webcam_is_the_answer(tmp_path, model, webcam):
    async with running(tmp_path, options=looking(model, desk=webcam)) as uri:
        assert await said(uri, "what do you see") == SEEN


async def test_the_model_is_shown_a_picture_that_fits_in_one_tile(tmp_path, model, webcam):
    async with running(tmp_path, options=looking(model, desk=webcam)) as uri:
        await ask(uri, "what do you see")
    shown = model.shown[0]
    assert (shown.width, shown.height) == (512, 288) and shown.size_bytes < 60_000


async def test_the_size_of_the_picture_can_be_set(tmp_path, model, webcam):
    async with running(tmp_path, options=more(looking(model, desk=webcam), longest_px=378)) as uri:
        await ask(uri, "what do you see")
    assert (model.shown[0].width, model.shown[0].height) == (378, 212)


async def test_a_small_picture_is_not_made_larger(tmp_path, model, camera):
    camera.reply("/snapshot.jpg", picture(size=(320, 240)))
    async with running(tmp_path, options=looking(model, desk=camera.snapshot)) as uri:
        await ask(uri, "what do you see")
    assert (model.shown[0].width, model.shown[0].height) == (320, 240)


async def test_the_dark_first_pictures_of_a_webcam_are_dropped(tmp_path, model, webcam):
    async with running(tmp_path, options=looking(model, desk=webcam)) as uri:
        await ask(uri, "what do you see")
    assert model.shown[0].luma > 100


async def test_the_request_is_as_the_settings_say(tmp_path, model, webcam):
    options = more(looking(model, desk=webcam), model="smolvlm", max_tokens=40, key="k1", extra={"top_p": 0.5})
    async with running(tmp_path, options=options) as uri:
        await ask(uri, "what do you see")
    assert model.shown[0].body == {"model": "smolvlm", "max_tokens": 40, "temperature": 0, "top_p": 0.5}
    assert model.keys == ["Bearer k1"]


async def test_the_question_is_passed_on(tmp_path, model, webcam):
    asked = {
        "what do you see": "Describe what is to be seen in this picture.",
        "look at this": "Describe what is to be seen in this picture.",
        "what's in my hand?": "What is the person holding in their hand?",
        "take a look whether the window is open": "Can you see whether the window is open?",
        "do you see my keys": "Do you see my keys?",
        "look and tell me how many plants need water": "how many plants need water",
    }
    async with running(tmp_path, options=looking(model, desk=webcam)) as uri:
        for text in asked:
            await ask(uri, text)
    assert [shown.question.partition(" Answer in English")[0] for shown in model.shown] == list(asked.values())


@pytest.mark.parametrize("body", [picture(), picture(kind="png")], ids=["jpeg", "png"])
async def test_a_snapshot_is_seen(tmp_path, model, camera, body):
    camera.reply("/snapshot.jpg", body)
    async with running(tmp_path, options=looking(model, desk=camera.snapshot)) as uri:
        assert await said(uri, "what do you see") == SEEN


@pytest.mark.parametrize("length", [True, False], ids=["with lengths", "without lengths"])
async def test_the_first_picture_of_a_stream_without_end_is_seen(tmp_path, model, camera, length):
    camera.fault(stream(picture(), length))
    async with running(tmp_path, options=looking(model, desk=camera.snapshot)) as uri:
        assert await said(uri, "what do you see") == SEEN
    assert (model.shown[0].width, len(camera.asked)) == (512, 1)


async def test_a_camera_of_home_assistant_is_asked_with_the_token_in_the_file(tmp_path, model, camera):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    options = more(looking(model, front_door=ENTITY), home_assistant=camera.uri, token_file=str(tmp_path / "token"))
    async with running(tmp_path, options=options) as uri:
        assert await said(uri, "is somebody at the door?") == SEEN


async def test_what_was_asked_is_in_the_ledger_as_local(tmp_path, model, camera):
    async with running(tmp_path, options=looking(model, desk=camera.snapshot)) as uri:
        await ask(uri, "what do you see")
    rows = ledger.read(tmp_path / ledger.FILE_NAME, 0)
    assert [(row.tool, row.method, row.local) for row in rows] == [("camera", "GET", True), ("camera", "POST", True)]


NO_PICTURE = "The camera gives no picture."
CAMERA_FAULTS = {
    "401": (status(401), "The camera won't let me in."),
    "404": (status(404), "There's no camera at the address I have."),
    "500": (status(500), NO_PICTURE),
    "garbage": (content(b"garbage" * 100, "image/jpeg"), NO_PICTURE),
    "broken": (content(picture()[:100], "image/jpeg"), NO_PICTURE),
    "playlist": (content(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", "image/jpeg"), NO_PICTURE),
    "truncated": (cut(picture(), "image/jpeg"), NO_PICTURE),
    "empty": (EMPTY, NO_PICTURE),
    "hangs up": (hang_up, NO_PICTURE),
}


async def test_a_camera_that_fails_has_a_spoken_outcome(tmp_path, model, camera):
    told = {}
    async with running(tmp_path, options=looking(model, desk=camera.snapshot)) as uri:
        for name, (fault, _) in CAMERA_FAULTS.items():
            camera.fault(*[fault] * 4)  # it is asked again
            told[name] = (await ask(uri, "what do you see")).data["text"]
            camera.well()
    assert told == {name: answer for name, (_, answer) in CAMERA_FAULTS.items()} and not model.shown


async def test_what_could_not_be_seen_is_not_handled(tmp_path, model, camera):
    camera.fault(status(404))
    async with running(tmp_path, options=looking(model, desk=camera.snapshot)) as uri:
        assert (await ask(uri, "what do you see")).type == "not-handled"


async def test_a_camera_that_is_off_is_said(tmp_path, model, camera):
    camera.stop()
    async with running(tmp_path, options=looking(model, desk=camera.snapshot)) as uri:
        assert await said(uri, "what do you see") == "I can't reach the camera."


async def test_a_slow_camera_is_said(tmp_path, model, camera):
    camera.fault(camera.stuck)
    async with running(tmp_path, options=more(looking(model, desk=camera.snapshot), camera_s=0.3)) as uri:
        assert await said(uri, "what do you see") == "The camera didn't give a picture in time."


async def test_a_driver_that_refuses_has_a_spoken_outcome(tmp_path, model, monkeypatch):
    answers = {
        errno.EBUSY: "Something else is using the camera.",
        errno.EACCES: "I'm not allowed to use the camera.",
        errno.ENODEV: "The camera isn't connected.",
        errno.EIO: NO_PICTURE,
    }
    told = {}
    async with running(tmp_path, options=looking(model, desk="/dev/video0")) as uri:
        for number in answers:
            monkeypatch.setattr(av, "open", lambda file, number=number, **_: av.error.err_check(-number, file))
            told[number] = await said(uri, "what do you see")
    assert told == answers


async def test_a_webcam_that_is_not_there_is_said(tmp_path, model):
    async with running(tmp_path, options=looking(model, desk="/dev/video97")) as uri:
        assert await said(uri, "what do you see") == "The camera isn't connected."


async def test_without_pyav_it_is_said(tmp_path, model, webcam, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    async with running(tmp_path, options=looking(model, desk=webcam)) as uri:
        assert await said(uri, "what do you see") == "I can't look: the part of me that reads pictures isn't installed."


async def test_a_driver_that_hangs_holds_up_nobody_and_is_said(tmp_path, model, monkeypatch):
    released, threads = threading.Event(), []

    def hang(file, **_):
        threads.append(threading.current_thread().name)
        released.wait(8)
        av.error.err_check(-errno.EIO, file)

    monkeypatch.setattr(av, "open", hang)
    try:
        async with running(tmp_path, options=more(looking(model, desk="/dev/video0"), camera_s=0.3)) as uri:
            assert await said(uri, "what do you see") == "The camera didn't give a picture in time."
            assert await said(uri, "what do you see") == "The camera didn't give a picture in time."
    finally:
        released.set()
    assert threads == ["camera /dev/video0"]


async def test_in_the_dark_it_is_said_and_the_model_not_asked(tmp_path, model, camera):
    camera.reply("/snapshot.jpg", picture(luma=DARK))
    async with running(tmp_path, options=looking(model, desk=camera.snapshot)) as uri:
        assert await said(uri, "what do you see") == "It's too dark to see anything."
    assert model.shown == []


FAILED = "The model that looks at pictures failed."
MODEL_FAULTS = {
    "500": (status(500), FAILED),
    "refuses pictures": (status(400), "The model I asked can't look at pictures."),
    "401": (status(401), "The model that looks at pictures won't let me in."),
    "404": (status(404), "The model that should look at pictures isn't there."),
    "not JSON": (NOT_JSON, FAILED),
    "truncated": (TRUNCATED, FAILED),
    "empty": (EMPTY, FAILED),
    "wrong shape": (WRONG_SHAPE, "The model had nothing to say about the picture."),
    "hangs up": (hang_up, FAILED),
}


async def test_a_model_that_fails_has_a_spoken_outcome(tmp_path, model, webcam):
    told = {}
    async with running(tmp_path, options=looking(model, desk=webcam)) as uri:
        for name, (fault, _) in MODEL_FAULTS.items():
            model.fault(fault)
            told[name] = (await ask(uri, "what do you see")).data["text"]
    assert told == {name: answer for name, (_, answer) in MODEL_FAULTS.items()}


async def test_a_model_that_is_gone_is_said(tmp_path, model, webcam):
    model.stop()
    async with running(tmp_path, options=looking(model, desk=webcam)) as uri:
        assert await said(uri, "what do you see") == "I can't reach the model that looks at pictures."


async def test_a_model_without_words_is_said(tmp_path, model, webcam):
    model.says = " \n<think>A cat?</think> "
    async with running(tmp_path, options=looking(model, desk=webcam)) as uri:
        assert await said(uri, "what do you see") == "The model had nothing to say about the picture."


async def test_a_slow_model_is_said(tmp_path, model, webcam):
    model.fault(model.stuck)
    async with running(tmp_path, options=more(looking(model, desk=webcam), timeout_s=0.3)) as uri:
        assert await said(uri, "what do you see") == "The model took too long with the picture."


async def test_without_a_camera_it_is_said(tmp_path):
    async with running(tmp_path) as uri:
        assert await said(uri, "what do you see") == "I have no camera. One can be named in my settings."


async def test_without_a_model_the_camera_is_not_opened(tmp_path, camera):
    async with running(tmp_path, options={"camera": {"cameras": {"desk": camera.snapshot}}}) as uri:
        assert await said(uri, "what do you see") == "I have a camera, but no model that could tell what it shows."
    assert camera.asked == []


async def test_hanging_up_ends_the_look(tmp_path, model, webcam):
    model.fault(model.stuck)
    async with running(tmp_path, MovedClock(), options=looking(model, desk=webcam)) as uri:
        async with wire(uri) as peer:
            await peer.send(sentence("what do you see"))
            await model.once_reached()
            peer.reset()
        assert await asyncio.to_thread(model.left.wait, 15)


async def test_the_picture_is_in_its_proportions(tmp_path, model, camera):
    camera.reply("/snapshot.jpg", picture(size=SIZE[::-1]))
    async with running(tmp_path, options=looking(model, desk=camera.snapshot)) as uri:
        await ask(uri, "what do you see")
    assert (model.shown[0].width, model.shown[0].height) == (288, 512)
