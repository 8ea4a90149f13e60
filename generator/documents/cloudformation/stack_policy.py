"""Stack policy: what keeps an update from replacing or deleting what holds data."""

from __future__ import annotations

from claimstack.generator.emitted import Json
from claimstack.generator.evaluation import Evaluated


def render_stack_policy(evaluated: Evaluated) -> Json:
    """One policy for every stack of the system: updates are allowed, except those that replace or delete a stateful resource.

    Stateful is what its template keeps when it would be replaced (UpdateReplacePolicy Retain): a replacement would leave the old
    resource behind and continue with an empty one.
    """
    stateful = sorted(
        {resource.logical_id for resource in evaluated.emitted.resources() if resource.body.get("UpdateReplacePolicy") == "Retain"}
    )
    statements: list[Json] = [{"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}]
    if stateful:
        statements.append(
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["Update:Replace", "Update:Delete"],
                "Resource": [f"LogicalResourceId/{logical_id}" for logical_id in stateful],
            }
        )
    return {"Statement": statements}
