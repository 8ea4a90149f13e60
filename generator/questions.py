"""Questions: every check that looks at the whole system, under one roof; each is written beside its kin in `questions_*`."""

from __future__ import annotations

from claimstack.generator.questions_alarms import AlarmsCanFire, AlarmsReach
from claimstack.generator.questions_doors import (
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
from claimstack.generator.questions_guards import DeniesPlainTransport, KeyPolicyBounded
from claimstack.generator.questions_network import EgressIsExplicit, NoIngress
from claimstack.generator.questions_policies import (
    NoPublicPrincipal,
    NoWildcardAction,
    PolicyParametersBounded,
    ResourceStarListed,
    TrustsOnly,
)
from claimstack.generator.questions_reading import Question
from claimstack.generator.questions_values import EnvironmentHolds, NoLiteralPlace, NothingConditional, OutputsHoldNoSecret

__all__ = [
    "COGNITO_TOKEN_DOMAIN",
    "COGNITO_USER_POOL_API",
    "ENTRANCES",
    "HTTP_API_CUSTOM_DOMAIN",
    "HTTP_API_DEFAULT_ENDPOINT",
    "REST_API_CUSTOM_DOMAIN",
    "REST_API_DEFAULT_ENDPOINT",
    "AlarmsCanFire",
    "AlarmsReach",
    "DeniesPlainTransport",
    "EgressIsExplicit",
    "EntrancesAre",
    "EnvironmentHolds",
    "KeyPolicyBounded",
    "NoIngress",
    "NoLiteralPlace",
    "NoPublicPrincipal",
    "NoWildcardAction",
    "NothingConditional",
    "OutputsHoldNoSecret",
    "PolicyParametersBounded",
    "Question",
    "ResourceStarListed",
    "RoutesAre",
    "TrustsOnly",
    "WebAclAssociated",
]
