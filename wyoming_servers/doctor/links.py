"""Other people's servers that Earshot stands on: the language model's, and Home Assistant."""

import time

from ..llm import ENGINES
from ..shared.engines import find
from ..shared.errors import AssistantError, HouseError
from ..shared.gate import kept_inside
from ..shared.home_assistant import access
from ..shared.home_assistant_names import exposed_ids
from ..shared.home_assistant_socket import connected
from .finding import Finding, Visit, failure, note, ok, warning

_SLOW_MS = 500.0


async def llm(visit: Visit) -> list[Finding]:
    """The language model's endpoint: there, with which model, and how much it can read at once."""
    options = visit.settings.llm
    if not options.base_url:
        return [note("no language model is set up: what no sentence template fits is not answered", "llm.base_url (docs/llm.md)")]
    spec = find(ENGINES, options.engine)
    if missing := spec.missing():
        return [failure(f"the language model cannot be asked without {', '.join(missing)}", spec.install_command())]
    if reason := kept_inside(options.base_url, visit.settings.network):
        return [failure(f"the language model {reason}", "network.egress_hosts")]
    engine_class = spec.load_class()
    mend = f"start it there, or change llm.base_url; `curl {options.base_url.rstrip('/')}/models` shows what it says"
    try:
        engine_class.check(options)
        engine = engine_class(options)
        begun = time.perf_counter()
        try:
            offer = await engine.probe()
        finally:
            await engine.close()
    except AssistantError as err:
        return [failure(f"the language model at {options.base_url}: {err}", mend)]
    took_ms = (time.perf_counter() - begun) * 1000
    data = {"url": options.base_url, "model": offer.model, "models": list(offer.models), "ms": round(took_ms, 1)}
    if options.model and offer.models and options.model not in offer.models:
        have = ", ".join(offer.models[:5])
        return [failure(f"{options.base_url} does not serve {options.model}; it has {have}", f"llm.model: {offer.models[0]}", **data)]
    reads = f", reads {offer.context_tokens} tokens at once" if offer.context_tokens else ""
    said = f"{options.base_url} serves {offer.model or 'a model without a name'}{reads}; {took_ms:.0f} ms"
    if took_ms > _SLOW_MS:
        return [warning(f"{said}: slow to tell", "look at the load of its machine", **data)]
    return [ok(said, **data)]


async def home_assistant(visit: Visit) -> list[Finding]:
    """Home Assistant's address and token, where they are set."""
    try:
        place = access(visit.settings)
    except AssistantError as err:
        return [failure(str(err), "home_assistant.token_file")]
    if place is None:
        return [note("Home Assistant's devices are not controlled from here: no address is set", "home_assistant.url and token_file")]
    data = {"url": place.url}
    begun = time.perf_counter()
    try:
        async with connected(place) as link:
            exposed = exposed_ids(await link.ask("homeassistant/expose_entity/list"))
            rooms = len(await link.ask("config/area_registry/list") or ())
    except HouseError as err:
        return [failure(f"Home Assistant cannot be asked: {err}", "home_assistant.url, and token_file", **data, reason=err.reason)]
    took_ms = (time.perf_counter() - begun) * 1000
    data |= {"rooms": rooms, "exposed": len(exposed), "ms": round(took_ms, 1)}
    said = f"Home Assistant at {place.url}: {rooms} rooms, {len(exposed)} devices exposed to Assist; {took_ms:.0f} ms"
    if not exposed:
        return [warning(f"{said}: none can be controlled", "Home Assistant, Settings, Voice assistants, Expose", **data)]
    return [ok(said, **data)]
