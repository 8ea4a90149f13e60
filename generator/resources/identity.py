"""Identity: who may call the server, by a user pool of its own, by an issuer that exists, or by nobody's leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from troposphere import GetAtt, Ref, Sub, cognito

from claimstack.controls.floors import floor
from claimstack.generator.claims import Claim, Component
from claimstack.generator.config import Config
from claimstack.generator.expressions import attribute, every, prop
from claimstack.generator.resources.door import entrances_are
from claimstack.generator.resources.user_pool import (
    NO_TRIGGER,
    PASSWORD_LENGTH,
    REVOCABLE,
    SILENT,
    TEMPORARY_PASSWORD_DAYS,
    open_to_all,
    people,
    programs_only,
)
from claimstack.generator.system import Stack

IDENTITY = Component("identity", "Identity provider", "Issues the tokens that open the front door, one client for each consumer.")

USER_POOL = "UserPool"
RESOURCE_SERVER = "McpResourceServer"
PUBLIC_CLIENT = "PublicClientWithPkce"
"""Ends unlike the clients of consumers, so that no consumer can take the name."""

REFRESH_HOURS = 8
"""A working day: after that a person signs in again."""
ROTATION_GRACE_SECONDS = 10
CLASSIC_PAGES = 1
"""ManagedLoginVersion of the hosted pages that work by themselves; version 2 shows none to a client without a branding."""

WITHOUT_AUTHENTICATION = "WITHOUT AUTHENTICATION: anybody who can reach the address can call every tool."


@dataclass(frozen=True, slots=True)
class Identity:
    """What the front door and the function need to know of whoever issues tokens."""

    type: Literal["cognito", "external", "none"]
    issuer: Any = None
    """Value of the `iss` claim; None without authentication."""
    audience: tuple[Any, ...] = ()
    """Accepted values of `aud` or, where a token has none, of `client_id`.

    Access tokens of Cognito have no `aud`, unless a person's client named the resource it wants the token for (RFC 8707), as MCP
    clients do: then that URL is their only audience.
    """
    scopes: tuple[str, ...] = ()
    """Whole scopes as tokens carry them."""
    user_pool_arn: Any = None
    """The pool that issues the tokens, where it is known to be one."""

    @property
    def is_open(self) -> bool:
        return self.type == "none"


def add_identity(stack: Stack, key_arn: Any, public_url: Any) -> Identity:
    """Build what issues tokens, or describe what exists; `public_url` is the canonical MCP URL."""
    config = stack.config
    if config.auth.type == "none":
        stack.template.set_description(f"{stack.template.description or ''} {WITHOUT_AUTHENTICATION}".strip())
        return Identity("none")
    identity = _own_pool(stack, key_arn, public_url) if config.auth.type == "cognito" else _external(config)
    if identity.issuer is not None:
        stack.output("Issuer", identity.issuer, "Issuer of the tokens that open the front door.")
    if identity.scopes:
        stack.output("Scope", " ".join(identity.scopes), "Scopes of the MCP server; a caller needs one of them.")
    return identity


def resource_identifier(config: Config, public_url: Any) -> str:
    """The canonical MCP URL; without a custom domain the name of the system.

    A route takes scopes of at most 64 characters (service model of API Gateway v2), which the address of a default endpoint
    would exceed together with a scope.
    """
    return public_url if isinstance(public_url, str) else config.name


def client_logical_id(consumer: str) -> str:
    return "".join(word.capitalize() for word in consumer.split("-")) + "Client"


def _external(config: Config) -> Identity:
    auth = config.auth
    issuer: Any = auth.issuer
    if auth.user_pool_arn is not None:
        # The rules admit only a pool of the system's own region, whose id starts with the region's name.
        pool = auth.user_pool_arn.rpartition("_")[2]
        issuer = Sub(f"https://cognito-idp.${{AWS::Region}}.${{AWS::URLSuffix}}/${{AWS::Region}}_{pool}")
    return Identity("external", issuer=issuer, audience=auth.audience, scopes=auth.scopes, user_pool_arn=auth.user_pool_arn)


def _own_pool(stack: Stack, key_arn: Any, public_url: Any) -> Identity:
    config = stack.config
    identifier = resource_identifier(config, public_url)
    scopes = tuple(f"{identifier}/{scope}" for scope in config.auth.scopes)
    _add_user_pool(stack, key_arn)
    _add_resource_server(stack, identifier)
    token_url = _add_domain(stack)
    audience: list[Any] = [Ref(_add_client(stack, consumer, scopes)) for consumer in config.auth.consumers]
    if config.auth.callback_urls:
        audience += [Ref(_add_public_client(stack, scopes)), public_url]
    stack.output("TokenUrl", token_url, "Where a consumer exchanges its client id and secret for an access token.")
    return Identity(
        "cognito",
        issuer=GetAtt(USER_POOL, "ProviderURL"),
        audience=tuple(audience),
        scopes=scopes,
        user_pool_arn=GetAtt(USER_POOL, "Arn"),
    )


def _add_user_pool(stack: Stack, key_arn: Any) -> cognito.UserPool:
    config = stack.config
    pools = every(cognito.UserPool)
    kept = (
        pools.prop("DeletionProtection").equals("ACTIVE"),
        pools.attribute("DeletionPolicy").one_of("Retain", "RetainExceptOnCreate"),
        pools.attribute("UpdateReplacePolicy").equals("Retain"),
    )
    customer_key = (
        pools.prop("KeyConfiguration.KeyType").equals("CUSTOMER_MANAGED_KEY"),
        pools.prop("KeyConfiguration.KmsKeyArn").equals(key_arn),
    )
    return stack.add(
        IDENTITY,
        cognito.UserPool(
            USER_POOL,
            AdminCreateUserConfig=cognito.AdminCreateUserConfig(AllowAdminCreateUserOnly=True),
            AccountRecoverySetting=cognito.AccountRecoverySetting(
                RecoveryMechanisms=[cognito.RecoveryOption(Name="admin_only", Priority=1)]
            ),
            DeletionProtection="ACTIVE",
            EnabledMfas=["SOFTWARE_TOKEN_MFA"],
            KeyConfiguration=cognito.KeyConfiguration(KeyType="CUSTOMER_MANAGED_KEY", KmsKeyArn=key_arn),
            MfaConfiguration="ON",
            Policies=cognito.Policies(
                PasswordPolicy=cognito.PasswordPolicy(
                    MinimumLength=PASSWORD_LENGTH,
                    RequireLowercase=True,
                    RequireNumbers=True,
                    RequireSymbols=True,
                    RequireUppercase=True,
                    TemporaryPasswordValidityDays=TEMPORARY_PASSWORD_DAYS,
                )
            ),
            DeletionPolicy="RetainExceptOnCreate",
            UpdateReplacePolicy="Retain",
        ),
        open_to_all(config),
        *(people() if config.auth.callback_urls else programs_only()),
        Claim(
            "ia-5_smt.g",
            "The user pool keeps its data under the key given as KeyArn, and no stack change destroys it.",
            *customer_key,
            *kept,
        ),
        Claim("sc-28_smt", "The user pool is encrypted at rest with the key given as KeyArn.", *customer_key),
        Claim(
            "sc-28.1_smt",
            "The data of the user pool is encrypted at rest with the key given as KeyArn.",
            *customer_key,
            meets=("sc-28.1_obj-1",),
        ),
    )


def _add_resource_server(stack: Stack, identifier: str) -> cognito.UserPoolResourceServer:
    config = stack.config
    servers = every(cognito.UserPoolResourceServer)
    scopes = [{"ScopeName": scope, "ScopeDescription": f"{scope} on {config.name}"} for scope in config.auth.scopes]
    return stack.add(
        IDENTITY,
        cognito.UserPoolResourceServer(
            RESOURCE_SERVER,
            Identifier=identifier,
            Name=config.name,
            Scopes=[cognito.ResourceServerScopeType(**scope) for scope in scopes],
            UserPoolId=Ref(USER_POOL),
        ),
        Claim(
            "ac-3_smt",
            "The resource server defines the scopes that the MCP server asks for, and no others; no trigger changes a token.",
            servers.prop("Identifier").equals(identifier),
            servers.prop("Scopes").equals(scopes),
            servers.prop("UserPoolId").equals(Ref(USER_POOL)),
            NO_TRIGGER,
        ),
    )


def _add_domain(stack: Stack) -> Sub:
    """The token domain; the account id makes its name unique in the region. Returns the URL of its token endpoint."""
    config, partition = stack.config, stack.config.partition
    prefix = f"{config.name}-${{AWS::AccountId}}"
    is_the_domain = (entrances_are(config), prop("Domain").equals(Sub(prefix)), prop("UserPoolId").equals(Ref(USER_POOL)))
    exchange = ("exchange a client's id and secret for a token",) if config.auth.consumers else ()
    sign_in = ("sign in", "redeem or revoke what the sign-in hands out") if config.auth.callback_urls else ()
    opens = ", or ".join((*exchange, *sign_in))
    host = f"{prefix}.{partition.token_domain_prefix}.${{AWS::Region}}.{partition.token_domain_suffix}"
    stack.add(
        IDENTITY,
        cognito.UserPoolDomain("TokenDomain", Domain=Sub(prefix), UserPoolId=Ref(USER_POOL), ManagedLoginVersion=CLASSIC_PAGES),
        Claim(
            "ac-14_smt.a",
            f"At the token domain, a caller without a token can {opens}.",
            *is_the_domain,
            prop("ManagedLoginVersion").equals(CLASSIC_PAGES),
        ),
        Claim(
            "sc-7_smt.c",
            "Beside the front door, the token domain and the API of the user pool are the only public entrances.",
            *is_the_domain,
        ),
    )
    return Sub(f"https://{host}/oauth2/token")


def _shared_claims(config: Config, scopes: tuple[str, ...], flow: str) -> tuple[Claim, ...]:
    """What clients of both kinds claim, of every client of the pool: a REST API lets any of them in."""
    clients = every(cognito.UserPoolClient)
    minutes = config.auth.token_minutes
    return (
        Claim(
            "ac-3_smt",
            "The client can ask for scopes of the MCP server only, by the one grant it is made for.",
            clients.prop("AllowedOAuthScopes").equals(list(scopes)),
            prop("AllowedOAuthFlows").equals([flow]),
            clients.prop("AllowedOAuthFlows").one_of(["client_credentials"], ["code"]),
            clients.prop("AllowedOAuthFlowsUserPoolClient").is_true(),
            clients.prop("UserPoolId").equals(Ref(USER_POOL)),
            attribute("DependsOn").equals(RESOURCE_SERVER),
        ),
        Claim(
            "ac-12_smt",
            f"An access token of the client ends after {minutes} minutes.",
            clients.prop("AccessTokenValidity").equals(minutes),
            clients.prop("AccessTokenValidity").at_most(floor("ac-12")),
            clients.prop("TokenValidityUnits.AccessToken").equals("minutes"),
        ),
    )


def _public_name(config: Config) -> str:
    return f"{config.name}-public-client"


def _add_client(stack: Stack, consumer: str, scopes: tuple[str, ...]) -> cognito.UserPoolClient:
    """A confidential client for client_credentials; its secret is in no output."""
    config = stack.config
    identified = (
        prop("ClientName").equals(consumer),
        prop("GenerateSecret").is_true(),
        prop("AllowedOAuthFlows").equals(["client_credentials"]),
        prop("ExplicitAuthFlows").only("ALLOW_REFRESH_TOKEN_AUTH"),
    )
    client: cognito.UserPoolClient = stack.add(
        IDENTITY,
        cognito.UserPoolClient(
            client_logical_id(consumer),
            AccessTokenValidity=config.auth.token_minutes,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=list(scopes),
            ClientName=consumer,
            EnableTokenRevocation=True,
            # Left out, Cognito would let users sign in through this client by password protocols.
            ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"],
            GenerateSecret=True,
            PreventUserExistenceErrors="ENABLED",
            TokenValidityUnits=cognito.TokenValidityUnits(AccessToken="minutes"),
            UserPoolId=Ref(USER_POOL),
            DependsOn=RESOURCE_SERVER,
        ),
        *_shared_claims(config, scopes, "client_credentials"),
        Claim(
            "ia-4_smt.b",
            f"The client is named for the one consumer that its identifier stands for, {consumer}.",
            prop("ClientName").equals(consumer),
        ),
        Claim(
            "ia-5_smt.b",
            f"The secret of {consumer} is generated by Cognito when the client is made.",
            prop("GenerateSecret").is_true(),
        ),
        Claim("ia-8_smt", f"Calls of {consumer} are identified by its client id and authenticated by its secret.", *identified),
        Claim("ia-9_smt", f"The service {consumer} proves who it is before it gets a token.", *identified),
    )
    stack.output(f"{client.title}Id", Ref(client), f"Client id of the consumer {consumer}; read its secret with describe-user-pool-client.")
    return client


def _add_public_client(stack: Stack, scopes: tuple[str, ...]) -> cognito.UserPoolClient:
    """A client without secret for programs that people sign in to; Cognito honours PKCE but cannot be made to demand it."""
    config = stack.config
    client: cognito.UserPoolClient = stack.add(
        IDENTITY,
        cognito.UserPoolClient(
            PUBLIC_CLIENT,
            AccessTokenValidity=config.auth.token_minutes,
            AllowedOAuthFlows=["code"],
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=list(scopes),
            CallbackURLs=list(config.auth.callback_urls),
            ClientName=_public_name(config),
            EnableTokenRevocation=True,
            # ALLOW_REFRESH_TOKEN_AUTH and rotation exclude each other, and an empty list would bring it back.
            ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"],
            GenerateSecret=False,
            IdTokenValidity=config.auth.token_minutes,
            PreventUserExistenceErrors="ENABLED",
            RefreshTokenRotation=cognito.RefreshTokenRotation(Feature="ENABLED", RetryGracePeriodSeconds=ROTATION_GRACE_SECONDS),
            RefreshTokenValidity=REFRESH_HOURS,
            SupportedIdentityProviders=["COGNITO"],
            TokenValidityUnits=cognito.TokenValidityUnits(
                AccessToken="minutes",
                IdToken="minutes",
                RefreshToken="hours",
            ),
            UserPoolId=Ref(USER_POOL),
            DependsOn=RESOURCE_SERVER,
        ),
        *_shared_claims(config, scopes, "code"),
        Claim(
            "ac-12_smt",
            "A refresh token of the client can be revoked and serves once, a prompt retry aside; an access token is good until its end.",
            REVOCABLE,
            prop("RefreshTokenRotation.Feature").equals("ENABLED"),
            prop("RefreshTokenRotation.RetryGracePeriodSeconds").equals(ROTATION_GRACE_SECONDS),
            prop("IdTokenValidity").equals(config.auth.token_minutes),
            prop("TokenValidityUnits.IdToken").equals("minutes"),
        ),
        Claim(
            "ia-11_smt",
            f"A person's client can renew its tokens for {REFRESH_HOURS} hours; then it comes back to the sign-in pages.",
            prop("RefreshTokenValidity").equals(REFRESH_HOURS),
            prop("RefreshTokenValidity").at_most(floor("ia-11")),
            prop("TokenValidityUnits.RefreshToken").equals("hours"),
        ),
        Claim("si-11_smt.a", "A failed sign-in at a client does not tell whether the user exists.", SILENT),
        Claim(
            "ia-8_smt",
            "People sign in to the user pool itself, and their codes go to the listed callback addresses only.",
            prop("CallbackURLs").equals(list(config.auth.callback_urls)),
            prop("SupportedIdentityProviders").only("COGNITO"),
            prop("ExplicitAuthFlows").only("ALLOW_USER_SRP_AUTH"),
            prop("ClientName").equals(_public_name(config)),
        ),
        Claim(
            "ia-5_smt.g",
            "The public client has no secret that its holders could lose.",
            prop("GenerateSecret").is_false(),
        ),
    )
    stack.output(f"{PUBLIC_CLIENT}Id", Ref(client), "Client id for interactive MCP clients (authorization code with PKCE, no secret).")
    return client
