"""Secure configuration tables: administrative accounts and what each setting that only they operate means; the words are ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """An account that controls the whole offering, or a part that the rest depends on."""

    id: str
    title: str
    level: str
    """`top-level administrative account` or `privileged account`, in FedRAMP's words."""
    controls: str
    access: str
    configure: str
    operate: str
    decommission: str


ACCOUNT_OWNER = Account(
    "account-owner",
    "Root user and administrators of the AWS account",
    "top-level administrative account",
    "Everything in the account, these stacks included. The stacks neither create nor name these accounts.",
    "Use the root user for nothing that a role can do; protect it with a phishing-resistant second factor; sign people in through the "
    "organisation's identity provider.",
    "Remove access keys of the root user, set contacts, record every call with CloudTrail in all regions.",
    "Use break-glass roles for what the deploying role cannot do; review each use.",
    "Close the account only after logs have been kept for as long as AU-11 asks and the key is no longer needed.",
)
DEPLOYING_ROLE = Account(
    "deploying-role",
    "Role that deploys the stacks",
    "top-level administrative account",
    "Every setting in the templates: whoever updates the stacks may change all that this guide lists.",
    "Let the pipeline assume it with short-lived credentials, for this repository and branch only; create no access key for it.",
    "Attach the policies of cloudformation/deployer-policy.json and nothing wider; set the stack policy and termination protection as "
    "cloudformation/deploy.md says.",
    "Build, review the difference, deploy by change set; run drift detection as cloudformation/operations.md says.",
    "Delete the stacks or hand them to another role first, then delete the role and its policies.",
)
KEY_ADMINISTRATOR_OWN = Account(
    "key-administrator",
    "Principals that may administer the encryption key",
    "top-level administrative account",
    "Whether anything that is stored can be read: the key's policy, its rotation and its deletion.",
    "Grant the actions of the statement Administration of the key policy to one role, by an identity policy; the key policy itself admits "
    "any principal of the account that has such a policy.",
    "Keep rotation on and the waiting period before deletion at thirty days.",
    "Rotate on demand after a suspicion (cloudformation/operations.md); watch for PutKeyPolicy, DisableKey and ScheduleKeyDeletion.",
    "Schedule deletion only when every log group, table, secret, pool and repository under the key may be lost.",
)
KEY_ADMINISTRATOR_GIVEN = Account(
    "key-administrator",
    "Administrators of the supplied encryption key",
    "top-level administrative account",
    "Whether anything that is stored can be read. The key is supplied: its administrators are not in these templates.",
    "As the key's provider lays down; the stacks give nobody the right to administer it.",
    "Admit what cloudformation/key-policy.json lists, and no more; keep rotation on.",
    "Check the policy with `claimstack preflight` before each deployment.",
    "Keep the key until nothing that is stored under it is needed.",
)
POOL_ADMINISTRATOR = Account(
    "user-pool-administrator",
    "Principals that may administer the user pool",
    "privileged account",
    "Who gets tokens: users, their second factors, clients and their secrets.",
    "Grant cognito-idp actions on this pool to one role; people assume it for the task.",
    "Keep self-registration off and the second factor required; hand out temporary passwords by a separate way.",
    "Create users by AdminCreateUser, replace client secrets with `claimstack rotate client`, read secrets into the consumer's own vault.",
    "Disable, then delete users and clients that are no longer used; revoke their refresh tokens.",
)
PUBLISHER = Account(
    "image-publisher",
    "Principals that may push images",
    "privileged account",
    "Which code can be deployed: the deploying role chooses among the images by their digest.",
    "Let the pipeline assume a role with push rights on this repository only.",
    "Keep tags immutable and the scan on push switched on.",
    "Deploy by digest after the scan has been read.",
    "Remove the push rights; delete old images when no stack names their digest.",
)
SECRET_ADMINISTRATOR = Account(
    "secret-administrator",
    "Principals that may write the state secret",
    "privileged account",
    "Whether a sealed request state can be forged.",
    "Grant secretsmanager:PutSecretValue on this secret to one role.",
    "Let the template generate it; no person needs to read it.",
    "Replace it with `claimstack rotate state`, with overlap.",
    "Delete it with the server stack; states sealed with it are then refused.",
)

IMPLICATIONS: Mapping[tuple[str, str], str] = {
    ("AWS::ApiGateway::Authorizer", "Type"): "Without this authorizer anybody reaches the tools.",
    ("AWS::ApiGateway::DomainName", "SecurityPolicy"): "A weaker policy lets clients use older TLS versions and ciphers.",
    ("AWS::ApiGateway::Method", "AuthorizationType"): "A method without authorization is open to everybody.",
    ("AWS::ApiGateway::RestApi", "DisableExecuteApiEndpoint"): "An open default endpoint is a second way in, without the domain's policy.",
    ("AWS::ApiGateway::Stage", "AccessLogSetting"): "Without it, or with fewer fields, calls cannot be traced to callers.",
    ("AWS::ApiGateway::Stage", "MethodSettings"): "Higher limits let one caller use up the function; data traces would log requests.",
    ("AWS::ApiGatewayV2::Api", "DisableExecuteApiEndpoint"): "An open default endpoint is a second way in, without the domain's policy.",
    ("AWS::ApiGatewayV2::Authorizer", "AuthorizerType"): "Without this authorizer anybody reaches the tools.",
    ("AWS::ApiGatewayV2::DomainName", "DomainNameConfigurations"): "A weaker policy lets clients use older TLS versions and ciphers.",
    ("AWS::ApiGatewayV2::Route", "AuthorizationType"): "A route without authorization is open to everybody.",
    ("AWS::ApiGatewayV2::Stage", "AccessLogSettings"): "Without it, or with fewer fields, calls cannot be traced to callers.",
    ("AWS::ApiGatewayV2::Stage", "DefaultRouteSettings"): "Higher limits let one caller use up the function.",
    ("AWS::CloudWatch::Alarm", "AlarmActions"): "Without an action the alarm rings and nobody is told.",
    ("AWS::Cognito::UserPool", "AdminCreateUserConfig"): "If people may register themselves, anybody may get a token.",
    ("AWS::Cognito::UserPool", "MfaConfiguration"): "Without a second factor a stolen password is enough.",
    ("AWS::Cognito::UserPool", "DeletionProtection"): "Without it a single call deletes every account and client.",
    ("AWS::Cognito::UserPool", "KeyConfiguration"): "Another key takes the accounts out of the reach of the key's policy.",
    ("AWS::Cognito::UserPool", "Policies"): "Shorter or simpler passwords are guessed sooner.",
    ("AWS::Cognito::UserPoolClient", "AccessTokenValidity"): "A token is good until it expires, even after it was revoked.",
    (
        "AWS::Cognito::UserPoolClient",
        "AllowedOAuthFlows",
    ): "Another flow lets callers get tokens in a way that this client is not made for.",
    ("AWS::Cognito::UserPoolClient", "AllowedOAuthScopes"): "A further scope opens further tools to whoever holds the client's secret.",
    ("AWS::Cognito::UserPoolClient", "CallbackURLs"): "Whoever answers at a listed address gets the codes of people who sign in.",
    ("AWS::Cognito::UserPoolClient", "EnableTokenRevocation"): "Without it a refresh token that was stolen cannot be called back.",
    ("AWS::DynamoDB::Table", "DeletionProtectionEnabled"): "Without it a single call deletes the sessions.",
    ("AWS::DynamoDB::Table", "PointInTimeRecoverySpecification"): "Without it lost records cannot be brought back.",
    ("AWS::DynamoDB::Table", "ResourcePolicy"): "A wider policy lets others than the function read sessions.",
    ("AWS::DynamoDB::Table", "SSESpecification"): "Another key takes the records out of the reach of the key's policy.",
    (
        "AWS::EC2::SecurityGroup",
        "SecurityGroupEgress",
    ): "A wider rule lets whatever carries the group, and whoever takes it over, connect elsewhere.",
    ("AWS::EC2::SecurityGroupIngress", "SourceSecurityGroupId"): "Another group lets other callers reach the VPC endpoints.",
    ("AWS::EC2::VPCEndpoint", "PolicyDocument"): "A wider policy lets callers reach data of others by way of the endpoint.",
    ("AWS::ECR::Repository", "EncryptionConfiguration"): "Another key takes the images out of the reach of the key's policy.",
    ("AWS::ECR::Repository", "ImageScanningConfiguration"): "Without it known flaws in an image are not looked for when it is pushed.",
    ("AWS::ECR::Repository", "ImageTagMutability"): "With mutable tags a tag may mean other code tomorrow.",
    ("AWS::ECR::Repository", "RepositoryPolicyText"): "A wider policy lets others pull, or put in, the code that runs.",
    ("AWS::IAM::ManagedPolicy", "PolicyDocument"): "A wider policy gives the role, and whoever takes the function over, more rights.",
    ("AWS::IAM::Role", "AssumeRolePolicyDocument"): "A wider policy lets others act with the rights of the role.",
    ("AWS::KMS::Key", "EnableKeyRotation"): "Without rotation one key material protects everything for good.",
    ("AWS::KMS::Key", "KeyPolicy"): "A wider policy lets others read what is stored; a narrower one may lock everybody out.",
    ("AWS::KMS::Key", "PendingWindowInDays"): "A shorter wait leaves less time to stop the deletion of a key.",
    ("AWS::KMS::Key", "RotationPeriodInDays"): "A longer period leaves one key material in use for longer.",
    ("AWS::Lambda::Function", "Code"): "The image is the code that handles the data; a digest names one and no other.",
    (
        "AWS::Lambda::Function",
        "Environment",
    ): "Issuer, clients, scopes and origins that the server accepts stand here, and whether arguments and results "
    "go to the audit log (CLAIMSTACK_AUDIT_CONTENT).",
    ("AWS::Lambda::Function", "KmsKeyArn"): "Another key takes the environment out of the reach of the key's policy.",
    (
        "AWS::Lambda::Function",
        "LoggingConfig",
    ): "Another log group, or a level, loses audit records or keeps them where nothing protects them.",
    ("AWS::Lambda::Function", "ReservedConcurrentExecutions"): "Too low refuses calls; too high takes capacity from the account.",
    ("AWS::Lambda::Function", "VpcConfig"): "Outside the VPC the function may connect to any address.",
    ("AWS::Lambda::Permission", "SourceArn"): "Without it, or with a wider one, another API may call the function.",
    ("AWS::Logs::LogGroup", "DeletionProtectionEnabled"): "Without it a single call deletes the records.",
    ("AWS::Logs::LogGroup", "KmsKeyId"): "Without it the records are out of the reach of the key's policy.",
    ("AWS::Logs::LogGroup", "RetentionInDays"): "Shorter retention deletes audit records before AU-11 allows.",
    ("AWS::SecretsManager::ResourcePolicy", "BlockPublicPolicy"): "Without it a policy may open the secret to other accounts.",
    ("AWS::SecretsManager::ResourcePolicy", "ResourcePolicy"): "A wider policy lets others read the key that seals request states.",
    ("AWS::SecretsManager::Secret", "KmsKeyId"): "Another key takes the secret out of the reach of the key's policy.",
    (
        "AWS::SNS::Topic",
        "KmsMasterKeyId",
    ): "Without it alarms are stored out of the reach of the key's policy; with the wrong one none arrive.",
    ("AWS::SNS::TopicPolicy", "PolicyDocument"): "A wider policy lets others send false alarms; a narrower one may silence the true ones.",
    ("AWS::WAFv2::LoggingConfiguration", "RedactedFields"): "A field that is no longer left out, such as a token, stands in the log.",
    ("AWS::WAFv2::WebACL", "DefaultAction"): "The default action meets whatever no rule matches; the rules block.",
    ("AWS::WAFv2::WebACL", "Rules"): "A rule that is removed, or only counts, lets pass what it blocked.",
}
"""(resource type, property) → what its change means. Only whoever may update the stacks, or administer the resource, operates it."""
