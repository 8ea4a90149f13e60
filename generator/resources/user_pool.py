"""User pool: what a pool says of the people who sign in to it, or of the programs that it serves alone."""

from __future__ import annotations

from troposphere import cognito

from claimstack.generator.claims import Claim
from claimstack.generator.config import Config
from claimstack.generator.expressions import every
from claimstack.generator.resources.door import entrances_are

PASSWORD_LENGTH = 15
TEMPORARY_PASSWORD_DAYS = 1

_FACTORS = (
    every(cognito.UserPool).prop("MfaConfiguration").equals("ON"),
    every(cognito.UserPool).prop("EnabledMfas").only("SOFTWARE_TOKEN_MFA"),
    # A remembered device stands in for the code, another first factor for the password.
    every(cognito.UserPool).prop("DeviceConfiguration").absent(),
    every(cognito.UserPool).prop("Policies.SignInPolicy").absent(),
)
_LENGTH = every(cognito.UserPool).prop("Policies.PasswordPolicy.MinimumLength").at_least(PASSWORD_LENGTH)
_COMPOSITION = tuple(
    every(cognito.UserPool).prop(f"Policies.PasswordPolicy.Require{kind}").is_true()
    for kind in ("Lowercase", "Uppercase", "Numbers", "Symbols")
)
_TEMPORARY = every(cognito.UserPool).prop("Policies.PasswordPolicy.TemporaryPasswordValidityDays").equals(TEMPORARY_PASSWORD_DAYS)
_BY_ADMINISTRATORS = every(cognito.UserPool).prop("AdminCreateUserConfig.AllowAdminCreateUserOnly").is_true()
_NO_RESET = every(cognito.UserPool).prop("AccountRecoverySetting.RecoveryMechanisms").equals([{"Name": "admin_only", "Priority": 1}])
NO_TRIGGER = every(cognito.UserPool).prop("LambdaConfig").absent()
"""A trigger could take in users, wave a sign-in through, or put other scopes into a token."""
REVOCABLE = every(cognito.UserPoolClient).prop("EnableTokenRevocation").is_true()
SILENT = every(cognito.UserPoolClient).prop("PreventUserExistenceErrors").equals("ENABLED")


def open_to_all(config: Config) -> Claim:
    """What the pool's own API does for callers without a token."""
    begin, sign_in = (
        ("begin to sign in, present a refresh token", ("ALLOW_USER_SRP_AUTH",))
        if config.auth.callback_urls
        else ("present a refresh token", ())
    )
    return Claim(
        "ac-14_smt.a",
        f"At the API of the user pool, a caller without a token can read the signing keys, {begin}, "
        "and neither register nor reset a password.",
        entrances_are(config),
        every(cognito.UserPoolClient).prop("ExplicitAuthFlows").only("ALLOW_REFRESH_TOKEN_AUTH", *sign_in),
        _BY_ADMINISTRATORS,
        _NO_RESET,
        NO_TRIGGER,
    )


def people() -> tuple[Claim, ...]:
    """What the pool asks of people who sign in; nothing here shows that any of them is privileged or of the organisation."""
    return (
        Claim("ia-2.2_smt", "The user pool asks every user for a time-based code beside the password.", *_FACTORS, NO_TRIGGER),
        Claim(
            "ia-5_smt.b",
            "A first password that an administrator sets in the user pool lapses after a day unless its holder replaces it.",
            _TEMPORARY,
        ),
        Claim(
            "ia-5_smt.c",
            "A person signs in to the user pool with a long password and a time-based code, and cannot reset either by message.",
            _LENGTH,
            *_COMPOSITION,
            *_FACTORS,
            _NO_RESET,
        ),
        Claim(
            "ia-5.1_smt.h",
            f"The user pool takes passwords from {PASSWORD_LENGTH} characters, with lower and upper case, digits and symbols.",
            _LENGTH,
            *_COMPOSITION,
        ),
    )


def programs_only() -> tuple[Claim, ...]:
    """What the pool says where no client lets a person sign in."""
    clients = every(cognito.UserPoolClient)
    return (
        Claim(
            "cm-6_smt.b",
            "The user pool and its clients are declared as strictly as for people, although none sign in.",
            _LENGTH,
            *_COMPOSITION,
            *_FACTORS,
            _TEMPORARY,
            REVOCABLE,
            SILENT,
        ),
        Claim(
            "cm-7_smt.a",
            "The user pool issues tokens to programs only: no client has a flow by which a person could sign in.",
            clients.prop("AllowedOAuthFlows").only("client_credentials"),
            clients.prop("ExplicitAuthFlows").only("ALLOW_REFRESH_TOKEN_AUTH"),
        ),
    )
