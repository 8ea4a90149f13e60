"""WAF questions: whether the rules of a web ACL block what they find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from claimstack.generator.emitted import REMOVE, Edit, Emitted, Json, Place
from claimstack.generator.expressions import Finding, Mutant, Scope
from claimstack.generator.questions.reading import Question, extra

_PLAIN_GROUP: Final = {"Name", "VendorName", "RuleActionOverrides"}
"""Properties of a managed rule group statement that leave it whole: a scope-down statement or an excluded rule does not."""
_KEEPS_ACTIONS: Final[Json] = {"None": {}}
"""The override of a rule group that leaves the actions of its rules alone."""


@dataclass(frozen=True, slots=True)
class ManagedRulesBlock(Question):
    """`groups` are rule groups of AWS; `counted` the rules in them that may count instead of block."""

    kind: ClassVar[str] = "question.managed-rules-block"
    groups: tuple[str, ...]
    counted: tuple[str, ...] = ()

    def sentence(self) -> str:
        counted = f", except that {', '.join(self.counted)} may count" if self.counted else ""
        return f"every web ACL blocks by all of {', '.join(self.groups)}{counted}, and by each rule of its own"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        acls = list(emitted.resources("AWS::WAFv2::WebACL"))
        if not acls:
            yield self.nothing(scope, "no web ACL")
        for acl in acls:
            rules = acl.properties.get("Rules")
            rules = rules if isinstance(rules, list) else []
            for group in self.groups:
                found = [index for index, rule in enumerate(rules) if _group(rule).get("Name") == group]
                place = acl.property_place("Rules", found[0]) if found else acl.place
                yield self.found(place, f"{len(found)} rules with {group}", any(self._blocks(rules[index]) for index in found))
            for index, rule in enumerate(rules):
                if not _group(rule):
                    action = rule.get("Action") if isinstance(rule, dict) else rule
                    yield self.found(acl.property_place("Rules", index), action, isinstance(action, dict) and set(action) == {"Block"})

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for acl in emitted.resources("AWS::WAFv2::WebACL"):
            rules = acl.properties.get("Rules", [])
            for index, rule in enumerate(rules):
                place = acl.property_place("Rules", index)
                yield from (
                    _weakened(place, rule)
                    if _group(rule)
                    else [Mutant(f"{rule['Name']}: count", (Edit(place.below("Action"), {"Count": {}}),))]
                )
            passing = {
                "Name": "Pass",
                "Priority": 99,
                "Action": {"Allow": {}},
                "Statement": {"GeoMatchStatement": {"CountryCodes": ["US"]}},
            }
            yield Mutant("add a rule that lets requests pass", (Edit(acl.property_place("Rules", len(rules)), passing),))
        yield extra(scope, "AWS::WAFv2::WebACL", {"Rules": []}, "add a web ACL without rules")

    def _blocks(self, rule: Json) -> bool:
        group = _group(rule)
        overrides = group.get("RuleActionOverrides", [])
        return (
            rule.get("OverrideAction") == _KEEPS_ACTIONS
            and group.get("VendorName") == "AWS"
            and set(group) <= _PLAIN_GROUP
            and isinstance(overrides, list)
            and all(isinstance(item, dict) and item.get("Name") in self.counted for item in overrides)
            and all(item.get("ActionToUse") == {"Count": {}} for item in overrides)
        )


def _group(rule: Json) -> Json:
    """The managed rule group statement of a rule; empty where it has none."""
    statement = rule.get("Statement") if isinstance(rule, dict) else None
    group = statement.get("ManagedRuleGroupStatement") if isinstance(statement, dict) else None
    return group if isinstance(group, dict) else {}


def _weakened(place: Place, rule: Json) -> Iterator[Mutant]:
    name = rule["Name"]
    group = place.below("Statement", "ManagedRuleGroupStatement")
    overrides = _group(rule).get("RuleActionOverrides", [])
    yield Mutant(f"{name}: remove", (Edit(place, REMOVE),))
    yield Mutant(f"{name}: count", (Edit(place.below("OverrideAction"), {"Count": {}}),))
    yield Mutant(f"{name}: another vendor", (Edit(group.below("VendorName"), "Elsewhere"),))
    narrowed = {"GeoMatchStatement": {"CountryCodes": ["KP"]}}
    yield Mutant(f"{name}: look at some requests only", (Edit(group.below("ScopeDownStatement"), narrowed),))
    counted = {"Name": "Anything", "ActionToUse": {"Count": {}}}
    yield Mutant(f"{name}: count one more rule", (Edit(group.below("RuleActionOverrides"), [*overrides, counted]),))
    if overrides:
        yield Mutant(f"{name}: allow what it finds", (Edit(group.below("RuleActionOverrides", 0, "ActionToUse"), {"Allow": {}}),))
