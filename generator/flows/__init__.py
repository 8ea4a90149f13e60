"""Flows: what may pass between the parts of a system and the world around it, read from the emitted templates alone.

FedRAMP rule MAS-CSO-FLO asks for the flows, for how they are derived, and for the code that derives them: DERIVATIONS and
`derivation_source` answer the last two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from claimstack.generator.emitted import Emitted
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.flows import access, doors, network, records
from claimstack.generator.flows.landscape import Landscape
from claimstack.generator.flows.model import End, Flow, FlowMap, Kind
from claimstack.generator.flows.sighting import Sighting, gathered
from claimstack.generator.sources import Source, source_of

__all__ = ["DERIVATIONS", "UNDERIVED", "End", "Flow", "FlowMap", "Kind", "derivation_source", "flow_map"]

_RULES: Mapping[str, tuple[Callable[[Landscape], Iterable[Sighting]], str]] = {
    "entrance": (
        doors.entrance_flows,
        "Each public entrance (custom domain, default endpoint, user pool, function URL, load balancer …) admits callers from outside; the "
        "TLS policy is the SecurityPolicy of the domain or API.",
    ),
    "route": (
        doors.route_flows,
        "Each route of an HTTP API and each method of a REST API takes requests of MCP clients under the custom domains that are mapped to "
        "the API; authorization type, authorizer and scopes say who passes.",
    ),
    "integration": (doors.integration_flows, "Each integration of a route or method passes requests on to what its URI names."),
    "lambda-permission": (
        doors.permission_flows,
        "Each AWS::Lambda::Permission lets its principal, narrowed to SourceArn, invoke the function.",
    ),
    "event-source": (doors.event_source_flows, "Each AWS::Lambda::EventSourceMapping hands events of its source to the function."),
    "authorizer": (
        doors.authorizer_flows,
        "Each authorizer checks tokens with keys of the issuer or user pool that it names.",
    ),
    "user-pool-client": (
        doors.client_flows,
        "Each user pool client gets tokens at the token domain of its pool; a client with the code or implicit flow has people sign in "
        "there.",
    ),
    "egress-rule": (
        network.egress_flows,
        "Each egress rule of a security group lets whatever carries the group connect to the rule's destination. A rule to a loopback "
        "address leads nowhere; a group without an egress rule of its own lets everything out, also where a rule resource is added later. "
        "The value of a prefix list is not in the template: it is taken to belong to the gateway endpoint after whose service its template "
        "parameter is named.",
    ),
    "ingress-rule": (
        network.ingress_flows,
        "Each ingress rule of a security group lets its source connect to whatever carries the group.",
    ),
    "placement": (
        network.placement_flows,
        "A function in no VPC may connect anywhere; a function with a supplied security group may connect to what that group admits, which "
        "is not in the templates.",
    ),
    "vpc-endpoint": (
        network.endpoint_flows,
        "Each VPC endpoint leads to its service, within its endpoint policy; where the system holds resources of the service, they stand "
        "for it.",
    ),
    "iam-statement": (
        access.statement_flows,
        "Each allowing statement of an identity policy lets whatever acts with the role call the services of its actions; the resources it "
        "names are the ends, else the service. Where a condition has another service make the call (kms:ViaService), where a resource "
        "other than a function has the role, or where Lambda itself makes the call (network interfaces, log group, traces), it stays "
        "within AWS. Statements that deny are not subtracted.",
    ),
    "resource-policy": (
        access.resource_policy_flows,
        "Each allowing statement of a resource policy, key policy or trust policy lets its principals call what the policy protects.",
    ),
    "encryption-key": (access.key_flows, "Each property that names a KMS key makes the service that keeps the resource use that key."),
    "access-log": (records.access_log_flows, "Access log settings of a stage name where its records go."),
    "execution-log": (
        records.execution_log_flows,
        "A stage of a REST API with a logging level writes to the log group that API Gateway names after the API.",
    ),
    "function-log": (
        records.function_log_flows,
        "LoggingConfig of a function names where its log goes; without it Lambda makes a log group of its own.",
    ),
    "waf-log": (records.waf_log_flows, "Each AWS::WAFv2::LoggingConfiguration names where the log of a web ACL goes."),
    "web-acl": (records.web_acl_flows, "Each AWS::WAFv2::WebACLAssociation has a web ACL inspect the requests of what it names."),
    "subscription-filter": (
        records.subscription_filter_flows,
        "Each AWS::Logs::SubscriptionFilter sends the records of a log group to its destination.",
    ),
    "tracing": (records.tracing_flows, "Active tracing of a function or stage sends traces to X-Ray."),
    "alarm-metric": (
        records.metric_flows,
        "Each alarm watches a metric that the resource of its dimensions reports to CloudWatch; a dimension without a reference is taken "
        "to mean the resources of its namespace.",
    ),
    "alarm-action": (records.alarm_flows, "Each alarm has CloudWatch publish changes of its state to the actions it names."),
    "subscription": (records.subscription_flows, "Each subscription passes what its topic gets on to its endpoint."),
    "image-pull": (
        records.image_flows,
        "ImageUri of a function is a template parameter: the image is taken to come from the repository of the system whose policy admits "
        "the pull, else from the repository that is given.",
    ),
}

DERIVATIONS: Mapping[str, str] = {rule: how for rule, (_, how) in _RULES.items()}
"""Key of `Flow.derived_by` → how such flows are derived, in a sentence or two for people."""

UNDERIVED: tuple[str, ...] = (
    "Routes, network ACLs, peering and gateways of the supplied VPC: the VPC is given when the stacks are deployed. Security groups bound "
    "what the function may reach; routes decide what it does reach.",
    "DNS: lookups at the resolver of the VPC pass every security group, and the DNS records of the custom domain are made outside the "
    "templates.",
    "What tools call with other credentials than the function's role, or by addresses that they are given as values.",
    "What a supplied security group, key, topic, log destination, repository or identity provider does with what it gets.",
    "Administration: who deploys the stacks, pushes images, reads logs or changes resources, and from where. The deployer policy lists "
    "what deployment needs.",
    "How clients get tokens from an identity provider outside the system, and who stands behind a client.",
    "Which of the admitted flows take place, and how often: access logs, flow logs and traces of the deployed system show that.",
)
"""What no template tells, and therefore no flow shows."""


def flow_map(evaluated: Evaluated) -> FlowMap:
    """Ends and flows of a system, from its emitted templates; titles of components alone come from the system."""
    titles = {component.id: component.title for component in evaluated.system.components()}
    found = evaluated.emitted.once(_derived)
    ends = (replace(end, title=titles.get(end.component, end.title)) if end.component is not None else end for end in found.ends)
    return FlowMap(tuple(ends), found.flows)


def _derived(emitted: Emitted) -> FlowMap:
    """Every rule applied, with the ids of components for titles."""
    land = Landscape(emitted)
    land.every_component()
    flows = tuple(flow for rule, (derive, _) in _RULES.items() for flow in gathered(rule, derive(land)))
    used = {end for flow in flows for end in (flow.source, flow.target)}
    return FlowMap(tuple(end for end in land.ends() if end.id in used or end.kind == "component"), flows)


_DERIVING = (
    "generator/flows/__init__.py",
    "generator/flows/access.py",
    "generator/flows/doors.py",
    "generator/flows/landscape.py",
    "generator/flows/model.py",
    "generator/flows/network.py",
    "generator/flows/records.py",
    "generator/flows/sighting.py",
    "generator/questions/doors.py",
    "generator/questions/network.py",
    "generator/questions/reading.py",
    "generator/resources/role.py",
    "generator/build.py",
    "generator/emitted.py",
)


def derivation_source() -> tuple[Source, ...]:
    """The code that derives flows."""
    return tuple(map(source_of, _DERIVING))
