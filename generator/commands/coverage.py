"""Coverage: how much of the class is answered, counted."""

from __future__ import annotations

import json
from typing import Any

from claimstack.controls.errors import InputError
from claimstack.generator import options
from claimstack.generator.console import out


def coverage(
    package: options.PackageFolder = None,
    family: options.Family = None,
    status: options.Status = None,
    parameters: options.Parameters = False,
    as_json: options.AsJson = False,
) -> None:
    """Count the points and controls of the whole class by computed status, and list those you ask for.

    Example: `claimstack coverage --package out/commercial --family au --status partial`

    Example: `claimstack coverage --parameters`, for what system.toml has still to decide.
    """
    from claimstack.generator.explain import load_evidence, select_parameters, select_points
    from claimstack.generator.report import coverage_table, parameters_table, points_table

    if parameters and status:
        raise InputError("--status: is that of a point; a control parameter has none, so leave out one of --parameters and --status")
    evidence = load_evidence(package)
    if parameters:
        listed = select_parameters(evidence, family)
        if as_json:
            out.print_json(json.dumps(listed))
        else:
            out.print(parameters_table(listed))
        return
    selected = list(select_points(evidence, family, status)) if family or status else []
    if as_json:
        chosen: Any = {point: said for _, point, said in selected} if family or status else evidence.coverage
        out.print_json(json.dumps(chosen))
        return
    out.print(coverage_table(evidence.coverage))
    if selected:
        out.print(points_table(selected))
