"""Template text: a template as the file that is deployed, small enough to be handed over inline where that is possible."""

from __future__ import annotations

import json

from claimstack.generator.emitted import Json

INLINE_LIMIT = 51_200
"""Bytes of a template that CloudFormation takes inline; a larger one goes through S3 (AWS CloudFormation quotas)."""


def template_text(template: Json) -> str:
    """Indented for review while it fits inline, otherwise with the narrowest indentation."""
    text = json.dumps(template, indent=2, ensure_ascii=False) + "\n"
    return text if fits_inline(text) else json.dumps(template, indent=1) + "\n"


def fits_inline(text: str) -> bool:
    return len(text.encode()) <= INLINE_LIMIT
