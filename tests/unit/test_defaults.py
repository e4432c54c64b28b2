"""config/assistant.yaml and docs/engines.md are made from the code and must not drift from it."""

import dataclasses

import pytest
import yaml

from wyoming_servers import services
from wyoming_servers.commands import engine_reference
from wyoming_servers.shared import defaults, paths, settings
from wyoming_servers.shared.engine_service import engine_options


def rendered() -> str:
    return defaults.render({kind: services.engines(kind) for kind in services.ENGINES})


def test_the_shipped_file_is_what_the_code_says() -> None:
    assert (paths.content("config") / settings.FILE_NAME).read_text() == rendered(), "run: earshot config defaults > config/assistant.yaml"


def test_the_page_of_engines_is_what_the_code_says() -> None:
    page = paths.content("docs") / "engines.md"
    made = engine_reference.render({kind: services.engines(kind) for kind in services.ENGINES})
    assert page.read_text() == made, "run: earshot engines --markdown > docs/engines.md"


@pytest.mark.parametrize("kind", services.ENGINES)
def test_every_option_of_every_engine_has_an_explanation(kind: str) -> None:
    options = [(spec.name, field) for spec in services.engines(kind) for field in dataclasses.fields(spec.load_class().Options)]
    assert [f"{name}.{field.name}" for name, field in options if not field.metadata.get("doc")] == []


def test_the_shipped_settings_are_the_defaults() -> None:
    values = yaml.safe_load(rendered())
    for kind in services.ENGINES:
        del values[kind]["engines"]
    assert settings.validate(values) == settings.validate({})


def test_the_shipped_options_of_engines_are_the_defaults() -> None:
    shipped = settings.validate(yaml.safe_load(rendered()))
    for kind in services.ENGINES:
        for spec in services.engines(kind):
            assert engine_options(kind, getattr(shipped, kind), spec) == spec.load_class().Options()


def test_every_field_has_an_explanation() -> None:
    def without(cls: type) -> list[str]:
        fields = dataclasses.fields(cls)
        nested = [name for field in fields if dataclasses.is_dataclass(field.default) for name in without(type(field.default))]
        return nested + [f"{cls.__name__}.{field.name}" for field in fields if not field.metadata.get("doc")]

    assert without(settings.Settings) == []
