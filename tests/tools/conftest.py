"""What several tools' tests stand on: a house with a satellite in its hall and a clock that the test moves, and a camera with a model."""

import pytest
from fake_camera import BRIGHT, CameraServer, VisionServer, film
from handle_house import MovedClock, linked, running
from web_services import serving


@pytest.fixture
def clock():
    return MovedClock()


@pytest.fixture
async def uri(tmp_path, clock):
    async with running(tmp_path, clock) as address, linked(address, "hall"):
        yield address


@pytest.fixture
def model():
    with serving(VisionServer()) as server:
        yield server


@pytest.fixture
def camera():
    with serving(CameraServer()) as server:
        yield server


@pytest.fixture(scope="module")
def webcam(tmp_path_factory):
    """A film in place of a webcam."""
    return film(tmp_path_factory.mktemp("camera") / "webcam.mp4", [BRIGHT] * 3)
