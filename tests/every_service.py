"""An intent server process with every tool, and everything its tools may ask, on the loopback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import yaml
from fake_camera import CameraServer, VisionServer
from open_meteo import PARIS, SEARCH, addresses, open_meteo
from running import Running, free_port
from web_services import Asked, WebService, serving

SEEN = {
    "en": "I see a cat on a chair.",
    "de": "Ich sehe eine Katze auf einem Stuhl.",
    "fr": "Je vois un chat sur une chaise.",
    "es": "Veo un gato en una silla.",
    "it": "Vedo un gatto su una sedia.",
    "nl": "Ik zie een kat op een stoel.",
}
ARTICLE = {
    "en": "{title} is a thing that is known in the whole world.",
    "de": "{title} ist eine Sache, die in der ganzen Welt bekannt ist.",
    "fr": "{title} est une chose qui est connue dans le monde entier.",
    "es": "{title} es una cosa que se conoce en todo el mundo.",
    "it": "{title} è una cosa che si conosce in tutto il mondo.",
    "nl": "{title} is een ding dat in de hele wereld bekend is.",
}


class Encyclopaedia(WebService):
    """Wikipedia in every language, with an article about everything."""

    def _reply(self, asked: Asked):
        language, _, rest = asked.path.strip("/").partition("/")
        if "search" in rest:
            title = asked.query["q"]
            self.reply(asked.path, {"pages": [{"id": 1, "key": title.replace(" ", "_"), "title": title, "description": ""}]})
        else:
            title = rest.rpartition("/")[2].replace("_", " ")
            extract = ARTICLE[language].format(title=title)
            self.reply(asked.path, {"type": "standard", "title": title, "extract": extract})
        return super()._reply(asked)


def _seen(vision: VisionServer):
    """Says what is seen in the language the question is asked in."""
    describe = vision._describe

    def answer(asked: Asked):
        told = describe(asked)
        question = vision.shown[-1].question
        languages = {" English": "en", "Deutsch": "de", "français": "fr", "español": "es", "italiano": "it", "Nederlands": "nl"}
        language = next((code for name, code in languages.items() if name in question), "en")
        told["choices"][0]["message"]["content"] = SEEN[language]
        return told

    return answer


@contextmanager
def every_service(folder: Path) -> Iterator[str]:
    """The server's address. Its settings and its database are in `folder`."""
    with ExitStack() as stack:
        weather = stack.enter_context(open_meteo())
        weather.reply(SEARCH, lambda asked: {"results": [PARIS | {"id": 1, "feature_code": "PPL", "name": asked.query["name"].title()}]})
        articles = stack.enter_context(serving(Encyclopaedia()))
        camera = stack.enter_context(serving(CameraServer()))
        vision = stack.enter_context(serving(VisionServer()))
        vision.reply("/v1/chat/completions", _seen(vision))
        tools = {
            "weather": {**addresses(weather), "name": "Paris"},
            "wikipedia": {"uri": articles.uri + "/{language}"},
            "camera": {"cameras": {"door": camera.snapshot}, "base_url": vision.base_url},
        }
        handle = {"database": str(folder / "timers.db"), "intents": str(folder / "intents"), "tools": tools, "languages": len(SEEN)}
        handle["language_s"] = 30.0  # a busy machine takes longer than the usual 3 s to load a language
        file = folder / "assistant.yaml"
        file.write_text(yaml.safe_dump({"handle": handle, "network": {"egress": "deny", "zeroconf": False}}))
        uri = f"tcp://127.0.0.1:{free_port()}"
        command = [sys.executable, "-m", "wyoming_servers", "serve", "handle", "--uri", uri, "--config", str(file)]
        environment = os.environ | {"TZ": _where_it_is_eleven()}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
        server = Running(process)
        try:
            server.wait_for("handle: ready", 60)
            yield uri
        finally:
            server.stop()


def _where_it_is_eleven() -> str:
    """A zone in which "tonight at eight" is still to come."""
    return f"Etc/GMT{datetime.now(UTC).hour - 11:+d}"  # their signs are POSIX's: west of Greenwich is positive
