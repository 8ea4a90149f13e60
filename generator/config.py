"""Config: what a team decides about its system, as system.toml says it.

Values that differ between environments (VPC, subnets, certificate, image digest, alarm address) are not here: they are
template parameters. What is here changes which resources exist and what they claim.

The models hold what one value must look like; what several values must agree on is in `rules`, and `loading` applies both.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from claimstack.controls.errors import InputError
from claimstack.generator.fields import (
    CALLBACK,
    ENDPOINT_SERVICE,
    ISSUER,
    ORIGIN,
    PACKAGE_ID,
    ROLE_PATH,
    USER_POOL_ARN,
    WORD,
    DomainName,
    ScopeName,
    Sentence,
    Table,
    TagKey,
    TagValue,
    Token,
)
from claimstack.generator.partition import Partition, partition_of
from claimstack.generator.stated import Assessor, Assurance, CryptographicModule, InformationType, Person, Plan, Service, Statement, Url

Class = Literal["B", "C", "D"]
Route = Literal["20x", "rev5"]


class FrontDoor(Table):
    type: Literal["http-api", "rest-api"] = "http-api"
    domain: DomainName | None = None
    """Custom domain of the server, mapped at its root; the default endpoint is then disabled."""
    waf: bool = False
    streaming: bool = False
    account_role: Literal["own", "given"] = "own"
    """REST APIs of a region share one log role of API Gateway: `own` sets it in this stack, `given` leaves it to the account (rest-api)."""
    rate_per_second: Annotated[int, Field(ge=1, le=10_000)] = 50
    burst: Annotated[int, Field(ge=1, le=5_000)] = 100
    allowed_origins: Annotated[tuple[Annotated[str, StringConstraints(pattern=ORIGIN, max_length=256)], ...], Field(max_length=20)] = ()
    """Browser origins that may call the server; without any, no CORS answer is given."""


class Auth(Table):
    type: Literal["cognito", "external", "none"] = "cognito"
    scopes: Annotated[tuple[ScopeName, ...], Field(max_length=10)] = ("invoke",)
    """Scopes of the MCP resource; a caller needs one of them. Cognito prefixes each with the resource server identifier; those of an
    external provider are written as its tokens carry them. An HTTP API takes ten on a route (API Gateway quotas)."""
    consumers: Annotated[tuple[Token, ...], Field(max_length=49)] = ()
    """One confidential client_credentials client for each name (cognito). A JWT authorizer takes fifty audiences (API Gateway quotas),
    of which the public client is one."""
    callback_urls: Annotated[tuple[Annotated[str, StringConstraints(pattern=CALLBACK, max_length=1024)], ...], Field(max_length=100)] = ()
    """With any, a public client with PKCE for people is built as well (cognito)."""
    token_minutes: Annotated[int, Field(ge=5, le=60)] = 15
    """Life of an access token (cognito)."""
    issuer: Annotated[str, StringConstraints(pattern=ISSUER, max_length=2048)] | None = None
    """OIDC issuer (external, http-api), exactly as the `iss` claim has it: some end in a slash."""
    audience: Annotated[tuple[Annotated[str, StringConstraints(pattern=WORD, max_length=512)], ...], Field(max_length=50)] = ()
    """Accepted `aud` or `client_id` values (external)."""
    user_pool_arn: Annotated[str, StringConstraints(pattern=USER_POOL_ARN)] | None = None
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
    endpoint_services: tuple[Annotated[str, StringConstraints(pattern=ENDPOINT_SERVICE, max_length=64)], ...] = ()
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
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=40)] = Field(default_factory=dict)
    """Mandatory tags, put on every taggable resource; AWS takes fifty, of which some are ours."""
    role_path: Annotated[str, StringConstraints(pattern=ROLE_PATH, max_length=512)] = "/"
    permissions_boundary: bool = False
    """Ask for a permissions boundary ARN as a template parameter and set it on every role."""
    log_archive: bool = False
    """Ask for a log destination ARN as a template parameter and forward audit records to it."""
    alarm_topic: Literal["own", "given"] = "own"


class Leveraged(Table):
    """The authorization of the infrastructure that this system stands on; nothing of it is inherited without one."""

    title: Sentence
    package_id: Annotated[str, StringConstraints(pattern=PACKAGE_ID)]
    date_authorized: date


class ControlParameter(Table):
    value: Sentence
    reason: Sentence
    approver: Sentence
    date: date

    @property
    def days(self) -> int:
        """Raise InputError unless the value reads "<n> days"."""
        return parse_days(self.value)


class Provider(Table):
    """A service of the organisation that answers for points in our place, such as a SIEM or an identity provider."""

    title: Sentence
    description: Sentence
    operator: Sentence | None = None
    """Who runs it, where that is another organisation: it is then a third-party information resource (rule MAS-CSO-TPR)."""
    website: Url | None = None
    fedramp_id: Annotated[str, StringConstraints(pattern=PACKAGE_ID)] | None = None
    """Its own FedRAMP id, where it is certified."""
    justification: Sentence | None = None
    """Why it is used, where another organisation runs it; this and the next two are what rule MAS-CSO-TPR asks for."""
    mitigation: Sentence | None = None
    compensating_controls: Sentence | None = None


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
    parameters: dict[str, ControlParameter] = Field(default_factory=dict)
    """Control parameters by catalog id, such as `au-11_odp`."""
    providers: dict[Token, Provider] = Field(default_factory=dict)
    dispositions: dict[str, DispositionOverride] = Field(default_factory=dict)
    """By control id or point id."""
    information: tuple[InformationType, ...] = ()
    service: Service = Service()
    assurance: Assurance = Assurance()
    people: tuple[Person, ...] = ()
    plans: dict[str, Plan] = Field(default_factory=dict)
    """By control id or point id: who will close what is open, and when."""
    assessor: Assessor | None = None
    cryptographic_modules: dict[Token, CryptographicModule] = Field(default_factory=dict)
    """By the key of a service in fedramp/cryptographic-modules.json."""
    rules: dict[str, Statement] = Field(default_factory=dict)
    """By the id of a FedRAMP provider rule, in place of what this package says to it."""
    ksis: dict[str, Statement] = Field(default_factory=dict)
    """By the id of a Key Security Indicator, beside what this package shows of it."""
    extensions: tuple[Sentence, ...] = ()
    """Overlay files beside system.toml, or names of installed `claimstack.extensions` entry points."""

    @property
    def partition(self) -> Partition:
        return partition_of(self.region)

    @property
    def public_url(self) -> str | None:
        """The canonical MCP URL; None without a custom domain: it is then a value of the deployed default endpoint."""
        return f"https://{self.front_door.domain}/mcp" if self.front_door.domain else None

    @property
    def retention_days(self) -> int:
        return control_parameter(self, RETENTION_PARAMETER).days


RETENTION_PARAMETER = "au-11_odp"
DEFAULT_RETENTION = "1096 days"


def parse_days(value: str) -> int:
    """Read "1096 days"; raise InputError for any other form."""
    found = re.fullmatch(r"([1-9][0-9]{0,4}) days", value)
    if not found:
        raise InputError(f"expected a number of days such as '{DEFAULT_RETENTION}', found '{value}'")
    return int(found[1])


def decided_by(config: Config, parameter: str) -> Literal["system.toml", "template"] | None:
    """Who decides the value of a control parameter; None where nobody does."""
    if parameter in config.parameters:
        return "system.toml"
    return "template" if parameter == RETENTION_PARAMETER else None


def control_parameter(config: Config, parameter: str) -> ControlParameter:
    """What system.toml sets, or the default where there is one; raise InputError for a control parameter that has neither."""
    decision = decided_by(config, parameter)
    if decision == "system.toml":
        return config.parameters[parameter]
    if decision == "template":
        return ControlParameter(
            value=DEFAULT_RETENTION,
            reason="The shortest retention of CloudWatch Logs that reaches thirty months.",
            approver="Nobody yet: the default of claimstack stands until the system owner approves a value.",
            date=config.as_of,
        )
    raise InputError(f'{config.name}: control parameter {parameter} has no value; add [parameters."{parameter}"] to system.toml')
