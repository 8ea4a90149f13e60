"""Rendering: the listed differences between a template as it is shipped and as the emulator can take it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from claimstack.generator.emitted import Place

from .function import BUCKET, KEY, RUNTIME

Template = dict[str, Any]


@dataclass(frozen=True)
class Substitution:
    """One difference; `apply` changes the template in place."""

    name: str
    reason: str
    apply: Callable[[Template], None]


def _functions(template: Template) -> Iterator[dict[str, Any]]:
    """The properties of each function."""
    return (resource["Properties"] for resource in template["Resources"].values() if resource["Type"] == "AWS::Lambda::Function")


def _zip_with_entry_point(template: Template) -> None:
    for properties in _functions(template):
        properties["Code"] = {"S3Bucket": {"Fn::Sub": f"{BUCKET}-${{AWS::Region}}"}, "S3Key": KEY}
        properties["PackageType"] = "Zip"
        properties["Handler"] = "bootstrap"
        properties["Runtime"] = RUNTIME


def _services_here(template: Template) -> None:
    for properties in _functions(template):
        variables = properties["Environment"]["Variables"]
        for name in [name for name in variables if name.startswith("AWS_ENDPOINT_URL")]:
            del variables[name]


def _replaced(value: Any, change: Callable[[Any], Any]) -> Any:
    """A copy of JSON data with `change` made on every value, the innermost first."""
    if isinstance(value, dict):
        value = {key: _replaced(item, change) for key, item in value.items()}
    elif isinstance(value, list):
        value = [_replaced(item, change) for item in value]
    return change(value)


def _issuer_by_name(template: Template) -> None:
    def change(value: Any) -> Any:
        if isinstance(value, dict) and set(value) == {"Fn::GetAtt"} and value["Fn::GetAtt"][1] == "ProviderURL":
            return {"Fn::Sub": f"https://cognito-idp.${{AWS::Region}}.${{AWS::URLSuffix}}/${{{value['Fn::GetAtt'][0]}}}"}
        return value

    for section in ("Resources", "Outputs"):
        template[section] = _replaced(template.get(section, {}), change)


def _buffered_door(template: Template) -> None:
    for properties in _functions(template):
        properties["Environment"]["Variables"]["CLAIMSTACK_RESPONSE_MODE"] = "json"
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ApiGateway::Method":
            integration = resource["Properties"]["Integration"]
            integration["Uri"] = _replaced(
                integration["Uri"],
                lambda value: value.replace("/response-streaming-invocations", "/invocations") if isinstance(value, str) else value,
            )


def _without_type(resource_type: str) -> Callable[[Template], None]:
    def apply(template: Template) -> None:
        gone = {name for name, resource in template["Resources"].items() if resource["Type"] == resource_type}
        for name in gone:
            del template["Resources"][name]

    return apply


def _without_metric_math(template: Template) -> None:
    resources = template["Resources"]
    for name in [name for name, resource in resources.items() if "Metrics" in resource.get("Properties", {})]:
        del resources[name]


UNKNOWN_TYPES = {
    "AWS::EC2::SecurityGroupIngress": "the rule between two security groups; MiniStack has no network that it could open.",
    "AWS::SecretsManager::ResourcePolicy": "who may read the secret; MiniStack evaluates no resource policy of secrets.",
    "AWS::WAFv2::WebACLAssociation": "MiniStack has no firewall in front of its APIs.",
    "AWS::WAFv2::LoggingConfiguration": "as above: nothing would be logged.",
}
"""Types that MiniStack 1.5.33 rolls a stack back for, and what goes unproved without them."""

SUBSTITUTIONS = (
    Substitution(
        "zip with the entry point",
        "MiniStack runs the images of functions with Docker only; here the image's entry point runs as a process of this machine.",
        _zip_with_entry_point,
    ),
    Substitution(
        "services here",
        "A service that the function calls by a name of its own (past FIPS) would be the one of AWS, not MiniStack's.",
        _services_here,
    ),
    Substitution(
        "issuer by name", "MiniStack rolls back on GetAtt ProviderURL of a user pool; its tokens carry this address.", _issuer_by_name
    ),
    Substitution("buffered door", "MiniStack answers 500 for the address of a streamed invocation.", _buffered_door),
    Substitution("without metric math", "MiniStack refuses an alarm that evaluates an expression.", _without_metric_math),
    *(Substitution(f"without {name}", f"Unknown to MiniStack: {reason}", _without_type(name)) for name, reason in UNKNOWN_TYPES.items()),
)


def render_for_emulator(template: Mapping[str, Any], *, leave_out: str | None = None) -> Template:
    """A copy with every substitution made, or with all but the one of this name."""
    rendered: Template = deepcopy(dict(template))
    for substitution in SUBSTITUTIONS:
        if substitution.name != leave_out:
            substitution.apply(rendered)
    return rendered


def changed_places(stack: str, before: Any, after: Any, path: tuple[str | int, ...] = ()) -> Iterator[str]:
    """Pointers to every value that was changed, added or taken away; a whole value where nothing below it is shared."""
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() & after.keys():
        for key in [*before, *(key for key in after if key not in before)]:
            yield from changed_places(stack, before.get(key), after.get(key), (*path, key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from changed_places(stack, old, new, (*path, index))
    elif before != after:
        yield Place(stack, path).pointer
