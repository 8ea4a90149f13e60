"""Boundary: who gets in, what may reach out, and who may do what, read from the templates, so that packages of every version compare."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from claimstack.generator.comparison.findings import BoundaryChange
from claimstack.generator.comparison.reading import Contents
from claimstack.generator.comparison.values import canonical
from claimstack.generator.emitted import Emitted, Json, asset_id, words
from claimstack.generator.paths import MAS_FLOWS, MAS_RESOURCES
from claimstack.generator.questions.doors import entrances, routes
from claimstack.generator.questions.network import groups_open_to_everything, rules
from claimstack.generator.questions.reading import PolicyStatement, as_list, is_everyone, policy_statements, principals, text_of

KINDS: Mapping[str, str] = {
    "entrance": "public entrances",
    "route": "routes and who may call them",
    "invoke": "who may invoke a function",
    "trust": "who may take on a role",
    "resource-policy": "whom policies of resources admit",
    "guard": "what a web ACL protects and blocks",
    "action": "what roles may do",
    "deny": "what is denied",
    "ingress": "traffic that security groups admit",
    "egress": "where security groups let traffic go",
    "vpc-endpoint": "ways from the network to services",
    "forward": "records and events that are sent on",
    "end": "what flows lead from and to",
    "flow": "flows of the assessment scope",
    "resource": "resources of the assessment scope",
}
"""Kind of finding → what it is about, for people."""
SCOPE_FILES: Mapping[str, tuple[str, str, str]] = {
    "end": (MAS_FLOWS, "ends", "id"),
    "flow": (MAS_FLOWS, "flows", "id"),
    "resource": (MAS_RESOURCES, "resources", "asset_id"),
}
"""Kind → the file of the assessment scope, the list in it, and the key by which its entries are told apart."""
MOVES_WITH_OTHERS: Final = ("pointer", "pointers", "uuid", "assets")
"""Keys of such entries that say where something stands, which other findings tell."""
OUTSIDE: Final = "outside"
OPEN: Final = "NONE"
PROTECTS: Final = "protects"
GUARDS: Final = ("deny", "guard")
"""Kinds that keep out: more of them is narrower."""

FORWARDS: Mapping[str, tuple[str, str]] = {
    "AWS::Logs::SubscriptionFilter": ("LogGroupName", "DestinationArn"),
    "AWS::SNS::Subscription": ("TopicArn", "Endpoint"),
    "AWS::Lambda::EventSourceMapping": ("EventSourceArn", "FunctionName"),
}
"""Resource type → the properties that name where something comes from and where it goes."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that the boundary admits, denies or lets out."""

    value: Json
    """What is said of it, to be compared."""
    is_open: bool = False


Boundary = dict[tuple[str, str], Line]


def boundary_changes(old: Contents, new: Contents) -> Iterator[BoundaryChange]:
    """Of the templates always, and of the assessment scope where both packages have its files."""
    yield from _compared(boundary_of(old.emitted), boundary_of(new.emitted))
    for kind, (path, entries, key) in SCOPE_FILES.items():
        if path in old.documents and path in new.documents:
            found = _compared(*(_scope(kind, entries, key, side.documents[path]) for side in (old, new)))
            # That a resource comes or goes is told among the resources; here is told what changes for one that stays.
            yield from (change for change in found if kind != "resource" or change.change == "changed")


def boundary_sources(old: Contents, new: Contents) -> tuple[str, ...]:
    """What was compared: the templates, and the files of the assessment scope that both packages have."""
    files = dict.fromkeys(path for path, _, _ in SCOPE_FILES.values())
    return ("the templates", *(path for path in files if path in old.documents and path in new.documents))


def boundary_of(emitted: Emitted) -> Boundary:
    found: Boundary = {}
    for kind, read in READERS.items():
        for what, line in read(emitted):
            key, number = (kind, what), 2
            while key in found:
                key, number = (kind, f"{what} ({number})"), number + 1
            found[key] = line
    return found


def _compared(old: Boundary, new: Boundary) -> Iterator[BoundaryChange]:
    for kind, what in sorted({*old, *new}, key=lambda key: (list(KINDS).index(key[0]), key[1])):
        before, after = old.get((kind, what)), new.get((kind, what))
        if before is not None and after is not None and canonical(before.value) == canonical(after.value):
            continue
        change: Literal["added", "removed", "changed"] = "added" if before is None else "removed" if after is None else "changed"
        opened = after is not None and after.is_open and not (before is not None and before.is_open)
        yield BoundaryChange(
            kind,
            change,
            what,
            before.value if before is not None else None,
            after.value if after is not None else None,
            _effect(kind, change, before, after),
            opened,
        )


def _effect(kind: str, change: str, before: Line | None, after: Line | None) -> Literal["wider", "narrower", "other"]:
    if kind in SCOPE_FILES:
        return "other"
    if change == "changed":
        opened, closed = (bool(one and one.is_open) and not bool(two and two.is_open) for one, two in ((after, before), (before, after)))
        if opened or closed:
            return "wider" if opened else "narrower"
        old, new = (line.value if line is not None else None for line in (before, after))
        # A condition that goes admits more, one that comes admits less; of two different ones only a person can tell.
        if kind not in ("route", "entrance", "guard") and (old is None or new is None):
            admits_more = new is None
            return "wider" if admits_more is not (kind in GUARDS) else "narrower"
        return "other"
    return "wider" if (change == "added") is not (kind in GUARDS) else "narrower"


def _entrances(emitted: Emitted) -> Iterator[tuple[str, Line]]:
    for kind, resource in entrances(emitted):
        names = {key: words(resource.properties[key]) for key in ("DomainName", "Domain") if key in resource.properties}
        yield f"{asset_id(resource)}: {kind}", Line(names or None)


def _routes(emitted: Emitted) -> Iterator[tuple[str, Line]]:
    for route in routes(emitted):
        properties = route.resource.properties
        scopes = [words(scope) for scope in as_list(properties.get("AuthorizationScopes", []))]
        said = {"authorization": words(route.authorization), **({"scopes": scopes} if scopes else {})}
        yield f"{route.resource.stack}: {route.key or asset_id(route.resource)}", Line(said, is_open=route.authorization == OPEN)


def _invokes(emitted: Emitted) -> Iterator[tuple[str, Line]]:
    for resource in emitted.resources("AWS::Lambda::Permission"):
        properties = resource.properties
        limits = {key: words(properties[key]) for key in sorted(properties) if key.startswith("Source") or key == "PrincipalOrgID"}
        who, what = words(properties.get("Principal", "")), words(properties.get("FunctionName", ""))
        source = f" for {limits['SourceArn']}" if "SourceArn" in limits else ""
        yield f"{who} may invoke {resource.stack}.{what}{source}", Line(limits or None, is_open=who == "*" and not limits)


def _guards(emitted: Emitted) -> Iterator[tuple[str, Line]]:
    for association in emitted.resources("AWS::WAFv2::WebACLAssociation"):
        guard, what = (words(association.properties.get(key, "?")) for key in ("WebACLArn", "ResourceArn"))
        yield f"{association.stack}.{guard} {PROTECTS} {what}", Line(None)
    for web_acl in emitted.resources("AWS::WAFv2::WebACL"):
        yield f"{asset_id(web_acl)}: what no rule blocks", Line(web_acl.properties.get("DefaultAction"))
        for rule in as_list(web_acl.properties.get("Rules", [])):
            if isinstance(rule, dict):
                said = {key: value for key, value in rule.items() if key not in ("Name", "Priority", "VisibilityConfig")}
                yield f"{asset_id(web_acl)}: rule {words(rule.get('Name', '?'))}", Line(said)


def _policies(emitted: Emitted) -> Iterator[tuple[str, str, Line]]:
    """(kind, what, line) of every statement of every policy, one for each action or principal."""
    for statement in policy_statements(emitted):
        name = asset_id(statement.resource)
        if not statement.readable:
            yield "action", f"{name}: a statement that cannot be read in the template", Line(None)
            continue
        body = statement.body
        condition = body.get("Condition")
        if not statement.allows:
            for action in _actions(statement):
                yield "deny", f"{name}: {action} on {_objects(body)}{_for_whom(body)}", Line(condition)
        elif statement.is_identity:
            for action in _actions(statement):
                yield "action", f"{name}: {action} on {_objects(body)}", Line(condition)
        else:
            kind = "trust" if statement.is_trust else "resource-policy"
            is_open = is_everyone(body) and condition is None
            for who in _who(body):
                for action in _actions(statement):
                    yield kind, f"{name}: {who}, {action}", Line(condition, is_open)


def _policies_of(kind: str) -> Callable[[Emitted], Iterator[tuple[str, Line]]]:
    return lambda emitted: ((what, line) for found, what, line in _policies(emitted) if found == kind)


def _actions(statement: PolicyStatement) -> Iterator[str]:
    if "NotAction" in statement.body:
        yield "all but " + ", ".join(sorted(map(words, as_list(statement.body["NotAction"]))))
    yield from sorted(words(action) for action in statement.actions)


def _objects(body: Mapping[str, Json]) -> str:
    if "NotResource" in body:
        return "all but " + ", ".join(sorted(text_of(item) or words(item) for item in as_list(body["NotResource"])))
    return ", ".join(sorted(text_of(item) or words(item) for item in as_list(body.get("Resource", "this"))))


def _who(body: Mapping[str, Json]) -> Iterator[str]:
    if "NotPrincipal" in body:
        yield "everyone but " + json.dumps(body["NotPrincipal"], sort_keys=True)
    for kind, value in principals(body.get("Principal", [])):
        yield text_of(value) or f"{kind} {words(value)}"


def _for_whom(body: Mapping[str, Json]) -> str:
    who = sorted(_who(body)) if "Principal" in body or "NotPrincipal" in body else []
    return f" for {', '.join(who)}" if who else ""


def _traffic(direction: str, ends: str) -> Callable[[Emitted], Iterator[tuple[str, Line]]]:
    def read(emitted: Emitted) -> Iterator[tuple[str, Line]]:
        for resource, _, rule in rules(emitted, direction):
            if not isinstance(rule, dict):
                yield f"{asset_id(resource)}: a rule that cannot be read in the template", Line(None)
                continue
            where = [words(rule[key]) for key in sorted(rule) if key.startswith((ends, "Cidr"))]
            ports = "all ports" if "FromPort" not in rule else f"port {_ports(rule)}"
            name = f"{asset_id(resource)}: {rule.get('IpProtocol', '?')} {ports} {'to' if direction == 'Egress' else 'from'}"
            is_open = direction == "Ingress" and any(rule.get(key) in ("0.0.0.0/0", "::/0") for key in ("CidrIp", "CidrIpv6"))
            yield f"{name} {', '.join(where) or 'anywhere'}", Line(None, is_open)
        for group in groups_open_to_everything(emitted) if direction == "Egress" else ():
            yield f"{asset_id(group)}: every protocol to anywhere, since the group declares no egress rule", Line(None)

    return read


def _ports(rule: Mapping[str, Json]) -> str:
    ports = [words(rule.get(key)) for key in ("FromPort", "ToPort")]
    return ports[0] if ports[0] == ports[1] else "–".join(ports)


def _endpoints(emitted: Emitted) -> Iterator[tuple[str, Line]]:
    for resource in emitted.resources("AWS::EC2::VPCEndpoint"):
        yield f"{asset_id(resource)}: {text_of(resource.properties.get('ServiceName')) or 'a service that cannot be read'}", Line(None)


def _forwards(emitted: Emitted) -> Iterator[tuple[str, Line]]:
    for type_, (source, target) in FORWARDS.items():
        for resource in emitted.resources(type_):
            ends = [words(resource.properties.get(key, "?")) for key in (source, target)]
            yield f"{asset_id(resource)}: from {ends[0]} to {ends[1]}", Line(None)


READERS: Mapping[str, Callable[[Emitted], Iterator[tuple[str, Line]]]] = {
    "entrance": _entrances,
    "route": _routes,
    "invoke": _invokes,
    "trust": _policies_of("trust"),
    "resource-policy": _policies_of("resource-policy"),
    "guard": _guards,
    "action": _policies_of("action"),
    "deny": _policies_of("deny"),
    "ingress": _traffic("Ingress", "Source"),
    "egress": _traffic("Egress", "Destination"),
    "vpc-endpoint": _endpoints,
    "forward": _forwards,
}


def _scope(kind: str, listed: str, key: str, document: Json) -> Boundary:
    entries = document.get(listed, []) if isinstance(document, dict) else []
    found: Boundary = {}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get(key), str):
            found[kind, entry[key]] = Line({name: value for name, value in entry.items() if name not in (key, *MOVES_WITH_OTHERS)})
    return found
