"""Prints what Home Assistant wants installed for the integrations named as arguments and for those it always starts: one a line.

Runs in Home Assistant's own Python, which has nothing of ours."""

import ast
import json
import sys
from importlib.util import find_spec
from pathlib import Path


def requirements(package: Path, domains: list[str]) -> list[str]:
    """Of these integrations and of all they depend on, sorted. package: the folder of `homeassistant`."""
    waiting, seen, wanted = domains + always_started(package), set(), set()
    while waiting:
        domain = waiting.pop()
        if domain in seen:
            continue
        seen.add(domain)
        manifest = json.loads((package / "components" / domain / "manifest.json").read_text(encoding="utf-8"))
        wanted.update(manifest.get("requirements", []))
        waiting += manifest.get("dependencies", [])
    return sorted(wanted)


def always_started(package: Path) -> list[str]:
    """What a set-up without `default_config` has all the same. Read from the source: importing it needs what we are looking for."""
    from homeassistant.const import Platform

    found = [platform.value for platform in Platform]
    for node in ast.parse((package / "bootstrap.py").read_text(encoding="utf-8")).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id in ("CORE_INTEGRATIONS", "DEFAULT_INTEGRATIONS"):
            found += [item.value for item in node.value.elts if isinstance(item, ast.Constant)]
    return found


if __name__ == "__main__":
    spec = find_spec("homeassistant")
    if spec is None or spec.origin is None:
        raise SystemExit(f"{sys.executable} has no Home Assistant: pip install homeassistant")
    print("\n".join(requirements(Path(spec.origin).parent, sys.argv[1:])))
