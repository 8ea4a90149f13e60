"""Cryptographic modules: what protects data at rest and in transit in each service, and what is known of its validation.

Source: FedRAMP Consolidated Rules, CMU-CSO-CMD (what to document) and CMU-CSO-UVM (what to use, by class). What the documentation of a
service says is told with its address and was not checked against NIST's list; a certificate stands here only if system.toml states it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from claimstack.controls.rules import load_rules
from claimstack.generator.cryptographic_services import CRYPTOGRAPHIC_SERVICES
from claimstack.generator.documents.fedramp.common import head, not_stated
from claimstack.generator.documents.image_context import locked_packages
from claimstack.generator.documents.outside import service_id
from claimstack.generator.emitted import asset_id
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.flows import Flow, flow_map
from claimstack.generator.flows.access import key_places
from claimstack.generator.flows.landscape import WITHIN_AWS
from claimstack.generator.paths import CONTAINERFILE, LOCK
from claimstack.generator.questions.reading import as_list, text_of
from claimstack.generator.stated import CryptographicModule

USE = "CMU-CSO-UVM"
"""The rule that asks for validated modules or their update streams, more or less strongly by class."""

NOT_KNOWN = "not known"
DEVELOPER_GUIDE = "https://docs.aws.amazon.com/apigateway/latest/developerguide"
KMS_GUIDE = "https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html"
GOVCLOUD_GUIDE = "https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-abp.html"
COGNITO_IN_GOVCLOUD = "https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-cog.html"
FIPS_ENDPOINTS = "https://aws.amazon.com/compliance/fips/"


@dataclass(frozen=True, slots=True)
class Known:
    """What published documents say of a module."""

    module: str = NOT_KNOWN
    source: str | None = None
    note: str = "The template names no module, and no published document that we cite does."


HSM = Known(
    "AWS Key Management Service HSM",
    KMS_GUIDE,
    "AWS documents that keys are used inside hardware security modules validated by NIST; which certificate holds on the day of the "
    "assessment is for the provider to look up.",
)
SUPPLIED = Known(
    note="The key is supplied: whether AWS KMS, a CloudHSM cluster or an external store holds it is not seen here.",
)
DATA_KEYS = Known(
    note="The data keys are protected by the KMS key. With which module the service itself encrypts the data is in no published document "
    "that we cite.",
)


def _of_api(evaluated: Evaluated) -> Known:
    """API Gateway: by the security policies of the emitted domains and APIs."""
    policies = [str(policy) for policy in _security_policies(evaluated)]
    if policies and all("FIPS" in policy for policy in policies):
        return Known(
            "AWS-LC FIPS module",
            f"{DEVELOPER_GUIDE}/apigateway-security-policies-list.html",
            f"The policy in use has FIPS in its name: {', '.join(sorted(set(policies)))}. Calls that API Gateway makes itself use TLS 1.2.",
        )
    if evaluated.system.config.partition.fips_endpoints_only:
        return Known(
            source=GOVCLOUD_GUIDE,
            note="AWS documents that all APIs in GovCloud are FIPS by default; the module is not named there.",
        )
    return Known(
        source=f"{DEVELOPER_GUIDE}/apigateway-security-policies-list.html",
        note=f"The policy in use ({', '.join(sorted(set(policies))) or 'that of the default endpoint'}) names no FIPS module.",
    )


def _security_policies(evaluated: Evaluated) -> Iterator[Any]:
    for resource in evaluated.emitted.resources("AWS::ApiGateway::RestApi", "AWS::ApiGateway::DomainName", "AWS::ApiGatewayV2::DomainName"):
        if "SecurityPolicy" in resource.properties:
            yield resource.properties["SecurityPolicy"]
        for configuration in as_list(resource.properties.get("DomainNameConfigurations", [])):
            if isinstance(configuration, dict) and "SecurityPolicy" in configuration:
                yield configuration["SecurityPolicy"]


def _of_pool(evaluated: Evaluated) -> Known:
    """Cognito: GovCloud has FIPS endpoints only; the endpoints of a pool elsewhere have none in their names."""
    if evaluated.system.config.partition.fips_endpoints_only:
        return Known(
            source=COGNITO_IN_GOVCLOUD,
            note="AWS documents that Cognito in GovCloud has FIPS endpoints only; the module is not named there.",
        )
    return Known(
        note="The addresses of the user pool in use here are not FIPS endpoints, and no published document that we cite names a module."
    )


def _of_endpoint(_: Evaluated) -> Known:
    """A service endpoint: FIPS only where a call to it is made by a FIPS host name, which the flow says."""
    return Known(
        source=FIPS_ENDPOINTS,
        note="AWS documents that FIPS endpoints end TLS in a validated module without naming it here; whether a call goes to one stands "
        "beside each flow.",
    )


@dataclass(frozen=True, slots=True)
class Service:
    """What is known of one service, whatever the system."""

    key: str
    ids: tuple[str, ...]
    """As `outside.service_id` calls it, and as ends of flows do."""
    transit: Callable[[Evaluated], Known] = _of_endpoint
    rest: Known = DATA_KEYS


SERVICES = (
    Service("kms", ("kms",), rest=HSM),
    Service("api-gateway", ("apigateway",), _of_api),
    Service("waf", ("wafv2",)),
    Service("lambda", ("lambda",)),
    Service("dynamodb", ("dynamodb",)),
    Service("cloudwatch-logs", ("logs",)),
    Service("cloudwatch", ("cloudwatch",)),
    Service("sns", ("sns",)),
    Service("secrets-manager", ("secretsmanager",)),
    Service("ecr", ("ecr",)),
    Service("cognito", ("cognito", "cognito-idp"), _of_pool),
    Service("vpc-endpoints", ("vpc-endpoints",)),
    Service("s3", ("s3",)),
    Service("sqs", ("sqs",)),
    Service("x-ray", ("xray",)),
)


def render_cryptographic_modules(evaluated: Evaluated) -> dict[str, Any]:
    config = evaluated.system.config
    services = [*_services(evaluated), *_of_the_image(evaluated)]
    used = {service["key"] for service in services}
    return {
        **head(evaluated, "cryptographic modules", ["CMU-CSO-CMD", USE]),
        "rule_level": {
            "rule": USE,
            "class": config.class_,
            "force": load_rules()[USE].force[config.class_],
            "asks": "Use of modules, or their update streams, that are validated under the NIST Cryptographic Module Validation Program.",
        },
        "how_to_state": "Look a module up at NIST, then state it in system.toml as [cryptographic_modules.<key>]. Nothing is taken as "
        "validated that is not stated there.",
        "counts": {
            "services": len(services),
            "stated": sum("certificate" in service["validation"] for service in services),
            "not_known": sum(service["validation"]["status"] == NOT_KNOWN for service in services),
        },
        "services": services,
        "stated_but_not_used": sorted(set(config.cryptographic_modules) - used),
    }


def _services(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    config = evaluated.system.config
    flows = flow_map(evaluated)
    keys: dict[str, list[tuple[str, str]]] = {}
    for resource, place, key in key_places(evaluated.emitted):
        keys.setdefault(_key_of(resource.type), []).append((place.pointer, text_of(key) or str(key)))
    for service in SERVICES:
        declared = [each for each in evaluated.system.declared() if _key_of(each.type) in service.ids]
        ends = {f"aws-{id_}" for id_ in service.ids}
        ends |= {end.id for end in flows.ends if end.component in {each.component.id for each in declared}}
        called = [flow for flow in flows.flows if flow.target in ends and _leads_to(evaluated, flow, service, declared)]
        if service.key == "kms":
            called += [flow for flow in flows.flows if flow.target == "given-KeyArn"]
        if not declared and not called:
            continue
        transit = service.transit(evaluated)
        entry: dict[str, Any] = {
            "key": service.key,
            "service": CRYPTOGRAPHIC_SERVICES[service.key],
            "partition": config.partition.name,
            "resources": [asset_id(each) for each in declared],
            "validation": _validation(evaluated, service.key),
            "in_transit": {
                **_known(transit),
                "flows": [{"id": flow.id, "encryption": flow.encryption} for flow in called if flow.protocol != WITHIN_AWS],
            },
        }
        at_rest = [found for id_ in service.ids for found in keys.get(id_, [])]
        if service.key == "kms":
            known = service.rest if any(True for _ in evaluated.emitted.resources("AWS::KMS::Key")) else SUPPLIED
            entry["at_rest"] = {
                **_known(known, config.cryptographic_modules.get(service.key)),
                "protects": "The keys by which the other services encrypt what they keep.",
            }
        elif at_rest:
            entry["at_rest"] = {**_known(service.rest), "keys": [{"pointer": pointer, "key": key} for pointer, key in at_rest]}
        yield entry


def _key_of(type_: str) -> str:
    return "vpc-endpoints" if type_ == "AWS::EC2::VPCEndpoint" else service_id(type_)


def _leads_to(evaluated: Evaluated, flow: Flow, service: Service, declared: list[Any]) -> bool:
    """Whether a flow to a component ends at a resource of this service: a component may have resources of several."""
    component = {each.component.id for each in declared}
    if flow.target not in component:
        return True
    kinds = {_key_of(each.type) for each in evaluated.system.declared() if each.component.id == flow.target}
    return len(kinds & {id_ for known in SERVICES for id_ in known.ids}) == 1 or _main(evaluated, flow.target) in service.ids


def _main(evaluated: Evaluated, component: str) -> str:
    """The service that most resources of a component belong to."""
    kinds = [_key_of(each.type) for each in evaluated.system.declared() if each.component.id == component]
    return max(dict.fromkeys(kinds), key=kinds.count)


def _of_the_image(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    """What the function brings along; the image's base is chosen when the image is built."""
    if not any(True for _ in evaluated.emitted.resources("AWS::Lambda::Function")):
        return
    package = next((package for package in locked_packages() if package.name == "cryptography"), None)
    known = {
        "image-openssl": Known(
            source=CONTAINERFILE,
            note="The base of the image brings Python and its OpenSSL; the bill of materials of the base's supplier names the version. "
            "Calls of tools and of the AWS SDK use it.",
        ),
        "image-cryptography": Known(
            f"cryptography {package.version}, with the OpenSSL that its wheel holds" if package is not None else NOT_KNOWN,
            LOCK,
            "Seals request states with AES-GCM. That the OpenSSL in the wheel is a validated build is not documented by the package.",
        ),
    }
    for key, found in known.items():
        yield {
            "key": key,
            "service": CRYPTOGRAPHIC_SERVICES[key],
            "partition": evaluated.system.config.partition.name,
            "resources": [asset_id(each) for each in evaluated.emitted.resources("AWS::Lambda::Function")],
            "validation": _validation(evaluated, key),
            "in_transit": {**_known(found, evaluated.system.config.cryptographic_modules.get(key)), "flows": []},
        }


def _known(known: Known, stated: CryptographicModule | None = None) -> dict[str, Any]:
    """A module that nothing published names is the one that the provider has stated for the service, if any."""
    module = stated.module if stated is not None and known.module == NOT_KNOWN else known.module
    return {"module": module, "source": known.source, "note": known.note}


def _validation(evaluated: Evaluated, key: str) -> dict[str, str]:
    stated = evaluated.system.config.cryptographic_modules.get(key)
    if stated is None:
        return {"status": NOT_KNOWN, "because": not_stated(f"[cryptographic_modules.{key}]")}
    return {
        "status": stated.status,
        "module": stated.module,
        "certificate": stated.certificate,
        "standard": stated.standard,
        "because": "As system.toml states it; not checked here against NIST's list.",
    }
