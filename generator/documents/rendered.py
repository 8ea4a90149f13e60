"""Rendered: the text of a document as the package holds it, made once, though others state its hash or say the same for people."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeAlias

from claimstack.generator.documents.oscal.common import to_bytes
from claimstack.generator.evaluation import Evaluated

Renderer: TypeAlias = Callable[[Evaluated], dict[str, Any] | str]


def text_of(evaluated: Evaluated, render: Renderer) -> str:
    """The text of a file of the package."""
    texts = evaluated.once(_texts)
    if render not in texts:
        content = render(evaluated)
        texts[render] = content if isinstance(content, str) else to_bytes(content).decode()
    return texts[render]


def sha256_of(evaluated: Evaluated, render: Renderer) -> str:
    """The hash of the bytes of a file of the package."""
    return hashlib.sha256(text_of(evaluated, render).encode()).hexdigest()


def content_of(evaluated: Evaluated, render: Renderer) -> Any:
    """What a JSON file of the package holds, read back from its text."""
    return json.loads(text_of(evaluated, render))


def _texts(_evaluated: Evaluated) -> dict[Renderer, str]:
    return {}
