"""Template text: a template as the file that is deployed, and whether it is small enough to be handed over inline."""

from __future__ import annotations

from pydantic_core import to_json

from claimstack.generator.emitted import Json

INLINE_LIMIT = 51_200
"""Bytes of a template that CloudFormation takes inline; a larger one goes through S3 (AWS CloudFormation quotas)."""


def template_text(template: Json) -> str:
    """Indented by one space: a diff shows it line by line, and it stays small.

    Characters stand as they are, since YAML parsers such as that of cfn-lint refuse JSON's surrogate pairs. The writer is pydantic's:
    the standard library's is many times slower as soon as it indents.
    """
    return to_json(template, indent=1).decode() + "\n"


def fits_inline(text: str) -> bool:
    return len(text.encode()) <= INLINE_LIMIT
