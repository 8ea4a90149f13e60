"""Errors: what goes wrong with a package or a question, in words that may leave the server."""

from __future__ import annotations


class EvidenceError(Exception):
    """Its text is for the client: it names files by their path in the package and nothing of the machine."""


class PackageError(EvidenceError):
    """The package is not there, not what its manifest says, or not what `claimstack build` writes."""


class QuestionError(EvidenceError):
    """The question names what the package does not know."""
