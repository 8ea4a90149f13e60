"""Questions, held against a small good system and against what an attacker of its templates would write."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from claimstack.controls.errors import InputError
from claimstack.generator import questions as q
from claimstack.generator.emitted import REMOVE, Edit, Emitted, Place
from claimstack.generator.expressions import Check, Finding, Scope
from claimstack.generator.predicates import Outcome

SCOPE = Scope("server", "Function")
ACCOUNT = {"Ref": "AWS::AccountId"}
OWN = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
STAGES = "arn:${AWS::Partition}:apigateway:${AWS::Region}::"
ORGANISATION = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
ROOT = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
TOKEN = {"AuthorizationType": "JWT", "AuthorizerId": {"Ref": "Authorizer"}, "AuthorizationScopes": ["mcp/invoke"]}
PRM = "/.well-known/oauth-protected-resource"


def document(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def http_route(key: str, **properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": key, **properties}}


def resource(type_: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"Type": f"AWS::{type_}", "Properties": properties}


ALARM = {
    "Namespace": "AWS/Lambda",
    "MetricName": "Duration",
    "Dimensions": [{"Name": "FunctionName", "Value": {"Ref": "Function"}}],
    "ExtendedStatistic": "p95",
    "Period": 300,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 20_000,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "notBreaching",
    "ActionsEnabled": True,
    "AlarmActions": [{"Ref": "Topic"}],
}
ERRORS = {"MetricName": "Errors", "Statistic": "Sum", "ExtendedStatistic": None, "Threshold": 1}
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}

SERVER: dict[str, Any] = {
    "Parameters": {
        "KeyArn": {"Type": "String", "AllowedPattern": "^arn:aws(-us-gov)?:kms:us-east-1:[0-9]{12}:key/[0-9a-f-]+$"},
        "EgressCidr": {"Type": "String", "AllowedPattern": r"^10\.[0-9.]+/(1[6-9]|2[0-9])$"},
        "AnyCidr": {"Type": "String"},
        "TopicArn": {"Type": "String", "AllowedPattern": "^arn:[a-z-]+:sns:.*$"},
        "Hidden": {"Type": "String", "NoEcho": True},
    },
    "Outputs": {"TopicArn": {"Value": {"Ref": "Topic"}}},
    "Resources": {
        "Api": resource("ApiGatewayV2::Api", {"ProtocolType": "HTTP", "DisableExecuteApiEndpoint": True}),
        "Authorizer": resource(
            "ApiGatewayV2::Authorizer",
            {"ApiId": {"Ref": "Api"}, "AuthorizerType": "JWT", "JwtConfiguration": {"Issuer": "https://issuer", "Audience": ["client"]}},
        ),
        "Post": http_route("POST /mcp", **TOKEN),
        "Get": http_route("GET /mcp", **TOKEN),
        "Delete": http_route("DELETE /mcp", **TOKEN),
        "Metadata": http_route(f"GET {PRM}", AuthorizationType="NONE"),
        "McpMetadata": http_route(f"GET {PRM}/mcp"),
        "Domain": resource("ApiGatewayV2::DomainName", {"DomainName": "mcp.example.gov"}),
        "PoolDomain": resource("Cognito::UserPoolDomain", {"Domain": {"Fn::Sub": "demo-${AWS::AccountId}"}}),
        "Role": resource(
            "IAM::Role",
            {
                "AssumeRolePolicyDocument": document(
                    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
                ),
                "ManagedPolicyArns": [{"Ref": "Policy"}],
            },
        ),
        "Policy": {
            **resource(
                "IAM::ManagedPolicy",
                {
                    "PolicyDocument": document(
                        {"Sid": "Read", "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": {"Fn::GetAtt": ["Table", "Arn"]}},
                        {"Sid": "Trace", "Effect": "Allow", "Action": ["xray:PutTraceSegments"], "Resource": "*"},
                        {"Sid": "Open", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": {"Ref": "KeyArn"}},
                        {"Sid": "Never", "Effect": "Deny", "Action": "ec2:*", "Resource": "*"},
                    )
                },
            ),
            "Metadata": {"Compliance": {"ResourceStar": {"Trace": "X-Ray has no resources."}}},
        },
        "Function": resource(
            "Lambda::Function",
            {"Environment": {"Variables": {"CLAIMSTACK_TABLE": {"Ref": "Table"}, "CLAIMSTACK_PUBLIC_URL": "https://mcp.example.gov/mcp"}}},
        ),
        "Permission": resource("Lambda::Permission", {"Principal": "apigateway.amazonaws.com", "SourceAccount": ACCOUNT}),
        "Table": resource("DynamoDB::Table", {}),
        "Group": resource(
            "EC2::SecurityGroup",
            {"SecurityGroupEgress": [{**HTTPS, "CidrIp": {"Ref": "EgressCidr"}}, {**HTTPS, "DestinationPrefixListId": {"Ref": "KeyArn"}}]},
        ),
        "Ingress": resource("EC2::SecurityGroupIngress", {**HTTPS, "SourceSecurityGroupId": {"Fn::GetAtt": ["Group", "GroupId"]}}),
        "Alarm": resource("CloudWatch::Alarm", ALARM),
        "Topic": resource("SNS::Topic", {"KmsMasterKeyId": {"Ref": "KeyArn"}}),
        "Subscription": resource("SNS::Subscription", {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": {"Ref": "Hidden"}}),
        "TopicPolicy": resource(
            "SNS::TopicPolicy",
            {
                "Topics": [{"Ref": "Topic"}],
                "PolicyDocument": document(
                    {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "sns:Publish", "Condition": OWN},
                    {"Effect": "Deny", "Principal": "*", "Action": ["sns:Publish"], "Resource": {"Ref": "Topic"}, "Condition": PLAIN},
                ),
            },
        ),
        "Endpoint": resource(
            "EC2::VPCEndpoint",
            {
                "PolicyDocument": document(
                    {
                        "Effect": "Allow",
                        "Principal": "*",
                        "Action": "*",
                        "Resource": "*",
                        "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}},
                    },
                    {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": PLAIN},
                )
            },
        ),
    },
}
KEY: dict[str, Any] = {
    "Resources": {
        "Key": resource(
            "KMS::Key",
            {
                "KeyPolicy": document(
                    {"Sid": "Admin", "Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"},
                    {
                        "Sid": "Alarms",
                        "Effect": "Allow",
                        "Principal": {"Service": ["cloudwatch.amazonaws.com"]},
                        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                        "Resource": "*",
                        "Condition": {
                            "ArnLike": {
                                "aws:SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"}
                            }
                        },
                    },
                )
            },
        )
    }
}
COGNITO = {"AuthorizationType": "COGNITO_USER_POOLS", "AuthorizerId": {"Ref": "Authorizer"}, "AuthorizationScopes": ["mcp/invoke"]}


def rest_method(parent: Any, verb: str, **properties: Any) -> dict[str, Any]:
    return resource("ApiGateway::Method", {"RestApiId": {"Ref": "Rest"}, "ResourceId": parent, "HttpMethod": verb, **properties})


def rest_part(parent: Any, part: str) -> dict[str, Any]:
    return resource("ApiGateway::Resource", {"RestApiId": {"Ref": "Rest"}, "ParentId": parent, "PathPart": part})


REST: dict[str, Any] = {
    "Resources": {
        "Rest": resource("ApiGateway::RestApi", {"DisableExecuteApiEndpoint": True, "EndpointConfiguration": {"Types": ["REGIONAL"]}}),
        "Domain": resource("ApiGateway::DomainName", {"DomainName": "mcp.example.gov"}),
        "Authorizer": resource(
            "ApiGateway::Authorizer", {"RestApiId": {"Ref": "Rest"}, "Type": "COGNITO_USER_POOLS", "ProviderARNs": [{"Ref": "Pool"}]}
        ),
        "Mcp": rest_part({"Fn::GetAtt": ["Rest", "RootResourceId"]}, "mcp"),
        "WellKnown": rest_part({"Fn::GetAtt": ["Rest", "RootResourceId"]}, ".well-known"),
        "Prm": rest_part({"Ref": "WellKnown"}, "oauth-protected-resource"),
        "PrmMcp": rest_part({"Ref": "Prm"}, "mcp"),
        "Post": rest_method({"Ref": "Mcp"}, "POST", **COGNITO),
        "Get": rest_method({"Ref": "Mcp"}, "GET", **COGNITO),
        "Delete": rest_method({"Ref": "Mcp"}, "DELETE", **COGNITO),
        "Metadata": rest_method({"Ref": "Prm"}, "GET", AuthorizationType="NONE"),
        "McpMetadata": rest_method({"Ref": "PrmMcp"}, "GET", AuthorizationType="NONE"),
        "Stage": resource("ApiGateway::Stage", {"RestApiId": {"Ref": "Rest"}, "StageName": "mcp"}),
        "Acl": resource("WAFv2::WebACL", {"Scope": "REGIONAL", "Rules": [{"Name": "Size", "Statement": {"SizeConstraintStatement": {}}}]}),
        "Association": resource(
            "WAFv2::WebACLAssociation",
            {
                "WebACLArn": {"Fn::GetAtt": ["Acl", "Arn"]},
                "ResourceArn": {
                    "Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${Rest}/stages/${Stage}",
                },
            },
        ),
    },
}
HTTP = Emitted({"key": KEY, "server": SERVER})
WAF = Emitted({"server": REST})

ROUTES = q.RoutesAre(protected=("POST /mcp", "GET /mcp", "DELETE /mcp"), public=(f"GET {PRM}", f"GET {PRM}/mcp"))
LIMITS = {"Duration": 25_000, "Latency": 30_000, "ConcurrentExecutions": 20}
GOOD: list[tuple[Check, Emitted]] = [
    (q.NoWildcardAction(), HTTP),
    (q.ResourceStarListed(), HTTP),
    (q.NoPublicPrincipal(), HTTP),
    (ROUTES, HTTP),
    (ROUTES, WAF),
    (q.EntrancesAre(entrances=("HttpApi custom domain", "Cognito token domain")), HTTP),
    (q.EntrancesAre(entrances=("RestApi custom domain",)), WAF),
    (q.EnvironmentHolds(names=("CLAIMSTACK_PUBLIC_URL", "CLAIMSTACK_TABLE")), HTTP),
    (q.NoLiteralPlace(), HTTP),
    (q.NoLiteralPlace(), WAF),
    (q.OutputsHoldNoSecret(), HTTP),
    (q.NothingConditional(), HTTP),
    (q.PolicyParametersBounded(), HTTP),
    (q.AlarmsReach(), HTTP),
    (q.AlarmsCanFire(limits=LIMITS), HTTP),
    (q.NoIngress(), HTTP),
    (q.EgressIsExplicit(), HTTP),
    (q.DeniesPlainTransport(), HTTP),
    (q.WebAclAssociated(), WAF),
    (q.KeyPolicyBounded(), HTTP),
]
BY_KIND = {check.kind.removeprefix("question."): (check, emitted) for check, emitted in reversed(GOOD)}


def ids(case: tuple[Check, Emitted]) -> str:
    return f"{case[0].kind}-{'rest' if case[1] is WAF else 'http'}"


def outcomes(check: Check, emitted: Emitted) -> set[Outcome]:
    return {finding.outcome for finding in check.evaluate(emitted, SCOPE)}


@pytest.mark.parametrize(("check", "emitted"), GOOD, ids=map(ids, GOOD))
def test_a_good_system_passes(check: Check, emitted: Emitted) -> None:
    findings = list(check.evaluate(emitted, SCOPE))

    assert [finding for finding in findings if finding.outcome is not Outcome.PASSED] == []
    assert findings != []
    assert all(emitted.resolves(finding.place.pointer) for finding in findings)


@pytest.mark.parametrize(("check", "emitted"), GOOD, ids=map(ids, GOOD))
def test_every_mutant_of_a_question_flips_it(check: Check, emitted: Emitted) -> None:
    mutants = list(check.mutants(emitted, SCOPE))

    assert mutants != []
    unnoticed = [mutant.what for mutant in mutants if outcomes(check, emitted.edited(*mutant.edits)) == {Outcome.PASSED}]
    assert unnoticed == []


@pytest.mark.parametrize("check", [check for check, _ in GOOD])
def test_a_question_is_data_a_sentence_and_an_id(check: Check) -> None:
    assert json.loads(json.dumps(check.data())) == check.data()
    assert check.data()["kind"] == check.kind
    assert check.check_id(SCOPE) == f"system.{check.kind.removeprefix('question.')}"
    assert check.sentence()[0].islower()
    assert len(check.sha256()) == 64


PASS_WHEN_EMPTY = tuple(
    f"question.{kind}"
    for kind in ("no-public-principal", "no-literal-place", "outputs-hold-no-secret", "nothing-conditional", "policy-parameters-bounded")
)
NEEDS_SOMETHING = [check for check, _ in GOOD if check.kind not in PASS_WHEN_EMPTY]


@pytest.mark.parametrize("check", NEEDS_SOMETHING)
def test_an_empty_system_does_not_pass(check: Check) -> None:
    assert outcomes(check, Emitted({"server": {"Resources": {}}})) == {Outcome.FAILED}


def put(path: str, value: Any, stack: str = "server") -> Edit:
    """An edit below Resources, by a path with slashes; digits are list indices."""
    steps = tuple(int(step) if step.isdigit() else step for step in path.split("|"))
    return Edit(Place(stack, ("Resources", *steps)), value)


def output(value: Any) -> Edit:
    return Edit(Place("server", ("Outputs", "Attack")), {"Value": value})


def cases(attacks: list[tuple[str, str, tuple[Edit, ...]]]) -> list[Any]:
    return [pytest.param(kind, edits, id=f"{kind}: {what}") for kind, what, edits in attacks]


ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
STATEMENTS = "Policy|Properties|PolicyDocument|Statement"
TOPIC_STATEMENTS = "TopicPolicy|Properties|PolicyDocument|Statement"
KEY_STATEMENTS = "Key|Properties|KeyPolicy|Statement"
VARIABLE = "Function|Properties|Environment|Variables|CLAIMSTACK_TABLE"
PUBLIC = {"Effect": "Allow", "Principal": "*", "Action": "x:Y", "Resource": "*"}
EVERYONE: dict[str, Any] = {
    "star": {"Principal": "*"},
    "aws-star": {"Principal": {"AWS": "*"}},
    "aws-star-in-list": {"Principal": {"AWS": [ROOT, "*"]}},
    "federated-star": {"Principal": {"Federated": "*"}},
    "account-wildcard": {"Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::*:root"}}},
    "not-principal": {"NotPrincipal": {"AWS": ROOT}},
    "no-principal": {},
    "in-an-if": {"Principal": {"Fn::If": ["Open", "*", ROOT]}},
    "joined": {"Principal": {"AWS": {"Fn::Join": ["", ["*"]]}}},
    "source-arn-star": {"Principal": "*", "Condition": {"ArnLike": {"aws:SourceArn": "*"}}},
    "any-account": {
        "Principal": "*",
        "Condition": {"ArnLike": {"aws:SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:s3:${AWS::Region}:*:x"}}},
    },
    "if-exists": {"Principal": "*", "Condition": {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}},
    "for-all-values": {"Principal": "*", "Condition": {"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
    "not-equals": {"Principal": "*", "Condition": {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}},
    "any-network": {"Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}},
    "transport-only": {"Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    "one-of-two-open": {"Principal": "*", "Condition": {"StringLike": {"aws:PrincipalOrgID": ["o-1", "*"]}}},
    "no-values": {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": []}}},
}
WHERE: dict[str, tuple[str, str]] = {
    "sns": ("SNS::TopicPolicy", "PolicyDocument"),
    "kms": ("KMS::Key", "KeyPolicy"),
    "ecr": ("ECR::Repository", "RepositoryPolicyText"),
    "secret": ("SecretsManager::ResourcePolicy", "ResourcePolicy"),
    "logs": ("Logs::LogGroup", "ResourcePolicyDocument"),
    "endpoint": ("EC2::VPCEndpoint", "PolicyDocument"),
    "bucket": ("S3::BucketPolicy", "PolicyDocument"),
    "api": ("ApiGateway::RestApi", "Policy"),
    "trust": ("IAM::Role", "AssumeRolePolicyDocument"),
}


@pytest.mark.parametrize("form", EVERYONE)
def test_everyone_in_any_form_is_public(form: str) -> None:
    statement = {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*", **EVERYONE[form]}

    assert outcomes(q.NoPublicPrincipal(), HTTP.edited(put(f"{TOPIC_STATEMENTS}|2", statement))) == {Outcome.PASSED, Outcome.FAILED}


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("shape", ["list", "single", "text", "sub", "if"])
def test_a_public_statement_is_found_wherever_it_stands(where: str, shape: str) -> None:
    type_, property_ = WHERE[where]
    written: Any = {
        "list": document(PUBLIC),
        "single": {"Statement": PUBLIC},
        "text": json.dumps(document(PUBLIC)),
        "sub": {"Fn::Sub": json.dumps(document(PUBLIC))},
        "if": {"Fn::If": ["Open", document(PUBLIC), {"Ref": "AWS::NoValue"}]},
    }[shape]

    found = HTTP.edited(put("Attack", resource(type_, {property_: written})))

    assert Outcome.FAILED in outcomes(q.NoPublicPrincipal(), found)


@pytest.mark.parametrize("written", [{"Ref": "PolicyText"}, {"Fn::ImportValue": "policy"}, "not a policy", None])
def test_a_policy_that_cannot_be_read_is_not_trusted(written: Any) -> None:
    found = HTTP.edited(put("Attack", resource("SNS::TopicPolicy", {"PolicyDocument": written})))
    identity = HTTP.edited(put("Attack", resource("IAM::Policy", {"PolicyDocument": written})))

    assert Outcome.FAILED in outcomes(q.NoPublicPrincipal(), found)
    assert Outcome.FAILED in outcomes(q.NoWildcardAction(), identity)


def test_a_principal_chosen_at_deployment_is_conditional() -> None:
    statement = {"Effect": "Allow", "Action": "x:Y", "Resource": "*", "Principal": {"AWS": {"Ref": "AnyCidr"}}}

    assert Outcome.CONDITIONAL in outcomes(q.NoPublicPrincipal(), HTTP.edited(put(f"{TOPIC_STATEMENTS}|2", statement)))


ATTACKS: list[tuple[str, str, tuple[Edit, ...]]] = [
    ("no-wildcard-action", "action star", (put(f"{STATEMENTS}|0|Action", "*"),)),
    ("no-wildcard-action", "action of a service", (put(f"{STATEMENTS}|0|Action", ["dynamodb:GetItem", "s3:*"]),)),
    ("no-wildcard-action", "partial wildcard", (put(f"{STATEMENTS}|0|Action", "s3:Get*"),)),
    ("no-wildcard-action", "question mark", (put(f"{STATEMENTS}|0|Action", "s3:?etObject"),)),
    ("no-wildcard-action", "action by reference", (put(f"{STATEMENTS}|0|Action", {"Ref": "Actions"}),)),
    ("no-wildcard-action", "no action", (put(f"{STATEMENTS}|0|Action", REMOVE),)),
    ("no-wildcard-action", "NotAction", (put(f"{STATEMENTS}|0", {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),)),
    ("no-wildcard-action", "single statement", (put(STATEMENTS, ALLOW_ALL),)),
    ("no-wildcard-action", "deny turned", (put(f"{STATEMENTS}|3|Effect", "Allow"),)),
    ("no-wildcard-action", "statement in an if", (put(f"{STATEMENTS}|4", {"Fn::If": ["Open", ALLOW_ALL, {"Ref": "AWS::NoValue"}]}),)),
    ("no-wildcard-action", "inline in the role", (put("Role|Properties|Policies", [{"PolicyDocument": document(ALLOW_ALL)}]),)),
    ("no-wildcard-action", "IAM::Policy", (put("Attack", resource("IAM::Policy", {"PolicyDocument": document(ALLOW_ALL)})),)),
    ("no-wildcard-action", "IAM::RolePolicy", (put("Attack", resource("IAM::RolePolicy", {"PolicyDocument": document(ALLOW_ALL)})),)),
    (
        "no-wildcard-action",
        "AWS policy",
        (put("Role|Properties|ManagedPolicyArns|1", {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/A"}),),
    ),
    ("resource-star-listed", "star", (put(f"{STATEMENTS}|0|Resource", "*"),)),
    ("resource-star-listed", "star in a list", (put(f"{STATEMENTS}|0|Resource", [{"Ref": "Table"}, "*"]),)),
    ("resource-star-listed", "NotResource", (put(f"{STATEMENTS}|0", {"Effect": "Allow", "Action": "x:Y", "NotResource": "arn:x"}),)),
    ("resource-star-listed", "any account", (put(f"{STATEMENTS}|0|Resource", {"Fn::Sub": "arn:${AWS::Partition}:s3:${AWS::Region}:*:x"}),)),
    ("resource-star-listed", "all of a service", (put(f"{STATEMENTS}|0|Resource", {"Fn::Sub": "arn:${AWS::Partition}:s3:::*"}),)),
    ("resource-star-listed", "another Sid", (put(f"{STATEMENTS}|1|Sid", "Other"),)),
    ("resource-star-listed", "listing removed", (put("Policy|Metadata", REMOVE),)),
    ("resource-star-listed", "stale listing", (put("Policy|Metadata|Compliance|ResourceStar|Gone", "reason"),)),
    ("resource-star-listed", "no reason", (put("Policy|Metadata|Compliance|ResourceStar|Trace", ""),)),
    ("no-public-principal", "permission", (put("Permission|Properties|Principal", "*"),)),
    ("no-public-principal", "permission removed", (put("Permission|Properties|Principal", REMOVE),)),
    ("no-public-principal", "bucket", (put("Attack", resource("S3::Bucket", {"AccessControl": "PublicRead"})),)),
    ("routes-are", "greedy proxy", (put("Attack", http_route("ANY /{proxy+}", **TOKEN)),)),
    ("routes-are", "default route", (put("Attack", http_route("$default")),)),
    ("routes-are", "options", (put("Attack", http_route("OPTIONS /mcp")),)),
    ("routes-are", "duplicate", (put("Attack", http_route("POST /mcp", **TOKEN)),)),
    ("routes-are", "iam", (put("Post|Properties|AuthorizationType", "AWS_IAM"),)),
    ("routes-are", "none", (put("Post|Properties|AuthorizationType", "NONE"),)),
    ("routes-are", "missing type", (put("Post|Properties|AuthorizationType", REMOVE),)),
    ("routes-are", "api key only", (put("Post", http_route("POST /mcp", ApiKeyRequired=True)),)),
    ("routes-are", "no scope", (put("Post|Properties|AuthorizationScopes", []),)),
    ("routes-are", "empty scope", (put("Post|Properties|AuthorizationScopes", [""]),)),
    ("routes-are", "dangling authorizer", (put("Post|Properties|AuthorizerId", {"Ref": "Nowhere"}),)),
    ("routes-are", "literal authorizer", (put("Post|Properties|AuthorizerId", "abc123"),)),
    ("routes-are", "request authorizer", (put("Authorizer|Properties|AuthorizerType", "REQUEST"),)),
    ("routes-are", "no audience", (put("Authorizer|Properties|JwtConfiguration|Audience", []),)),
    ("routes-are", "no issuer", (put("Authorizer|Properties|JwtConfiguration|Issuer", REMOVE),)),
    ("routes-are", "authorizer of another API", (put("Authorizer|Properties|ApiId", {"Ref": "Other"}),)),
    ("routes-are", "second API", (put("Attack", resource("ApiGatewayV2::Api", {"ProtocolType": "HTTP"})),)),
    ("routes-are", "quick create", (put("Api|Properties|Target", {"Fn::GetAtt": ["Function", "Arn"]}),)),
    ("routes-are", "import", (put("Api|Properties|Body", {"paths": {}}),)),
    ("routes-are", "WebSocket", (put("Api|Properties|ProtocolType", "WEBSOCKET"),)),
    ("routes-are", "REST beside it", (put("Attack", resource("ApiGateway::RestApi", {})),)),
    ("routes-are", "key by reference", (put("Post|Properties|RouteKey", {"Ref": "Key"}),)),
    ("routes-are", "metadata with a hidden authorizer", (put("Metadata|Properties|AuthorizationType", "CUSTOM"),)),
    ("entrances-are", "default endpoint", (put("Api|Properties|DisableExecuteApiEndpoint", value=False),)),
    ("entrances-are", "default endpoint left to AWS", (put("Api|Properties|DisableExecuteApiEndpoint", REMOVE),)),
    ("entrances-are", "default endpoint by condition", (put("Api|Properties|DisableExecuteApiEndpoint", {"Fn::If": ["A", True, False]}),)),
    ("entrances-are", "second API", (put("Attack", resource("ApiGatewayV2::Api", {})),)),
    ("entrances-are", "second domain", (put("Attack", resource("ApiGatewayV2::DomainName", {})),)),
    ("entrances-are", "function URL", (put("Attack", resource("Lambda::Url", {"AuthType": "AWS_IAM"})),)),
    ("entrances-are", "load balancer", (put("Attack", resource("ElasticLoadBalancingV2::LoadBalancer", {})),)),
    ("entrances-are", "CloudFront", (put("Attack", resource("CloudFront::Distribution", {})),)),
    ("entrances-are", "AppSync", (put("Attack", resource("AppSync::GraphQLApi", {})),)),
    ("entrances-are", "second token domain", (put("Attack", resource("Cognito::UserPoolDomain", {})),)),
    ("entrances-are", "another user pool", (put("Attack", resource("Cognito::UserPool", {})),)),
    ("entrances-are", "identity pool", (put("Attack", resource("Cognito::IdentityPool", {})),)),
    ("entrances-are", "public database", (put("Attack", resource("RDS::DBInstance", {"PubliclyAccessible": True})),)),
    (
        "entrances-are",
        "public interface",
        (put("Attack", resource("EC2::Instance", {"NetworkInterfaces": [{"AssociatePublicIpAddress": True}]})),),
    ),
    ("entrances-are", "web site", (put("Attack", resource("S3::Bucket", {"WebsiteConfiguration": {}})),)),
    ("entrances-are", "in another stack", (put("Attack", resource("Lambda::Url", {}), "key"),)),
    ("entrances-are", "token domain gone", (put("PoolDomain", REMOVE),)),
    ("environment-holds", "secret by dynamic reference", (put(VARIABLE, "{{resolve:secretsmanager:x:SecretString:y}}"),)),
    ("environment-holds", "nested dynamic reference", (put(VARIABLE, {"Fn::Join": ["", [{"Fn::Sub": "{{resolve:ssm-secure:x}}"}]]}),)),
    ("environment-holds", "client secret", (put(VARIABLE, {"Fn::GetAtt": ["Client", "ClientSecret"]}),)),
    ("environment-holds", "client secret in text", (put(VARIABLE, {"Fn::Sub": "id:${Client.ClientSecret}"}),)),
    ("environment-holds", "hidden parameter", (put(VARIABLE, {"Ref": "Hidden"}),)),
    ("environment-holds", "hidden parameter in text", (put(VARIABLE, {"Fn::Sub": "x-${Hidden}"}),)),
    ("environment-holds", "AWS key", (put(VARIABLE, "AKIAIOSFODNN7EXAMPLE"),)),
    ("environment-holds", "PEM", (put(VARIABLE, "-----BEGIN PRIVATE KEY-----"),)),
    ("environment-holds", "long literal", (put(VARIABLE, "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY01"),)),
    ("environment-holds", "another name", (put("Function|Properties|Environment|Variables|PATH", "/x"),)),
    ("environment-holds", "missing name", (put(VARIABLE, REMOVE),)),
    ("environment-holds", "no environment", (put("Function|Properties|Environment", REMOVE),)),
    ("environment-holds", "second function", (put("Attack", resource("Lambda::Function", {})),)),
    ("no-literal-place", "partition", (put(VARIABLE, "arn:aws:s3:::x"),)),
    ("no-literal-place", "GovCloud partition", (put(VARIABLE, {"Fn::Sub": "arn:aws-us-gov:s3:::${Table}"}),)),
    ("no-literal-place", "region", (put(VARIABLE, "https://example.us-gov-west-1.gov"),)),
    ("no-literal-place", "account", (put(VARIABLE, {"Fn::Join": ["-", ["x", "111122223333"]]}),)),
    ("no-literal-place", "domain", (put(VARIABLE, {"Fn::Sub": "https://cognito-idp.${AWS::Region}.amazonaws.com/x"}),)),
    ("no-literal-place", "as a key", (put("Function|Properties|Environment|Variables|us-east-1", "x"),)),
    ("outputs-hold-no-secret", "client secret", (output({"Fn::GetAtt": ["Client", "ClientSecret"]}),)),
    ("outputs-hold-no-secret", "hidden parameter", (output({"Fn::Sub": "x-${Hidden}"}),)),
    ("outputs-hold-no-secret", "dynamic reference", (output("{{resolve:ssm-secure:x}}"),)),
    ("nothing-conditional", "resource", (put("Group|Condition", "Never"),)),
    ("nothing-conditional", "property", (put(VARIABLE, {"Fn::If": ["Never", "a", "b"]}),)),
    ("nothing-conditional", "transform", (Edit(Place("key", ("Transform",)), "AWS::LanguageExtensions"),)),
    ("nothing-conditional", "loop", (put("Fn::ForEach::Topics", ["x", ["a"], {}]),)),
    ("alarms-reach", "disabled", (put("Alarm|Properties|ActionsEnabled", value=False),)),
    ("alarms-reach", "disabled by reference", (put("Alarm|Properties|ActionsEnabled", {"Ref": "Later"}),)),
    ("alarms-reach", "no action", (put("Alarm|Properties|AlarmActions", []),)),
    ("alarms-reach", "another kind of action", (put("Alarm|Properties|AlarmActions", [{"Ref": "Function"}]),)),
    ("alarms-reach", "a parameter that is no topic", (put("Alarm|Properties|AlarmActions", [{"Ref": "KeyArn"}]),)),
    ("alarms-reach", "no subscriber", (put("Subscription", REMOVE),)),
    ("alarms-reach", "subscriber of another topic", (put("Subscription|Properties|TopicArn", {"Ref": "Other"}),)),
    ("alarms-reach", "subscriber without address", (put("Subscription|Properties|Endpoint", ""),)),
    ("alarms-reach", "no key", (put("Topic|Properties|KmsMasterKeyId", REMOVE),)),
    ("alarms-reach", "key of SNS", (put("Topic|Properties|KmsMasterKeyId", "alias/aws/sns"),)),
    ("alarms-reach", "policy without CloudWatch", (put(f"{TOPIC_STATEMENTS}|0", REMOVE),)),
    ("alarms-reach", "policy denies all", (put(f"{TOPIC_STATEMENTS}|1|Condition", REMOVE),)),
    ("alarms-reach", "key without CloudWatch", (put(f"{KEY_STATEMENTS}|1", REMOVE, "key"),)),
    ("alarms-reach", "key without data keys", (put(f"{KEY_STATEMENTS}|1|Action", ["kms:Decrypt"], "key"),)),
    ("alarms-can-fire", "at the limit", (put("Alarm|Properties|Threshold", 25_000),)),
    ("alarms-can-fire", "above the limit", (put("Alarm|Properties|Threshold", 10**9),)),
    ("alarms-can-fire", "below zero", (put("Alarm|Properties|Threshold", -1),)),
    ("alarms-can-fire", "count beyond all calls", (put("Alarm|Properties|MetricName", "Errors"), put("Alarm|Properties|Threshold", 10**9))),
    ("alarms-can-fire", "period zero", (put("Alarm|Properties|Period", 0),)),
    ("alarms-can-fire", "odd period", (put("Alarm|Properties|Period", 61),)),
    ("alarms-can-fire", "window of a week", (put("Alarm|Properties|EvaluationPeriods", 10_000),)),
    ("alarms-can-fire", "more datapoints than periods", (put("Alarm|Properties|DatapointsToAlarm", 4),)),
    ("alarms-can-fire", "misspelled metric", (put("Alarm|Properties|MetricName", "Durations"),)),
    ("alarms-can-fire", "misspelled namespace", (put("Alarm|Properties|Namespace", "AWS/lambda"),)),
    ("alarms-can-fire", "metric of another service", (put("Alarm|Properties|MetricName", "Latency"),)),
    ("alarms-can-fire", "no dimension", (put("Alarm|Properties|Dimensions", REMOVE),)),
    ("alarms-can-fire", "dangling dimension", (put("Alarm|Properties|Dimensions|0|Value", {"Ref": "Elsewhere"}),)),
    ("alarms-can-fire", "literal dimension", (put("Alarm|Properties|Dimensions|0|Value", "elsewhere"),)),
    ("alarms-can-fire", "one alias only", (put("Alarm|Properties|Dimensions|1", {"Name": "Resource", "Value": "x:live"}),)),
    ("alarms-can-fire", "sum of durations", (put("Alarm|Properties|Statistic", "Sum"),)),
    ("alarms-can-fire", "missing data hide it", (put("Alarm|Properties|TreatMissingData", "ignore"),)),
    ("alarms-can-fire", "fires downwards", (put("Alarm|Properties|ComparisonOperator", "LessThanThreshold"),)),
    ("no-ingress", "inline network", (put("Group|Properties|SecurityGroupIngress", [{**HTTPS, "CidrIp": "10.0.0.0/8"}]),)),
    ("no-ingress", "single inline rule", (put("Group|Properties|SecurityGroupIngress", {**HTTPS, "CidrIpv6": "::/0"}),)),
    ("no-ingress", "network beside the group", (put("Ingress|Properties|CidrIp", "0.0.0.0/0"),)),
    ("no-ingress", "prefix list", (put("Ingress|Properties", {**HTTPS, "SourcePrefixListId": "pl-1"}),)),
    ("no-ingress", "no source", (put("Ingress|Properties|SourceSecurityGroupId", REMOVE),)),
    ("no-ingress", "all ports", (put("Ingress|Properties|FromPort", 0),)),
    ("no-ingress", "by condition", (put("Group|Properties|SecurityGroupIngress", {"Fn::If": ["A", [], []]}),)),
    ("egress-is-explicit", "none declared", (put("Group|Properties|SecurityGroupEgress", REMOVE),)),
    ("egress-is-explicit", "internet", (put("Group|Properties|SecurityGroupEgress|0|CidrIp", "0.0.0.0/0"),)),
    ("egress-is-explicit", "half of the internet", (put("Group|Properties|SecurityGroupEgress|0|CidrIp", "0.0.0.0/1"),)),
    ("egress-is-explicit", "internet by IPv6", (put("Group|Properties|SecurityGroupEgress|2", {**HTTPS, "CidrIpv6": "::/0"}),)),
    (
        "egress-is-explicit",
        "rule of its own",
        (put("Attack", resource("EC2::SecurityGroupEgress", {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"})),),
    ),
    ("egress-is-explicit", "all ports", (put("Group|Properties|SecurityGroupEgress|0|ToPort", 65_535),)),
    ("egress-is-explicit", "no destination", (put("Group|Properties|SecurityGroupEgress|0|CidrIp", REMOVE),)),
    ("egress-is-explicit", "second group", (put("Attack", resource("EC2::SecurityGroup", {})),)),
    ("denies-plain-transport", "no statement", (put(f"{TOPIC_STATEMENTS}|1", REMOVE),)),
    ("denies-plain-transport", "turned", (put(f"{TOPIC_STATEMENTS}|1|Effect", "Allow"),)),
    ("denies-plain-transport", "for one principal", (put(f"{TOPIC_STATEMENTS}|1|Principal", {"AWS": ROOT}),)),
    ("denies-plain-transport", "for another action", (put(f"{TOPIC_STATEMENTS}|1|Action", "sns:Subscribe"),)),
    (
        "denies-plain-transport",
        "under a second condition",
        (put(f"{TOPIC_STATEMENTS}|1|Condition|IpAddress", {"aws:SourceIp": "10.0.0.0/8"}),),
    ),
    ("denies-plain-transport", "with TLS", (put(f"{TOPIC_STATEMENTS}|1|Condition", {"Bool": {"aws:SecureTransport": "true"}}),)),
    ("denies-plain-transport", "policy removed", (put("TopicPolicy", REMOVE),)),
    ("denies-plain-transport", "policy of another topic", (put("TopicPolicy|Properties|Topics", [{"Ref": "Other"}]),)),
    ("denies-plain-transport", "endpoint without policy", (put("Endpoint|Properties|PolicyDocument", REMOVE),)),
    ("denies-plain-transport", "bucket", (put("Attack", resource("S3::Bucket", {})),)),
    ("denies-plain-transport", "queue", (put("Attack", resource("SQS::Queue", {})),)),
    ("key-policy-bounded", "everyone", (put(f"{KEY_STATEMENTS}|0|Principal", "*", "key"),)),
    ("key-policy-bounded", "another account", (put(f"{KEY_STATEMENTS}|0|Principal", {"AWS": "111122223333"}, "key"),)),
    ("key-policy-bounded", "account and another", (put(f"{KEY_STATEMENTS}|0|Principal", {"AWS": [ROOT, {"Ref": "X"}]}, "key"),)),
    ("key-policy-bounded", "NotPrincipal", (put(f"{KEY_STATEMENTS}|0", {**PUBLIC, "NotPrincipal": {"AWS": ROOT}}, "key"),)),
    ("key-policy-bounded", "service without condition", (put(f"{KEY_STATEMENTS}|1|Condition", REMOVE, "key"),)),
    (
        "key-policy-bounded",
        "service of any account",
        (put(f"{KEY_STATEMENTS}|1|Condition", {"ArnLike": {"aws:SourceArn": "arn:*"}}, "key"),),
    ),
    (
        "key-policy-bounded",
        "another account's service",
        (put(f"{KEY_STATEMENTS}|1|Condition|ArnLike|aws:SourceArn", "arn:x:y:z:1:a", "key"),),
    ),
    ("key-policy-bounded", "no policy", (put("Key|Properties|KeyPolicy", REMOVE, "key"),)),
]


@pytest.mark.parametrize(("kind", "edits"), cases(ATTACKS))
def test_an_attack_fails(kind: str, edits: tuple[Edit, ...]) -> None:
    check, emitted = BY_KIND[kind]

    assert Outcome.FAILED in outcomes(check, emitted.edited(*edits))


REST_ATTACKS: list[tuple[str, str, tuple[Edit, ...]]] = [
    ("routes-are", "any verb", (put("Post|Properties|HttpMethod", "ANY"),)),
    ("routes-are", "options", (put("Attack", rest_method({"Ref": "Mcp"}, "OPTIONS", AuthorizationType="NONE")),)),
    ("routes-are", "greedy part", (put("Mcp|Properties|PathPart", "{proxy+}"),)),
    ("routes-are", "root", (put("Attack", rest_method({"Fn::GetAtt": ["Rest", "RootResourceId"]}, "GET", **COGNITO)),)),
    ("routes-are", "unknown parent", (put("Mcp|Properties|ParentId", {"Ref": "Nowhere"}),)),
    ("routes-are", "endless parents", (put("Mcp|Properties|ParentId", {"Ref": "Mcp"}),)),
    ("routes-are", "api key only", (put("Post", rest_method({"Ref": "Mcp"}, "POST", ApiKeyRequired=True, AuthorizationType="NONE")),)),
    ("routes-are", "no scope: an identity token would do", (put("Post|Properties|AuthorizationScopes", REMOVE),)),
    ("routes-are", "no pool", (put("Authorizer|Properties|ProviderARNs", []),)),
    ("routes-are", "request authorizer", (put("Authorizer|Properties|Type", "REQUEST"),)),
    ("routes-are", "import", (put("Rest|Properties|BodyS3Location", {}),)),
    ("entrances-are", "default endpoint", (put("Rest|Properties|DisableExecuteApiEndpoint", value=False),)),
    ("web-acl-associated", "no association", (put("Association", REMOVE),)),
    ("web-acl-associated", "HTTP API", (put("Association|Properties|ResourceArn|Fn::Sub", f"{STAGES}/apis/${{Rest}}/stages/mcp"),)),
    (
        "web-acl-associated",
        "another stage",
        (put("Association|Properties|ResourceArn|Fn::Sub", f"{STAGES}/restapis/${{Rest}}/stages/other"),),
    ),
    ("web-acl-associated", "CloudFront scope", (put("Acl|Properties|Scope", "CLOUDFRONT"),)),
    (
        "web-acl-associated",
        "second stage",
        (put("Attack", resource("ApiGateway::Stage", {"StageName": "open", "RestApiId": {"Ref": "Rest"}})),),
    ),
    ("web-acl-associated", "stage gone", (put("Stage", REMOVE),)),
]


@pytest.mark.parametrize(("kind", "edits"), cases(REST_ATTACKS))
def test_an_attack_on_a_rest_api_fails(kind: str, edits: tuple[Edit, ...]) -> None:
    check = next(check for check, emitted in GOOD if emitted is WAF and check.kind == f"question.{kind}")

    assert Outcome.FAILED in outcomes(check, WAF.edited(*edits))


HARMLESS: list[tuple[str, str, tuple[Edit, ...]]] = [
    ("no-wildcard-action", "deny by wildcard", (put(f"{STATEMENTS}|3|Action", "iam:*"),)),
    ("resource-star-listed", "names below one table", (put(f"{STATEMENTS}|0|Resource", {"Fn::Sub": "${Table.Arn}/index/*"}),)),
    ("no-public-principal", "bound to an organisation", (put(f"{TOPIC_STATEMENTS}|2", {**PUBLIC, "Condition": ORGANISATION}),)),
    ("no-public-principal", "denied", (put(f"{TOPIC_STATEMENTS}|2", {**PUBLIC, "Effect": "Deny"}),)),
    ("entrances-are", "internal load balancer", (put("Attack", resource("ElasticLoadBalancingV2::LoadBalancer", {"Scheme": "internal"})),)),
    ("environment-holds", "ARN of a secret", (put(VARIABLE, {"Ref": "Secret"}),)),
    ("no-literal-place", "service principal of a region", (put(VARIABLE, {"Fn::Sub": "logs.${AWS::Region}.amazonaws.com"}),)),
    ("alarms-reach", "given topic", (put("Alarm|Properties|AlarmActions", [{"Ref": "TopicArn"}]),)),
    ("alarms-can-fire", "counts need no limit", (put("Alarm|Properties", {**ALARM, **ERRORS}),)),
    ("no-ingress", "empty list", (put("Group|Properties|SecurityGroupIngress", []),)),
    ("egress-is-explicit", "literal private network", (put("Group|Properties|SecurityGroupEgress|0|CidrIp", "10.1.0.0/16"),)),
    ("denies-plain-transport", "boolean", (put(f"{TOPIC_STATEMENTS}|1|Condition|Bool|aws:SecureTransport", value=False),)),
]


@pytest.mark.parametrize(("kind", "edits"), cases(HARMLESS))
def test_a_harmless_change_passes(kind: str, edits: tuple[Edit, ...]) -> None:
    check, emitted = BY_KIND[kind]

    assert outcomes(check, emitted.edited(*edits)) == {Outcome.PASSED}


def test_a_network_chosen_at_deployment_is_conditional_until_an_environment_settles_it() -> None:
    check = q.EgressIsExplicit()
    open_ = HTTP.edited(put("Group|Properties|SecurityGroupEgress|0|CidrIp", {"Ref": "AnyCidr"}))
    narrow = Emitted(open_.stacks, "prod", {"server": {"AnyCidr": "10.0.0.0/16"}})
    wide = Emitted(open_.stacks, "prod", {"server": {"AnyCidr": "0.0.0.0/0"}})

    assert [outcomes(check, emitted) for emitted in (open_, narrow, wide)] == [
        {Outcome.PASSED, Outcome.CONDITIONAL},
        {Outcome.PASSED},
        {Outcome.PASSED, Outcome.FAILED},
    ]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, Outcome.FAILED),
        ({"AllowedPattern": "arn:.*"}, Outcome.FAILED),
        ({"AllowedPattern": "[a-z]+"}, Outcome.PASSED),
        ({"AllowedValues": ["one", "two"]}, Outcome.PASSED),
        ({"AllowedValues": ["one", "*"]}, Outcome.FAILED),
    ],
)
def test_a_parameter_that_a_policy_names_refuses_wildcards(attributes: dict[str, Any], expected: Outcome) -> None:
    edited = HTTP.edited(Edit(Place("server", ("Parameters", "KeyArn")), {"Type": "String", **attributes}))

    assert outcomes(q.PolicyParametersBounded(), edited) == {expected}


def test_a_threshold_chosen_at_deployment_is_guaranteed_by_its_largest_value() -> None:
    check = q.AlarmsCanFire(limits=LIMITS)
    chosen = HTTP.edited(put("Alarm|Properties|Threshold", {"Ref": "Threshold"}))

    def with_parameter(**attributes: Any) -> Emitted:
        place = Place("server", ("Parameters", "Threshold"))
        return chosen.edited(Edit(place, {"Type": "Number", **attributes}))

    assert [outcomes(check, with_parameter(**attributes)) for attributes in ({"MaxValue": 24_999}, {"MaxValue": 25_000}, {})] == [
        {Outcome.PASSED},
        {Outcome.PASSED, Outcome.CONDITIONAL},
        {Outcome.PASSED, Outcome.CONDITIONAL},
    ]


def test_what_system_toml_names_is_no_literal_of_ours() -> None:
    pool = "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_AbC"
    found = HTTP.edited(put("Authorizer|Properties|Pool", pool))

    assert outcomes(q.NoLiteralPlace(), found) == {Outcome.FAILED, Outcome.PASSED}
    assert outcomes(q.NoLiteralPlace(given=(pool,)), found) == {Outcome.PASSED}


def test_a_given_word_hides_no_place() -> None:
    found = HTTP.edited(put(VARIABLE, "https://us-east-1.example.gov"))

    assert outcomes(q.NoLiteralPlace(given=("us",)), found) == {Outcome.FAILED, Outcome.PASSED}
    assert outcomes(q.NoLiteralPlace(given=("us-east-1.example.gov",)), found) == {Outcome.PASSED}


def test_an_unknown_entrance_names_its_nearest_neighbour() -> None:
    with pytest.raises(InputError) as raised:
        q.EntrancesAre(entrances=("HTTP API custom domain",))

    assert raised.value.causes == ("EntrancesAre: unknown entrance 'HTTP API custom domain'; did you mean 'HttpApi custom domain'?",)


def test_a_finding_shows_the_place_and_what_was_found() -> None:
    found = HTTP.edited(put("Attack", resource("Lambda::Url", {})))
    check = q.EntrancesAre(entrances=("HttpApi custom domain", "Cognito token domain"))
    expected = "the public entrances of the system are exactly: HttpApi custom domain, Cognito token domain"

    assert list(check.evaluate(found, SCOPE)) == [
        Finding(Place("server", ("Resources", "Domain")), expected, "HttpApi custom domain", Outcome.PASSED),
        Finding(Place("server", ("Resources", "PoolDomain")), expected, "Cognito token domain", Outcome.PASSED),
        Finding(Place("server", ("Resources", "Attack")), expected, "Lambda function URL", Outcome.FAILED),
    ]


def test_questions_leave_the_templates_alone() -> None:
    before = copy.deepcopy(HTTP.stacks)
    for check, emitted in GOOD:
        for mutant in check.mutants(emitted, SCOPE):
            outcomes(check, emitted.edited(*mutant.edits))

    assert HTTP.stacks == before
