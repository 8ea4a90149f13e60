"""Landscape: what a name in an emitted template stands for: a component of the system, a service of AWS, or something given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from claimstack.generator.build import FEEDS
from claimstack.generator.emitted import Emitted, Json, Place, Resource, asset_id
from claimstack.generator.flows.model import End
from claimstack.generator.questions.reading import as_list, text_of

HTTPS_PORT = 443
HTTPS = "HTTPS"
WITHIN_AWS = "AWS internal"
TLS_UNKNOWN = "TLS; version policy not in the template"
WITHIN_AWS_UNKNOWN = "between services of AWS; not in the template"
NOT_IN_TEMPLATE = "not in the template"

MCP_CLIENT = "outside-mcp-client"
PERSON = "outside-person"
INTERNET = "outside-internet"
IDENTITY_PROVIDER = "outside-identity-provider"
ACCOUNT = "outside-account"
OUTSIDE: Mapping[str, str] = {
    MCP_CLIENT: "MCP client",
    PERSON: "Person who signs in",
    INTERNET: "Anyone on the internet",
    IDENTITY_PROVIDER: "Identity provider of the organisation",
    ACCOUNT: "Principals of the AWS account",
}
"""Ends outside that no template declares, by id; the rules of derivation say when each is taken to be there."""

GIVEN: Mapping[str, str] = {
    "AlarmEmail": "Recipient of alarms",
    "AlarmTopicArn": "Supplied alarm topic",
    "DynamoDbPrefixListId": "DynamoDB addresses of the region",
    "EgressCidr": "Endpoints or proxy of the landing zone",
    "ImageUri": "Supplied image repository",
    "KeyArn": "Supplied encryption key",
    "LogDestinationArn": "Log archive",
    "SecurityGroupIds": "Whatever supplied security groups admit",
}
"""Template parameter → what it stands for, in few words; others are called by their name."""

SERVICES: Mapping[str, str] = {
    "any": "Any AWS service",
    "apigateway": "API Gateway",
    "cloudwatch": "CloudWatch",
    "cognito-idp": "Amazon Cognito",
    "dynamodb": "DynamoDB",
    "ec2": "Amazon EC2",
    "ecr": "Amazon ECR",
    "kms": "AWS KMS",
    "lambda": "AWS Lambda",
    "logs": "CloudWatch Logs",
    "s3": "Amazon S3",
    "secretsmanager": "Secrets Manager",
    "sns": "Amazon SNS",
    "sqs": "Amazon SQS",
    "sts": "AWS STS",
    "xray": "AWS X-Ray",
}
STORES: Mapping[str, str] = {
    "dynamodb": "AWS::DynamoDB::Table",
    "ecr": "AWS::ECR::Repository",
    "kms": "AWS::KMS::Key",
    "lambda": "AWS::Lambda::Function",
    "logs": "AWS::Logs::LogGroup",
    "s3": "AWS::S3::Bucket",
    "secretsmanager": "AWS::SecretsManager::Secret",
    "sns": "AWS::SNS::Topic",
    "sqs": "AWS::SQS::Queue",
}
"""Service prefix → the type of resource by which it is part of a system."""


@dataclass
class Landscape:
    """The templates of one system, and the ends that have been met in them."""

    emitted: Emitted
    _ends: dict[str, End] = field(default_factory=dict)

    def ends(self) -> tuple[End, ...]:
        """Components in the order of the templates, then the services of AWS, then what lies outside."""
        rank = {"component": 0, "aws-service": 1, "outside": 2}
        order = {id_: index for index, id_ in enumerate(self._components())}
        return tuple(sorted(self._ends.values(), key=lambda end: (rank[end.kind], order.get(end.id, len(order)), end.id)))

    def owner(self, resource: Resource) -> str:
        """The component of a resource, as its Metadata names it; a resource without one stands for itself."""
        component = component_of(resource)
        id_ = component or f"resource-{resource.stack}-{resource.logical_id}"
        if id_ not in self._ends:
            assets = self._components().get(component, []) if component else [asset_id(resource)]
            title = component or asset_id(resource)
            self._ends[id_] = End(id_, title, "component", component, inside=True, assets=tuple(assets))
        return id_

    def every_component(self) -> None:
        """Meet every component, also one that no flow reaches."""
        for resource in self.emitted.resources():
            self.owner(resource)

    def service(self, prefix: str) -> str:
        """A service of AWS, of which this system holds no resource that the flow could end at."""
        prefix = prefix.lower()
        slug = re.sub(r"[^a-z0-9]+", "-", prefix).strip("-") or "any"
        title = SERVICES.get(prefix, SERVICES.get(slug, prefix))
        return self._met(End(f"aws-{slug}", title, "aws-service", None, inside=False, assets=()))

    def service_of_arn(self, arn: Json) -> str:
        parts = unquoted(arn).split(":")
        return self.service(parts[2] if len(parts) > 2 else "any")

    def outside(self, id_: str) -> str:
        return self._met(End(id_, OUTSIDE[id_], "outside", None, inside=False, assets=()))

    def given(self, parameter: str) -> str:
        """What a template parameter stands for, chosen when the stack is deployed."""
        title = GIVEN.get(parameter, f"Given as {parameter}")
        return self._met(End(f"given-{parameter}", title, "outside", None, inside=False, assets=()))

    def resolve(self, stack: str, value: Json) -> str | None:
        """The end that a value names by a reference; None for literals."""
        found = self.target(stack, value)
        if isinstance(found, Resource):
            return self.owner(found)
        return self.given(found) if found is not None else None

    def target(self, stack: str, value: Json, depth: int = 0) -> Resource | str | None:
        """The resource that a value refers to, else the template parameter whose value comes from elsewhere."""
        for name in re.findall(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?\}", text_of(value) or ""):
            resource = self.emitted.resource(stack, name)
            if resource is not None:
                return resource
            if self.emitted.template_parameter(stack, name) is None:
                continue
            fed = self.fed(stack, name)
            if fed is None or depth > len(FEEDS):
                return str(name)
            return self.target(*fed, depth + 1) or str(name)
        return None

    def fed(self, stack: str, parameter: str) -> tuple[str, Json] | None:
        """(stack, value) of the output that another stack of the system gives as a template parameter."""
        for feed in FEEDS:
            if (feed.to_stack, feed.parameter) == (stack, parameter):
                output = self.emitted.stacks.get(feed.from_stack, {}).get("Outputs", {}).get(feed.output)
                if isinstance(output, dict) and "Value" in output:
                    return feed.from_stack, output["Value"]
        return None

    def stores(self, prefix: str) -> list[str]:
        """The components that hold resources of a service, each once."""
        type_ = STORES.get(prefix)
        return list(dict.fromkeys(map(self.owner, self.emitted.resources(type_)))) if type_ else []

    def users_of_group(self, stack: str, group: Json) -> list[str]:
        """The ends that carry a security group; the group's own component where nothing does."""
        wanted = self.target(stack, group)
        found: dict[str, None] = {}
        for resource, _, carried in security_groups(self.emitted):
            if wanted is not None and self.target(resource.stack, carried) == wanted:
                found[self.owner(resource)] = None
        if not found and wanted is not None:
            found[self.owner(wanted) if isinstance(wanted, Resource) else self.given(wanted)] = None
        return list(found)

    def _met(self, end: End) -> str:
        self._ends.setdefault(end.id, end)
        return end.id

    def _components(self) -> dict[str, list[str]]:
        return self.emitted.once(_assets_by_component)


def component_of(resource: Resource) -> str | None:
    metadata = resource.body.get("Metadata")
    compliance = metadata.get("Compliance") if isinstance(metadata, dict) else None
    component = compliance.get("Component") if isinstance(compliance, dict) else None
    return component if isinstance(component, str) and component else None


def _assets_by_component(emitted: Emitted) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for resource in emitted.resources():
        component = component_of(resource)
        if component is not None:
            found.setdefault(component, []).append(asset_id(resource))
    return found


def security_groups(emitted: Emitted) -> Iterator[tuple[Resource, Place, Json]]:
    """(resource, place, group) wherever a resource carries a security group."""
    for resource in emitted.resources("AWS::Lambda::Function"):
        vpc = resource.properties.get("VpcConfig")
        if isinstance(vpc, dict):
            yield from _listed(resource, ("VpcConfig", "SecurityGroupIds"), vpc.get("SecurityGroupIds", []))
    for resource in emitted.resources():
        if resource.type != "AWS::Lambda::Function" and not resource.type.startswith("AWS::EC2::SecurityGroup"):
            for key in ("SecurityGroupIds", "SecurityGroups", "VpcSecurityGroupIds"):
                if key in resource.properties:
                    yield from _listed(resource, (key,), resource.properties[key])


def _listed(resource: Resource, path: tuple[str, ...], groups: Json) -> Iterator[tuple[Resource, Place, Json]]:
    for index, group in enumerate(as_list(groups)):
        steps: tuple[str | int, ...] = (*path, index) if isinstance(groups, list) else path
        yield resource, resource.property_place(*steps), group


def unquoted(value: Json) -> str:
    """A value as a reader of a sentence sees it."""
    return text_of(value) or str(value)


def slug(*parts: str) -> str:
    """A part of an id: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", "-".join(parts)).strip("-").lower()


def joined(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values))
