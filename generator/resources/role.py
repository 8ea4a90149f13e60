"""Role: the identity of the function, with one customer managed policy for each purpose and nothing beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from troposphere import GetAtt, Ref, Sub, iam

from claimstack.controls.errors import InputError
from claimstack.generator.claims import Claim, Component
from claimstack.generator.emitted import plain
from claimstack.generator.expressions import Check, every, prop
from claimstack.generator.questions import NoWildcardAction, PolicyParametersBounded, ResourceStarListed
from claimstack.generator.resources.arns import example_arn
from claimstack.generator.resources.policies import allow, arn, deny, document, endpoint_name, trust
from claimstack.generator.system import Stack, declared_at

WORKLOAD_ROLE = Component("workload-role", "Workload role", "Identity of the MCP server's function and all that it may do.", type="policy")

ROLE_ID: Final = "FunctionRole"
"""Logical id; resource policies bind to the role by it before the role itself is declared, and extensions add policies to it."""

TABLE_ACTIONS: Final = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
"""What the runtime does with session records; each is addressed by its whole key, so that nothing is ever listed."""

INTERFACE_ACTIONS: Final = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
"""What the Lambda service does with the role to place the function into the VPC (Lambda developer guide, "Giving Lambda functions access
to resources in an Amazon VPC")."""

TRUSTED: Final = "AssumeRolePolicyDocument.Statement[*].Principal"
SERVICE_PRINCIPAL: Final = r"^[a-z0-9-]+\.amazonaws\.com$"

POLICIES_PER_ROLE: Final = 10
"""Managed policies that IAM attaches to a role without a raised quota."""


@dataclass(frozen=True, slots=True)
class Role:
    resource: iam.Role
    policies: tuple[str, ...]
    """Logical ids of the policies; the function is made after them, since Lambda tries the permissions out."""

    @property
    def arn(self) -> Any:
        return GetAtt(self.resource, "Arn")


def add_role(stack: Stack, *, log_group: Any, key_arn: Any, secret: Any, table: Any = None) -> Role:
    """The role of the function and its policies; `log_group`, `secret` and `table` are the resources of this stack that it may use."""
    role = _role(stack)
    policies = [
        _logs_policy(stack, role, log_group),
        _network_policy(stack, role),
        _tracing_policy(stack, role),
        _secret_policy(stack, role, secret),
        _key_policy(stack, role, key_arn, ("lambda", "secretsmanager", "dynamodb") if table is not None else ("lambda", "secretsmanager")),
    ]
    if table is not None:
        policies.append(_table_policy(stack, role, table))
    return Role(role, tuple(policy.title for policy in policies))


def add_policy(
    stack: Stack,
    role: iam.Role | str,
    logical_id: str,
    description: str,
    statements: tuple[dict[str, Any], ...],
    *claims: Claim,
    component: Component = WORKLOAD_ROLE,
    resource_star: Mapping[str, str] | None = None,
    accepts: Mapping[str, str] | None = None,
    attributes: Mapping[str, str] | None = None,
) -> iam.ManagedPolicy:
    """A customer managed policy that is attached to this role alone; extensions name the function's role by ROLE_ID.

    Every claim is checked for that too. `attributes` stand beside the properties, such as DeletionPolicy. Raises InputError where the
    role would have more policies than IAM attaches.
    """
    if len(_attached(stack, role)) >= POLICIES_PER_ROLE:
        raise InputError(
            f"{declared_at(__file__)}: {stack.name}.{logical_id}: {Ref(role).data['Ref']} has the {POLICIES_PER_ROLE} managed policies "
            "that IAM attaches to a role; put the statements into another policy"
        )
    says = [Claim(claim.point, claim.sentence, *claim.checks, *_of_nobody_else(role), meets=claim.meets) for claim in claims]
    policy: iam.ManagedPolicy = stack.add(
        component,
        iam.ManagedPolicy(
            logical_id,
            Description=description,
            Path=stack.config.organisation.role_path,
            PolicyDocument=document(*statements),
            Roles=[Ref(role)],
            **(attributes or {}),
        ),
        *says,
        resource_star=resource_star,
        accepts=accepts,
    )
    return policy


def _attached(stack: Stack, role: iam.Role | str) -> list[str]:
    """Logical ids of the managed policies of the stack that are attached to this role."""
    return [
        logical_id
        for logical_id, resource in stack.template.resources.items()
        if resource.resource_type == iam.ManagedPolicy.resource_type and plain(Ref(role)) in plain(resource.properties.get("Roles", []))
    ]


def boundary_parameter(stack: Stack) -> Ref | None:
    """The template parameter that bounds every role of the stack; None where the organisation asks for no boundary."""
    if not stack.config.organisation.permissions_boundary:
        return None
    return stack.parameter(
        "PermissionsBoundaryArn",
        "ARN of the managed policy that bounds the permissions of every role of this stack.",
        example=example_arn(stack.config, "iam", "policy/boundary", regional=False),
        AllowedPattern=r"^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+$",
        ConstraintDescription="The ARN of an IAM managed policy.",
    )


def deny_interfaces(stack: Stack, role: Role, function: Any) -> iam.ManagedPolicy:
    """Keep code inside the function from the interface permissions of its role, which the Lambda service needs.

    The condition key is set on requests of the function's code only, hence never on those of the service
    (Lambda developer guide, "Working with the source function ARN condition key").
    """
    return add_policy(
        stack,
        role.resource,
        "InterfaceDenyPolicy",
        "Keeps the code of the function from the network interface permissions of its role.",
        (
            deny(
                "KeepCodeFromInterfaces",
                *INTERFACE_ACTIONS,
                on="*",
                condition={"ArnEquals": {"lambda:SourceFunctionArn": GetAtt(function, "Arn")}},
            ),
        ),
        Claim(
            "ac-6_smt",
            "The policy denies the function's own code the network interface actions that the role grants for the Lambda service.",
            _statements("Effect").equals("Deny"),
            prop("PolicyDocument.Statement[*].Action").contains(*INTERFACE_ACTIONS),
            _statements("Resource").equals("*"),
            prop("PolicyDocument.Statement[*].Condition").equals(
                {"ArnEquals": {"lambda:SourceFunctionArn": {"Fn::GetAtt": [function.title, "Arn"]}}}
            ),
        ),
    )


def _role(stack: Stack) -> iam.Role:
    organisation = stack.config.organisation
    optional: dict[str, Any] = {}
    checks: list[Check] = [
        NoWildcardAction(),
        ResourceStarListed(),
        PolicyParametersBounded(),
        prop("ManagedPolicyArns").absent(),
        prop("Policies").absent(),
        prop("Path").equals(organisation.role_path),
    ]
    boundary = boundary_parameter(stack)
    if boundary is not None:
        optional["PermissionsBoundary"] = boundary
        checks.append(prop("PermissionsBoundary").equals(boundary))
    role: iam.Role = stack.add(
        WORKLOAD_ROLE,
        iam.Role(
            ROLE_ID,
            Description=f"Execution role of the MCP server {stack.config.name}.",
            AssumeRolePolicyDocument=trust("lambda.amazonaws.com"),
            Path=organisation.role_path,
            **optional,
        ),
        Claim(
            "ac-6_smt",
            "The role holds its own customer managed policies only, without a wildcard action and with every use of all resources listed.",
            *checks,
        ),
        Claim(
            "ac-3_smt",
            "The role can be assumed by the Lambda service and by nobody else, and no role of the system by a person or another account.",
            *_trusts_lambda(),
            every(iam.Role).prop(f"{TRUSTED}.Service").matches(SERVICE_PRINCIPAL),
            every(iam.Role).prop(f"{TRUSTED}.AWS").absent(),
            every(iam.Role).prop(f"{TRUSTED}.Federated").absent(),
        ),
        Claim(
            "ia-9_smt",
            "The function calls AWS services with the temporary credentials of a role that only the Lambda service assumes.",
            *_trusts_lambda(),
        ),
    )
    return role


def _trusts_lambda() -> tuple[Check, ...]:
    return (
        prop(TRUSTED).equals({"Service": "lambda.amazonaws.com"}),
        prop("AssumeRolePolicyDocument.Statement[*].Action").equals(["sts:AssumeRole"]),
        prop("AssumeRolePolicyDocument.Statement[*].Effect").equals("Allow"),
    )


def _of_nobody_else(role: iam.Role | str) -> tuple[Check, ...]:
    return (prop("Roles").equals([Ref(role)]), prop("Users").absent(), prop("Groups").absent())


def _statements(element: str) -> Any:
    return prop(f"PolicyDocument.Statement[*].{element}")


def _allows(actions: tuple[str, ...], on: Any) -> tuple[Check, ...]:
    """That every statement of the policy allows these actions at most, on this resource."""
    return (
        _statements("Effect").equals("Allow"),
        _statements("Action").only(*actions),
        _statements("Resource").equals(on),
    )


def _logs_policy(stack: Stack, role: iam.Role, log_group: Any) -> iam.ManagedPolicy:
    group = GetAtt(log_group, "Arn")
    actions = ("logs:CreateLogStream", "logs:PutLogEvents")
    return add_policy(
        stack,
        role,
        "LogsPolicy",
        "Lets the function write into its own log group.",
        (allow("WriteOwnLogGroup", *actions, on=group),),
        Claim(
            "ac-6_smt",
            "The policy lets the function add records to its own log group and do nothing else with logs.",
            *_allows(actions, group),
        ),
        Claim(
            "au-12_smt.a",
            "The policy lets the function write its audit records.",
            _statements("Effect").equals("Allow"),
            _statements("Action").contains(*actions),
            _statements("Resource").equals(group),
        ),
        Claim(
            "au-9_smt.a",
            "The policy gives the function no action by which it could change or delete records that it has written.",
            *_allows(actions, group),
        ),
    )


def _network_policy(stack: Stack, role: iam.Role) -> iam.ManagedPolicy:
    interface = arn("ec2", "network-interface/*")
    # A subnet that an organisation shares belongs to the account of its owner.
    subnets = Sub("arn:${AWS::Partition}:ec2:${AWS::Region}:*:subnet/*")
    placed_in = [interface, subnets, arn("ec2", "security-group/*")]
    describe, create, manage = "DescribeInterfaces", "CreateInterfaces", "ManageInterfaces"
    return add_policy(
        stack,
        role,
        "NetworkPolicy",
        "Lets the Lambda service place the function into the VPC.",
        (
            allow(describe, "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", on="*"),
            allow(create, "ec2:CreateNetworkInterface", on=placed_in),
            allow(manage, "ec2:AssignPrivateIpAddresses", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses", on=interface),
        ),
        Claim(
            "ac-6_smt",
            "The policy is confined to the network interface actions that Lambda needs to place the function into the VPC.",
            _statements("Effect").equals("Allow"),
            _statements("Action").only(*INTERFACE_ACTIONS),
            _resource_of(1, placed_in, "created-in"),
            _resource_of(2, interface, "managed"),
            ResourceStarListed(),
        ),
        resource_star={
            describe: "EC2 knows no resource-level permission for its describe actions (Lambda developer guide, VPC access).",
            create: "A subnet that is shared with the account belongs to another one, whose number is not known here.",
        },
        accepts={"CKV_AWS_111": "An interface has no id before Lambda creates it; the function's code is denied these actions."},
    )


def _resource_of(index: int, expected: Any, name: str) -> Check:
    return prop("PolicyDocument", "Statement", str(index), "Resource").equals(expected).named(f"PolicyDocument.Resource.{name}.equals")


def _tracing_policy(stack: Stack, role: iam.Role) -> iam.ManagedPolicy:
    sid = "SendTraces"
    actions = ("xray:PutTelemetryRecords", "xray:PutTraceSegments")
    return add_policy(
        stack,
        role,
        "TracingPolicy",
        "Lets the Lambda service send traces of the function.",
        (allow(sid, *actions, on="*"),),
        Claim(
            "ac-6_smt",
            "The policy lets traces be sent and none be read.",
            _statements("Effect").equals("Allow"),
            _statements("Action").only(*actions),
            ResourceStarListed(),
        ),
        resource_star={sid: "X-Ray knows no resource-level permission for sending traces (service authorization reference, AWS X-Ray)."},
        accepts={"CKV_AWS_111": "X-Ray offers no resource to name for sending traces."},
    )


def _secret_policy(stack: Stack, role: iam.Role, secret: Any) -> iam.ManagedPolicy:
    actions = ("secretsmanager:GetSecretValue",)
    return add_policy(
        stack,
        role,
        "SecretPolicy",
        "Lets the function read the key that seals request states.",
        (allow("ReadStateSecret", *actions, on=Ref(secret)),),
        Claim(
            "ac-6_smt",
            "The policy lets the function read the secret with the sealing key, change none and read no other.",
            *_allows(actions, Ref(secret)),
        ),
    )


def _key_policy(stack: Stack, role: iam.Role, key_arn: Any, services: tuple[str, ...]) -> iam.ManagedPolicy:
    actions = ("kms:Decrypt",)
    through = [endpoint_name(service) for service in services]
    return add_policy(
        stack,
        role,
        "KeyPolicy",
        "Lets the function decrypt its environment, its secret and its records through the services that keep them.",
        (
            allow(
                "DecryptThroughServices",
                *actions,
                on=key_arn,
                condition={"StringEquals": {"kms:ViaService": [Sub(name) for name in through]}},
            ),
        ),
        Claim(
            "ac-6_smt",
            "The policy lets the function decrypt with one key, and only through the services that store the function's data.",
            *_allows(actions, key_arn),
            prop("PolicyDocument.Statement[*].Condition.StringEquals.kms:ViaService").only(*(Sub(name) for name in through)),
        ),
        Claim(
            "sc-28.1_smt",
            "The function reads data that is encrypted with the key given as KeyArn through the storing services only.",
            *_allows(actions, key_arn),
            prop("PolicyDocument.Statement[*].Condition.StringEquals.kms:ViaService").only(*(Sub(name) for name in through)),
            meets=("sc-28.1_obj-1",),
        ),
    )


def _table_policy(stack: Stack, role: iam.Role, table: Any) -> iam.ManagedPolicy:
    on = GetAtt(table, "Arn")
    return add_policy(
        stack,
        role,
        "SessionsPolicy",
        "Lets the function read and write single session records.",
        (allow("UseSessionRecords", *TABLE_ACTIONS, on=on),),
        Claim(
            "ac-6_smt",
            "The policy lets the function use session records by their key; it can neither list records nor change the table.",
            *_allows(TABLE_ACTIONS, on),
        ),
    )
