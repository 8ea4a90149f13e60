"""Secrets: the key with which the runtime seals request states, generated at deployment and read by the function only."""

from __future__ import annotations

from typing import Any, Final

from troposphere import Ref, secretsmanager

from claimstack.generator.claims import Claim, Component
from claimstack.generator.expressions import attribute, every, prop
from claimstack.generator.questions import DeniesPlainTransport, NoPublicPrincipal, statements_are
from claimstack.generator.resources.arns import KEY_ARN
from claimstack.generator.resources.policies import deny, deny_plain_transport, document
from claimstack.generator.system import Stack

STATE_SECRET = Component("state-secret", "State secret", "Key that seals the request states which the MCP server hands to its clients.")

SECRET_LENGTH: Final = 64
LEAST_LENGTH: Final = 43
"""Letters and digits that carry the 256 bits which a sealing key has to have."""

OTHER_ACCOUNT: Final = {"StringNotEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}


def add_state_secret(stack: Stack, key_arn: Any) -> secretsmanager.Secret:
    """The secret and its resource policy.

    The policy does not keep readers of this account out: CloudFormation itself reads the value when it updates the secret or looks
    for drift. Within the account the identity policies and the key policy decide.
    """
    secrets = every(secretsmanager.Secret)
    secret: secretsmanager.Secret = stack.add(
        STATE_SECRET,
        secretsmanager.Secret(
            "StateSecret",
            Description=f"Seals the request states of the MCP server {stack.config.name}.",
            KmsKeyId=key_arn,
            GenerateSecretString=secretsmanager.GenerateSecretString(PasswordLength=SECRET_LENGTH, ExcludePunctuation=True),
            DeletionPolicy="RetainExceptOnCreate",
            UpdateReplacePolicy="Retain",
        ),
        Claim(
            "sc-28_smt",
            "The key that seals request states is encrypted at rest with the key given as KeyArn.",
            secrets.prop("KmsKeyId").equals(key_arn),
            secrets.prop("KmsKeyId").matches(KEY_ARN),
        ),
        Claim(
            "sc-28.1_smt",
            "The key that seals request states is encrypted at rest with the key given as KeyArn.",
            secrets.prop("KmsKeyId").equals(key_arn),
            meets=("sc-28.1_obj-1",),
        ),
        Claim(
            "sc-12_smt",
            "Secrets Manager generates the key that seals request states at random, with at least 256 bits; no template and no parameter "
            "holds it, and no stack change destroys it.",
            prop("GenerateSecretString.PasswordLength").at_least(LEAST_LENGTH),
            prop("GenerateSecretString.ExcludeCharacters").absent(),
            prop("GenerateSecretString.ExcludeNumbers").absent(),
            prop("GenerateSecretString.ExcludeLowercase").absent(),
            prop("GenerateSecretString.ExcludeUppercase").absent(),
            prop("SecretString").absent(),
            attribute("DeletionPolicy").one_of("Retain", "RetainExceptOnCreate"),
            attribute("UpdateReplacePolicy").equals("Retain"),
            meets=("sc-12_obj-1",),
        ),
    )
    # A secret's own policy reaches that secret only, whatever Resource says.
    plain_transport = deny_plain_transport("*", "secretsmanager:*")
    other_accounts = deny("DenyOtherAccounts", "secretsmanager:*", on="*", principal="*", condition=OTHER_ACCOUNT)
    statements = statements_are("ResourcePolicy", (plain_transport, other_accounts))
    stack.add(
        STATE_SECRET,
        secretsmanager.ResourcePolicy(
            "StateSecretPolicy",
            SecretId=Ref(secret),
            BlockPublicPolicy=True,
            ResourcePolicy=document(plain_transport, other_accounts),
        ),
        Claim(
            "ac-3_smt",
            "The secret refuses every caller from another account, and a policy that would open it to the public is not accepted.",
            prop("SecretId").equals(Ref(secret)),
            prop("BlockPublicPolicy").is_true(),
            statements,
            NoPublicPrincipal(),
        ),
        Claim(
            "sc-8_smt",
            "The secret is handed out over TLS only.",
            prop("SecretId").equals(Ref(secret)),
            statements,
            DeniesPlainTransport(),
        ),
        Claim(
            "sc-8.1_smt",
            "The secret refuses requests that are not encrypted in transit.",
            prop("SecretId").equals(Ref(secret)),
            statements,
            DeniesPlainTransport(),
        ),
    )
    return secret
