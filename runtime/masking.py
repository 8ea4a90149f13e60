"""Masking: secrets kept out of audit records, by the name of the field and by the look of the value."""

from __future__ import annotations

import contextlib
import re
from typing import Any, Final

from claimstack.runtime.jsonrpc import dump, parse

MASK: Final = "*****"
DEPTH: Final = 12

SECRET_NAME: Final = re.compile(
    r"passw|pwd|pass(phrase|code)?$|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential|authorization|cookie|^pin$|^ssn$",
    re.IGNORECASE,
)
SECRET_VALUE: Final = re.compile(
    r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*"  # JSON Web Token
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"  # AWS access key id (IAM user guide, "IAM identifiers")
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|\b[Bb]earer\s+[A-Za-z0-9._~+/=-]{8,}"
)


def masked(value: Any, depth: int = DEPTH) -> Any:
    """The value with each secret replaced; what lies deeper than any sensible argument is left out."""
    if isinstance(value, str):
        if value.lstrip()[:1] in ("{", "["):
            # Results carry their data twice, as JSON and as text of JSON.
            with contextlib.suppress(ValueError):
                return dump(masked(parse(value.encode("utf-8", "replace")), depth - 1)) if depth else "…"
        return SECRET_VALUE.sub(MASK, value)
    if not isinstance(value, (dict, list, tuple)):
        return value
    if depth == 0:
        return "…"
    if isinstance(value, dict):
        return {name: MASK if SECRET_NAME.search(str(name)) else masked(item, depth - 1) for name, item in value.items()}
    return [masked(item, depth - 1) for item in value]
