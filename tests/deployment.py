"""What tests of deployment files share: our command line and settings as judges, and kustomize's part of building a set of manifests."""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

import wyoming_servers
from wyoming_servers import cli
from wyoming_servers.shared import settings
from wyoming_servers.shared.settings import Settings, Source

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "config" / "deploy"
VERSION = wyoming_servers.__version__
OUR_IMAGE = f"earshot:{VERSION}"
_CLUSTER_WIDE = ("Namespace", "PersistentVolume")

Resource = dict[str, Any]


def accept(words: list[str]) -> None:
    """Has our real parser read what follows `earshot`; it exits when something is wrong."""
    cli._parser(words).parse_args(words)


def settings_of(values: Mapping[str, Any]) -> Settings:
    """Checks them as an owner's file would be."""
    return settings.load(environment={}, overrides=[Source("deployment", values)])


def build(folder: Path) -> list[Resource]:
    """The resources of a kustomization: bases first, its namespace on each, strategic merge patches applied.

    Raises: LookupError for a patch without a resource; ValueError for a key that this does not know.
    """
    wanted = yaml.safe_load((folder / "kustomization.yaml").read_text())
    if unknown := set(wanted) - {"apiVersion", "kind", "namespace", "resources", "patches"}:
        raise ValueError(f"{folder}: {unknown}")
    found = [copy.deepcopy(one) for name in wanted["resources"] for one in _resources(folder / name)]
    for patch in wanted.get("patches", []):
        for changes in _documents(folder / patch["path"]):
            targets = [one for one in found if _identity(one) == _identity(changes)]
            if len(targets) != 1:
                raise LookupError(f"{patch['path']} patches {_identity(changes)}, of which there are {len(targets)}")
            _merge(targets[0], changes)
    for one in found:
        if one["kind"] not in _CLUSTER_WIDE:
            one["metadata"]["namespace"] = wanted["namespace"]
    return found


def _resources(path: Path) -> Iterator[Resource]:
    yield from build(path) if path.is_dir() else _documents(path)


def _documents(path: Path) -> list[Resource]:
    return list(yaml.safe_load_all(path.read_text()))


def _identity(resource: Resource) -> tuple[str, str]:
    return resource["kind"], resource["metadata"]["name"]


def _merge(base: Any, changes: Any) -> None:
    """Kubernetes' strategic merge, as far as our patches go: mappings key by key, containers by name."""
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        elif key == "containers":
            for one in value:
                _merge(next(other for other in base[key] if other["name"] == one["name"]), one)
        else:
            base[key] = value
