"""Sighting: one place of a template that lets information pass; sightings of the same flow are gathered into one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from claimstack.generator.emitted import Place
from claimstack.generator.flows.landscape import HTTPS, HTTPS_PORT, TLS_UNKNOWN, WITHIN_AWS, WITHIN_AWS_UNKNOWN, slug
from claimstack.generator.flows.model import Flow


@dataclass(frozen=True, slots=True)
class Sighting:
    source: str
    target: str
    purpose: str
    places: tuple[Place, ...]
    detail: str = ""
    """What tells flows between the same two ends apart; equal details are one flow."""
    protocol: str = HTTPS
    port: int | None = HTTPS_PORT
    encryption: str = TLS_UNKNOWN


def within_aws(source: str, target: str, purpose: str, *places: Place, detail: str = "") -> Sighting:
    """What one service of AWS hands another, by ways that no template tells."""
    return Sighting(source, target, purpose, places, detail, WITHIN_AWS, None, WITHIN_AWS_UNKNOWN)


def gathered(rule: str, sightings: Iterable[Sighting]) -> list[Flow]:
    """The flows that a rule derives, in the order of their first sighting; ids are made of rule, ends and detail."""
    groups: dict[str, list[Sighting]] = {}
    for sighting in sightings:
        parts = [slug(rule), slug(sighting.source), slug(sighting.target), *([slug(sighting.detail)] if sighting.detail else [])]
        groups.setdefault(".".join(parts), []).append(sighting)
    return [
        Flow(
            id=id_,
            source=group[0].source,
            target=group[0].target,
            protocol=group[0].protocol,
            port=group[0].port,
            encryption="; ".join(dict.fromkeys(each.encryption for each in group)),
            purpose="; ".join(dict.fromkeys(each.purpose for each in group)),
            derived_by=rule,
            pointers=tuple(dict.fromkeys(place.pointer for each in group for place in each.places)),
        )
        for id_, group in groups.items()
    ]
