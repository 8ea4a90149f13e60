"""Explain: from a claim to what was found."""

from __future__ import annotations

import json

from claimstack.generator import options
from claimstack.generator.console import out


def explain(what: options.What, package: options.PackageFolder = None, full: options.Full = False, as_json: options.AsJson = False) -> None:
    """Show the chain from a claim to its checks, the places they looked at, and what they found there.

    Of a resource or a component it shows what it is, and one line for each check; ask for the check, or for --full.

    Example: `claimstack explain sc-28 --package out/commercial`

    Example: `claimstack explain AuditLog --full | grep cloudformation/`
    """
    from claimstack.generator.explain import explain as explain_evidence
    from claimstack.generator.explain import load_evidence
    from claimstack.generator.report import explanation_tree

    explanation = explain_evidence(load_evidence(package), what)
    if as_json:
        out.print_json(json.dumps(explanation))
    else:
        out.print(explanation_tree(explanation, full=full or "resources" not in explanation))
