"""Metadata: the protected resource document from which a client without a token learns where to get one (RFC 9728)."""

from __future__ import annotations

from typing import Any, Final

from claimstack.runtime.settings import Settings

PATHS: Final = ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp")


def is_metadata(path: str) -> bool:
    """Whether a path asks for the document; a stage name may stand before it."""
    return path.rstrip("/").endswith(PATHS)


def protected_resource(settings: Settings) -> dict[str, Any] | None:
    """The document; None for a server that asks for no token."""
    if settings.issuer is None:
        return None
    return {
        "resource": settings.public_url,
        "authorization_servers": [settings.issuer],
        "scopes_supported": list(settings.scopes),
        "bearer_methods_supported": ["header"],
    }
