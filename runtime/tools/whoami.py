"""Who am I: the caller as the server sees it, the first thing to ask of a new connection."""

from __future__ import annotations

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field

from claimstack.runtime.tools import Pack, Tool


class Identity(BaseModel):
    """What the server knows of its caller."""

    authenticated: bool = Field(description="Whether a token was asked for and verified.")
    client_id: str = Field(default="", description="OAuth client that the token was issued to.")
    subject: str = Field(default="", description="Subject of the token: the person, or the client itself.")
    issuer: str = Field(default="", description="Issuer of the token.")
    scopes: list[str] = Field(default_factory=list, description="Scopes of the token.")
    protocol: str | None = Field(description="Protocol revision of this request.")


async def whoami(ctx: Context) -> Identity:
    """Tell which client and person this server takes you for, with which scopes, and which protocol revision you speak."""
    token = get_access_token()
    if token is None:
        return Identity(authenticated=False, protocol=ctx.protocol_version)
    return Identity(
        authenticated=True,
        client_id=token.client_id,
        subject=token.subject or "",
        issuer=str((token.claims or {}).get("iss", "")),
        scopes=token.scopes,
        protocol=ctx.protocol_version,
    )


WHOAMI = Pack("whoami", tools=(Tool(whoami, title="Who am I"),))
