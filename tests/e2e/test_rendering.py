"""Rendering: what is deployed differs from what is shipped where the table says so, nowhere else, and never without need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from claimstack.generator.config import Config
from claimstack.generator.loading import load_config

from .client import consumer
from .deployment import Deployment, deploy, system_templates
from .emulator import Emulator, running_emulator
from .rendering import SUBSTITUTIONS, Template, changed_places, render_for_emulator

pytestmark = pytest.mark.e2e

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = [substitution.name for substitution in SUBSTITUTIONS]

System = tuple[Config, Mapping[str, Template]]


@pytest.fixture(scope="module")
def systems() -> list[System]:
    configs = [load_config(EXAMPLES / f"{name}.toml") for name in ("commercial", "govcloud")]
    return [(config, system_templates(config)) for config in configs]


def changes(templates: Mapping[str, Template], rendered: Mapping[str, Template]) -> Iterator[str]:
    for stack, template in templates.items():
        yield from changed_places(stack, template, rendered[stack])


def changes_by(name: str, templates: Mapping[str, Template]) -> list[str]:
    (substitution,) = [substitution for substitution in SUBSTITUTIONS if substitution.name == name]
    rendered = {stack: render_for_emulator(template, leave_out=name) for stack, template in templates.items()}
    fully = {stack: render_for_emulator(template) for stack, template in templates.items()}
    assert substitution.reason
    return list(changes(rendered, fully))


def test_the_commercial_system_is_changed_at_these_places_only(systems: list[System]) -> None:
    _, templates = systems[0]
    rendered = {stack: render_for_emulator(template) for stack, template in templates.items()}
    assert sorted(changes(templates, rendered)) == [
        "cloudformation/server.json#/Outputs/Issuer/Value",
        "cloudformation/server.json#/Resources/EndpointIngress",
        "cloudformation/server.json#/Resources/Function/Properties/Code",
        "cloudformation/server.json#/Resources/Function/Properties/Environment/Variables/AWS_ENDPOINT_URL_SECRETS_MANAGER",
        "cloudformation/server.json#/Resources/Function/Properties/Environment/Variables/CLAIMSTACK_ISSUER",
        "cloudformation/server.json#/Resources/Function/Properties/Handler",
        "cloudformation/server.json#/Resources/Function/Properties/PackageType",
        "cloudformation/server.json#/Resources/Function/Properties/Runtime",
        "cloudformation/server.json#/Resources/FunctionConcurrency",
        "cloudformation/server.json#/Resources/StateSecretPolicy",
        "cloudformation/server.json#/Resources/TokenAuthorizer/Properties/JwtConfiguration/Issuer",
    ]


def test_the_govcloud_system_is_changed_at_these_places_only(systems: list[System]) -> None:
    _, templates = systems[1]
    rendered = {stack: render_for_emulator(template) for stack, template in templates.items()}
    assert sorted(changes(templates, rendered)) == [
        "cloudformation/server.json#/Outputs/Issuer/Value",
        "cloudformation/server.json#/Resources/DeleteMcpMethod/Properties/Integration/Uri/Fn::Sub/0",
        "cloudformation/server.json#/Resources/Function/Properties/Code",
        "cloudformation/server.json#/Resources/Function/Properties/Environment/Variables/CLAIMSTACK_ISSUER",
        "cloudformation/server.json#/Resources/Function/Properties/Environment/Variables/CLAIMSTACK_RESPONSE_MODE",
        "cloudformation/server.json#/Resources/Function/Properties/Handler",
        "cloudformation/server.json#/Resources/Function/Properties/PackageType",
        "cloudformation/server.json#/Resources/Function/Properties/Runtime",
        "cloudformation/server.json#/Resources/FunctionConcurrency",
        "cloudformation/server.json#/Resources/GetMcpMetadataMethod/Properties/Integration/Uri/Fn::Sub/0",
        "cloudformation/server.json#/Resources/GetMcpMethod/Properties/Integration/Uri/Fn::Sub/0",
        "cloudformation/server.json#/Resources/GetMetadataMethod/Properties/Integration/Uri/Fn::Sub/0",
        "cloudformation/server.json#/Resources/PostMcpMethod/Properties/Integration/Uri/Fn::Sub/0",
        "cloudformation/server.json#/Resources/StateSecretPolicy",
        "cloudformation/server.json#/Resources/WebAclAssociation",
        "cloudformation/server.json#/Resources/WebAclLogging",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_no_substitution_is_stale(tmp_path: Path, systems: list[System], name: str) -> None:
    """Each changes a reference system, and without it an emulator of its own refuses that system, or its door does not open."""
    touched = [config for config, templates in systems if changes_by(name, templates)]
    assert touched, f"'{name}' changes nothing any more: take it out of SUBSTITUTIONS"
    with running_emulator(tmp_path) as fresh:
        needless = opens(deploy(fresh, touched[0], leave_out=name))
    assert not needless, f"the emulator does without '{name}': take it out of SUBSTITUTIONS"


def test_parameters_that_the_template_forbids_are_refused(emulator: Emulator, systems: list[System]) -> None:
    """That the emulator accepts the parameters of a deployment means something: an alias in place of a key is refused."""
    config, templates = systems[0]
    alias = {"KeyArn": "arn:aws:kms:us-east-1:111122223333:alias/shared"}
    deployed = emulator.deploy("refused", templates["registry"], alias, config.region)
    assert (deployed.status, deployed.problems[0].partition(" must ")[0]) == ("REFUSED", "Parameter 'KeyArn'")


def test_the_doors_open_with_every_substitution(commercial: Deployment, govcloud: Deployment) -> None:
    assert (opens(commercial), opens(govcloud)) == (True, True)


def opens(deployment: Deployment) -> bool:
    """Whether every stack came up, and the server lets a consumer in, keeps a session and seals a request state."""
    if not deployment.is_complete:
        return False
    desk = consumer(deployment, "analyst-desk")
    started = desk.initialize()
    asked = desk.call_modern("ask_modern")
    return (started.status, asked.status, "mcp-session-id" in started.headers, "requestState" in asked.body) == (200, 200, True, True)
