"""Redaction: a package that may leave the boundary, with every name and address replaced and everything else as it is.

Names are replaced in the configuration before anything is built, so that documents, uuids and hashes agree by construction. What an
overlay or an environment brings is replaced in the templates and texts before they are evaluated. The last look at the rendered files
refuses what went through all the same.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache, partial
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from claimstack.controls.errors import InputError, raise_all
from claimstack.generator.config import Config
from claimstack.generator.emitted import Json
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.extensions import Extension
from claimstack.generator.passing import source_files
from claimstack.generator.pseudonyms import KNOWN_ACCOUNTS, Pseudonyms, addresses
from claimstack.generator.rules import violations
from claimstack.generator.system import Declared, Stack, System
from claimstack.generator.writing import read_manifest

Rule = str | Callable[[Pseudonyms, str, str], str]
"""The form of a stand-in, with the place of its number, or a function of the original and the key it stands at."""

TEXT = "Redacted text {}."
PERSON = "Redacted person {}"
ORGANISATION = "Redacted organisation {}"
PACKAGE = "REDACTED-{}"
PROVIDER = "provider-{}"
EXTENSION = "extension-{}"
ENVIRONMENT = "environment-{}"


def _scope(pseudonyms: Pseudonyms, value: str, key: str) -> str:
    """The name of a permission stays, since tools ask for it by that name; whose resource it belongs to does not."""
    resource, slash, name = value.rpartition("/")
    if slash:
        return f"{pseudonyms.give('resource-{}', resource, key)}/{name}"
    stays = re.fullmatch(r"[A-Za-z][A-Za-z0-9_:-]*", value) and value not in pseudonyms.shared
    return value if stays else pseudonyms.give("scope-{}", value, key)


def _role_path(pseudonyms: Pseudonyms, value: str, key: str) -> str:
    return value if value == "/" else pseudonyms.give("/path-{}/", value, key)


def _measure(pseudonyms: Pseudonyms, value: str, key: str) -> str:
    """A number, with its unit of time, names nobody, and the templates are built from one."""
    units = "|".join(f"{unit}s?" for unit in ("second", "minute", "hour", "day", "week", "month", "quarter", "year"))
    return value if re.fullmatch(rf"[0-9]+(?: (?:{units}))?", value) else pseudonyms.give(TEXT, value, key)


def _extension(pseudonyms: Pseudonyms, value: str, key: str) -> str:
    """By the name of its file alone, as an overridden ceiling gives it."""
    return pseudonyms.give(EXTENSION, value.rpartition("/")[2], key)


RULES: Mapping[str, Rule] = {
    "name": "system-{}",
    "title": "Redacted system {}",
    "description": TEXT,
    "front_door.domain": Pseudonyms.host,
    "front_door.allowed_origins[]": Pseudonyms.url,
    "auth.scopes[]": _scope,
    "auth.consumers[]": "consumer-{}",
    "auth.callback_urls[]": Pseudonyms.url,
    "auth.issuer": Pseudonyms.url,
    "auth.audience[]": "audience-{}",
    "auth.user_pool_arn": Pseudonyms.arn,
    "organisation.name": ORGANISATION,
    "organisation.tags{}": "tag-{}",
    "organisation.tags.*": "value-{}",
    "organisation.role_path": _role_path,
    # Whose authorization a system stands on narrows down whose system it is; the tool cannot tell a public one from an agency's own.
    "leveraged.title": "Redacted authorization {}",
    "leveraged.package_id": PACKAGE,
    "parameters.*.value": _measure,
    "parameters.*.reason": TEXT,
    "parameters.*.approver": PERSON,
    "providers{}": PROVIDER,
    "providers.*.title": "Redacted provider {}",
    "providers.*.description": TEXT,
    "providers.*.operator": ORGANISATION,
    "providers.*.website": Pseudonyms.url,
    "providers.*.fedramp_id": PACKAGE,
    **{f"providers.*.{said}": TEXT for said in ("justification", "mitigation", "compensating_controls")},
    "dispositions.*.reason": TEXT,
    "dispositions.*.provider": PROVIDER,
    "information[].title": "Redacted information type {}",
    "information[].description": TEXT,
    "service.acronym": "RED{}",
    "service.website": Pseudonyms.url,
    "service.logo": Pseudonyms.url,
    "service.fedramp_id": PACKAGE,
    "service.uei": "REDACTED{:04}",
    "service.trust_center": Pseudonyms.url,
    "service.package_url": Pseudonyms.url,
    "people[].name": PERSON,
    "people[].title": "Redacted function {}",
    "people[].email": Pseudonyms.email,
    "people[].phone": "000-555-{:04}",
    "plans.*.milestone": TEXT,
    **{f"{table}.*.{said}": TEXT for table in ("rules", "ksis") for said in ("explanation", "verification", "validation")},
    "assessor.name": "Redacted assessor {}",
    "assessor.id": "{:06}",
    "extensions[]": _extension,
}
"""Key of system.toml (`[]` in a list, `*` below a name that the user chose, `{}` that name itself) → what stands in its place."""

KEPT: Mapping[str, str] = {
    "region": "one of six, public, and what services, endpoints and checks depend on",
    "network.endpoint_services[]": "names of AWS services, which decide what is built",
    "parameters{}": "ids of the NIST catalog",
    "dispositions{}": "ids of the NIST catalog",
    "plans{}": "ids of the NIST catalog",
    "rules{}": "ids of FedRAMP's rules",
    "ksis{}": "ids of FedRAMP's Key Security Indicators",
    "information[].sp800_60[]": "ids of NIST SP 800-60",
    "cryptographic_modules{}": "keys of services of AWS",
    "cryptographic_modules.*.module": "the name on a public certificate of the CMVP",
    "cryptographic_modules.*.certificate": "the number of a public certificate of the CMVP",
}
"""Key of system.toml → why its text stays. Words of a fixed list, dates and numbers stay too: evaluation and documents rest on them."""


SHORT = 6
"""Characters below which an original may be a part of another word by chance."""

REFERENCES = ("Ref", "Fn::GetAtt", "Fn::ImportValue", "DependsOn", "Condition", "Type", "Checks", "Points")
"""Keys of a template whose values name another part of it, or a thing of CloudFormation or of ours."""


def string_fields(annotation: Any = Config, key: str = "") -> Iterator[str]:
    """Every key of system.toml that holds text of the user's own, spelled as in `RULES`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, info in annotation.model_fields.items():
            yield from string_fields(info.annotation, f"{key}.{name}" if key else name)
    elif annotation is str:
        yield key
    elif get_origin(annotation) is dict:
        name, value = get_args(annotation)
        yield from string_fields(name, f"{key}{{}}")
        yield from string_fields(value, f"{key}.*")
    elif get_origin(annotation) is tuple:
        yield from string_fields(get_args(annotation)[0], f"{key}[]")
    elif get_origin(annotation) is not Literal:
        for argument in get_args(annotation):
            yield from string_fields(argument, key)


@dataclass
class Redaction:
    """One object for all systems that leave together: the same original is then the same stand-in in each package."""

    pseudonyms: Pseudonyms = field(default_factory=Pseudonyms)

    def config(self, config: Config) -> Config:
        """The configuration with a stand-in for every name, fit for the same rules. Raises InputError where a key has no rule."""
        raise_all(
            f"--redact: {key} of system.toml has no rule that says whether it may leave; add one to generator/redaction.py"
            for key in sorted(set(string_fields()) - RULES.keys() - KEPT.keys())
        )
        stated = Counter(_strings(config))
        self.pseudonyms.taken |= {value.lower() for value in stated}
        self.pseudonyms.shared |= {value for value, count in stated.items() if count > 1}
        redacted = Config.model_validate(self._replaced(config, "").model_dump(by_alias=True, exclude_unset=True), by_alias=True)
        raise_all(f"--redact: {key}: the stand-in does not fit: {problem}" for key, problem in violations(redacted))
        return redacted

    def _replaced(self, value: Any, key: str) -> Any:
        match value:
            case BaseModel():
                stated = [name for name in type(value).model_fields if name in value.model_fields_set]
                update = {name: self._replaced(getattr(value, name), f"{key}.{name}" if key else name) for name in stated}
                return value.model_copy(update=update)
            case dict():
                return {self._stand_in(name, f"{key}{{}}"): self._replaced(entry, f"{key}.*") for name, entry in value.items()}
            case tuple():
                return tuple(self._replaced(entry, f"{key}[]") for entry in value)
            case str():
                return self._stand_in(value, key)
            case _:
                return value

    def _stand_in(self, value: str, key: str) -> str:
        rule = RULES.get(key)
        if rule is None:
            return value
        return self.pseudonyms.give(rule, value, key) if isinstance(rule, str) else rule(self.pseudonyms, value, key)

    def extensions(self, extensions: Iterable[Extension], config: Config) -> tuple[Extension, ...]:
        """Overlays that meet the redacted system; `config` is the original, whose names for providers they use."""
        return tuple(replace(extension, extend=partial(self._extend, extension, config)) for extension in extensions)

    def _extend(self, extension: Extension, config: Config, system: System) -> None:
        redacted, known = system.config, set(system.overrides.values())
        system.config = redacted.model_copy(update={"providers": {**redacted.providers, **config.providers}})
        try:
            extension.extend(system)
        finally:
            system.config = redacted
        for target, entry in system.overrides.items():
            if entry not in known:
                system.overrides[target] = replace(
                    entry,
                    provider=entry.provider and self.pseudonyms.give(PROVIDER, entry.provider, "providers{}"),
                    reason=self.pseudonyms.give(TEXT, entry.reason, f"the disposition of {target} in {extension.name}"),
                    source=_extension(self.pseudonyms, entry.source, "extensions[]") if entry.source else "",
                )

    def words(self, system: System) -> None:
        """Replace names and addresses in what overlays say of their resources and ceilings; our own texts hold none."""
        for point, file in system.overridden_ceilings.items():
            system.overridden_ceilings[point] = _extension(self.pseudonyms, file, "extensions[]")
            ceiling = system.ceilings[point]
            remains = tuple(replace(remainder, what=self.text(remainder.what)) for remainder in ceiling.remains)
            system.ceilings[point] = replace(ceiling, because=self.text(ceiling.because), remains=remains)
        for stack in system.stacks.values():
            for logical_id, declared in stack.declared.items():
                stack.declared[logical_id] = self._declared(declared)
            self._examples(stack)

    def _declared(self, declared: Declared) -> Declared:
        component = declared.component
        claims = []
        for claim in declared.claims:
            said = self.text(claim.sentence)
            claims.append(claim if said == claim.sentence else type(claim)(claim.point, said, *claim.checks, meets=claim.meets))
        return replace(
            declared,
            component=replace(component, title=self.text(component.title), description=self.text(component.description)),
            claims=tuple(claims),
            exempt=declared.exempt and replace(declared.exempt, reason=self.text(declared.exempt.reason)),
            resource_star={sid: self.text(reason) for sid, reason in declared.resource_star.items()},
            accepts={rule: self.text(reason) for rule, reason in declared.accepts.items()},
        )

    def _examples(self, stack: Stack) -> None:
        for name, parameter in stack.parameters.items():
            stack.parameters[name] = replace(parameter, example=self.text(parameter.example))

    def template(self, template: Json, key: str = "") -> Json:
        """A template without names and addresses; what refers to another part of it stays."""
        match template:
            case dict():
                return {name: value if name in REFERENCES else self.template(value, name) for name, value in template.items()}
            case list():
                return [self.template(value, key) for value in template]
            case str():
                return self.text(template)
            case _:
                return template

    def text(self, text: str) -> str:
        """A text of an overlay without the originals known so far, accounts, addresses and ids of network resources."""
        if text in self.pseudonyms.stand_ins or _is_ours(text):
            return text
        parts = re.split(r"(\$\{[^}]*\})", text)
        for original, stand_in in self._known():
            if original in text:
                parts = [part if part.startswith("${") else part.replace(original, stand_in) for part in parts]
        return self.pseudonyms.text("".join(parts), "an overlay", keep=_is_ours)

    def _known(self) -> list[tuple[str, str]]:
        """Originals that are no words of our own, the longest first, with their stand-ins."""
        known = {original: stand_in for (_, original), stand_in in reversed(self.pseudonyms.given.items()) if not _is_ours(original)}
        return sorted(known.items(), key=lambda pair: (-len(pair[0]), pair[0]))

    def environment(self, name: str, values: Mapping[str, Mapping[str, str]], stacks: Mapping[str, Json]) -> tuple[str, dict[str, Any]]:
        """Name and parameter values of a deployment; numbers, defaults and values of a fixed list stay.

        Raises InputError for a value of which no stand-in fits its template parameter.
        """
        redacted: dict[str, dict[str, str]] = {}
        causes: list[str] = []
        for stack, given in values.items():
            for parameter, value in given.items():
                declared = stacks[stack].get("Parameters", {})[parameter]
                items = [item.strip() for item in value.split(",")] if "List" in declared["Type"] else [value]
                said = [self._value(item, declared, f"{stack}.{parameter}") for item in items]
                pattern = declared.get("AllowedPattern")
                if pattern and not all(re.fullmatch(pattern, item) for item in said):
                    causes.append(f"--redact: {stack}.{parameter}: no stand-in fits its pattern; leave it out of the environment's file")
                redacted.setdefault(stack, {})[parameter] = ",".join(said)
        raise_all(causes)
        return self.pseudonyms.give(ENVIRONMENT, name, "the name of --environment"), redacted

    def _value(self, value: str, declared: Json, where: str) -> str:
        settled = [str(item) for item in (*declared.get("AllowedValues", ()), declared.get("Default"))]
        if value in settled or declared["Type"] == "Number" or value in ("", "true", "false"):
            return value
        masked = self.pseudonyms.text(value, where, keep=lambda found: found in KNOWN_ACCOUNTS)
        if masked == value:
            masked = self.pseudonyms.in_known_account(value, where)
        return masked if masked != value else self.pseudonyms.give("value-{}", value, where)

    def leaks(self, files: Mapping[str, str]) -> Iterator[str]:
        """Where an original, a foreign account id or a foreign address still stands, one line for each file and original.

        Words of our own sources are not looked for: they stand in every package, whosever it is.
        """
        needles = {needle: origin for original, origin in self._sought() for needle in _spellings(original)}
        for path, text in files.items():
            said = _plain(text)
            for origin in dict.fromkeys(origin for needle, origin in needles.items() if needle in said and _holds(said, needle)):
                yield f"--redact: {path}: still holds what {origin} says; take it out of the overlay, or leave the overlay out"
            stays = self.pseudonyms.stand_ins | KNOWN_ACCOUNTS.keys()
            for what, found in dict.fromkeys(addresses(said)):
                if found not in stays and not found.endswith(".example") and not _is_ours(found):
                    yield f"--redact: {path}: still holds an {what}; take it out of the overlay, or leave the overlay out"

    def _sought(self) -> Iterator[tuple[str, str]]:
        dates = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
        stand_ins = " ".join(self.pseudonyms.stand_ins).lower()
        for original, origin in self.pseudonyms.origins.items():
            if not (_is_ours(original) or original.lower() in stand_ins or dates.fullmatch(original)):
                yield original, origin

    def summary(self) -> dict[str, Any]:
        """How many values have a stand-in, and where those stand that are words of our own, so that no look at the files tells."""
        ours = {origin for original, origin in self.pseudonyms.origins.items() if _is_ours(original)}
        return {"replaced": len(self.pseudonyms.given), "not_looked_for": sorted(ours)}


def changes(before: Evaluated, after: Evaluated) -> Iterator[str]:
    """Points that are answered otherwise once names are replaced: an overlay decides by a name."""
    for point, answer in before.answers.items():
        other = after.answers.get(point)
        if other is None or (answer.status, _outcomes(answer.claims)) != (other.status, _outcomes(other.claims)):
            yield (
                f"--redact: {point} is {answer.status}, and {other.status if other else 'not answered'} once names are replaced; an "
                "overlay decides or checks by a name or an address: let it take them from system.config or a template parameter"
            )


def _outcomes(claims: Iterable[Any]) -> list[Counter[Any]]:
    return [Counter(fact.outcome for fact in result.facts) for result in claims]


def _strings(value: Any) -> Iterator[str]:
    match value:
        case BaseModel():
            for name in type(value).model_fields:
                yield from _strings(getattr(value, name))
        case dict():
            yield from value
            for entry in value.values():
                yield from _strings(entry)
        case tuple():
            for entry in value:
                yield from _strings(entry)
        case str():
            yield value


@cache
def _ours() -> str:
    """Every word of our own sources, which are public."""
    packages = ("claimstack.controls", "claimstack.generator", "claimstack.runtime", "claimstack.templates")
    found = (content for package in packages for _, content in source_files(package_files(package)))
    return _plain("\n".join(content.decode("utf-8", "replace") for content in found))


@lru_cache(maxsize=8192)
def _is_ours(text: str) -> bool:
    return " ".join(text.lower().split()) in _ours()


def _plain(text: str) -> str:
    """Lower case on one line, without hashes and uuids, in which any short word stands by chance."""
    return re.sub(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{32,}\b", "#", " ".join(text.lower().split()))


def _spellings(original: str) -> set[str]:
    """How JSON and HTML write an original."""
    text = " ".join(original.lower().split())
    return {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], html.escape(text), html.escape(text, quote=False)}


def _holds(text: str, needle: str) -> bool:
    """A long original counts wherever it stands; a short one and a host as a word, since `s.us` is a part of `logs.us-east-1`."""
    edge = r"[\w-]" if re.fullmatch(r"[a-z0-9.-]+\.[a-z]+", needle) else r"[a-z0-9]" if len(needle) < SHORT else ""
    return not edge or re.search(rf"(?<!{edge}){re.escape(needle)}(?!{edge})", text) is not None


def refuse_other_kind(folder: Path, *, redacted: bool) -> None:
    """A redacted package never replaces a whole one, nor the other way round; raises InputError."""
    manifest = read_manifest(folder)
    if manifest and bool(manifest.get("redacted")) != redacted:
        kind = "a package that is not redacted" if redacted else "a redacted package"
        raise InputError(f"{folder}: holds {kind}, and is left as it is; choose another --out")
