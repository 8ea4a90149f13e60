"""Claims: what the answers of two packages say differently, from their evidence alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, Literal

from claimstack.generator.comparison.findings import CheckChange, ClaimChange, DispositionChange, FactChange, PointChange, RemainderChange
from claimstack.generator.comparison.reading import Contents
from claimstack.generator.comparison.strength import strength
from claimstack.generator.comparison.values import canonical, field_changes
from claimstack.generator.emitted import Json
from claimstack.generator.evaluation import Status
from claimstack.generator.moved import Moved
from claimstack.generator.paths import asset_of
from claimstack.generator.predicates import Outcome

NOT_THERE = "absent"
SHOWN: Mapping[str, int] = {
    Status.FAILED: 0,
    NOT_THERE: 1,
    Status.NOT_ADDRESSED: 1,
    Status.PLANNED: 2,
    Status.CUSTOMER: 3,
    Status.ORGANISATIONAL: 3,
    Status.INHERITED: 3,
    Status.NOT_APPLICABLE: 3,
    Status.PARTIAL: 4,
    Status.IMPLEMENTED: 5,
}
"""Status → how much the system itself shows for the point; among those of one rank a change is neither better nor worse."""
DISPOSITION = ("status", "origination", "provider", "source", "package_id", "reason")

Key = tuple[str, str]


def claim_changes(old: Contents, new: Contents, moved: tuple[Moved, ...]) -> Iterator[ClaimChange]:
    """Claims of one point and one resource are paired by their sentence, the rest in their order."""
    logical = {entry.old: entry.new for entry in moved if entry.kind == "logical-id" and entry.new}
    checks = _Checks(old, new, moved)
    before = _claims(old, logical)
    after = _claims(new, {})
    for key in dict.fromkeys((*after, *before)):
        for one, other in _paired(before.get(key, ()), after.get(key, ()), "sentence"):
            if one is None or other is None:
                said: Any = one or other
                kind: Literal["gained", "lost"] = "gained" if one is None else "lost"
                yield ClaimChange(kind, True, key[0], key[0].partition("_")[0], said["resource"], said["sentence"])  # noqa: FBT003 - a field
            else:
                yield from _changed(key[0], one, other, checks)


def _claims(side: Contents, logical: Mapping[str, str]) -> dict[Key, list[Json]]:
    """Claims by point and resource; resources under the names that the new package has for them."""
    found: dict[Key, list[Json]] = defaultdict(list)
    for _, point, said in side.answers():
        for claim in said.get("claims", ()):
            found[point, logical.get(claim["resource"], claim["resource"])].append(claim)
    return found


def _paired(before: Iterable[Json], after: Iterable[Json], key: str) -> Iterator[tuple[Json | None, Json | None]]:
    """Entries that say the same under a key, then the others in their order; None where one side has no more."""
    rest = list(before)
    unpaired = []
    for entry in after:
        same = next((other for other in rest if other[key] == entry[key]), None)
        if same is None:
            unpaired.append(entry)
        else:
            rest.remove(same)
            yield same, entry
    yield from zip_longest(rest, unpaired)


class _Checks:
    """The checks of both packages, and how those of one claim compare."""

    def __init__(self, old: Contents, new: Contents, moved: tuple[Moved, ...]) -> None:
        self.old = {check["id"]: check for check in old.facts["checks"]}
        self.new = {check["id"]: check for check in new.facts["checks"]}
        self.moved = {entry.old: entry.new for entry in moved if entry.kind == "check"}

    def compare(self, before: list[str], after: list[str]) -> tuple[CheckChange, ...]:
        """Checks of one id are one check; of the others those of one property are taken to stand in place of each other."""
        pairs = [(self.moved.get(id_) or id_, id_) for id_ in before]
        kept = [(id_, now) for now, id_ in pairs if now in after]
        dropped = [id_ for now, id_ in pairs if now not in after]
        added = [id_ for id_ in after if id_ not in {now for now, _ in pairs}]
        found = [change for id_, now in kept for change in self._change(id_, now)]
        for id_ in dropped:
            stands_in = next((other for other in added if self._asks_same(id_, other)), None)
            if stands_in is None:
                found.append(CheckChange(id_, None, "dropped", self._sentence(self.old, id_), ""))
            else:
                added.remove(stands_in)
                found += self._change(id_, stands_in)
        found += [CheckChange(None, id_, "added", "", self._sentence(self.new, id_)) for id_ in added]
        return tuple(found)

    def _asks_same(self, id_: str, other: str) -> bool:
        one, two = (side.get(name, {}).get("expression", {}) for side, name in ((self.old, id_), (self.new, other)))
        return bool("path" in one and one["path"] == two.get("path"))

    def _change(self, id_: str, now: str) -> Iterator[CheckChange]:
        one, two = self.old.get(id_), self.new.get(now)
        if one is None or two is None:
            return
        verdict = strength(one["expression"], two["expression"])
        if verdict != "same":
            yield CheckChange(id_, now, verdict, one["sentence"], two["sentence"])

    @staticmethod
    def _sentence(side: Mapping[str, Json], id_: str) -> str:
        return str(side.get(id_, {}).get("sentence", id_))


def _changed(point: str, old: Json, new: Json, checks: _Checks) -> Iterator[ClaimChange]:
    compared = checks.compare(old["checks"], new["checks"])
    lost = tuple(item for item in old["meets"] if item not in new["meets"])
    gained = tuple(item for item in new["meets"] if item not in old["meets"])
    reworded = old["sentence"] != new["sentence"]
    if not (compared or lost or gained or reworded):
        return
    verdicts = {change.verdict for change in compared}
    other_kind = any(change.verdict == "other" and change.old != change.new for change in compared)
    kind: Literal["weakened", "strengthened", "altered"]
    if verdicts & {"dropped", "weaker"} or lost:
        kind, certain = "weakened", True
    elif other_kind or reworded:
        kind, certain = "weakened", False
    elif "other" in verdicts:
        kind, certain = "altered", False
    else:
        kind, certain = "strengthened", True
    yield ClaimChange(
        kind,
        certain,
        point,
        point.partition("_")[0],
        new["resource"],
        new["sentence"],
        old["sentence"] if reworded else None,
        compared,
        lost,
        gained,
    )


def point_changes(old: Contents, new: Contents) -> Iterator[PointChange]:
    before = old.by_point()
    after = {point: (control, said) for control, point, said in new.answers()}
    for point in dict.fromkeys((*after, *before)):
        was = before.get(point, {})
        control, said = after.get(point, (point.partition("_")[0], {}))
        one, two = was.get("status", NOT_THERE), said.get("status", NOT_THERE)
        lost = tuple(item for item in said.get("unmet_objectives", ()) if was.get("claims") and item not in was.get("unmet_objectives", ()))
        if one != two or (lost and said.get("claims")):
            yield PointChange(point, control, one, two, _direction(one, two, lost), said.get("why", ""), lost)


def _direction(old: str, new: str, lost: tuple[str, ...]) -> Literal["better", "worse", "other"]:
    before, after = SHOWN.get(old, 0), SHOWN.get(new, 0)
    if after == before:
        return "worse" if lost else "other"
    return "better" if after > before else "worse"


def remainder_changes(old: Contents, new: Contents) -> Iterator[RemainderChange]:
    """What remains for whom at points that both packages claim."""
    before = old.by_point()
    for control, point, said in new.answers():
        was = before.get(point)
        if was is None:
            continue
        one, two = ([(item["who"], item["what"]) for item in side.get("remains", ())] for side in (was, said))
        yield from (RemainderChange(point, control, "added", *item) for item in two if item not in one)
        yield from (RemainderChange(point, control, "removed", *item) for item in one if item not in two)


def disposition_changes(old: Contents, new: Contents) -> Iterator[DispositionChange]:
    """Dispositions of points that neither package claims; points of one control that change alike stand together."""
    before = old.by_point()
    together: dict[str, tuple[str, tuple[Any, ...], list[str]]] = {}
    for control, point, said in new.answers():
        was = before.get(point, {})
        if "disposition" in was and "disposition" in said:
            before_table, after_table = ({**side["disposition"], "reason": side["why"]} for side in (was, said))
            found = field_changes(before_table, after_table, *DISPOSITION)
            if found:
                key = canonical([control, [[change.path, change.old, change.new] for change in found]])
                together.setdefault(key, (control, found, []))[2].append(point)
    for control, found, points in together.values():
        yield DispositionChange(control, tuple(points), found)


def fact_changes(old: Contents, new: Contents, moved: tuple[Moved, ...]) -> Iterator[FactChange]:
    """Facts of one check about one resource are paired by their place, the rest in their order: where a value has gone, the place is the
    nearest one above it, which may lie outside the resource. Of facts that are new, those that did not pass are told."""
    ids = {entry.old: entry.new or entry.old for entry in moved if entry.kind == "check"}
    before, after = _facts_by_resource(old, ids), _facts_by_resource(new, {})
    gone: dict[str, list[Json]] = defaultdict(list)
    come: list[Json] = []
    for key in dict.fromkeys((*after, *before)):
        for one, two in _paired(before.get(key, ()), after.get(key, ()), "pointer"):
            if one is not None and two is not None:
                yield from _fact_change(one, two)
            elif one is not None:
                gone[key[0]].append(one)
            elif two is not None:
                come.append(two)
    for two in come:
        one = next((one for one in gone[two["check"]] if None in (asset_of(one["pointer"]), asset_of(two["pointer"]))), None)
        if one is not None:
            gone[two["check"]].remove(one)
            yield from _fact_change(one, two)
        elif two["outcome"] != Outcome.PASSED:
            yield FactChange(two["check"], two["pointer"], two["expected"], NOT_THERE, two["outcome"], None, two["actual"])


def _facts_by_resource(side: Contents, ids: Mapping[str, str]) -> dict[Key, list[Json]]:
    found: dict[Key, list[Json]] = defaultdict(list)
    for fact in side.facts["facts"]:
        found[ids.get(fact["check"], fact["check"]), resource_of(fact["pointer"])].append(fact)
    return found


def resource_of(pointer: str) -> str:
    """`<stack>.<logical id>` of a pointer into a template; the pointer itself where it leads elsewhere."""
    return asset_of(pointer) or pointer


def _fact_change(one: Json, two: Json) -> Iterator[FactChange]:
    if one["outcome"] != two["outcome"] or canonical(one["actual"]) != canonical(two["actual"]):
        yield FactChange(two["check"], two["pointer"], two["expected"], one["outcome"], two["outcome"], one["actual"], two["actual"])
