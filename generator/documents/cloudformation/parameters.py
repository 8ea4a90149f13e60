"""Parameters: an example value for every template parameter, in the form of an environment file."""

from __future__ import annotations

from typing import Any

from claimstack.generator.build import FEEDS
from claimstack.generator.evaluation import Evaluated


def render_example_parameters(evaluated: Evaluated) -> dict[str, Any]:
    """{stack: [{"ParameterKey", "ParameterValue"}]}, ready for the AWS CLI; parameters that another stack's output feeds are left out.

    The values are examples: they are never evidence. Copy the file to environments/<name>.json and fill it in.
    """
    stacks = evaluated.system.stacks
    fed = {(feed.to_stack, feed.parameter) for feed in FEEDS if feed.from_stack in stacks}
    return {
        name: [
            {"ParameterKey": parameter.name, "ParameterValue": parameter.example}
            for parameter in stack.parameters.values()
            if (name, parameter.name) not in fed
        ]
        for name, stack in stacks.items()
    }
