"""Config: what a team decides about its system, as system.toml says it.

Values that differ between environments (VPC, subnets, certificate, image digest, alarm address) are not here: they are
template parameters. What is here changes which resources exist and what they claim.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Class = Literal["B", "C", "D"]
Route = Literal["20x", "rev5"]
Token = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
"""Starts with a letter; lower case, digits and hyphens; at most 31 characters, so that prefixed names stay inside AWS limits."""
ScopeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9._-]{0,62}$")]
DomainName = Annotated[str, StringConstraints(pattern=r"^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$")]
Sentence = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$", max_length=1000)]
"""One line for people: OSCAL strings take no line break and no space at either end."""


class Table(BaseModel):
    """A table of system.toml: no unknown keys, no silent conversions, immutable once read."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class FrontDoor(Table):
    type: Literal["http-api", "rest-api"] = "http-api"
    domain: DomainName | None = None
    """Custom domain of the server, mapped at its root; the default endpoint is then disabled."""
    waf: bool = False
    streaming: bool = False
    rate_per_second: Annotated[int, Field(ge=1, le=10_000)] = 50
    burst: Annotated[int, Field(ge=1, le=5_000)] = 100
    allowed_origins: tuple[Annotated[str, StringConstraints(pattern=r"^https://[^\s/*]+$")], ...] = ()
    """Browser origins that may call the server; without any, no CORS answer is given."""


class Auth(Table):
    type: Literal["cognito", "external", "none"] = "cognito"
    scopes: tuple[ScopeName, ...] = ("invoke",)
    """Scopes of the MCP resource; a caller needs one of them. Cognito prefixes each with the resource server identifier."""
    consumers: tuple[Token, ...] = ()
    """One confidential client_credentials client for each name (cognito)."""
    callback_urls: tuple[Annotated[str, StringConstraints(pattern=r"^(https://|http://localhost)[^\s]*$")], ...] = ()
    """With any, a public client with PKCE for people is built as well (cognito)."""
    token_minutes: Annotated[int, Field(ge=5, le=60)] = 15
    """Life of an access token (cognito)."""
    issuer: Annotated[str, StringConstraints(pattern=r"^https://[^\s]+[^\s/]$")] | None = None
    """OIDC issuer (external, http-api)."""
    audience: tuple[str, ...] = ()
    """Accepted `aud` or `client_id` values (external)."""
    user_pool_arn: Annotated[str, StringConstraints(pattern=r"^arn:aws(-us-gov)?:cognito-idp:[a-z0-9-]+:\d{12}:userpool/[\w-]+$")] | None = None
    """Existing Cognito user pool (external, rest-api)."""


class Runtime(Table):
    memory_mb: Annotated[int, Field(ge=256, le=10_240)] = 1024
    timeout_seconds: Annotated[int, Field(ge=1, le=900)] = 25
    """Below the front door's own limit (30 s http-api, 29 s rest-api), unless the door streams."""
    concurrency: Annotated[int, Field(ge=1, le=1_000)] = 20
    """Default of the reserved-concurrency template parameter."""
    sessions: bool = False
    """A DynamoDB table for sessions of the older protocol era."""
    fips_endpoints: bool = True


class Network(Table):
    endpoints: bool = False
    """Build the endpoints stack: the function then needs no NAT to reach AWS services."""
    endpoint_services: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+$")], ...] = ()
    """Further interface endpoints that tools call, by service name without the region prefix, such as `sqs`."""
    security_groups: Literal["own", "given"] = "own"
    """`given`: existing groups, passed as a template parameter; their rules are then not ours to claim."""


class Key(Table):
    stack: bool = False
    """Build the key stack; otherwise a key ARN is a template parameter."""


class Registry(Table):
    stack: bool = True
    """Build the registry stack; otherwise the image comes from a repository that exists."""


class Organisation(Table):
    """What the landing zone around the system requires or provides."""

    name: Sentence | None = None
    tags: dict[str, str] = {}
    """Mandatory tags, put on every taggable resource."""
    role_path: Annotated[str, StringConstraints(pattern=r"^/([\w+=,.@-]+/)*$")] = "/"
    permissions_boundary: bool = False
    """Ask for a permissions boundary ARN as a template parameter and set it on every role."""
    log_archive: bool = False
    """Ask for a log destination ARN as a template parameter and forward audit records to it."""
    alarm_topic: Literal["own", "given"] = "own"


class Leveraged(Table):
    """The authorization of the infrastructure that this system stands on; nothing is inherited without it."""

    title: Sentence
    package_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{2,40}$")]
    date_authorized: date


class ControlParameter(Table):
    value: Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$")]
    reason: Sentence
    approver: Sentence
    date: date


class Provider(Table):
    """A service of the organisation that answers for points in our place, such as a SIEM or an identity provider."""

    title: Sentence
    description: Sentence


class DispositionOverride(Table):
    status: Literal["inherited", "organisational", "customer", "planned", "not-applicable"]
    reason: Sentence
    origination: Literal["sp-corporate", "sp-system", "customer-configured", "customer-provided", "inherited", "shared"] | None = None
    provider: str | None = None
    """A key of [providers]."""
    unless_claimed: bool = False


class Config(Table):
    """One system.toml. `class` is a Python keyword, hence `class_`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)

    name: Token
    title: Sentence
    description: Sentence | None = None
    class_: Class = Field(alias="class")
    certification: Route
    region: str
    as_of: date
    """Date of the evidence: every time stamp in the output is midnight UTC of this day unless SOURCE_DATE_EPOCH says otherwise."""
    front_door: FrontDoor = FrontDoor()
    auth: Auth = Auth()
    runtime: Runtime = Runtime()
    network: Network = Network()
    key: Key = Key()
    registry: Registry = Registry()
    organisation: Organisation = Organisation()
    leveraged: Leveraged | None = None
    parameters: dict[str, ControlParameter] = {}
    """Control parameters by catalog id, such as `au-11_odp`."""
    providers: dict[str, Provider] = {}
    dispositions: dict[str, DispositionOverride] = {}
    """By control id or point id."""
    extensions: tuple[str, ...] = ()
    """Overlay files beside system.toml, or names of installed `claimstack.extensions` entry points."""
