"""Settings: what the environment tells the server, checked as a whole before the first request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast
from urllib.parse import urlsplit

PREFIX: Final = "CLAIMSTACK_"
VARIABLES: Final = (
    "CLAIMSTACK_PUBLIC_URL",
    "CLAIMSTACK_ISSUER",
    "CLAIMSTACK_CLIENT_IDS",
    "CLAIMSTACK_SCOPES",
    "CLAIMSTACK_TABLE",
    "CLAIMSTACK_STATE_SECRET_ARN",
    "CLAIMSTACK_ALLOWED_ORIGINS",
    "CLAIMSTACK_RESPONSE_MODE",
    "CLAIMSTACK_EVIDENCE",
    "CLAIMSTACK_AUDIT_CONTENT",
)
"""The contract with the stacks; a test compares it with what they emit."""
IDENTITY: Final = ("CLAIMSTACK_ISSUER", "CLAIMSTACK_CLIENT_IDS", "CLAIMSTACK_SCOPES")

SHAPES: Final = {
    "CLAIMSTACK_ISSUER": (
        r"https://[^\s/?#@]+(/[^\s?#]*)?|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/[^\s?#]*)?",
        "https://<host> (http on a loopback address only)",
    ),
    "CLAIMSTACK_STATE_SECRET_ARN": (
        r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+|[\w/+=.@-]+",
        "the ARN of a secret, or its name as Secrets Manager takes names",
    ),
    "CLAIMSTACK_ALLOWED_ORIGINS": (
        r"https?://[^\s/*?#@]+(\s+https?://[^\s/*?#@]+)*",
        "origins such as https://app.example.gov, without wildcard",
    ),
}
"""Variable → what its value looks like, as a pattern and in words."""

ResponseMode = Literal["json", "stream"]
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class SettingsError(Exception):
    """The server cannot start as it is configured; `causes` has a line for each thing that is wrong."""

    def __init__(self, causes: tuple[str, ...]) -> None:
        super().__init__("\n".join(causes))
        self.causes = causes


@dataclass(frozen=True, slots=True)
class Settings:
    """One server's configuration; secrets are named by ARN, never held."""

    public_url: str
    """Canonical URL of the MCP endpoint."""
    issuer: str | None = None
    """None: the server asks nobody for a token."""
    client_ids: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    """Whole scopes as tokens carry them; a token needs one of them."""
    table: str | None = None
    state_secret_arn: str | None = None
    allowed_origins: tuple[str, ...] = ()
    response_mode: ResponseMode = "json"
    evidence: str | None = None
    """Folder or `s3://bucket/prefix` of a package that the evidence tools read."""
    audit_content: bool = False
    """Whether audit records carry arguments and results, masked."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the CLAIMSTACK_ variables. Raises SettingsError with every cause at once."""
        values = {name: environ[name].strip() for name in VARIABLES if environ.get(name, "").strip()}
        causes = [
            f"{name}: is not in the contract ({', '.join(VARIABLES)})"
            for name in environ
            if name.startswith(PREFIX) and name not in VARIABLES
        ]
        causes += _url_causes(values)
        causes += [
            f"{name}: expected {words}, found {values[name]!r}"
            for name, (pattern, words) in SHAPES.items()
            if _is_odd(values, name, pattern)
        ]
        missing = [name for name in IDENTITY if name not in values]
        if missing and len(missing) < len(IDENTITY):
            causes.append(f"{', '.join(missing)}: missing; issuer, client ids and scopes are set together, or none of them")
        if values.get("CLAIMSTACK_RESPONSE_MODE", "json") not in ("json", "stream"):
            causes.append(f"CLAIMSTACK_RESPONSE_MODE: expected json or stream, found {values['CLAIMSTACK_RESPONSE_MODE']!r}")
        if values.get("CLAIMSTACK_AUDIT_CONTENT", "false") not in ("true", "false"):
            causes.append(f"CLAIMSTACK_AUDIT_CONTENT: expected true or false, found {values['CLAIMSTACK_AUDIT_CONTENT']!r}")
        if causes:
            raise SettingsError(tuple(causes))
        return cls(
            public_url=values["CLAIMSTACK_PUBLIC_URL"],
            issuer=values.get("CLAIMSTACK_ISSUER"),
            client_ids=_words(values, "CLAIMSTACK_CLIENT_IDS"),
            scopes=_words(values, "CLAIMSTACK_SCOPES"),
            table=values.get("CLAIMSTACK_TABLE"),
            state_secret_arn=values.get("CLAIMSTACK_STATE_SECRET_ARN"),
            allowed_origins=_words(values, "CLAIMSTACK_ALLOWED_ORIGINS"),
            response_mode=cast("ResponseMode", values.get("CLAIMSTACK_RESPONSE_MODE", "json")),
            evidence=values.get("CLAIMSTACK_EVIDENCE"),
            audit_content=values.get("CLAIMSTACK_AUDIT_CONTENT") == "true",
        )

    @property
    def is_local(self) -> bool:
        return urlsplit(self.public_url).hostname in LOOPBACK

    @property
    def hosts(self) -> tuple[str, ...]:
        """Values of `Host` that are ours; `name:*` stands for any port (local servers)."""
        if self.is_local:
            return (*LOOPBACK[:2], "[::1]", "127.0.0.1:*", "localhost:*", "[::1]:*")
        host = urlsplit(self.public_url).netloc.lower()
        return (host, f"{host}:443")

    @property
    def origins(self) -> tuple[str, ...]:
        """Values of `Origin` that may call: our own and the configured ones."""
        url = urlsplit(self.public_url)
        local = tuple(f"http://{host}" for host in self.hosts) if self.is_local else ()
        return tuple(origin.lower() for origin in (f"{url.scheme}://{url.netloc}", *local, *self.allowed_origins))

    @property
    def metadata_url(self) -> str:
        """Where the protected resource metadata of the canonical URL stands (RFC 9728, section 3.1)."""
        url = urlsplit(self.public_url)
        return f"{url.scheme}://{url.netloc}/.well-known/oauth-protected-resource{url.path}"

    def whole_scope(self, scope: str) -> str | None:
        """The scope as tokens carry it for a whole or short name; None where the configuration has no such scope."""
        return next((whole for whole in self.scopes if whole == scope or whole.endswith(f"/{scope}")), None)


def _words(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(values.get(name, "").split())


def _is_odd(values: Mapping[str, str], name: str, pattern: str) -> bool:
    return name in values and re.fullmatch(pattern, values[name]) is None


def _url_causes(values: Mapping[str, str]) -> list[str]:
    text = values.get("CLAIMSTACK_PUBLIC_URL")
    if text is None:
        return ["CLAIMSTACK_PUBLIC_URL: missing; set it to the canonical URL of the MCP endpoint, such as https://mcp.example.gov/mcp"]
    try:
        url = urlsplit(text)
        usable = url.hostname is not None and (url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK))
    except ValueError:
        usable = False
    if not usable or url.path != "/mcp" or url.query or url.fragment:
        return [f"CLAIMSTACK_PUBLIC_URL: expected https://<host>/mcp (http on a loopback address only), found {text!r}"]
    return []
