"""Identity: who calls, whether the server is meant, and what the caller may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

from claimstack.runtime.settings import Settings

UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403


class Refused(Exception):  # noqa: N818  # an answer to the caller, not an error of the server
    """The caller may not do this; answered by status and challenge (RFC 6750, section 3)."""

    def __init__(self, status: int, error: str, reason: str, scope: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.error = error
        self.reason = reason
        self.scope = scope


@dataclass(frozen=True, slots=True)
class Caller:
    """The principal that a verified token stands for."""

    client_id: str
    issuer: str
    subject: str
    scopes: frozenset[str]
    claims: Mapping[str, Any]

    @property
    def owner(self) -> list[str]:
        """What a session or a sealed state is bound to, as the SDK binds them."""
        return [self.client_id, self.issuer, self.subject]

    def user(self) -> AuthenticatedUser:
        """The caller as `get_access_token()` of the SDK shows it to tools. The token itself stays out."""
        return AuthenticatedUser(
            AccessToken(
                token="",  # tools learn who calls, and nothing that they could call others with
                client_id=self.client_id,
                scopes=sorted(self.scopes),
                subject=self.subject or None,
                claims=dict(self.claims),
            )
        )


def caller_of(claims: Mapping[str, Any]) -> Caller:
    """The principal of a token whose signature and life somebody has verified."""
    return Caller(
        client_id=str(claims.get("client_id") or claims.get("azp") or ""),
        issuer=str(claims.get("iss", "")),
        subject=str(claims.get("sub", "")),
        scopes=frozenset(words(claims.get("scope", claims.get("scp", "")))),
        claims=claims,
    )


def admit(caller: Caller, settings: Settings) -> None:
    """Ask again what an authorizer in front may have left open: issuer, client or audience, use and scope. Raises Refused."""
    if caller.issuer != settings.issuer:
        raise Refused(UNAUTHORIZED, "invalid_token", "the token is of another issuer")
    if caller.claims.get("token_use", "access") != "access":
        raise Refused(UNAUTHORIZED, "invalid_token", "the token is not an access token")
    # Access tokens of Cognito have no `aud` unless their client named the resource: then the client is the audience.
    audience = words(caller.claims["aud"]) if "aud" in caller.claims else (caller.client_id,)
    clients = {name for name in settings.client_ids if "://" not in name}
    meant = set(audience) & set(settings.client_ids)
    # A token that names the resource alone may be anybody's of this issuer: where clients are listed, its client has to be one of them.
    if not meant or (clients and not meant & clients and caller.client_id not in clients):
        raise Refused(UNAUTHORIZED, "invalid_token", "the token was not issued for this server")
    if not caller.scopes & set(settings.scopes):
        raise Refused(FORBIDDEN, "insufficient_scope", "the token has none of the scopes of this server", " ".join(settings.scopes))


def require_scope(caller: Caller | None, scope: str, what: str) -> None:
    """Raise Refused where the caller's token lacks the scope; an empty scope asks for nothing."""
    if scope and (caller is None or scope not in caller.scopes):
        raise Refused(FORBIDDEN, "insufficient_scope", f"{what} needs the scope {scope}", scope)


def challenge(refused: Refused, settings: Settings) -> str:
    """The `WWW-Authenticate` header: what was wrong, and where to learn which token would do (RFC 9728, section 5.1)."""
    parts = [f'error="{refused.error}"', f'error_description="{refused.reason}"'] if refused.error else []
    scope = refused.scope or " ".join(settings.scopes)
    return "Bearer " + ", ".join([*parts, f'scope="{scope}"', f'resource_metadata="{settings.metadata_url}"'])


def words(value: Any) -> tuple[str, ...]:
    """The items of a claim: a list, words separated by spaces, or the `[a b]` in which API Gateway hands lists on."""
    if isinstance(value, str):
        return tuple(value.strip("[]").replace(",", " ").split())
    return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else ()
