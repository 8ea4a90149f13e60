"""Evidence pack: what a package of `claimstack build` says, for the MCP client of an assessor. It reads and never writes."""

from __future__ import annotations

from claimstack.runtime.tools import Pack
from claimstack.runtime.tools.evidence.errors import EvidenceError, PackageError, QuestionError

__all__ = ["EvidenceError", "PackageError", "QuestionError", "evidence_pack"]


def evidence_pack(location: str, *, scope: str = "evidence") -> Pack:
    """Tools, MCP resources and a prompt over the package at a folder or at `s3://bucket/prefix`.

    The manifest is read at once, since the list of MCP resources follows from it, and in a folder every file is compared with it. What an
    answer needs is read, and compared again, at its first use. Raises PackageError, which names the files that differ or are missing.
    """
    from claimstack.runtime.tools.evidence.pack import make_pack  # models and threads are for servers that have evidence to show

    return make_pack(location, scope)
