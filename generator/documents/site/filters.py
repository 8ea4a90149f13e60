"""Site filters: short words about views, for the skeletons of the site and of its twins."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from claimstack.generator.documents.site.views import CheckView, ClaimView, ControlView, FamilyView, ObjectiveView, ParameterView, PointView
from claimstack.generator.emitted import steps_of

_SHORT: Final = 160
_CLIPPED: Final = 360


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _shorten(text: str) -> str:
    return text if len(text) <= _SHORT else text[:_SHORT].rsplit(" ", 1)[0] + " …"


def _resources_of(control: ControlView) -> str:
    number = len({claim.resource for claim in control.claims})
    return f"{number} {'resource' if number == 1 else 'resources'}"


def _tally(facts: Mapping[str, int]) -> str:
    told = {
        "passed": "passed",
        "failed": "failed",
        "conditional": "depend on values chosen when deploying",
        "not-evaluated": "not evaluated",
    }
    if facts["passed"] == facts["total"]:
        return "all passed"
    return ", ".join(f"{facts[outcome]} {words}" for outcome, words in told.items() if facts[outcome])


def _objectives_of(control: ControlView) -> list[Any]:
    """Objectives of all points, each once; one about several points is met only if each of them meets it."""
    found: dict[str, Any] = {}
    for point in control.points:
        for objective in point.objectives:
            known = found.get(objective.id)
            if known is None or (known.met and not objective.met):
                found[objective.id] = objective
    return list(found.values())


def _files_of(control: ControlView) -> list[str]:
    pointers = [fact.pointer for claim in control.claims for fact in claim.facts]
    return list(dict.fromkeys(pointer.partition("#")[0] for pointer in pointers))


def _test_command(claim: ClaimView) -> str:
    tests = [steps_of(fact.pointer.partition("#")[2])[-1] for fact in claim.facts if "#/tests/" in fact.pointer]
    return ".venv/bin/pytest " + " \\\n  ".join(dict.fromkeys(tests)) if tests else "make test-results"


def _clip(text: str) -> str:
    """A found value as far as a table shows it; the check has the whole."""
    return text if len(text) <= _CLIPPED else text[:_CLIPPED] + " … (whole in the check)"


def _claimed_in(family: FamilyView) -> int:
    """How many controls of a family carry claims."""
    return sum(bool(control.claims) for control in family.controls)


def _valued(control: ControlView) -> list[ParameterView]:
    return [parameter for parameter in control.parameters if parameter.value is not None]


def _unvalued(control: ControlView) -> list[ParameterView]:
    return [parameter for parameter in control.parameters if parameter.value is None]


def _anchor(check: str) -> str:
    """Anchor of a check: short, and the same as long as the check has this id."""
    return "c-" + hashlib.sha256(check.encode()).hexdigest()[:10]


def _below(objectives: Iterable[ObjectiveView]) -> str:
    """Ids of objectives without what they share: `at-3_obj: a.1-1, a.1-2`."""
    ids = [objective.id for objective in objectives]
    if len(ids) == 1:
        return ids[0]
    return f"{ids[0].partition('_')[0]}_obj: " + ", ".join(id_.partition("_obj")[2].lstrip(".") for id_ in ids)


def _checks_of(control: ControlView) -> list[CheckView]:
    """The checks behind the claims of a control, each once."""
    return list({check.id: check for claim in control.claims for check in claim.checks}.values())


def _alike(control: ControlView) -> list[list[PointView]]:
    """Points in their order; those without claims that are answered in the same words stand together."""
    groups: dict[object, list[PointView]] = {}
    for point in control.points:
        same = point.id if point.claims else (point.status, point.why, point.origination, point.disposition, point.overridden)
        groups.setdefault(repr(same), []).append(point)
    return list(groups.values())


LEVEL_WORDS: Final[Mapping[str, str]] = {
    "declared": "read from the emitted templates",
    "effective": "shown by tests of the server's sources",
}

FILTERS: Final = {
    "level_words": LEVEL_WORDS.__getitem__,
    "alike": _alike,
    "anchor": _anchor,
    "below": _below,
    "claimed_in": _claimed_in,
    "clip": _clip,
    "valued": _valued,
    "unvalued": _unvalued,
    "checks_of": _checks_of,
    "first_upper": _first_upper,
    "shorten": _shorten,
    "resources_of": _resources_of,
    "tally": _tally,
    "objectives_of": _objectives_of,
    "files_of": _files_of,
    "test_command": _test_command,
}
