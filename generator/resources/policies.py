"""Policies: statements of IAM and resource policies as the dictionaries that CloudFormation takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from troposphere import Sub

PLAIN_TRANSPORT: Final = {"Bool": {"aws:SecureTransport": "false"}}
"""True of a request that did not come over TLS."""

PLAIN_TRANSPORT_SID: Final = "DenyPlainTransport"

OF_THIS_ACCOUNT: Final = {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}
"""True of a request whose caller belongs to the account of the stack."""


def arn(service: str, resource: str) -> Sub:
    """The ARN of a resource in the account, region and partition of the stack; `resource` may hold further ${…}."""
    return Sub(f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}")


def endpoint_name(service: str) -> str:
    """The host name by which KMS knows the service that calls it, as the text of a Sub."""
    return f"{service}.${{AWS::Region}}.${{AWS::URLSuffix}}"


def document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [dict(statement) for statement in statements]}


def allow(sid: str, *actions: str, on: Any, principal: Any = None, condition: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`on`: a resource, or a list of them. `principal` belongs to resource policies only."""
    return _statement("Allow", sid, actions, on, principal, condition)


def deny(sid: str, *actions: str, on: Any, principal: Any = None, condition: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return _statement("Deny", sid, actions, on, principal, condition)


def deny_plain_transport(on: Any, *actions: str) -> dict[str, Any]:
    """Refuse everybody's requests without TLS: all actions, unless the policy's service wants them named."""
    return deny(PLAIN_TRANSPORT_SID, *(actions or ("*",)), on=on, principal="*", condition=PLAIN_TRANSPORT)


def trust(service: str) -> dict[str, Any]:
    """The trust policy of a role that one AWS service assumes."""
    return document({"Sid": "AssumedByService", "Effect": "Allow", "Principal": {"Service": service}, "Action": ["sts:AssumeRole"]})


def _statement(
    effect: str, sid: str, actions: tuple[str, ...], on: Any, principal: Any, condition: Mapping[str, Any] | None
) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": sid, "Effect": effect}
    if principal is not None:
        statement["Principal"] = principal
    statement |= {"Action": list(actions), "Resource": on}
    if condition is not None:
        statement["Condition"] = dict(condition)
    return statement
