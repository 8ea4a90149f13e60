"""Tools: the questions an assessor's client may ask of a package."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from pydantic import Field

from claimstack.runtime.tools import AwsAccess, Tool
from claimstack.runtime.tools.evidence.answers import (
    AtPointer,
    ControlPage,
    Coverage,
    EvidenceFact,
    EvidencePage,
    Explanation,
    FamilyCoverage,
    Leveraged,
    Outcome,
    ResourcePage,
    Status,
)
from claimstack.runtime.tools.evidence.desk import Desk, tool_errors
from claimstack.runtime.tools.evidence.entries import (
    basis,
    check_entry,
    check_summary,
    control_entry,
    counts,
    fact_entry,
    point_answer,
    resource_entry,
    size_of,
)
from claimstack.runtime.tools.evidence.errors import QuestionError
from claimstack.runtime.tools.evidence.evidence import Control, Declared, Evidence, Point, Said, control_id, resolve, unknown
from claimstack.runtime.tools.evidence.paging import DEFAULT_LIMIT, Cursor, Limit, characters, cut, page

Family = Annotated[str | None, Field(description="Family of controls by its two letters, such as `ac` or `sc`.")]
ControlOrPoint = Annotated[str, Field(description="A control such as `ac-2`, `AC-2(1)` or `sc-28.1`, or one point such as `au-11_smt`.")]


def make_tools(desk: Desk, needs: tuple[AwsAccess, ...]) -> tuple[Tool, ...]:
    questions = Questions(desk)
    return (
        Tool(questions.coverage, title="Coverage of the package", needs=needs),
        Tool(questions.list_controls, title="List controls", needs=needs),
        Tool(questions.explain_control, title="Explain a control", needs=needs),
        Tool(questions.find_resources, title="Find resources", needs=needs),
        Tool(questions.get_evidence, title="Get evidence", needs=needs),
    )


class Questions:
    """The tools, with the package they ask."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def coverage(self, family: Family = None) -> Coverage:
        """How far this package answers for the controls of its class: controls and points by status, whole and per family, open items by
        who has to settle them, and facts by outcome. Start here.

        Only `implemented`, `partial` and `failed` rest on claims that were checked. The other statuses are dispositions: somebody's word
        on who answers elsewhere. Declared facts are found in templates; nothing here says that a system is deployed.
        """
        with tool_errors():
            evidence = await self._desk.evidence()
            families = _families(evidence)
            if family is not None:
                families = {_family(evidence, family): families[_family(evidence, family)]}
            controls = [control for members in families.values() for control in members]
            points = [point for control in controls for point in control.points]
            leveraged = evidence.coverage.get("leveraged")
            evaluated = evidence.facts["counts"]
            return Coverage(
                basis=basis(evidence),
                controls_in_all=len(controls),
                controls=counts(control.status for control in controls),
                points_in_all=len(points),
                points=counts(point.status for point in points),
                families=[
                    FamilyCoverage(
                        family=name,
                        controls=counts(control.status for control in members),
                        points=counts(point.status for control in members for point in control.points),
                    )
                    for name, members in families.items()
                ],
                remains=counts(item["who"] for point in points for item in point.said.get("remains", ())),
                checks=evaluated["checks"],
                facts={outcome: count for outcome, count in evaluated.items() if outcome not in {"checks", "facts"}},
                supplemental_points=len(evidence.coverage["supplemental"]),
                leveraged=Leveraged.model_validate(leveraged) if leveraged else None,
            )

    async def list_controls(
        self,
        *,
        family: Family = None,
        status: Annotated[Status | None, Field(description="Only controls of this status.")] = None,
        prefix: Annotated[str | None, Field(description="Only controls whose id begins so: `ac-2` gives ac-2, ac-2.1, ac-20.")] = None,
        outside_class: Annotated[
            bool, Field(description="List the controls outside the class instead, for which the stacks claim something all the same.")
        ] = False,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> ControlPage:
        """The controls of the system's class with their status, in the order of the catalog. Filters narrow each other down.

        A control is `implemented` only if all its points are. Ask explain_control for what an entry rests on.
        """
        with tool_errors():
            evidence = await self._desk.evidence()
            wanted = None if family is None else _family(evidence, family)
            begins = "" if prefix is None else (control_id(prefix) or prefix.strip().lower())
            found = [
                control
                for control in (evidence.supplemental if outside_class else evidence.controls).values()
                if wanted in {None, control.family} and status in {None, control.status} and control.id.startswith(begins)
            ]
            asked = ["list_controls", self._desk.package.manifest_sha256, wanted, status, begins, outside_class]
            shown, following = page(found, cursor, limit, asked, control_entry, size_of)
            return ControlPage(basis=basis(evidence), total=len(found), next_cursor=following, controls=shown)

    async def explain_control(self, control: ControlOrPoint, *, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT) -> Explanation:
        """What this package says of a control or of one point, and what that rests on: each point with its status and the reason, the
        claims of resources, the checks behind each claim, and the facts they found (file and pointer, expected, actual). Says also what
        remains open and for whom; a point without claims has a disposition instead.

        The text of the control is not part of the package: take it from the NIST catalog, not from memory. Every check is under `checks`
        once and claims refer to it by id. Long explanations continue on the next page, where a point may appear again with further claims.
        """
        with tool_errors():
            evidence = await self._desk.evidence()
            points = evidence.asked(control)
            rows: list[tuple[Point, Said | None]] = []
            for point in points:
                rows += [(point, claim) for claim in point.claims] or [(point, None)]
            asked = ["explain_control", self._desk.package.manifest_sha256, [point.id for point in points]]
            seen: set[str] = set()

            def size(row: tuple[Point, Said | None]) -> int:
                """Point and checks take room once on a page."""
                point, claim = row
                checks = [] if claim is None else [id_ for id_ in claim["checks"] if id_ not in seen]
                heading = 0 if point.id in seen else size_of(point_answer(evidence, point, []))
                seen.update(checks, [point.id])
                return heading + characters(claim) + sum(size_of(check_entry(evidence, id_)) for id_ in checks)

            shown, following = page(rows, cursor, limit, asked, lambda row: row, size)
            claims: dict[str, list[Said]] = {}
            for point, claim in shown:
                claims.setdefault(point.id, []).extend([] if claim is None else [claim])
            ids = dict.fromkeys(id_ for _, claim in shown if claim is not None for id_ in claim["checks"])
            return Explanation(
                basis=basis(evidence),
                total=len(rows),
                next_cursor=following,
                points=[point_answer(evidence, evidence.points[id_], found) for id_, found in claims.items()],
                checks=[check_entry(evidence, id_) for id_ in ids],
            )

    async def find_resources(
        self,
        *,
        type: Annotated[  # noqa: A002  # CloudFormation's own word for it
            str | None, Field(description="CloudFormation type, whole or a part of it: `AWS::Logs::LogGroup`, `Logs` or `Policy`.")
        ] = None,
        component: Annotated[str | None, Field(description="Component as the system is described in, such as `audit-log`.")] = None,
        logical_id: Annotated[str | None, Field(description="Logical id such as `AuditLog`, or with its stack: `server.AuditLog`.")] = None,
        control: Annotated[
            str | None, Field(description="Only resources with claims for this control (`au-11`) or point (`au-11_smt`).")
        ] = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> ResourcePage:
        """The CloudFormation resources that the templates declare, with component, points they make claims for, and place in the template.
        Filters narrow each other down; without any, all resources.

        Use it to go from a resource or service to controls, or from a control to what would have to be looked at in the account.
        """
        with tool_errors():
            evidence = await self._desk.evidence()
            found: Sequence[Declared] = evidence.resources
            if type is not None:
                found = _matching(found, "type", [resource.type for resource in evidence.resources], type)
            if component is not None:
                components = dict.fromkeys(resource.component for resource in evidence.resources)
                if component not in components:
                    raise unknown("component", component, components, f"components: {', '.join(components)}")
                found = [resource for resource in found if resource.component == component]
            if logical_id is not None:
                named = evidence.resource(logical_id)
                found = [resource for resource in found if resource in named]
            points = None if control is None else {point.id for point in evidence.asked(control)}
            if points is not None:
                found = [resource for resource in found if points.intersection(resource.points)]
            asked = [
                "find_resources",
                self._desk.package.manifest_sha256,
                type,
                component,
                logical_id,
                sorted(points or ()),
                control is None,
            ]
            shown, following = page(found, cursor, limit, asked, resource_entry, size_of)
            return ResourcePage(basis=basis(evidence), total=len(found), next_cursor=following, resources=shown)

    async def get_evidence(
        self,
        *,
        check: Annotated[str | None, Field(description="Id of a check, as explain_control shows it.")] = None,
        resource: Annotated[
            str | None, Field(description="Facts at this resource, or of checks about it: `AuditLog` or `server.AuditLog`.")
        ] = None,
        pointer: Annotated[
            str | None,
            Field(
                description="Facts at this place or below it: a JSON file of the package, `#` and a JSON pointer, such as "
                "`cloudformation/server.json#/Resources/AuditLog/Properties`. The answer shows the value there too."
            ),
        ] = None,
        control: Annotated[
            str | None, Field(description="Only facts behind the claims for this control (`au-11`) or point (`au-11_smt`).")
        ] = None,
        outcome: Annotated[
            Outcome | None, Field(description="Only facts of this outcome; `conditional` ones wait for values set at deployment.")
        ] = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> EvidencePage:
        """The facts of this package: where a check looked (file and JSON pointer), what it expected, what it found, and what stands at
        that pointer in the file. Filters narrow each other down; without any, all facts.

        A fact of level `declared` was found in a template: to say that a deployed system is so, compare with the running resource. One of
        level `effective` is the result of a test of the server's sources.
        """
        with tool_errors():
            evidence = await self._desk.evidence()
            found: Iterable[Said] = evidence.facts["facts"]
            if check is not None:
                if check not in evidence.checks:
                    raise unknown("check", check, evidence.checks, "explain_control shows the checks of a control")
                found = evidence.found[check]
            if resource is not None:
                resources = evidence.resource(resource)
                found = [fact for fact in found if any(_is_about(evidence, fact, one) for one in resources)]
            at_pointer = None
            if pointer is not None:
                at_pointer = await self._at(evidence, pointer)
                found = [fact for fact in found if _is_below(fact["pointer"], pointer)]
            if control is not None:
                ids = {id_ for point in evidence.asked(control) for claim in point.claims for id_ in claim["checks"]}
                found = [fact for fact in found if fact["check"] in ids]
            facts = [fact for fact in found if outcome in {None, fact["outcome"]}]
            asked = ["get_evidence", self._desk.package.manifest_sha256, check, resource, pointer, control, outcome]
            seen: set[str] = set()

            def size(fact: EvidenceFact) -> int:
                new = fact.check not in seen
                seen.add(fact.check)
                return size_of(fact) + (size_of(check_summary(evidence, fact.check)) if new else 0)

            shown, following = page(facts, cursor, limit, asked, lambda fact: fact_entry(evidence, fact), size)
            return EvidencePage(
                basis=basis(evidence),
                total=len(facts),
                next_cursor=following,
                at_pointer=at_pointer,
                facts=shown,
                checks=[check_summary(evidence, id_) for id_ in dict.fromkeys(fact.check for fact in shown)],
            )

    async def _at(self, evidence: Evidence, pointer: str) -> AtPointer:
        """The value at a pointer into any JSON file of the package. Raises QuestionError that names the nearest place there is."""
        path, hash_, fragment = pointer.partition("#")
        files = [file for file in self._desk.package.files if file.endswith(".json")]
        if not hash_ or path not in files:
            raise unknown("JSON file", path, files, "a pointer looks like cloudformation/server.json#/Resources/AuditLog")
        document = evidence.files[path] if path in evidence.files else await self._desk.document(path)
        there, value = resolve(document, fragment)
        if not there:
            raise _nowhere(document, path, fragment)
        shown, was_cut = cut(value)
        return AtPointer(pointer=pointer, value=shown, cut=was_cut)


def _families(evidence: Evidence) -> dict[str, list[Control]]:
    families: dict[str, list[Control]] = {}
    for control in evidence.controls.values():
        families.setdefault(control.family, []).append(control)
    return families


def _family(evidence: Evidence, family: str) -> str:
    families = list(_families(evidence))
    if family.strip().lower() not in families:
        raise unknown("family", family, families, f"families: {', '.join(families)}")
    return family.strip().lower()


def _matching(resources: Sequence[Declared], kind: str, known: Sequence[str], word: str) -> list[Declared]:
    if not any(word.lower() in type_.lower() for type_ in known):
        raise unknown(kind, word, known, f"types: {', '.join(sorted(set(known)))}")
    return [resource for resource in resources if word.lower() in resource.type.lower()]


def _is_about(evidence: Evidence, fact: Said, resource: Declared) -> bool:
    return evidence.checks[fact["check"]]["scope"] == resource.id or _is_below(fact["pointer"], resource.pointer)


def _is_below(pointer: str, ancestor: str) -> bool:
    return pointer == ancestor or pointer.startswith(ancestor if ancestor.endswith("#") else f"{ancestor}/")


def _nowhere(document: Any, path: str, fragment: str) -> QuestionError:
    nearest = fragment
    there, value = False, None
    while nearest and not there:
        nearest = nearest.rpartition("/")[0]
        there, value = resolve(document, nearest)
    members = list(value)[:20] if isinstance(value, dict) else [f"0 to {len(value) - 1}"] if isinstance(value, list) and value else []
    holds = f", which holds {', '.join(members)}" if members else ""
    return QuestionError(f"nothing is at {path}#{fragment[:200]}; the nearest place is {path}#{nearest}{holds}")
