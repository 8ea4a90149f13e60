"""Network questions: what the security groups of the system admit and where they let traffic go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from claimstack.generator.emitted import REMOVE, Edit, Emitted, Json, Place, Resource
from claimstack.generator.expressions import Finding, Mutant, Scope
from claimstack.generator.predicates import Outcome
from claimstack.generator.questions.reading import Question, as_list, extra, referenced, text_of

HTTPS = 443
_ANYWHERE = ("0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/0")
"""What a parameter for a destination has to refuse."""
_NARROWEST_REFUSED = 8
"""A literal network with fewer than eight fixed bits reaches most of the internet, or half of it beside its other half."""


def rules(emitted: Emitted, direction: str) -> Iterator[tuple[Resource, Place, Json]]:
    """(group or rule resource, place, rule) of every inline rule and every rule resource; direction is Ingress or Egress."""
    for group in emitted.resources("AWS::EC2::SecurityGroup"):
        inline = group.properties.get(f"SecurityGroup{direction}", [])
        for index, rule in enumerate(as_list(inline)):
            yield group, group.property_place(f"SecurityGroup{direction}", index), rule
    for rule_resource in emitted.resources(f"AWS::EC2::SecurityGroup{direction}"):
        yield rule_resource, rule_resource.property_place(), rule_resource.properties


def groups_open_to_everything(emitted: Emitted) -> Iterator[Resource]:
    """Groups without readable egress rules of their own: EC2 creates such a group with a rule that lets everything out.

    A rule resource is added later and does not count.
    """
    for group in emitted.resources("AWS::EC2::SecurityGroup"):
        egress = group.properties.get("SecurityGroupEgress")
        if not isinstance(egress, list) or not egress:
            yield group


def is_https(rule: Json) -> bool:
    ports = [str(rule.get(port)) for port in ("FromPort", "ToPort")]
    return str(rule.get("IpProtocol")) in ("tcp", "6") and ports == [str(HTTPS)] * 2


def destination(emitted: Emitted, stack: str, rule: Json) -> Outcome:
    """Whether a rule leads to a group, a prefix list or a network that is not the internet."""
    for key in ("CidrIp", "CidrIpv6"):
        if key in rule:
            return _network(emitted, stack, rule[key])
    named = [text_of(rule[key]) for key in ("DestinationSecurityGroupId", "DestinationPrefixListId") if key in rule]
    return Outcome.PASSED if len(named) == 1 and named[0] else Outcome.FAILED


def _network(emitted: Emitted, stack: str, cidr: Json) -> Outcome:
    name = referenced(cidr)
    parameter = emitted.template_parameter(stack, name or "")
    if parameter is not None:
        settled = emitted.parameters.get(stack, {}).get(name or "")
        if settled is not None:
            return _network(emitted, stack, settled)
        pattern = parameter.get("AllowedPattern")
        guaranteed = pattern is not None and not any(re.fullmatch(pattern, network) for network in _ANYWHERE)
        allowed = parameter.get("AllowedValues", [])
        if allowed and all(_network(emitted, stack, value) is Outcome.PASSED for value in allowed):
            return Outcome.PASSED
        return Outcome.PASSED if guaranteed else Outcome.CONDITIONAL
    match = re.fullmatch(r"[0-9a-fA-F:.]+/(\d{1,3})", cidr) if isinstance(cidr, str) else None
    return Outcome.PASSED if match is not None and int(match[1]) >= _NARROWEST_REFUSED else Outcome.FAILED


@dataclass(frozen=True, slots=True)
class NoIngress(Question):
    """A rule without a source group admits a network, a prefix list or everyone. Rules name the protocol and port of TLS."""

    kind: ClassVar[str] = "question.no-ingress"

    def sentence(self) -> str:
        return "no security group admits traffic but HTTPS from a named group"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        groups = list(emitted.resources("AWS::EC2::SecurityGroup"))
        found = list(rules(emitted, "Ingress"))
        if not groups and not found:
            yield self.nothing(scope, "no security group")
        for group in groups:
            if "SecurityGroupIngress" not in group.properties:
                yield self.found(group.place, "no ingress rule", outcome=True)
        for _, place, rule in found:
            sources = [key for key in rule if key.startswith(("Cidr", "Source"))] if isinstance(rule, dict) else ["unreadable"]
            named = sources == ["SourceSecurityGroupId"] and referenced(rule["SourceSecurityGroupId"]) is not None
            yield self.found(place, rule, named and is_https(rule))

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for group in emitted.resources("AWS::EC2::SecurityGroup"):
            rule = {"IpProtocol": "tcp", "FromPort": HTTPS, "ToPort": HTTPS, "CidrIp": "10.0.0.0/8"}
            place = group.property_place("SecurityGroupIngress")
            yield Mutant(f"{group.logical_id}: admit a network", (Edit(place, [rule]),))
        for resource, place, rule in rules(emitted, "Ingress"):
            if isinstance(rule, dict):
                yield Mutant(f"{resource.logical_id}: admit everyone too", (Edit(place.below("CidrIp"), "0.0.0.0/0"),))
                yield Mutant(f"{resource.logical_id}: admit all protocols", (Edit(place.below("IpProtocol"), "-1"),))
        rule = {"IpProtocol": "-1", "CidrIpv6": "::/0"}
        yield extra(scope, "AWS::EC2::SecurityGroupIngress", rule, "add an ingress rule of its own")


@dataclass(frozen=True, slots=True)
class EgressIsExplicit(Question):
    """EC2 gives a group without a declared egress rule one that allows everything."""

    kind: ClassVar[str] = "question.egress-is-explicit"

    def sentence(self) -> str:
        return "every security group declares its egress: HTTPS only, to a group, a prefix list or a network that is not the internet"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        if not any(emitted.resources("AWS::EC2::SecurityGroup")):
            yield self.nothing(scope, "no security group")
        for group in groups_open_to_everything(emitted):
            yield self.found(group.place, "no declared egress", outcome=False)
        for resource, place, rule in rules(emitted, "Egress"):
            if not isinstance(rule, dict) or not is_https(rule):
                yield self.found(place, rule, outcome=False)
            else:
                yield self.found(place, rule, destination(emitted, resource.stack, rule))

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for group in emitted.resources("AWS::EC2::SecurityGroup"):
            place = group.property_place("SecurityGroupEgress")
            yield Mutant(f"{group.logical_id}: leave egress to EC2", (Edit(place, REMOVE),))
            yield Mutant(f"{group.logical_id}: no rule", (Edit(place, []),))
        for resource, place, rule in rules(emitted, "Egress"):
            if not isinstance(rule, dict):
                continue
            name = resource.logical_id
            https = {"IpProtocol": "tcp", "FromPort": HTTPS, "ToPort": HTTPS}
            yield Mutant(f"{name}: to the internet", (Edit(place, {**https, "CidrIp": "0.0.0.0/0"}),))
            yield Mutant(f"{name}: to the internet by IPv6", (Edit(place, {**https, "CidrIpv6": "::/0"}),))
            yield Mutant(f"{name}: all ports", (Edit(place.below("FromPort"), 0),))
            yield Mutant(f"{name}: all protocols", (Edit(place.below("IpProtocol"), "-1"),))
        yield extra(scope, "AWS::EC2::SecurityGroup", {"GroupDescription": "x"}, "add a group that leaves egress to EC2")
