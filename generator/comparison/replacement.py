"""Replacement: which changes of a resource make CloudFormation put a new one in its place, and whose loss matters.

Source: the CloudFormation provider schemas that cfn-lint carries (https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/
resource-type-schema.html: createOnlyProperties, conditionalCreateOnlyProperties, primaryIdentifier).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any, Final, Literal

from claimstack.generator.emitted import ABSENT, Json

STATEFUL: Final = frozenset(
    {
        "AWS::Cognito::UserPool",
        "AWS::DynamoDB::Table",
        "AWS::ECR::Repository",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::SecretsManager::Secret",
        # Others hold what a replacement would change: client ids and secrets, scopes, the token URL, confirmed subscriptions, DNS targets.
        "AWS::ApiGateway::DomainName",
        "AWS::ApiGatewayV2::DomainName",
        "AWS::Cognito::UserPoolClient",
        "AWS::Cognito::UserPoolDomain",
        "AWS::Cognito::UserPoolResourceServer",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
    }
)
RETAINED: Final = ("Retain", "RetainExceptOnCreate")
NAMED_BY_CONTENT: Final = frozenset({"AWS::ApiGateway::Deployment"})
"""A deployment is immutable: a new logical id is how a changed API reaches its stage."""
MISSING_JUDGE: Final = "replacement not judged: install claimstack[lint]"

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """What the provider schema of a type says of replacement."""

    create_only: Mapping[Path, Literal["always", "conditionally"]]
    """Property paths, of one and another below it the shorter; `*` stands for every item of a list."""
    identifier: tuple[Path, ...]
    """Properties that name the resource."""


def can_judge() -> bool:
    """Whether cfn-lint, which carries the provider schemas, is installed."""
    return find_spec("cfnlint") is not None


@cache
def schema_of(resource_type: str, region: str) -> Schema | None:
    """None for a type that has no provider schema, such as a custom resource."""
    from cfnlint.schema import ResourceNotFoundError
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, resource_type).schema
    except ResourceNotFoundError:
        return None
    found: dict[Path, Literal["always", "conditionally"]] = dict.fromkeys(
        _paths(schema.get("conditionalCreateOnlyProperties")), "conditionally"
    )
    found |= dict.fromkeys(_paths(schema.get("createOnlyProperties")), "always")
    shortest = {path: when for path, when in found.items() if not any(path[:length] in found for length in range(1, len(path)))}
    return Schema(dict(sorted(shortest.items())), tuple(_paths(schema.get("primaryIdentifier"))))


def _paths(pointers: Any) -> Iterator[Path]:
    yield from (tuple(pointer.split("/")[2:]) for pointer in pointers or ())


def changed_create_only(old: Json, new: Json, region: str) -> dict[str, Literal["always", "conditionally"]]:
    """Create-only properties of a resource whose value differs between two templates."""
    schema = schema_of(old["Type"], region)
    before, after = old.get("Properties", {}), new.get("Properties", {})
    return {
        ".".join(path): when
        for path, when in (schema.create_only.items() if schema is not None else ())
        if list(values_at(before, path)) != list(values_at(after, path))
    }


def keeps_own_name(old: Json, new: Json, region: str) -> bool:
    """Whether a resource has a name of its own that both templates give alike: CloudFormation then refuses to replace it
    (AWS CloudFormation User Guide, "Name type")."""
    schema = schema_of(old["Type"], region)
    if schema is None or len(schema.identifier) != 1:
        return False
    names = [list(values_at(body.get("Properties", {}), schema.identifier[0])) for body in (old, new)]
    return names[0] == names[1] and all(value is not ABSENT for value in names[0])


def values_at(value: Json, path: Path) -> Iterator[Json]:
    """The values at a path, ABSENT where nothing stands; `*` leads to every item of a list."""
    if not path:
        yield value
    elif path[0] == "*":
        for item in value if isinstance(value, list) else ():
            yield from values_at(item, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from values_at(value[path[0]], path[1:])
    else:
        yield ABSENT


def is_stateful(resource: Mapping[str, Any]) -> bool:
    """Of a type that stores something or that others rely on, or retained by its own declaration."""
    return resource["Type"] in STATEFUL or resource.get("DeletionPolicy") in RETAINED


def after_deletion(resource: Mapping[str, Any], attribute: Literal["DeletionPolicy", "UpdateReplacePolicy"]) -> str:
    """What becomes of a resource that the template gives up, or that is replaced
    (AWS CloudFormation User Guide, "DeletionPolicy attribute" and "UpdateReplacePolicy attribute")."""
    policy = resource.get(attribute, "Delete")
    if policy in RETAINED:
        return "the old one stays in the account, outside the stack; what it holds does not move along"
    if policy == "Snapshot":
        return "the old one is deleted after a snapshot"
    return "the old one is deleted, with what it holds"
