"""The microphone and the loudspeaker that the settings name."""

from pathlib import Path

from .microphones import FileMicrophone, Microphone, SoundCardMicrophone, StandardInputMicrophone
from .soundcard import PortAudio, SoundCardSpeaker
from .speakers import FileSpeaker, NullSpeaker, Speaker


def open_microphone(name: str, portaudio: PortAudio) -> Microphone:
    """The microphone for a setting: a device's name or number, FILE.wav, `-`, or empty for the system's default.

    Raises: InvalidRequestError. Whether a sound card works is only found out by its frames.
    """
    if name == "-":
        return StandardInputMicrophone()
    if name.lower().endswith(".wav"):
        return FileMicrophone(Path(name).expanduser())
    return SoundCardMicrophone(name, portaudio)


def open_speaker(name: str, portaudio: PortAudio) -> Speaker:
    """The speaker for a setting: a device's name or number, FILE.wav, `null`, or empty for the system's default.

    Raises: InvalidRequestError. Whether a sound card works is only found out by opening it.
    """
    if name == "null":
        return NullSpeaker()
    if name.lower().endswith(".wav"):
        return FileSpeaker(Path(name).expanduser())
    return SoundCardSpeaker(name, portaudio)
