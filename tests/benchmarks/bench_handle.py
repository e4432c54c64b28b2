"""How long the intent server takes for a sentence in a house of 200 names."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from figures import Figure
from running import free_port, rss_mb
from wyoming.asr import Transcript
from wyoming.client import AsyncClient
from wyoming.event import Event, Eventable
from wyoming.intent import Recognize

_ROOMS = ("Kitchen", "Bedroom", "Living Room", "Office", "Hall", "Garage", "Attic", "Cellar", "Porch", "Garden")
_THINGS = {
    "light": ("Lamp", "Spot", "Light Strip", "Ceiling Light", "Reading Light"),
    "switch": ("Plug", "Kettle", "Pump", "Heater", "Amplifier"),
    "cover": ("Blinds", "Curtain", "Shutter"),
    "media_player": ("Television", "Speaker", "Radio"),
    "lock": ("Door", "Window"),
    "sensor": ("Thermometer", "Hygrometer"),
}
_SENTENCES = (
    "set a timer for five minutes",
    "set a timer for an hour and a half",
    "set a timer for 1 hour 5 minutes and 10 seconds",
    "set a pizza timer for 10 minutes",
    "how much time is left on the pizza timer",
    "what timers do I have",
    "add two minutes to the pizza timer",
    "cancel the pizza timer",
    "cancel all timers",
    "what time is it",
    "what day is tomorrow",
    "turn on the kitchen reading light",
    "turn off the lights in the living room",
    "is the garage door open",
    "what's the weather in Paris",
    "stop",
    "repeat that",
    "tell me a joke about the kitchen lamp",
    "I would like to know whether it makes any sense to wait for the bus in this weather",
)
_OTHER_LANGUAGES = {
    "de": (
        "stelle einen Timer auf fünf Minuten",
        "wie spät ist es in Tokio",
        "schalte Kitchen Reading Light ein",
        "ist Garage Door offen",
        "wie ist das Wetter in Paris",
        "erzähl mir einen Witz über die Lampe in der Küche",
        "ich würde gerne wissen ob es Sinn ergibt bei diesem Wetter auf den Bus zu warten",
    ),
    "fr": (
        "mets un minuteur de cinq minutes",
        "quelle heure est-il à Tokyo",
        "allume la Kitchen Reading Light",
        "quel temps fait-il à Paris",
        "raconte-moi une blague sur la lampe de la cuisine",
        "j'aimerais savoir s'il est raisonnable d'attendre le bus par ce temps",
    ),
    "es": (
        "pon un temporizador de cinco minutos",
        "qué hora es en Tokio",
        "enciende la Kitchen Reading Light",
        "cuéntame un chiste sobre la lámpara de la cocina",
        "me gustaría saber si tiene sentido esperar el autobús con este tiempo",
    ),
    "it": (
        "imposta un timer di cinque minuti",
        "che ore sono a Tokyo",
        "accendi Kitchen Reading Light",
        "raccontami una barzelletta sulla lampada della cucina",
        "vorrei sapere se ha senso aspettare l'autobus con questo tempo",
    ),
    "nl": (
        "zet een timer voor vijf minuten",
        "hoe laat is het in Tokio",
        "zet de Kitchen Reading Light aan",
        "vertel een mop over de lamp in de keuken",
        "ik zou graag willen weten of het zin heeft om met dit weer op de bus te wachten",
    ),
}
_ROUNDS = 15
_START_S = 15.0


def measure() -> list[Figure]:
    """Asks a server in a process of its own, one sentence per connection as Home Assistant does it."""
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    async with _served() as (uri, pid):
        rounds = [sentence for _ in range(_ROUNDS) for sentence in _SENTENCES]
        for sentence in _SENTENCES:
            await _ask(uri, Transcript(text=sentence))
        understood, _ = zip(*[await _ask(uri, Recognize(text=sentence)) for sentence in rounds], strict=True)
        answered, whole = zip(*[await _ask(uri, Transcript(text=sentence)) for sentence in rounds], strict=True)
        figures = [
            Figure("sentence to intent, inside the server", "ms", understood, 10.0, nearly_all=True),
            Figure("sentence to answer, timers written to disk", "ms", answered, 10.0),
            Figure("connect to answer", "ms", whole),
            Figure("words so far to what may follow, over the wire", "ms", await _judged(uri), 10.0, nearly_all=True),
            Figure("memory with one language", "MB", [rss_mb(pid)], 60.0),
        ]
        for language, sentences in _OTHER_LANGUAGES.items():
            figures += await _in_language(uri, language, sentences)
        return [*figures, Figure("memory with three languages", "MB", [rss_mb(pid)])]


async def _judged(uri: str) -> list[float]:
    """Milliseconds, for every beginning of every sentence; the first time that it is heard counts as well."""
    spent = []
    for sentence in _SENTENCES:
        words = sentence.split()
        async with AsyncClient.from_uri(uri) as client:
            for count in range(1, len(words) + 1):
                begun = time.perf_counter()
                await client.write_event(Event("earshot-provisional", {"text": " ".join(words[:count])}))
                while (event := await client.read_event()) is not None and event.type != "earshot-prospect":
                    pass
                spent.append((time.perf_counter() - begun) * 1000)
    return spent


async def _in_language(uri: str, language: str, sentences: Sequence[str]) -> list[Figure]:
    """The first sentence of a language has it loaded."""
    requests = [Recognize(text=sentence, context={"language": language}) for sentence in sentences]
    first, _ = await _ask(uri, requests[0])
    for request in requests:
        await _ask(uri, request)
    understood = [(await _ask(uri, request))[0] for _ in range(_ROUNDS) for request in requests]
    return [
        Figure(f"{language}: first sentence, which loads the language", "ms", [first]),
        Figure(f"{language}: sentence to intent", "ms", understood, 10.0, nearly_all=True),
    ]


async def _ask(uri: str, request: Eventable) -> tuple[float, float]:
    """(milliseconds by the server's account, milliseconds from connecting to the answer)."""
    begun = time.perf_counter()
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(request.event())
        while (event := await client.read_event()) is not None:
            if event.type in ("handled", "not-handled", "intent", "not-recognized"):
                return event.data["context"]["earshot"]["ms"], (time.perf_counter() - begun) * 1000
    raise RuntimeError(f"no answer to {request}")


@asynccontextmanager
async def _served() -> AsyncIterator[tuple[str, int]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "assistant.yaml"
        devices = [
            {"name": f"{room} {thing}", "domain": domain, "area": room}
            for room in _ROOMS
            for domain, things in _THINGS.items()
            for thing in things
        ]
        house = {"areas": [{"name": room} for room in _ROOMS], "devices": devices, "places": ["Paris"]}
        file.write_text(json.dumps({"house": house, "handle": {"database": str(Path(folder) / "timers.db")}}))
        uri = f"tcp://127.0.0.1:{free_port()}"
        command = [sys.executable, "-m", "wyoming_servers", "serve", "handle", "--uri", uri, "--no-zeroconf", "--config", str(file)]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            async with asyncio.timeout(_START_S):
                while not await _up(uri):
                    await asyncio.sleep(0.05)
            yield uri, process.pid
        finally:
            process.terminate()
            process.wait(timeout=10)


async def _up(uri: str) -> bool:
    with suppress(OSError):
        async with AsyncClient.from_uri(uri) as client:
            await client.write_event(Event("describe"))
            return await client.read_event() is not None
    return False
