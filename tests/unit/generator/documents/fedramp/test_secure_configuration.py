"""The secure configuration guide compares what is emitted with what is recommended."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from tests.systems import edit, weakened

from claimstack.generator.documents.fedramp.secure_configuration import render_secure_configuration, render_secure_configuration_guide
from claimstack.generator.evaluation import Evaluated


@pytest.mark.parametrize("like", ["commercial", "govcloud"])
def test_the_guide_compares_each_setting_with_its_recommendation(built: Callable[..., Evaluated], like: str) -> None:
    evaluated = built(like)
    guide = json.loads(json.dumps(render_secure_configuration(evaluated)))
    wanted = [fact for fact in evaluated.facts if evaluated.system.checks[fact.check].check.data()["kind"] in ("property", "population")]
    assert [(setting["check"], setting["pointer"]) for setting in guide["settings"]] == [(fact.check, fact.pointer) for fact in wanted]
    assert [setting["check"] for setting in guide["settings"] if not setting["supports"] or not setting["setting"]] == []
    assert guide["counts"]["passed"] == guide["counts"]["settings"] > 300
    assert {setting["asset_id"] for setting in guide["administrator_settings"]} >= {"server.AuditLog", "server.Function"}
    pointers = [setting["pointer"] for setting in guide["administrator_settings"]]
    assert [pointer for pointer in pointers if not evaluated.emitted.resolves(pointer)] == []


def test_the_guide_names_administrative_accounts_with_what_the_rule_asks_for(built: Callable[..., Evaluated]) -> None:
    accounts = {account["id"]: account for account in render_secure_configuration(built())["administrative_accounts"]}
    assert {"account-owner", "deploying-role", "key-administrator", "user-pool-administrator"} <= set(accounts)
    for account in accounts.values():
        assert all(account[key] for key in ("level", "controls", "access", "configure", "operate", "decommission"))
    given = {account["id"]: account for account in render_secure_configuration(built("govcloud"))["administrative_accounts"]}
    assert "supplied" in given["key-administrator"]["title"]
    open_to_all = render_secure_configuration(built(auth={"type": "none"}))
    assert "user-pool-administrator" not in {account["id"] for account in open_to_all["administrative_accounts"]}
    assert [setting["declared"] for setting in open_to_all["customer_settings"]] == ["none"]


def test_customers_learn_their_clients_and_the_life_of_tokens(built: Callable[..., Evaluated]) -> None:
    settings = {each["setting"]: each["declared"] for each in render_secure_configuration(built())["customer_settings"]}
    assert settings["Client reporting"] == "client_credentials; with a secret that the client keeps in a vault"
    assert settings["Life of a token of client reporting"].endswith(" minutes")
    longer = weakened(built(), edit(1440, "ReportingClient", "Properties", "AccessTokenValidity"))
    changed = {each["setting"]: each["declared"] for each in render_secure_configuration(longer)["customer_settings"]}
    assert changed["Life of a token of client reporting"] == "1440 minutes"


def test_a_setting_that_does_not_hold_stands_at_the_top_of_the_guide(built: Callable[..., Evaluated]) -> None:
    assert "## Settings that do not hold" not in render_secure_configuration_guide(built())
    text = render_secure_configuration_guide(weakened(built(), edit(30, "AuditLog", "Properties", "RetentionInDays")))
    assert text.index("## Settings that do not hold") < text.index("## Administrative accounts")
    assert any("server.AuditLog" in line and "| 30 | failed |" in line for line in text.splitlines())


def test_the_guide_says_where_to_get_it_or_that_nobody_stated_it(built: Callable[..., Evaluated]) -> None:
    assert "Not stated in system.toml: [service] package_url" in render_secure_configuration_guide(built()).replace("\n", " ")
    published = built(service={"package_url": "https://www.example.gov/mcp"})
    assert "https://www.example.gov/mcp/fedramp/secure-configuration-guide.md" in render_secure_configuration(published)["obtain"]


WITHOUT_RISK_OF_THEIR_OWN = {
    "AWS::ApiGateway::Account",
    "AWS::ApiGateway::BasePathMapping",
    "AWS::ApiGateway::GatewayResponse",
    "AWS::ApiGateway::Model",
    "AWS::ApiGateway::RequestValidator",
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::Integration",
    "AWS::Cognito::UserPoolDomain",
    "AWS::Cognito::UserPoolResourceServer",
    "AWS::SNS::Subscription",
    "AWS::WAFv2::WebACLAssociation",
}
"""Types whose settings wire others together: what they endanger stands at those."""


@pytest.mark.parametrize("like", ["commercial", "govcloud"])
def test_the_guide_explains_every_type_whose_settings_carry_a_risk(built: Callable[..., Evaluated], like: str) -> None:
    guide = render_secure_configuration(built(like))
    explained = {setting["setting"].rpartition(".")[0] for setting in guide["administrator_settings"]}
    assert {setting["type"] for setting in guide["settings"] if setting["type"]} - explained - WITHOUT_RISK_OF_THEIR_OWN == set()


def test_the_guide_lists_what_the_deploying_role_gives_with_its_bounds(built: Callable[..., Evaluated]) -> None:
    evaluated = built()
    guide = render_secure_configuration(evaluated)
    given = {each["parameter"]: each for each in guide["parameter_settings"]}
    assert (given["ReservedConcurrency"]["default"], given["ReservedConcurrency"]["bounds"]) == (20, "1 to 1000")
    assert all(evaluated.emitted.resolves(each["pointer"]) for each in guide["parameter_settings"])
    assert "| the value of ReservedConcurrency |" in render_secure_configuration_guide(evaluated)
