"""Who issues tokens, and what is said of it."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from claimstack.controls.catalog import load_catalog
from claimstack.controls.families import load_families
from claimstack.generator.config import Config
from claimstack.generator.emitted import Edit, Place, plain
from claimstack.generator.evaluation import evaluate
from claimstack.generator.predicates import Outcome
from claimstack.generator.questions.doors import entrances
from claimstack.generator.resources.door import public_url
from claimstack.generator.resources.identity import WITHOUT_AUTHENTICATION, Identity, add_identity, client_logical_id
from claimstack.generator.system import Stack, System

from .conftest import emitted

DOMAIN = {"domain": "mcp.example.gov"}
CONSUMERS = {"consumers": ("agents", "web-app")}
PEOPLE = {"callback_urls": ("http://localhost:8976/callback",)}
ISSUER = {"type": "external", "issuer": "https://login.example.gov/tenant", "audience": ("mcp",), "scopes": ("tools.invoke",)}


def built(**tables: Any) -> tuple[Stack, Identity]:
    base = {"name": "grants-tools", "title": "Grants tools", "class": "C", "certification": "20x", "region": "us-east-1"}
    config = Config.model_validate({**base, "as_of": date(2026, 11, 1), "front_door": DOMAIN, "auth": CONSUMERS, **tables})
    system = System(config, load_catalog(), load_families())
    stack = system.stack("server", "MCP server.")
    key = stack.parameter("KeyArn", "Key.", example="arn")
    return stack, add_identity(stack, key, public_url(config))


def own_checks(stack: Stack) -> list[Any]:
    """Every check but those about entrances, which need a front door."""
    return [declared for declared in stack.system.checks.values() if not declared.check.kind.startswith("question.")]


def test_cognito_identity_is_what_the_front_door_needs() -> None:
    stack, identity = built(auth={**CONSUMERS, **PEOPLE})
    assert plain({name: getattr(identity, name) for name in ("issuer", "audience", "scopes", "user_pool_arn")}) == {
        "issuer": {"Fn::GetAtt": ["UserPool", "ProviderURL"]},
        "audience": [{"Ref": "AgentsClient"}, {"Ref": "WebAppClient"}, {"Ref": "PublicClientWithPkce"}, "https://mcp.example.gov/mcp"],
        "scopes": ["https://mcp.example.gov/mcp/invoke"],
        "user_pool_arn": {"Fn::GetAtt": ["UserPool", "Arn"]},
    }
    assert sorted(stack.to_dict()["Outputs"]) == [
        "AgentsClientId",
        "Issuer",
        "PublicClientWithPkceId",
        "Scope",
        "TokenUrl",
        "WebAppClientId",
    ]


def test_user_pool_is_closed_encrypted_and_kept() -> None:
    stack, _ = built()
    pool = stack.to_dict()["Resources"]["UserPool"]
    tags = pool["Properties"].pop("UserPoolTags")
    assert tags == {"FedRAMPControls": "AC-14 CM-6 CM-7 IA-5 SC-28 SC-28.1"}
    assert {key: pool[key] for key in ("DeletionPolicy", "UpdateReplacePolicy", "Properties")} == {
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "admin_only", "Priority": 1}]},
            "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
            "DeletionProtection": "ACTIVE",
            "EnabledMfas": ["SOFTWARE_TOKEN_MFA"],
            "KeyConfiguration": {"KeyType": "CUSTOMER_MANAGED_KEY", "KmsKeyArn": {"Ref": "KeyArn"}},
            "MfaConfiguration": "ON",
            "Policies": {
                "PasswordPolicy": {
                    "MinimumLength": 15,
                    "RequireLowercase": True,
                    "RequireNumbers": True,
                    "RequireSymbols": True,
                    "RequireUppercase": True,
                    "TemporaryPasswordValidityDays": 1,
                }
            },
        },
    }


PEOPLES_POINTS = {"ia-2.2_smt", "ia-5_smt.c", "ia-5.1_smt.h", "ia-11_smt", "si-11_smt.a"}


def test_pool_without_people_claims_nothing_about_them() -> None:
    programs, _ = built()
    both, _ = built(auth={**CONSUMERS, **PEOPLE})
    claimed = [{claim.point for _, claim in stack.system.claims()} & PEOPLES_POINTS for stack in (programs, both)]
    assert claimed == [set(), PEOPLES_POINTS]


@pytest.mark.parametrize(
    ("resource", "path", "value", "point"),
    [
        ("UserPool", ("MfaConfiguration",), "OFF", "cm-6_smt.b"),
        ("UserPool", ("Policies", "PasswordPolicy", "MinimumLength"), 8, "cm-6_smt.b"),
        ("WebAppClient", ("EnableTokenRevocation",), False, "cm-6_smt.b"),
        ("WebAppClient", ("PreventUserExistenceErrors",), "LEGACY", "cm-6_smt.b"),
        ("WebAppClient", ("AllowedOAuthFlows",), ["code"], "cm-7_smt.a"),
        ("WebAppClient", ("ExplicitAuthFlows",), ["ALLOW_USER_SRP_AUTH"], "cm-7_smt.a"),
    ],
)
def test_pool_without_people_stays_closed_to_them(resource: str, path: tuple[str, ...], value: Any, point: str) -> None:
    stack, _ = built()
    edit = Edit(Place("server", ("Resources", resource, "Properties", *path)), value)
    assert evaluate(stack.system, emitted(stack).edited(edit)).answers[point].status == "failed"


def test_every_user_pool_is_an_entrance_of_its_own() -> None:
    stack, _ = built()
    found = sorted((kind, resource.logical_id) for kind, resource in entrances(emitted(stack)))
    assert found == [("Cognito token domain", "TokenDomain"), ("Cognito user pool API", "UserPool")]


def test_token_domain_shows_pages_that_need_no_branding() -> None:
    stack, _ = built(auth=PEOPLE)
    assert stack.to_dict()["Resources"]["TokenDomain"]["Properties"] == {
        "Domain": {"Fn::Sub": "grants-tools-${AWS::AccountId}"},
        "ManagedLoginVersion": 1,
        "UserPoolId": {"Ref": "UserPool"},
    }


def test_consumer_gets_a_confidential_client_for_client_credentials_only() -> None:
    stack, _ = built(auth={**CONSUMERS, "token_minutes": 5})
    client = stack.to_dict()["Resources"]["WebAppClient"]
    assert client["DependsOn"] == "McpResourceServer"
    assert client["Properties"] == {
        "AccessTokenValidity": 5,
        "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthScopes": ["https://mcp.example.gov/mcp/invoke"],
        "ClientName": "web-app",
        "EnableTokenRevocation": True,
        "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
        "GenerateSecret": True,
        "PreventUserExistenceErrors": "ENABLED",
        "TokenValidityUnits": {"AccessToken": "minutes"},
        "UserPoolId": {"Ref": "UserPool"},
    }


def test_people_get_a_public_client_whose_refresh_tokens_rotate() -> None:
    stack, _ = built(auth=PEOPLE)
    client = stack.to_dict()["Resources"]["PublicClientWithPkce"]["Properties"]
    assert (client["GenerateSecret"], client["AllowedOAuthFlows"], client["CallbackURLs"], client["RefreshTokenRotation"]) == (
        False,
        ["code"],
        ["http://localhost:8976/callback"],
        {"Feature": "ENABLED", "RetryGracePeriodSeconds": 10},
    )
    assert "ALLOW_REFRESH_TOKEN_AUTH" not in client["ExplicitAuthFlows"]


def test_no_output_carries_a_client_secret() -> None:
    stack, _ = built(auth={**CONSUMERS, **PEOPLE})
    assert "ClientSecret" not in json.dumps(stack.to_dict())


def test_token_domain_of_govcloud_is_the_fips_one() -> None:
    outputs = [built(region=region)[0].to_dict()["Outputs"]["TokenUrl"]["Value"] for region in ("us-east-1", "us-gov-west-1")]
    assert outputs == [
        {"Fn::Sub": "https://grants-tools-${AWS::AccountId}.auth.${AWS::Region}.amazoncognito.com/oauth2/token"},
        {"Fn::Sub": "https://grants-tools-${AWS::AccountId}.auth-fips.${AWS::Region}.amazoncognito.com/oauth2/token"},
    ]


def test_scopes_stay_short_enough_for_a_route_without_a_custom_domain() -> None:
    stack, identity = built(front_door={})
    assert stack.to_dict()["Resources"]["McpResourceServer"]["Properties"]["Identifier"] == "grants-tools"
    assert identity.scopes == ("grants-tools/invoke",)


def test_external_issuer_is_described_and_builds_nothing() -> None:
    stack, identity = built(auth=ISSUER)
    assert identity == Identity(
        "external", issuer="https://login.example.gov/tenant", audience=("mcp",), scopes=("tools.invoke",), user_pool_arn=None
    )
    assert stack.declared == {}


def test_existing_pool_is_the_issuer_without_a_literal_region() -> None:
    arn = "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_AbCdEf123"
    _, identity = built(front_door={"type": "rest-api", **DOMAIN}, auth={"type": "external", "user_pool_arn": arn})
    assert identity.user_pool_arn == arn
    assert plain(identity.issuer) == {"Fn::Sub": "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${AWS::Region}_AbCdEf123"}


def test_no_authentication_is_loud_and_claims_nothing() -> None:
    stack, identity = built(auth={"type": "none"})
    assert identity == Identity("none")
    assert identity.is_open
    assert stack.to_dict()["Description"] == f"MCP server. {WITHOUT_AUTHENTICATION}"
    assert (stack.declared, stack.to_dict().get("Outputs")) == ({}, None)


def test_logical_id_of_a_client_is_the_name_of_its_consumer() -> None:
    assert [client_logical_id(name) for name in ("agents", "web-app", "a1-b2-c3")] == ["AgentsClient", "WebAppClient", "A1B2C3Client"]


@pytest.mark.parametrize("auth", [CONSUMERS, PEOPLE, {**CONSUMERS, **PEOPLE}])
def test_every_check_passes_and_each_of_its_mutants_fails_it(auth: dict[str, Any]) -> None:
    stack, _ = built(auth=auth)
    good = emitted(stack)
    assert own_checks(stack)
    for declared in own_checks(stack):
        assert {finding.outcome for finding in declared.check.evaluate(good, declared.scope)} == {Outcome.PASSED}, declared.id
        mutants = list(declared.check.mutants(good, declared.scope))
        assert mutants, declared.id
        for mutant in mutants:
            outcomes = {finding.outcome for finding in declared.check.evaluate(good.edited(*mutant.edits), declared.scope)}
            assert Outcome.FAILED in outcomes, (declared.id, mutant.what)


@pytest.mark.parametrize(
    ("resource", "path", "value", "point"),
    [
        ("UserPool", ("AdminCreateUserConfig", "AllowAdminCreateUserOnly"), False, "ac-14_smt.a"),
        ("UserPool", ("MfaConfiguration",), "OPTIONAL", "ia-2.2_smt"),
        ("UserPool", ("MfaConfiguration",), "OFF", "ia-2.2_smt"),
        ("UserPool", ("DeviceConfiguration",), {"ChallengeRequiredOnNewDevice": True}, "ia-2.2_smt"),
        ("UserPool", ("LambdaConfig",), {"PreTokenGeneration": "arn"}, "ac-3_smt"),
        ("UserPool", ("LambdaConfig",), {"UserMigration": "arn"}, "ac-14_smt.a"),
        ("UserPool", ("EnabledMfas",), ["SMS_MFA"], "ia-2.2_smt"),
        ("UserPool", ("KeyConfiguration", "KeyType"), "AWS_OWNED_KEY", "sc-28_smt"),
        ("UserPool", ("MfaConfiguration",), "OPTIONAL", "ia-5_smt.c"),
        ("UserPool", ("EnabledMfas",), ["SOFTWARE_TOKEN_MFA", "SMS_MFA"], "ia-5_smt.c"),
        ("UserPool", ("Policies", "PasswordPolicy", "TemporaryPasswordValidityDays"), 0, "ia-5_smt.b"),
        ("AgentsClient", ("AccessTokenValidity",), 24, "ac-12_smt"),
        ("AgentsClient", ("TokenValidityUnits", "AccessToken"), "hours", "ac-12_smt"),
        ("AgentsClient", ("AllowedOAuthFlows",), ["client_credentials", "implicit"], "ac-3_smt"),
        ("AgentsClient", ("AllowedOAuthScopes",), ["https://mcp.example.gov/mcp/invoke", "openid"], "ac-3_smt"),
        ("AgentsClient", ("ExplicitAuthFlows",), ["ALLOW_USER_PASSWORD_AUTH"], "ia-8_smt"),
        ("AgentsClient", ("GenerateSecret",), False, "ia-5_smt.b"),
        ("PublicClientWithPkce", ("RefreshTokenValidity",), 13, "ia-11_smt"),
        ("PublicClientWithPkce", ("TokenValidityUnits", "RefreshToken"), "days", "ia-11_smt"),
        ("PublicClientWithPkce", ("RefreshTokenRotation", "Feature"), "DISABLED", "ac-12_smt"),
        ("PublicClientWithPkce", ("PreventUserExistenceErrors",), "LEGACY", "si-11_smt.a"),
        ("PublicClientWithPkce", ("ExplicitAuthFlows",), ["ALLOW_USER_PASSWORD_AUTH"], "ac-14_smt.a"),
        ("AgentsClient", ("ClientName",), "somebody", "ia-4_smt.b"),
        ("PublicClientWithPkce", ("CallbackURLs",), ["http://localhost:8976/callback", "https://evil.example"], "ia-8_smt"),
    ],
)
def test_weakened_identity_fails_the_point_that_it_concerns(resource: str, path: tuple[str, ...], value: Any, point: str) -> None:
    stack, _ = built(auth={**CONSUMERS, **PEOPLE})
    edit = Edit(Place("server", ("Resources", resource, "Properties", *path)), value)
    assert evaluate(stack.system, emitted(stack).edited(edit)).answers[point].status == "failed"
