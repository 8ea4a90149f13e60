"""Questions: every check that looks at the whole system, under one roof; a module for each kind of thing that is asked about."""

from __future__ import annotations

from claimstack.generator.questions.alarms import AlarmsCanFire, AlarmsReach
from claimstack.generator.questions.declared import OnlyDeclared
from claimstack.generator.questions.doors import (
    COGNITO_TOKEN_DOMAIN,
    COGNITO_USER_POOL_API,
    ENTRANCES,
    HTTP_API_CUSTOM_DOMAIN,
    HTTP_API_DEFAULT_ENDPOINT,
    REST_API_CUSTOM_DOMAIN,
    REST_API_DEFAULT_ENDPOINT,
    EntrancesAre,
    RoutesAre,
    WebAclAssociated,
)
from claimstack.generator.questions.guards import DeniesPlainTransport, KeyPolicyBounded
from claimstack.generator.questions.network import EgressIsExplicit, NoIngress
from claimstack.generator.questions.policies import (
    NoPublicPrincipal,
    NoWildcardAction,
    PolicyParametersBounded,
    ResourceStarListed,
)
from claimstack.generator.questions.reading import Question
from claimstack.generator.questions.rest_api import DEPLOYED_BEFORE, DeploymentIsCurrent, definition_hash
from claimstack.generator.questions.statements import statements_are
from claimstack.generator.questions.values import EnvironmentHolds, NoLiteralPlace, NothingConditional, OutputsHoldNoSecret
from claimstack.generator.questions.waf import ManagedRulesBlock

__all__ = [
    "COGNITO_TOKEN_DOMAIN",
    "COGNITO_USER_POOL_API",
    "DEPLOYED_BEFORE",
    "ENTRANCES",
    "HTTP_API_CUSTOM_DOMAIN",
    "HTTP_API_DEFAULT_ENDPOINT",
    "REST_API_CUSTOM_DOMAIN",
    "REST_API_DEFAULT_ENDPOINT",
    "AlarmsCanFire",
    "AlarmsReach",
    "DeniesPlainTransport",
    "DeploymentIsCurrent",
    "EgressIsExplicit",
    "EntrancesAre",
    "EnvironmentHolds",
    "KeyPolicyBounded",
    "ManagedRulesBlock",
    "NoIngress",
    "NoLiteralPlace",
    "NoPublicPrincipal",
    "NoWildcardAction",
    "NothingConditional",
    "OnlyDeclared",
    "OutputsHoldNoSecret",
    "PolicyParametersBounded",
    "Question",
    "ResourceStarListed",
    "RoutesAre",
    "WebAclAssociated",
    "definition_hash",
    "statements_are",
]
