"""Rules: what the values of one system.toml must agree on, beyond what each of them must look like.

A rule yields (key, what is wrong and what to do). Values that are faulty in themselves are left out before the rules are asked;
`RULES` says which of them a rule cannot do without, so that one mistake is reported once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches

from claimstack.controls.catalog import label, load_catalog
from claimstack.controls.errors import InputError
from claimstack.controls.ksis import nearest_ksi
from claimstack.controls.rules import applicable, load_rule_answers, load_rules, nearest_rule
from claimstack.generator.config import RETENTION_PARAMETER, Config, parse_days
from claimstack.generator.cryptographic_services import CRYPTOGRAPHIC_SERVICES
from claimstack.generator.partition import REGIONS, partition_of
from claimstack.generator.stated import IMPACTS, Statement

Violation = tuple[str, str]
Rule = Callable[[Config], Iterable[Violation]]

LONGEST_TIMEOUT: dict[str, int] = {"http-api": 29, "rest-api": 28}
"""Seconds: one below the limit of the front door, so that the function reports its own timeout."""

ROUTE_SCOPE_LENGTH = 64
"""Characters of an authorization scope on a route of an HTTP API (service model of API Gateway v2, AuthorizationScopes)."""

ENVIRONMENT_BYTES = 4096
"""All environment variables of a Lambda function together (AWS Lambda quotas)."""

CLIENT_ID_LENGTH = 26
"""Characters of the id of a user pool client."""

RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""What a log group accepts as RetentionInDays."""

RESERVED_IN_TOKEN_DOMAIN = ("amazon", "aws", "cognito")
"""Words that Cognito refuses in a domain prefix, which is made from the name of the system."""

OUR_TAG = "FedRAMPControls"

AUDIENCES = 50
"""Of a JWT authorizer (API Gateway quotas)."""


def region_is_stood_behind(config: Config) -> Iterator[Violation]:
    try:
        partition_of(config.region)
    except InputError as error:
        yield "region", str(error)


def route_is_open(config: Config) -> Iterator[Violation]:
    if config.class_ == "D" and config.certification == "20x":
        yield "certification", "class D is not open for 20x, only for Rev5; use certification = 'rev5', or class = 'C'"


def rest_api_has_a_domain(config: Config) -> Iterator[Violation]:
    if config.front_door.type == "rest-api" and config.front_door.domain is None:
        yield (
            "front_door.domain",
            "missing: the discovery addresses of MCP lie at the root of a host, which a rest-api has on a custom domain only; "
            "add it, or use type = 'http-api'",
        )


def http_api_does_without(config: Config) -> Iterator[Violation]:
    door = config.front_door
    if door.type == "http-api" and door.waf:
        yield (
            "front_door.waf",
            "AWS WAF cannot be attached to an http-api; use type = 'rest-api', or waf = false "
            "(CloudFront with a WAF in front of an http-api is not offered yet)",
        )
    if door.type == "http-api" and door.streaming:
        yield "front_door.streaming", "an http-api buffers every answer; use type = 'rest-api', or streaming = false"


def rest_api_does_without(config: Config) -> Iterator[Violation]:
    door = config.front_door
    if door.type == "rest-api" and door.allowed_origins:
        yield (
            "front_door.allowed_origins",
            "a rest-api here answers no preflight request, which would need open OPTIONS routes; remove it, or use type = 'http-api'",
        )
    if door.type == "http-api" and "account_role" in door.model_fields_set:
        yield "front_door.account_role", "means nothing with an http-api; remove it, or use type = 'rest-api'"


def timeout_ends_before_the_door(config: Config) -> Iterator[Violation]:
    door, seconds = config.front_door, config.runtime.timeout_seconds
    longest = LONGEST_TIMEOUT[door.type]
    if seconds <= longest or (door.type == "rest-api" and door.streaming):
        return
    remedy = f"at most {longest}" if door.type == "http-api" else f"at most {longest}, or front_door.streaming = true"
    yield "runtime.timeout_seconds", f"the {door.type} cuts a request off at {longest + 1} seconds, found {seconds}; use {remedy}"


def provider_fits_the_door(config: Config) -> Iterator[Violation]:
    """Whose settings belong to which kind of authentication."""
    auth, door = config.auth, config.front_door.type
    given = auth.model_fields_set
    cognito_only = ("consumers", "callback_urls", "token_minutes")
    external_only = ("issuer", "audience", "user_pool_arn")
    foreign = {"cognito": external_only, "external": cognito_only, "none": ("scopes", *cognito_only, *external_only)}[auth.type]
    for key in foreign:
        if key in given:
            owner = "external" if key in external_only else "cognito"
            owner = "cognito or external" if key == "scopes" else owner
            yield f"auth.{key}", f"means nothing with auth.type = '{auth.type}', only with {owner}; remove it, or change the type"
    if auth.type == "external" and door == "http-api":
        for key, what in (("issuer", "whose tokens it accepts"), ("audience", "for whom they must be issued")):
            if not getattr(auth, key):
                yield f"auth.{key}", f"missing: the JWT authorizer of an http-api has to know {what}; add it"
        if auth.user_pool_arn is not None:
            yield "auth.user_pool_arn", "is for a rest-api; on an http-api name the pool by its issuer and its client ids by audience"
    if auth.type == "external" and door == "rest-api":
        if auth.user_pool_arn is None:
            yield (
                "auth.user_pool_arn",
                "missing: the authorizer of a rest-api (COGNITO_USER_POOLS) takes Cognito user pools only; "
                "add the ARN of yours, or use the http-api with issuer and audience",
            )
        if auth.issuer is not None:
            yield "auth.issuer", "is for an http-api; on a rest-api the user pool is the issuer: remove it and give user_pool_arn"


def user_pool_lies_in_the_region(config: Config) -> Iterator[Violation]:
    arn = config.auth.user_pool_arn
    if arn is None or config.region not in REGIONS:
        return
    _, partition, _, region, _, pool = arn.split(":", 5)
    if partition != config.partition.name:
        yield (
            "auth.user_pool_arn",
            f"lies in partition {partition}, but {config.region} is in {config.partition.name}; give a pool of that partition",
        )
    elif region != config.region:
        yield "auth.user_pool_arn", f"lies in {region}, but the system is in {config.region}; give a pool of the system's own region"
    elif not pool.startswith(f"userpool/{region}_"):
        yield "auth.user_pool_arn", f"names a pool whose id does not start with '{region}_'; copy the ARN from the pool"


def identity_tokens_are_kept_out(config: Config) -> Iterator[Violation]:
    if config.auth.type != "none" and not config.auth.scopes:
        yield "auth.scopes", "empty: without a scope an identity token would open the server too; name at least one, such as 'invoke'"


def somebody_can_get_a_token(config: Config) -> Iterator[Violation]:
    auth = config.auth
    if auth.type == "cognito" and not auth.consumers and not auth.callback_urls:
        yield "auth.consumers", "without consumers and callback_urls nobody could get a token; name a consumer, such as ['agents']"


def cognito_takes_the_names(config: Config) -> Iterator[Violation]:
    auth = config.auth
    if auth.type != "cognito":
        return
    for scope in auth.scopes:
        if "/" in scope:
            yield "auth.scopes", f"'{scope}' contains a slash, which Cognito puts between resource server and scope; use another character"
    for word in RESERVED_IN_TOKEN_DOMAIN:
        if word in config.name:
            yield "name", f"contains '{word}', which Cognito refuses in the token domain that is made from the name; choose another name"
    spelled: dict[str, str] = {}
    for consumer in auth.consumers:
        other = spelled.setdefault(consumer.replace("-", ""), consumer)
        if other != consumer:
            yield "auth.consumers", f"'{other}' and '{consumer}' differ in hyphens only and would share a logical id; rename one"


def scopes_fit_the_route(config: Config) -> Iterator[Violation]:
    if config.front_door.type != "http-api" or config.auth.type == "none":
        return
    for scope in config.auth.scopes:
        whole = _scope_in_tokens(config, scope)
        if len(whole) > ROUTE_SCOPE_LENGTH:
            yield (
                "auth.scopes",
                f"'{whole}' has {len(whole)} characters, a route of an http-api takes {ROUTE_SCOPE_LENGTH}; "
                "shorten the scope or the domain, or use the rest-api",
            )


def authorizer_takes_the_audiences(config: Config) -> Iterator[Violation]:
    """People bring two audiences: their client, and the canonical URL that their tokens may name instead."""
    auth = config.auth
    most = AUDIENCES - 2 * bool(auth.callback_urls)
    if config.front_door.type == "http-api" and auth.type == "cognito" and len(auth.consumers) > most:
        yield (
            "auth.consumers",
            f"{len(auth.consumers)} consumers, but the authorizer of an http-api takes {AUDIENCES} audiences, of which people need two; "
            f"list at most {most}, or use the rest-api",
        )


def environment_fits_the_function(config: Config) -> Iterator[Violation]:
    auth, url = config.auth, config.public_url or "https://0123456789.execute-api.us-gov-west-1.amazonaws.com/mcp"
    values = [url, auth.issuer or auth.user_pool_arn or "", *config.front_door.allowed_origins]
    if auth.type != "none":
        clients = len(auth.consumers) + bool(auth.callback_urls)
        values += [url] if auth.callback_urls else []
        values += [*(_scope_in_tokens(config, scope) for scope in auth.scopes), *auth.audience, *(["0" * CLIENT_ID_LENGTH] * clients)]
    names_and_arns = 900
    size = names_and_arns + sum(len(value.encode()) + 1 for value in values)
    if size > ENVIRONMENT_BYTES:
        yield (
            "auth",
            f"scopes, consumers or audience and front_door.allowed_origins need about {size} bytes of the function's environment, "
            f"Lambda gives {ENVIRONMENT_BYTES}; shorten the longest list",
        )


def _scope_in_tokens(config: Config, scope: str) -> str:
    return f"{config.public_url or config.name}/{scope}" if config.auth.type == "cognito" else scope


def lists_repeat_nothing(config: Config) -> Iterator[Violation]:
    lists = {
        "front_door.allowed_origins": config.front_door.allowed_origins,
        "auth.scopes": config.auth.scopes,
        "auth.consumers": config.auth.consumers,
        "auth.callback_urls": config.auth.callback_urls,
        "auth.audience": config.auth.audience,
        "network.endpoint_services": config.network.endpoint_services,
        "extensions": config.extensions,
        "service.business_categories": config.service.business_categories,
        "people": tuple(person.name for person in config.people),
        "information": tuple(kind.title for kind in config.information),
    }
    lists |= {f"people[{number}].roles": person.roles for number, person in enumerate(config.people, start=1)}
    lists |= {f"people[{number}].contact": person.contact for number, person in enumerate(config.people, start=1)}
    lists |= {f"information[{number}].sp800_60": kind.sp800_60 for number, kind in enumerate(config.information, start=1)}
    for key, values in lists.items():
        for value, count in Counter(values).items():
            if count > 1:
                yield key, f"'{value}' is listed {count} times; list it once"


def endpoint_services_need_the_stack(config: Config) -> Iterator[Violation]:
    if config.network.endpoint_services and not config.network.endpoints:
        yield "network.endpoint_services", "is built by the endpoints stack; add endpoints = true, or remove it"


def tags_leave_room_for_ours(config: Config) -> Iterator[Violation]:
    spelled: dict[str, str] = {}
    for tag in config.organisation.tags:
        key = f'organisation.tags."{tag}"'
        if tag.lower().startswith("aws:"):
            yield key, "AWS keeps tags that start with 'aws:' for itself; choose another name"
        if tag.lower() == OUR_TAG.lower():
            yield key, "this tag is written by claimstack from the claims of each resource; remove it"
        other = spelled.setdefault(tag.lower(), tag)
        if other != tag:
            yield key, f"differs from '{other}' in upper and lower case only, which IAM takes for the same tag; remove one"


def parameters_are_the_catalogs(config: Config) -> Iterator[Violation]:
    for parameter in config.parameters:
        try:
            load_catalog().parameter(parameter)
        except InputError as error:
            yield f'parameters."{parameter}"', str(error)


def decisions_precede_the_evidence(config: Config) -> Iterator[Violation]:
    """Evidence of a day cannot rest on what was decided later."""
    dates = {f'parameters."{parameter}".date': setting.date for parameter, setting in config.parameters.items()}
    if config.leveraged is not None:
        dates["leveraged.date_authorized"] = config.leveraged.date_authorized
    if config.service.operational_since is not None:
        dates["service.operational_since"] = config.service.operational_since
    for key, day in dates.items():
        if day > config.as_of:
            yield key, f"{day} lies after as_of = {config.as_of}, the day of the evidence; correct one of them"


def what_is_to_come_follows_the_evidence(config: Config) -> Iterator[Violation]:
    """The evidence of a day cannot plan for an earlier one."""
    dates = {f'plans."{target}".completion': plan.completion for target, plan in config.plans.items()}
    if config.service.next_report is not None:
        dates["service.next_report"] = config.service.next_report
    for key, day in dates.items():
        if day < config.as_of:
            yield key, f"{day} lies before as_of = {config.as_of}, the day of the evidence; give the day that is now planned"


def retention_is_one_of_the_log_groups(config: Config) -> Iterator[Violation]:
    setting = config.parameters.get(RETENTION_PARAMETER)
    if setting is None:
        return
    key = f'parameters."{RETENTION_PARAMETER}".value'
    try:
        days = parse_days(setting.value)
    except InputError as error:
        yield key, str(error)
        return
    if days not in RETENTION_DAYS:
        longer = next((value for value in RETENTION_DAYS if value > days), RETENTION_DAYS[-1])
        yield key, f"CloudWatch Logs keeps records for fixed periods and {days} days is none of them; use '{longer} days'"


def dispositions_name_controls_or_points(config: Config) -> Iterator[Violation]:
    for target in config.dispositions:
        try:
            _ = load_catalog().point(target) if "_" in target else load_catalog().control(target)
        except InputError as error:
            yield f'dispositions."{target}"', str(error)


def plans_name_open_things_and_people(config: Config) -> Iterator[Violation]:
    held = {role for person in config.people for role in person.roles}
    for target, plan in config.plans.items():
        key = f'plans."{target}"'
        try:
            control = load_catalog().point(target).control if "_" in target else load_catalog().control(target).id
        except InputError as error:
            yield key, str(error)
        else:
            if control not in load_catalog().classes.get(config.class_, ()):
                yield key, f"{label(control)} lies outside class {config.class_}, of which alone the documents speak; remove it"
        if plan.owner not in held:
            yield f"{key}.owner", f"nobody in [[people]] holds the role '{plan.owner}'; add it to somebody's roles, or name another"


def statements_name_what_applies(config: Config) -> Iterator[Violation]:
    for id_, statement in config.rules.items():
        rule = load_rules().get(id_)
        if rule is None:
            yield f'rules."{id_}"', f"no FedRAMP rule for providers{nearest_rule(id_)}"
        elif not applicable(rule, config.class_, config.certification):
            yield f'rules."{id_}"', f"does not speak to class {config.class_} on the way to {config.certification}; remove it"
        else:
            yield from _statement_can_be_the_providers(id_, statement)
    for id_ in config.ksis:
        if id_ not in load_catalog().ksis:
            yield f'ksis."{id_}"', f"no Key Security Indicator{nearest_ksi(id_)}"


def _statement_can_be_the_providers(id_: str, statement: Statement) -> Iterator[Violation]:
    """A rule counts as followed by the provider's word only with what SDR-CSO-FRR asks for, and never in the place of an assessor."""
    if load_rule_answers()[id_].who == "assessor" and statement.status in ("implemented", "partial"):
        yield (
            f'rules."{id_}".status',
            f"'{statement.status}' is for the independent assessor to say, whose results no build holds; "
            "use 'planned' or 'not-applicable', and give agencies the assessor's own results",
        )
    elif statement.status == "implemented":
        for key in ("verification", "validation"):
            if getattr(statement, key) is None:
                yield f'rules."{id_}".{key}', "missing: 'implemented' needs both verification and validation; add it, or use 'partial'"


def impacts_fit_the_class(config: Config) -> Iterator[Violation]:
    """Classes B, C and D stand for the legacy baselines Low, Moderate and High (FedRAMP Consolidated Rules, FRC-CSF-BSL)."""
    most = dict(zip(("B", "C", "D"), IMPACTS, strict=True))[config.class_]
    for number, information in enumerate(config.information, start=1):
        for objective in ("confidentiality", "integrity", "availability"):
            impact = getattr(information, objective)
            if IMPACTS.index(impact) > IMPACTS.index(most):
                yield (
                    f"information[{number}].{objective}",
                    f"'{impact}' is more than class {config.class_} stands for ('{most}'); choose a higher class, or correct the impact",
                )


def cryptographic_modules_are_of_known_services(config: Config) -> Iterator[Violation]:
    for key in config.cryptographic_modules:
        if key not in CRYPTOGRAPHIC_SERVICES:
            near = get_close_matches(key, CRYPTOGRAPHIC_SERVICES, n=1)
            meant = f"did you mean '{near[0]}'? " if near else ""
            yield f"cryptographic_modules.{key}", f"no such service; {meant}known are {', '.join(CRYPTOGRAPHIC_SERVICES)}"


def dispositions_stand_on_something(config: Config) -> Iterator[Violation]:
    known = f"one of {', '.join(config.providers)}" if config.providers else "none is described yet"
    for target, override in config.dispositions.items():
        key = f'dispositions."{target}"'
        if override.provider is not None and override.provider not in config.providers:
            yield f"{key}.provider", f"'{override.provider}' is not in [providers] ({known}); describe it there, or correct the name"
        if override.status == "inherited" and override.provider is None and config.leveraged is None:
            yield (
                f"{key}.status",
                "nothing is inherited without an authorization to inherit from; add [leveraged], or name a provider with a fedramp_id",
            )


RULES: tuple[tuple[Rule, tuple[str, ...]], ...] = (
    (region_is_stood_behind, ()),
    (route_is_open, ()),
    (rest_api_has_a_domain, ("front_door.domain",)),
    (http_api_does_without, ("front_door.type",)),
    (rest_api_does_without, ("front_door.type",)),
    (timeout_ends_before_the_door, ("front_door.type", "front_door.streaming")),
    (provider_fits_the_door, ("front_door.type", "auth.type", "auth.issuer", "auth.audience", "auth.user_pool_arn")),
    (user_pool_lies_in_the_region, ("region",)),
    (identity_tokens_are_kept_out, ("auth.type",)),
    (somebody_can_get_a_token, ("auth.type", "auth.consumers", "auth.callback_urls")),
    (cognito_takes_the_names, ("auth.type",)),
    (scopes_fit_the_route, ("front_door.type", "auth.type")),
    (authorizer_takes_the_audiences, ("front_door.type", "auth.type")),
    (environment_fits_the_function, ("auth.type",)),
    (lists_repeat_nothing, ()),
    (endpoint_services_need_the_stack, ("network.endpoints",)),
    (tags_leave_room_for_ours, ()),
    (parameters_are_the_catalogs, ()),
    (decisions_precede_the_evidence, ("as_of",)),
    (what_is_to_come_follows_the_evidence, ("as_of",)),
    (retention_is_one_of_the_log_groups, ()),
    (dispositions_name_controls_or_points, ()),
    (dispositions_stand_on_something, ("providers", "leveraged")),
    (plans_name_open_things_and_people, ("people", "class")),
    (impacts_fit_the_class, ("class",)),
    (statements_name_what_applies, ("class", "certification")),
    (cryptographic_modules_are_of_known_services, ()),
)
"""Each rule with the keys whose default it would take for the user's word: where one of them is faulty, the rule is not asked."""


def violations(config: Config, faulty: Iterable[str] = ()) -> Iterator[Violation]:
    """`faulty`: keys, or tables, that the configuration had to leave out."""
    known = tuple(faulty)
    for rule, relied_on in RULES:
        if not any(_overlap(key, bad) for key in relied_on for bad in known):
            yield from rule(config)


def _overlap(key: str, other: str) -> bool:
    return f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.")
