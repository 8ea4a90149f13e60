"""REST API questions: whether what a stage serves is what the template declares."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from claimstack.generator.emitted import REMOVE, Edit, Emitted, Json, Resource, plain
from claimstack.generator.expressions import Finding, Mutant, Scope
from claimstack.generator.questions.reading import Question, as_list, extra, referenced, referenced_resource

DEFINITION_TYPES: Final = (
    "AWS::ApiGateway::Authorizer",
    "AWS::ApiGateway::GatewayResponse",
    "AWS::ApiGateway::Method",
    "AWS::ApiGateway::Model",
    "AWS::ApiGateway::RequestValidator",
    "AWS::ApiGateway::Resource",
)
"""What a deployment takes a copy of; a change of any of them reaches callers with the next deployment only."""
DEPLOYED_BEFORE: Final = ("AWS::ApiGateway::GatewayResponse", "AWS::ApiGateway::Method")
"""What no reference ties to a deployment: it has to name them in DependsOn, or it may be made before they are."""
HASH_LENGTH: Final = 12


def definition_hash(resources: Mapping[str, Json], api: str) -> str:
    """Hash of the definition of an API: `resources` is the Resources of its template, `api` its logical id. Tags do not count."""
    definition = {
        logical_id: {"Type": body["Type"], "Properties": {key: value for key, value in body.get("Properties", {}).items() if key != "Tags"}}
        for logical_id, body in plain(resources).items()
        if logical_id == api or (body["Type"] in DEFINITION_TYPES and referenced(body.get("Properties", {}).get("RestApiId")) == api)
    }
    return hashlib.sha256(json.dumps(definition, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:HASH_LENGTH]


@dataclass(frozen=True, slots=True)
class DeploymentIsCurrent(Question):
    """A deployment is immutable: a method that is edited while the deployment keeps its logical id never reaches the stage."""

    kind: ClassVar[str] = "question.deployment-is-current"

    def sentence(self) -> str:
        return "every REST stage serves a deployment that is made after, and named by the content of, the API definition of its template"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        stages = list(emitted.resources("AWS::ApiGateway::Stage"))
        if not stages:
            yield self.nothing(scope, "no REST stage")
        for stage in stages:
            place = stage.property_place("DeploymentId")
            deployment = _deployment(emitted, stage)
            if deployment is None:
                yield self.found(stage.place, stage.properties.get("DeploymentId"), outcome=False)
                continue
            resources = emitted.stacks[stage.stack]["Resources"]
            api = referenced(deployment.properties.get("RestApiId")) or ""
            same = api == referenced(stage.properties.get("RestApiId"))
            expected = definition_hash(resources, api)
            yield self.found(
                place, f"{deployment.logical_id}, the definition has {expected}", same and deployment.logical_id.endswith(expected)
            )
            missing = sorted(_parts(resources, api) - set(as_list(deployment.body.get("DependsOn", []))))
            yield self.found(deployment.place, f"made before {', '.join(missing)}" if missing else "made after all of them", not missing)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for stage in emitted.resources("AWS::ApiGateway::Stage"):
            deployment = _deployment(emitted, stage)
            if deployment is not None:
                yield Mutant("keep the deployment of an older definition", (Edit(stage.property_place("DeploymentId"), "a1b2c3"),))
                yield Mutant("remove the deployment", (Edit(deployment.place, REMOVE),))
                yield Mutant("make the deployment before the methods", (Edit(deployment.place.below("DependsOn"), REMOVE),))
        for method in emitted.resources("AWS::ApiGateway::Method"):
            edit = Edit(method.property_place("OperationName"), "edited")
            yield Mutant(f"{method.logical_id}: edit without a new deployment", (edit,))
        yield extra(scope, "AWS::ApiGateway::Stage", {"StageName": "older", "DeploymentId": "a1b2c3"}, "add a stage of an older definition")


def _deployment(emitted: Emitted, stage: Resource) -> Resource | None:
    return referenced_resource(emitted, stage.stack, stage.properties.get("DeploymentId"), "AWS::ApiGateway::Deployment")


def _parts(resources: Mapping[str, Json], api: str) -> set[str]:
    return {
        logical_id
        for logical_id, body in resources.items()
        if body.get("Type") in DEPLOYED_BEFORE and referenced(body.get("Properties", {}).get("RestApiId")) == api
    }
