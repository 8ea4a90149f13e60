"""Outside: what a system stands on and does not build: AWS services, what the organisation gives, the providers it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from claimstack.generator.config import Config
from claimstack.generator.documents.oscal.common import stable_uuid
from claimstack.generator.emitted import Place
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.questions.reading import allowed_actions
from claimstack.generator.system import System

SERVICES: Mapping[str, str] = {
    "apigateway": "Amazon API Gateway",
    "certificatemanager": "AWS Certificate Manager",
    "cloudformation": "AWS CloudFormation",
    "cloudwatch": "Amazon CloudWatch",
    "cognito": "Amazon Cognito",
    "dynamodb": "Amazon DynamoDB",
    "ec2": "Amazon VPC",
    "ecr": "Amazon ECR",
    "iam": "AWS Identity and Access Management",
    "kms": "AWS Key Management Service",
    "lambda": "AWS Lambda",
    "logs": "Amazon CloudWatch Logs",
    "s3": "Amazon S3",
    "secretsmanager": "AWS Secrets Manager",
    "sns": "Amazon SNS",
    "sqs": "Amazon SQS",
    "wafv2": "AWS WAF",
    "xray": "AWS X-Ray",
}
"""Second part of a resource type, in small letters → the service. Of EC2 the stacks use what belongs to a VPC."""
SAME_SERVICE: Mapping[str, str] = {"apigatewayv2": "apigateway", "cognito-idp": "cognito"}
"""What resource types or actions call a service otherwise → its key above."""
BY_PARAMETER: Mapping[str, str] = {"CertificateArn": "certificatemanager", "ImageUri": "ecr", "KeyArn": "kms"}
"""Template parameter → the service whose resource it names."""


@dataclass(frozen=True, slots=True)
class AwsService:
    """A service of AWS that resources of the system are made of, or that its roles call."""

    id: str
    title: str
    components: tuple[str, ...]
    """Ids of the components that have a resource of it."""

    def uuid(self, system: System) -> str:
        return stable_uuid("aws-service", system.config.name, self.id)


@dataclass(frozen=True, slots=True)
class Given:
    """A thing that the organisation around the system provides, and that a template parameter or system.toml names."""

    id: str
    title: str
    description: str
    built: Callable[[Config], bool]
    type: Literal["service", "network", "policy"] = "service"
    parameters: tuple[str, ...] = ()
    """Template parameters that name it."""
    remainder: str | None = None
    """The party of a remainder that means whoever provides this."""

    def uuid(self, system: System) -> str:
        return stable_uuid("given", system.config.name, self.id)

    def pointers(self, evaluated: Evaluated) -> Iterator[str]:
        """Where the templates ask for it."""
        for stack in evaluated.emitted.stacks:
            for parameter in self.parameters:
                if evaluated.emitted.template_parameter(stack, parameter) is not None:
                    yield Place(stack, ("Parameters", parameter)).pointer


GIVEN = (
    Given(
        "key",
        "Supplied encryption key",
        "Customer managed KMS key of the organisation, given as KeyArn. cloudformation/key-policy.json lists what its policy has to admit; "
        "its rotation, its other users and its deletion are not seen here.",
        lambda config: not config.key.stack,
        parameters=("KeyArn",),
        remainder="provider-of-key",
    ),
    Given(
        "vpc",
        "Supplied VPC",
        "VPC and private subnets of the organisation, given as VpcId and SubnetIds. Its routes, network ACLs, resolver and flow logs are "
        "not seen here.",
        lambda _: True,
        "network",
        ("VpcId", "SubnetIds", "RouteTableIds"),
    ),
    Given(
        "security-groups",
        "Supplied security groups",
        "Security groups of the organisation, given as SecurityGroupIds. Their rules are not seen here.",
        lambda config: config.network.security_groups == "given",
        "network",
        ("SecurityGroupIds",),
    ),
    Given(
        "egress",
        "Endpoints or proxy of the organisation",
        "What answers at the private addresses given as EgressCidr, to which the security group of the function lets it connect.",
        lambda config: not config.network.endpoints and config.network.security_groups == "own",
        "network",
        ("EgressCidr",),
    ),
    Given(
        "registry",
        "Existing image registry",
        "The repository from which the image comes, given with ImageUri. Who may push to it, its scans and its encryption are not seen "
        "here.",
        lambda config: not config.registry.stack,
        parameters=("ImageUri",),
    ),
    Given(
        "user-pool",
        "Existing user pool",
        "Cognito user pool of the organisation, named by auth.user_pool_arn, whose tokens open the front door. How it authenticates is not "
        "seen here.",
        lambda config: config.auth.type == "external" and config.auth.user_pool_arn is not None,
    ),
    Given(
        "issuer",
        "Existing token issuer",
        "OIDC issuer of the organisation, named by auth.issuer, whose tokens open the front door. How it authenticates is not seen here.",
        lambda config: config.auth.type == "external" and config.auth.issuer is not None,
    ),
    Given(
        "alarm-topic",
        "Existing alarm topic",
        "SNS topic of the organisation, given as AlarmTopicArn, that receives every alarm. Who is told by it is not seen here.",
        lambda config: config.organisation.alarm_topic == "given",
        parameters=("AlarmTopicArn",),
    ),
    Given(
        "log-archive",
        "Log archive",
        "Log archive of the organisation, given as LogDestinationArn, to which audit records are forwarded. Its retention and its readers "
        "are not seen here.",
        lambda config: config.organisation.log_archive,
        parameters=("LogDestinationArn",),
    ),
    Given(
        "api-gateway-log-role",
        "Log role of API Gateway",
        "Role by which the REST APIs of the region write their logs, set by the organisation in the account and not by these stacks.",
        lambda config: config.front_door.type == "rest-api" and config.front_door.account_role == "given",
        "policy",
    ),
    Given(
        "permissions-boundary",
        "Permissions boundary",
        "Managed policy of the organisation, given as PermissionsBoundaryArn, that bounds every role of the stacks. What it allows is not "
        "seen here.",
        lambda config: config.organisation.permissions_boundary,
        "policy",
        ("PermissionsBoundaryArn",),
    ),
    Given(
        "certificate",
        "Certificate and DNS name",
        "Server certificate in AWS Certificate Manager, given as CertificateArn, and the DNS record that leads callers to the front door.",
        lambda config: config.front_door.domain is not None,
        parameters=("CertificateArn",),
    ),
)
"""Each thing that can be given, with when it is."""


def given(config: Config) -> tuple[Given, ...]:
    """What this configuration takes from outside."""
    return tuple(each for each in GIVEN if each.built(config))


def service_id(resource_type: str) -> str:
    """`AWS::ApiGatewayV2::Api` → `apigateway`."""
    name = resource_type.split("::")[1].lower() if resource_type.count("::") > 1 else resource_type.lower()
    return SAME_SERVICE.get(name, name)


def aws_services(evaluated: Evaluated) -> tuple[AwsService, ...]:
    """The AWS services in use, by title: from resource types, from the actions that roles are allowed, from what parameters name."""
    used: dict[str, dict[str, None]] = {"cloudformation": {}}
    for declared in evaluated.system.declared():
        if declared.type.startswith("AWS::"):
            used.setdefault(service_id(declared.type), {})[declared.component.id] = None
    for action in allowed_actions(evaluated.emitted):
        prefix = action.partition(":")[0].lower()
        if (service := SAME_SERVICE.get(prefix, prefix)) in SERVICES:
            used.setdefault(service, {})
    for template in evaluated.emitted.stacks.values():
        for parameter in template.get("Parameters", {}):
            if parameter in BY_PARAMETER:
                used.setdefault(BY_PARAMETER[parameter], {})
    found = (AwsService(id_, SERVICES.get(id_, f"AWS service {id_}"), tuple(sorted(components))) for id_, components in used.items())
    return tuple(sorted(found, key=lambda service: service.title))


def provider_uuid(system: System, key: str) -> str:
    """Uuid of the component that stands for an entry of [providers]."""
    return stable_uuid("provider", system.config.name, key)
