"""The Kubernetes manifests: valid, whole, and in agreement with Earshot's command line, settings and ports. No cluster is asked."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml
from deployment import DEPLOY, OUR_IMAGE, Resource, accept, build, settings_of

from wyoming_servers.shared.settings import DEFAULT_PORTS, KINDS

FOLDER = DEPLOY / "kubernetes"
SETS = ("base", "overlays/pi-cluster", "overlays/gpu")
CLUSTERS = ("1.31", "1.34", "1.37")
CLAIM = "persistentVolumeClaim"


@pytest.fixture(params=SETS)
def resources(request) -> list[Resource]:
    return build(FOLDER / request.param)


def of(resources: list[Resource], kind: str) -> dict[str, Resource]:
    return {one["metadata"]["name"]: one for one in resources if one["kind"] == kind}


def pods(resources: list[Resource]) -> dict[str, dict[str, Any]]:
    return {name: one["spec"]["template"]["spec"] for name, one in of(resources, "Deployment").items()}


def container(resources: list[Resource], name: str) -> dict[str, Any]:
    (only,) = pods(resources)[name]["containers"]
    return only


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_every_manifest_is_valid(resources: list[Resource], cluster: str) -> None:
    for one in resources:
        kubernetes_validate.validate(one, cluster, strict=True)


def test_the_schemas_would_tell_of_a_wrong_key() -> None:
    (deployment, *_) = of(build(FOLDER / "base"), "Deployment").values()
    deployment["spec"]["template"]["spec"]["nodeSelctor"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, CLUSTERS[-1], strict=True)


@pytest.mark.skipif(not shutil.which("kubectl"), reason="needs kubectl (its kustomize asks no cluster)")
@pytest.mark.parametrize("name", SETS)
def test_kustomize_makes_the_same_of_them(name: str) -> None:
    made = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER / name)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=os.environ | {"KUBECONFIG": os.devnull},
    ).stdout

    def by_name(found: list[Resource]) -> dict[tuple[str, str], Resource]:
        return {(one["kind"], one["metadata"]["name"]): one for one in found}

    assert by_name(list(yaml.safe_load_all(made))) == by_name(build(FOLDER / name))


@pytest.mark.parametrize("name", SETS)
def test_no_file_is_left_out(name: str) -> None:
    wanted = yaml.safe_load((FOLDER / name / "kustomization.yaml").read_text())
    named = {*wanted["resources"], *(patch["path"] for patch in wanted.get("patches", []))}
    assert {path.name for path in (FOLDER / name).iterdir()} - {"kustomization.yaml"} == {each for each in named if ".." not in each}


def test_every_part_has_a_deployment_and_a_service_on_its_port(resources: list[Resource]) -> None:
    ports = {kind: of(resources, "Service")[kind]["spec"]["ports"][0]["port"] for kind in KINDS}
    listening = {kind: container(resources, kind)["ports"][0]["containerPort"] for kind in KINDS}
    assert ports == listening == {kind: DEFAULT_PORTS[kind] for kind in KINDS}


def test_every_selector_finds_the_pods_of_one_deployment(resources: list[Resource]) -> None:
    labels = {name: one["spec"]["template"]["metadata"]["labels"] for name, one in of(resources, "Deployment").items()}
    selectors = {("Deployment", name): one["spec"]["selector"]["matchLabels"] for name, one in of(resources, "Deployment").items()}
    selectors |= {("Service", name): one["spec"]["selector"] for name, one in of(resources, "Service").items()}
    selectors |= {("Budget", name): one["spec"]["selector"]["matchLabels"] for name, one in of(resources, "PodDisruptionBudget").items()}
    found = {key: [name for name, has in labels.items() if wanted.items() <= has.items()] for key, wanted in selectors.items()}
    assert found == {key: [key[1]] for key in selectors}


def test_services_lead_to_ports_that_the_containers_name(resources: list[Resource]) -> None:
    for name, service in of(resources, "Service").items():
        named = {port["name"] for port in container(resources, name)["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= named


def test_volumes_and_what_they_come_from_exist(resources: list[Resource]) -> None:
    claims, maps = of(resources, "PersistentVolumeClaim"), of(resources, "ConfigMap")
    for name, pod in pods(resources).items():
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        assert {mount["name"] for mount in container(resources, name)["volumeMounts"]} == set(volumes)
        assert {volume[CLAIM]["claimName"] for volume in volumes.values() if CLAIM in volume} <= set(claims)
        assert {volume["configMap"]["name"] for volume in volumes.values() if "configMap" in volume} <= set(maps)
    bound = {claim["spec"]["volumeName"] for claim in claims.values() if "volumeName" in claim["spec"]}
    assert bound == set(of(resources, "PersistentVolume"))


def test_our_command_line_takes_arguments_and_probes(resources: list[Resource]) -> None:
    for kind in KINDS:
        one = container(resources, kind)
        accept(one["args"])
        for probe in ("readinessProbe", "livenessProbe"):
            program, *words = one[probe]["exec"]["command"]
            accept(words)
            assert (program, words[:2]) == ("earshot", ["check", kind])


def test_probes_give_the_check_longer_than_it_waits_itself(resources: list[Resource]) -> None:
    for kind in KINDS:
        for probe in ("readinessProbe", "livenessProbe"):
            given = container(resources, kind)[probe]
            command = given["exec"]["command"]
            assert given["timeoutSeconds"] > float(command[command.index("--timeout") + 1])


def test_the_settings_are_right_and_name_what_the_pods_mount(resources: list[Resource]) -> None:
    given = settings_of(yaml.safe_load(of(resources, "ConfigMap")["earshot-settings"]["data"]["assistant.yaml"]))
    mounted = {mount["mountPath"] for kind in ("asr", "tts", "wake") for mount in container(resources, kind)["volumeMounts"]}
    assert set(given.models.shared) <= mounted and given.models.offline and not given.network.zeroconf


def test_the_language_model_is_where_the_settings_say(resources: list[Resource]) -> None:
    given = settings_of(yaml.safe_load(of(resources, "ConfigMap")["earshot-settings"]["data"]["assistant.yaml"]))
    if given.llm.base_url:
        address = urlsplit(given.llm.base_url)
        assert of(resources, "Service")[address.hostname]["spec"]["ports"][0]["port"] == address.port


def test_images_are_ours_of_this_version_or_pinned(resources: list[Resource]) -> None:
    for name in pods(resources):
        image = container(resources, name)["image"]
        ours = image in (OUR_IMAGE, f"{OUR_IMAGE}-gpu")
        assert ours if name in KINDS else any(digit.isdigit() for digit in image.rpartition(":")[2])


def test_state_is_with_one_handle_and_nothing_else_keeps_any(resources: list[Resource]) -> None:
    handle = of(resources, "Deployment")["handle"]["spec"]
    assert (handle["replicas"], handle["strategy"]) == (1, {"type": "Recreate"})
    for name, pod in pods(resources).items():
        writable = [volume for volume in pod["volumes"] if CLAIM in volume and not volume[CLAIM].get("readOnly")]
        assert bool(writable) == (name == "handle")


def test_pods_may_do_little(resources: list[Resource]) -> None:
    for name, pod in pods(resources).items():
        own = container(resources, name)["securityContext"]
        assert pod["securityContext"]["runAsNonRoot"] and own["readOnlyRootFilesystem"] and own["capabilities"] == {"drop": ["ALL"]}
        assert not own["allowPrivilegeEscalation"] and not pod["automountServiceAccountToken"] and not pod.get("hostNetwork")


def test_every_container_says_what_memory_it_needs(resources: list[Resource]) -> None:
    for name in pods(resources):
        given = container(resources, name)["resources"]
        assert "memory" in given["requests"] and "memory" in given["limits"]


def test_four_pis_share_the_work() -> None:
    found = pods(build(FOLDER / "overlays/pi-cluster"))
    roles = {name: pod["nodeSelector"]["earshot/role"] for name, pod in found.items()}
    assert roles == {"wake": "ears", "asr": "ears", "llama": "mind", "tts": "voice", "handle": "control"}


def test_llama_reads_its_model_whole_and_keeps_one_conversation() -> None:
    words = " ".join(container(build(FOLDER / "overlays/pi-cluster"), "llama")["args"])
    assert all(option in words for option in ("--no-mmap", "-np 1", "-fa on", "--jinja"))


def test_a_patch_of_nothing_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("namespace: x\nresources: [one.yaml]\npatches: [{path: patch.yaml}]\n")
    (tmp_path / "one.yaml").write_text("kind: Service\nmetadata: {name: one}\n")
    (tmp_path / "patch.yaml").write_text("kind: Service\nmetadata: {name: two}\n")
    with pytest.raises(LookupError):
        build(tmp_path)
