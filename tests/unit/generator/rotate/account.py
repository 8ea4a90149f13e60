"""A small AWS on the loopback interface: one account, and what goes wrong in it."""

from __future__ import annotations

import base64
import json
import secrets
import string
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

STATE = "arn:aws:secretsmanager:us-east-1:111122223333:secret:StateSecret-AbCdEf"
READ_BY_THE_DESK = "desk-tools/analyst-desk/client-secret"
POOL, CLIENT = "us-east-1_AbCdEf123", "1example23456789"
ALPHABET = string.ascii_letters + string.digits


def random_text(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


@dataclass
class Version:
    value: str
    created: datetime
    stages: list[str]


@dataclass
class Aws:
    """What the account holds, and what goes wrong in it."""

    outputs: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, dict[str, Version]] = field(default_factory=dict)
    client_secrets: list[tuple[str, datetime, str]] = field(default_factory=list)
    called: list[str] = field(default_factory=list)
    values: set[str] = field(default_factory=set)
    """Every secret that there ever was."""
    refuses: dict[str, str] = field(default_factory=dict)
    """Operation → `before` or `after` it has done its work; once."""
    unknown: tuple[str, ...] = ()

    def stage(self, secret: str, stage: str) -> Version:
        return next(version for version in self.secrets[secret].values() if stage in version.stages)

    def put(self, secret: str, value: str, stages: list[str], created: datetime | None = None) -> str:
        self.values.add(value)
        versions = self.secrets.setdefault(secret, {})
        id_ = random_text(36)
        versions[id_] = Version(value, created or datetime.now(UTC), [])  # noqa: TID251  # times as AWS gives them
        for stage in stages:
            self.move(secret, stage, id_)
        return id_

    def move(self, secret: str, stage: str, id_: str) -> None:
        for version in self.secrets[secret].values():
            if stage in version.stages and version is not self.secrets[secret][id_]:
                version.stages.remove(stage)
                if stage == "AWSCURRENT":
                    for other in self.secrets[secret].values():
                        other.stages = [name for name in other.stages if name != "AWSPREVIOUS"]
                    version.stages.append("AWSPREVIOUS")
        if stage not in self.secrets[secret][id_].stages:
            self.secrets[secret][id_].stages.append(stage)

    def PutSecretValue(self, sent: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # operations bear the names of the API
        return {"VersionId": self.put(sent["SecretId"], sent["SecretString"], sent.get("VersionStages", ["AWSCURRENT"]))}

    def UpdateSecretVersionStage(self, sent: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert sent["VersionStage"] in self.secrets[sent["SecretId"]][sent["RemoveFromVersionId"]].stages
        self.move(sent["SecretId"], sent["VersionStage"], sent["MoveToVersionId"])
        return {}

    def ListSecretVersionIds(self, sent: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {
            "Versions": [
                {"VersionId": id_, "VersionStages": version.stages, "CreatedDate": version.created.timestamp()}
                for id_, version in self.secrets[sent["SecretId"]].items()
                if version.stages
            ]
        }

    def GetSecretValue(self, sent: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"SecretString": self.stage(sent["SecretId"], sent["VersionStage"]).value}

    def GetRandomPassword(self, sent: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert sent["ExcludePunctuation"] is True
        value = random_text(sent["PasswordLength"])
        self.values.add(value)
        return {"RandomPassword": value}

    def add(self, value: str, created: datetime | None = None) -> None:
        self.values.add(value)
        made = created or datetime.now(UTC)  # noqa: TID251
        self.client_secrets.append((f"{CLIENT}--{len(self.values)}", made, value))

    def ListUserPoolClientSecrets(self, sent: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert (sent["UserPoolId"], sent["ClientId"]) == (POOL, CLIENT)
        listed = [{"ClientSecretId": id_, "ClientSecretCreateDate": made.timestamp()} for id_, made, _ in self.client_secrets]
        return {"ClientSecrets": listed[::-1]}

    def AddUserPoolClientSecret(self, sent: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert (sent["UserPoolId"], sent["ClientId"]) == (POOL, CLIENT)
        assert 24 <= len(sent["ClientSecret"]) <= 64
        assert len(self.client_secrets) < 2
        self.add(sent["ClientSecret"])
        return {"ClientSecretDescriptor": {"ClientSecretId": self.client_secrets[-1][0]}}

    def DeleteUserPoolClientSecret(self, sent: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert len(self.client_secrets) == 2
        self.client_secrets = [each for each in self.client_secrets if each[0] != sent["ClientSecretId"]]
        return {}

    def token(self, authorization: str) -> bool:
        client, _, value = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        return client == CLIENT and value in {known for _, _, known in self.client_secrets}

    def DescribeStacks(self, sent: dict[str, Any]) -> str:  # noqa: N802
        members = "".join(
            f"<member><OutputKey>{key}</OutputKey><OutputValue>{escape(value)}</OutputValue></member>"
            for key, value in self.outputs.items()
        )
        return f"<Stacks><member><StackName>{sent['StackName']}</StackName><Outputs>{members}</Outputs></member></Stacks>"

    def DescribeStackResource(self, sent: dict[str, Any]) -> str:  # noqa: N802
        assert sent["LogicalResourceId"] == "UserPool"
        return f"<StackResourceDetail><PhysicalResourceId>{POOL}</PhysicalResourceId></StackResourceDetail>"


class Api(BaseHTTPRequestHandler):
    """The JSON and query protocols of AWS, and the token endpoint of Cognito."""

    aws: Aws

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path.startswith("/oauth2/"):
            self._token(parse_qs(body))
            return
        target = self.headers.get("X-Amz-Target")
        sent = json.loads(body) if target else {key: value for key, (value,) in parse_qs(body).items()}
        operation = target.rpartition(".")[2] if target else sent["Action"]
        self.aws.called.append(operation)
        refused = self.aws.refuses.pop(operation, None)
        if operation in self.aws.unknown:
            self._fail("UnknownOperationException", "", xml=not target)
        elif operation == "DescribeStacks" and sent["StackName"] != "desk-tools-server":
            self._fail("ValidationError", f"Stack with id {sent['StackName']} does not exist", xml=True)
        elif sent.get("SecretId", STATE) not in self.aws.secrets:
            self._fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", xml=False)
        elif refused == "before":
            # Careless on purpose: an error that repeats what was sent.
            self._fail("AccessDeniedException", f"not now, {body}", xml=not target)
        else:
            result = getattr(self.aws, operation)(sent)
            if refused == "after":
                self._fail("InternalFailure", f"the answer was lost, {body}", xml=not target, status=400)
            elif isinstance(result, str):
                self._send(200, f"<{operation}Response><{operation}Result>{result}</{operation}Result></{operation}Response>", "text/xml")
            else:
                self._send(200, json.dumps(result), "application/x-amz-json-1.1")

    def _token(self, form: dict[str, list[str]]) -> None:
        self.aws.called.append("token")
        assert form == {"grant_type": ["client_credentials"], "scope": ["desk/invoke"]}
        if self.path == "/oauth2/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/oauth2/token")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.aws.refuses.pop("token", None):
            self._send(400, '{"error": "invalid_scope"}', "application/json")
        elif self.aws.token(self.headers["Authorization"]):
            self._send(200, '{"access_token": "t", "expires_in": 900}', "application/json")
        else:
            self._send(400, '{"error": "invalid_client"}', "application/json")

    def _fail(self, code: str, message: str, *, xml: bool, status: int = 400) -> None:
        if xml:
            text = f"<ErrorResponse><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error></ErrorResponse>"
            self._send(status, text, "text/xml")
        else:
            self._send(status, json.dumps({"__type": code, "message": message}), "application/x-amz-json-1.1")

    def _send(self, status: int, text: str, type_: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", type_)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""


def read_by_the_desk_is_good(aws: Aws) -> bool:
    return aws.stage(READ_BY_THE_DESK, "AWSCURRENT").value in {value for _, _, value in aws.client_secrets}
