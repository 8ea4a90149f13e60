"""Live commands: for each resource the AWS CLI commands that show what runs, independent of this tool; printed, never run by a build."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Final

from claimstack.generator.documents.cloudformation.guide_views import deployed
from claimstack.generator.emitted import Json
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.system import Declared

NOTE: Final = "Not run by this build. It reads only, and needs the AWS CLI with credentials of the account."

READS: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::ApiGateway::Account": ("apigateway get-account",),
    "AWS::ApiGateway::Authorizer": ("apigateway get-authorizer --rest-api-id {RestApiId} --authorizer-id {id}",),
    "AWS::ApiGateway::BasePathMapping": ("apigateway get-base-path-mappings --domain-name {DomainName}",),
    "AWS::ApiGateway::Deployment": ("apigateway get-deployment --rest-api-id {RestApiId} --deployment-id {id} --embed apisummary",),
    "AWS::ApiGateway::DomainName": ("apigateway get-domain-name --domain-name {id}",),
    "AWS::ApiGateway::GatewayResponse": ("apigateway get-gateway-response --rest-api-id {RestApiId} --response-type {ResponseType}",),
    "AWS::ApiGateway::Method": ("apigateway get-method --rest-api-id {RestApiId} --resource-id {ResourceId} --http-method {HttpMethod}",),
    "AWS::ApiGateway::Model": ("apigateway get-model --rest-api-id {RestApiId} --model-name {id}",),
    "AWS::ApiGateway::RequestValidator": ("apigateway get-request-validator --rest-api-id {RestApiId} --request-validator-id {id}",),
    "AWS::ApiGateway::Resource": ("apigateway get-resource --rest-api-id {RestApiId} --resource-id {id} --embed methods",),
    "AWS::ApiGateway::RestApi": ("apigateway get-rest-api --rest-api-id {id}",),
    "AWS::ApiGateway::Stage": ("apigateway get-stage --rest-api-id {RestApiId} --stage-name {id}",),
    "AWS::ApiGatewayV2::Api": ("apigatewayv2 get-api --api-id {id}", "apigatewayv2 get-routes --api-id {id}"),
    "AWS::ApiGatewayV2::ApiMapping": ("apigatewayv2 get-api-mappings --domain-name {DomainName}",),
    "AWS::ApiGatewayV2::Authorizer": ("apigatewayv2 get-authorizer --api-id {ApiId} --authorizer-id {id}",),
    "AWS::ApiGatewayV2::DomainName": ("apigatewayv2 get-domain-name --domain-name {id}",),
    "AWS::ApiGatewayV2::Integration": ("apigatewayv2 get-integration --api-id {ApiId} --integration-id {id}",),
    "AWS::ApiGatewayV2::Route": ("apigatewayv2 get-route --api-id {ApiId} --route-id {id}",),
    "AWS::ApiGatewayV2::Stage": ("apigatewayv2 get-stage --api-id {ApiId} --stage-name {id}",),
    "AWS::CloudWatch::Alarm": ("cloudwatch describe-alarms --alarm-names {id}",),
    "AWS::Cognito::UserPool": ("cognito-idp describe-user-pool --user-pool-id {id}",),
    # The whole answer would hold the client's secret.
    "AWS::Cognito::UserPoolClient": (
        "cognito-idp describe-user-pool-client --user-pool-id {UserPoolId} --client-id {id} --query "
        "'UserPoolClient.[ClientName, ExplicitAuthFlows, AllowedOAuthFlows, AllowedOAuthScopes, AllowedOAuthFlowsUserPoolClient, "
        "CallbackURLs, AccessTokenValidity, TokenValidityUnits, EnableTokenRevocation, PreventUserExistenceErrors]'",
    ),
    "AWS::Cognito::UserPoolDomain": ("cognito-idp describe-user-pool-domain --domain {Domain}",),
    "AWS::Cognito::UserPoolResourceServer": ("cognito-idp describe-resource-server --user-pool-id {UserPoolId} --identifier {Identifier}",),
    "AWS::DynamoDB::Table": (
        "dynamodb describe-table --table-name {id}",
        "dynamodb describe-continuous-backups --table-name {id}",
        "dynamodb describe-time-to-live --table-name {id}",
    ),
    "AWS::EC2::SecurityGroup": (
        "ec2 describe-security-groups --group-ids {id}",
        "ec2 describe-security-group-rules --filters Name=group-id,Values={id}",
    ),
    "AWS::EC2::SecurityGroupIngress": ("ec2 describe-security-group-rules --filters Name=group-id,Values={GroupId}",),
    "AWS::EC2::VPCEndpoint": ("ec2 describe-vpc-endpoints --vpc-endpoint-ids {id}",),
    "AWS::ECR::Repository": (
        "ecr describe-repositories --repository-names {id}",
        "ecr get-repository-policy --repository-name {id} --query policyText --output text",
        "ecr get-lifecycle-policy --repository-name {id} --query lifecyclePolicyText --output text",
    ),
    "AWS::IAM::ManagedPolicy": (
        'iam get-policy-version --policy-arn {id} --version-id "$(aws iam get-policy --policy-arn {id} '
        '--query Policy.DefaultVersionId --output text)" --query PolicyVersion.Document',
    ),
    "AWS::IAM::Role": (
        "iam get-role --role-name {id}",
        "iam list-attached-role-policies --role-name {id}",
        "iam list-role-policies --role-name {id}",
    ),
    "AWS::KMS::Alias": ("kms list-aliases --key-id {TargetKeyId}",),
    "AWS::KMS::Key": (
        "kms describe-key --key-id {id}",
        "kms get-key-rotation-status --key-id {id}",
        "kms get-key-policy --key-id {id} --policy-name default --query Policy --output text",
    ),
    "AWS::Lambda::Function": ("lambda get-function --function-name {id}",),
    "AWS::Lambda::Permission": ("lambda get-policy --function-name {FunctionName} --query Policy --output text",),
    "AWS::Logs::LogGroup": ("logs describe-log-groups --log-group-name-prefix {id}",),
    "AWS::Logs::SubscriptionFilter": ("logs describe-subscription-filters --log-group-name {LogGroupName}",),
    "AWS::SNS::Subscription": ("sns list-subscriptions-by-topic --topic-arn {TopicArn}",),
    "AWS::SNS::Topic": ("sns get-topic-attributes --topic-arn {id}",),
    "AWS::SNS::TopicPolicy": ("sns get-topic-attributes --topic-arn {Topics} --query Attributes.Policy --output text",),
    "AWS::SecretsManager::ResourcePolicy": (
        "secretsmanager get-resource-policy --secret-id {SecretId} --query ResourcePolicy --output text",
    ),
    "AWS::SecretsManager::Secret": ("secretsmanager describe-secret --secret-id {id}",),
    "AWS::WAFv2::LoggingConfiguration": ("wafv2 get-logging-configuration --resource-arn {id}",),
    "AWS::WAFv2::WebACL": (
        "wafv2 get-web-acl --name \"$(echo {id} | cut -d '|' -f 1)\" --id \"$(echo {id} | cut -d '|' -f 2)\" --scope {Scope}",
    ),
    "AWS::WAFv2::WebACLAssociation": ("wafv2 get-web-acl-for-resource --resource-arn {ResourceArn}",),
}
"""Type → reads of the service itself, without `aws`. `{id}` is the physical id (what `Ref` returns, as the type's CloudFormation reference
says), every other name in braces a property of the resource. No read shows a secret."""

OTHER: Final = ("cloudcontrol get-resource --type-name {type} --identifier {id} --query ResourceDescription.Properties --output text",)
"""Any other type: the Cloud Control API."""

_FIELD: Final = re.compile(r"\{(\w+)\}")
_PLACE: Final = re.compile(r"\$\{([\w:]+)(?:\.[\w.]+)?\}")


def live_command(evaluated: Evaluated, declared: Declared) -> str:
    """Shell lines that show one resource as it runs: first what names it, then the reads."""
    resource = evaluated.emitted.resource(declared.stack, declared.logical_id)
    properties: Json = resource.properties if resource is not None else {}
    known = _Names(evaluated, declared.stack)
    reads = READS.get(declared.type, OTHER)
    texts = {"id": known.reference(declared.logical_id), "type": declared.type}
    for name in dict.fromkeys(found for read in reads for found in _FIELD.findall(read)):
        text = texts.get(name) or known.text(properties.get(name))
        if text is None:
            reads, texts = OTHER, {"id": known.reference(declared.logical_id), "type": declared.type}
            break
        texts[name] = text
    used = {name for read in reads for name in _FIELD.findall(read)}
    region = evaluated.system.config.region
    lines = [_AWS.sub(rf"aws \1 --region {region}", "aws " + _FIELD.sub(lambda found: texts[found[1]], read)) for read in reads]
    return "\n".join([*known.lines(" ".join(texts[name] for name in used)), *lines]) + "\n"


_AWS: Final = re.compile(r"\baws ([a-z0-9-]+ [a-z0-9-]+)")


class _Names:
    """Shell variables for what only the deployed stack knows, each asked for once."""

    def __init__(self, evaluated: Evaluated, stack: str) -> None:
        self._evaluated = evaluated
        self._stack = stack
        self._asked: dict[str, str] = {}

    def reference(self, name: str) -> str:
        """A resource's physical id, or a template parameter's value, as a shell word in double quotes."""
        return f'"{self._variable(name)}"'

    def text(self, value: Json) -> str | None:
        """A property's value as one shell word; None where it has no such form."""
        if isinstance(value, list):
            return self.text(value[0]) if value else None
        if isinstance(value, bool | int | float):
            return str(value).lower()
        if isinstance(value, str):
            return shlex.quote(value)
        if not isinstance(value, dict) or len(value) != 1:
            return None
        function, inner = next(iter(value.items()))
        if function == "Ref":
            return f'"{self._place(inner)}"'
        if function == "Fn::GetAtt" and inner[-1] in ("Arn", "GroupId", "UserPoolId", "TopicArn"):
            return self.reference(inner[0])
        if function == "Fn::Sub" and isinstance(inner, str):
            return '"' + _PLACE.sub(lambda found: self._place(found[1]), inner) + '"'
        return None

    def lines(self, used: str) -> list[str]:
        return [line for variable, line in self._asked.items() if re.search(rf"\${{{variable}}}", used)]

    def _place(self, name: str) -> str:
        config = self._evaluated.system.config
        pseudo = {
            "AWS::Region": config.region,
            "AWS::Partition": config.partition.name,
            "AWS::StackName": deployed(self._evaluated, self._stack),
            "AWS::AccountId": "$(aws sts get-caller-identity --query Account --output text)",
        }
        return pseudo.get(name) or self._variable(name)

    def _variable(self, name: str) -> str:
        # An environment variable of the shell must not be hidden: the names of CloudFormation are PascalCase, those of shells upper case.
        if name not in self._asked:
            where = f"--region {self._evaluated.system.config.region} --stack-name {deployed(self._evaluated, self._stack)}"
            if self._evaluated.emitted.template_parameter(self._stack, name) is None:
                asks = (
                    f"aws cloudformation describe-stack-resource {where} --logical-resource-id {name} "
                    "--query StackResourceDetail.PhysicalResourceId --output text"
                )
            else:
                query = f"'Stacks[0].Parameters[?ParameterKey==`{name}`].ParameterValue'"
                asks = f"aws cloudformation describe-stacks {where} --query {query} --output text"
            self._asked[name] = f"{name}=$({asks})"
        return f"${{{name}}}"
