"""Rotate: the command line against a small AWS on the loopback interface; no run prints a secret or leaves a consumer without one."""

from __future__ import annotations

import base64
import dataclasses
import json
import secrets
import string
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import pytest
from mcp.server.request_state import RequestStateSecurity
from tests.unit.generator.conftest import Ended, Run

from claimstack.controls.errors import InputError
from claimstack.generator import rotate
from claimstack.runtime.state_keys import FRESH_SECONDS

ROOT = Path(__file__).parents[3]
STATE = "arn:aws:secretsmanager:us-east-1:111122223333:secret:StateSecret-AbCdEf"
READ_BY_THE_DESK = "desk-tools/analyst-desk/client-secret"
POOL, CLIENT = "us-east-1_AbCdEf123", "1example23456789"
READS = {
    "DescribeStacks",
    "DescribeStackResource",
    "ListSecretVersionIds",
    "ListUserPoolClientSecrets",
    "GetSecretValue",
    "GetRandomPassword",
    "token",
}
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

    # ---- Secrets Manager

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

    # ---- Cognito

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

    # ---- CloudFormation

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


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Aws]:
    """An account with one system, deployed a while ago."""
    account = Aws()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Api,), {"aws": account}))
    address = f"http://127.0.0.1:{server.server_address[1]}"
    ago = datetime.now(UTC) - timedelta(days=30)  # noqa: TID251
    account.outputs = {
        "StateSecretArn": STATE,
        "AnalystDeskClientId": CLIENT,
        "TokenUrl": f"{address}/oauth2/token",
        "Scope": "desk/invoke",
    }
    account.put(STATE, random_text(64), ["AWSCURRENT"], ago)
    first = random_text(52)
    account.put(READ_BY_THE_DESK, first, ["AWSCURRENT"], ago)
    account.add(first, ago)
    for name, value in {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    package = tmp_path / "out" / "desk-tools"
    (package / "cloudformation").mkdir(parents=True)
    (package / "manifest.json").write_text('{"system": "desk-tools", "partition": "aws"}', encoding="utf-8")
    image = {"ParameterKey": "ImageUri", "ParameterValue": "111122223333.dkr.ecr.us-east-1.amazonaws.com/mcp@sha256:00"}
    (package / "cloudformation" / "parameters.example.json").write_text(json.dumps({"server": [image]}), encoding="utf-8")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield account
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def run(claimstack: Run, aws: Aws) -> Run:
    """`claimstack rotate …`; whatever comes of it, no secret is printed and the consumer's own gets a token."""

    def call(*arguments: str) -> Ended:
        ended = claimstack("rotate", *arguments)
        assert [value for value in aws.values if value in ended.out + ended.err] == []
        return ended

    return call


def read_by_the_desk_is_good(aws: Aws) -> bool:
    return aws.stage(READ_BY_THE_DESK, "AWSCURRENT").value in {value for _, _, value in aws.client_secrets}


# ---- the state secret


def test_a_rotated_state_secret_keeps_its_last_value(aws: Aws, run: Run) -> None:
    before = aws.stage(STATE, "AWSCURRENT").value
    ended = run("state", "desk-tools")
    assert (ended.code, ended.err) == (0, "")
    current, previous = aws.stage(STATE, "AWSCURRENT").value, aws.stage(STATE, "AWSPREVIOUS").value
    assert (previous, current != before, len(current), current.isalnum()) == (before, True, 64, True)
    assert "State secret of desk-tools: version " in ended.out


def test_states_stay_readable_between_rotations(aws: Aws, run: Run) -> None:
    assert run("state", "desk-tools").code == 0
    before = aws.stage(STATE, "AWSCURRENT").value
    refused = run("state", "desk-tools")
    assert refused.code == 2
    assert "would make them unreadable. Wait until then; or, where those calls may fail and be started again, say --force" in refused.err
    aws.stage(STATE, "AWSCURRENT").created -= timedelta(minutes=14)
    assert run("state", "desk-tools").code == 2
    assert aws.stage(STATE, "AWSCURRENT").value == before
    aws.stage(STATE, "AWSCURRENT").created -= timedelta(minutes=1)
    assert run("state", "desk-tools").code == 0
    assert aws.stage(STATE, "AWSPREVIOUS").value == before


def test_force_gives_states_up(aws: Aws, run: Run) -> None:
    first = aws.stage(STATE, "AWSCURRENT").value
    assert run("state", "desk-tools").code == 0
    ended = run("state", "desk-tools", "--force")
    assert (ended.code, ended.out.startswith("Forced: calls whose state was sealed before ")) == (0, True)
    assert first not in {version.value for version in aws.secrets[STATE].values() if version.stages}


def test_the_first_rotation_may_follow_the_deployment_at_once(aws: Aws, run: Run) -> None:
    aws.stage(STATE, "AWSCURRENT").created = datetime.now(UTC)  # noqa: TID251
    assert run("state", "desk-tools").code == 0


def test_the_wait_is_that_of_the_runtime() -> None:
    assert timedelta(seconds=FRESH_SECONDS) == rotate.STALE
    assert timedelta(seconds=RequestStateSecurity.ephemeral().ttl) == rotate.STATE_LIFE


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_failed_rotation_says_how_to_find_out(aws: Aws, run: Run, when: str) -> None:
    first = next(iter(aws.secrets[STATE]))
    aws.refuses = {"PutSecretValue": when}
    ended = run("state", "desk-tools")
    assert ended.code == 1
    assert f"Unless only the answer was lost, version {first} is still AWSCURRENT: see with --dry-run" in ended.err
    again = run("state", "desk-tools", "--dry-run")
    assert again.code == (2 if when == "after" else 0)


# ---- client secrets


def test_a_client_secret_is_rotated_in_three_steps(aws: Aws, run: Run) -> None:
    (first,) = aws.client_secrets
    ended = run("client", "analyst-desk")
    assert (ended.code, ended.err) == (0, "")
    assert [value for _, _, value in aws.client_secrets] == [first[2], aws.stage(READ_BY_THE_DESK, "AWSCURRENT").value]
    assert aws.stage(READ_BY_THE_DESK, "AWSPREVIOUS").value == first[2]
    tried = run("client", "analyst-desk", "--try", "-p", "out/desk-tools")
    assert (tried.code, tried.out) == (0, f"What is AWSCURRENT in {READ_BY_THE_DESK} gets a token, valid for 900 seconds.\n")
    assert len(aws.client_secrets) == 2
    finished = run("client", "analyst-desk", "--finish", "--stack", "desk-tools-server", "--region", "us-east-1")
    assert (finished.code, f"Deleted {first[0]}" in finished.out) == (0, True)
    assert [value for _, _, value in aws.client_secrets] == [aws.stage(READ_BY_THE_DESK, "AWSCURRENT").value]
    again = run("client", "analyst-desk", "--finish")
    assert (again.code, "nothing is left to finish" in again.out) == (0, True)
    assert run("client", "analyst-desk").code == 0


def test_a_third_secret_is_refused(aws: Aws, run: Run) -> None:
    assert run("client", "analyst-desk").code == 0
    before = list(aws.client_secrets)
    ended = run("client", "analyst-desk")
    assert (ended.code, "has two secrets, so that an earlier rotation is not finished" in ended.err) == (2, True)
    assert aws.client_secrets == before


def test_steps_are_not_taken_together(run: Run) -> None:
    ended = run("client", "analyst-desk", "--try", "--finish")
    assert (ended.code, ended.err) == (2, "error: --try, --finish: are steps of their own; run them one after the other\n")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["GetRandomPassword", "PutSecretValue", "AddUserPoolClientSecret", "UpdateSecretVersionStage"])
def test_an_interrupted_first_step_is_resumed(aws: Aws, run: Run, operation: str, when: str) -> None:
    aws.refuses = {operation: when}
    ended = run("client", "analyst-desk")
    assert (ended.code, read_by_the_desk_is_good(aws)) == (1, True)
    done = (operation, when) == ("UpdateSecretVersionStage", "after")
    if not done and operation != "GetRandomPassword":
        assert "un the command again" in " ".join(ended.err.split())
    again = run("client", "analyst-desk")
    assert again.code == (2 if done else 0)
    assert (len(aws.client_secrets), read_by_the_desk_is_good(aws)) == (2, True)
    assert aws.stage(READ_BY_THE_DESK, "AWSCURRENT").value == aws.client_secrets[-1][2]
    assert run("client", "analyst-desk", "--finish").code == 0
    assert (len(aws.client_secrets), read_by_the_desk_is_good(aws)) == (1, True)


@pytest.mark.parametrize("step", ["--try", "--finish"])
def test_an_interrupted_first_step_comes_before_the_others(aws: Aws, run: Run, step: str) -> None:
    aws.refuses = {"UpdateSecretVersionStage": "before"}
    assert run("client", "analyst-desk").code == 1
    ended = run("client", "analyst-desk", step)
    assert (ended.code, "its second secret is not in place yet" in ended.err) == (2, True)
    assert len(aws.client_secrets) == 2


def test_a_second_secret_of_somebody_else_is_not_taken_for_ours(aws: Aws, run: Run) -> None:
    aws.refuses = {"AddUserPoolClientSecret": "before"}
    assert run("client", "analyst-desk").code == 1
    aws.add(random_text(52))
    ended = run("client", "analyst-desk")
    assert (ended.code, "is neither; nothing was changed" in ended.err) == (2, True)
    assert read_by_the_desk_is_good(aws)


def test_a_rotation_by_hand_is_not_taken_back(aws: Aws, run: Run) -> None:
    assert run("client", "analyst-desk").code == 0
    assert run("client", "analyst-desk", "--finish").code == 0
    by_hand = random_text(52)
    aws.add(by_hand)
    aws.put(READ_BY_THE_DESK, by_hand, ["AWSCURRENT"])
    assert run("client", "analyst-desk").code == 2
    assert run("client", "analyst-desk", "--finish").code == 0
    assert [value for _, _, value in aws.client_secrets] == [by_hand]


def test_a_consumer_that_does_not_read_the_newest_secret_is_not_locked_out(aws: Aws, run: Run) -> None:
    aws.add(random_text(52))
    ended = run("client", "analyst-desk", "--finish")
    assert (ended.code, "analyst-desk does not read the newest, and would be locked out" in ended.err) == (2, True)
    assert len(aws.client_secrets) == 2


def test_nothing_is_deleted_while_the_secret_that_is_read_gets_no_token(aws: Aws, run: Run) -> None:
    assert run("client", "analyst-desk").code == 0
    aws.put(READ_BY_THE_DESK, random_text(52), ["AWSCURRENT"])
    for step, code in (("--finish", 2), ("--try", 1)):
        ended = run("client", "analyst-desk", step)
        assert (ended.code, "gets no token" in ended.err) == (code, True)
    assert len(aws.client_secrets) == 2


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupted_last_step_is_resumed(aws: Aws, run: Run, when: str) -> None:
    assert run("client", "analyst-desk").code == 0
    aws.refuses = {"DeleteUserPoolClientSecret": when}
    ended = run("client", "analyst-desk", "--finish")
    assert (ended.code, "run the command again" in ended.err) == (1, True)
    assert run("client", "analyst-desk", "--finish").code == 0
    assert (len(aws.client_secrets), read_by_the_desk_is_good(aws)) == (1, True)


@pytest.mark.parametrize("step", [(), ("--try",), ("--finish",)])
def test_where_a_second_secret_is_not_offered_the_other_way_is_named(aws: Aws, run: Run, step: tuple[str, ...]) -> None:
    aws.unknown = ("ListUserPoolClientSecrets", "AddUserPoolClientSecret", "DeleteUserPoolClientSecret")
    ended = run("client", "analyst-desk", *step)
    if step == ("--try",):
        assert ended.code == 0
    else:
        assert (ended.code, "add a consumer with another name to auth.consumers" in ended.err) == (2, True)
    assert (len(aws.client_secrets), len(aws.secrets[READ_BY_THE_DESK])) == (1, 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("state", "desk-tools"),
        ("client", "analyst-desk"),
        ("client", "analyst-desk", "--try"),
        ("client", "analyst-desk", "--finish"),
    ],
)
@pytest.mark.parametrize("begun", [False, True])
def test_a_dry_run_reads_only(aws: Aws, run: Run, arguments: tuple[str, ...], begun: bool) -> None:  # noqa: FBT001  # a parameter
    if begun:
        aws.refuses = {} if "--finish" in arguments or "--try" in arguments else {"UpdateSecretVersionStage": "before"}
        run("client", "analyst-desk")
    aws.called.clear()
    ended = run(*arguments, "--dry-run")
    assert (ended.code, ended.err) == (0, "")
    assert "Would " in ended.out or "nothing is left to finish" in ended.out
    assert set(aws.called) <= READS - {"GetSecretValue", "GetRandomPassword", "token"}


# ---- where a secret is not sent, and what is wrong with the input


def test_a_redirect_is_not_followed_with_the_secret(aws: Aws, run: Run) -> None:
    aws.outputs["TokenUrl"] = aws.outputs["TokenUrl"].replace("/token", "/elsewhere")
    ended = run("client", "analyst-desk", "--try")
    assert (ended.code, "answers 302" in ended.err, aws.called.count("token")) == (1, True, 1)


def test_an_answer_that_says_nothing_about_the_secret_is_told(aws: Aws, run: Run) -> None:
    assert run("client", "analyst-desk").code == 0
    aws.refuses = {"token": "before"}
    ended = run("client", "analyst-desk", "--finish")
    assert (ended.code, "answers 400 invalid_scope, so that it is not known" in ended.err) == (1, True)
    assert len(aws.client_secrets) == 2


def test_a_secret_goes_to_https_only(aws: Aws, run: Run) -> None:
    aws.outputs["TokenUrl"] = "http://tokens.example.gov/oauth2/token"
    ended = run("client", "analyst-desk", "--try")
    assert (ended.code, "is no https address; a secret is not sent there" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("state", "desk"), "no package of desk below out/ (desk-tools found); name it with --package, or --stack and --region"),
        (
            ("client", "analyst-desk", "--stack", "desk-server"),
            "no package of desk below out/ (desk-tools found); name it with --package, or --stack and --region",
        ),
        (
            ("state", "desk", "-p", "out/desk-tools"),
            "out/desk-tools: is the package of desk-tools, not of desk; correct the name or --package",
        ),
        (("state", "desk", "--region", "us-east-1"), "desk-server: no such stack in us-east-1 of this account; "),
        (("state", "desk-tools", "-p", "elsewhere"), "elsewhere: is not a package that claimstack build wrote; name one with --package"),
        (("state", "desk-tools", "--region", "us-gov-west-1"), "--region us-gov-west-1: out/desk-tools was built for the partition aws; "),
        (("state", "desk-tools", "--region", "cn-north-1"), "region 'cn-north-1' is refused: "),
        (("client", "desk"), "desk-tools-server: has no client of a consumer 'desk' (outputs of clients: AnalystDeskClientId); "),
        (("client", "analyst-desk", "--stack", "mine"), "--stack mine: does not name its system as <system>-server does; "),
    ],
)
def test_wrong_input_is_told_in_one_line(run: Run, arguments: tuple[str, ...], told: str) -> None:
    ended = run(*arguments)
    (line,) = ended.err.splitlines()
    assert (ended.code, line.startswith(f"error: {told}")) == (2, True), line


def test_a_consumer_whose_secret_is_kept_nowhere_is_not_rotated(aws: Aws, run: Run) -> None:
    del aws.secrets[READ_BY_THE_DESK]
    ended = run("client", "analyst-desk")
    assert (ended.code, f"{READ_BY_THE_DESK}: no such secret in Secrets Manager; make it as deploy.md says" in ended.err) == (2, True)
    assert len(aws.client_secrets) == 1


def test_clients_of_another_issuer_are_left_to_it(aws: Aws, run: Run) -> None:
    del aws.outputs["TokenUrl"]
    ended = run("client", "analyst-desk")
    assert (ended.code, "whoever issues its tokens rotates the secrets of its clients" in ended.err) == (2, True)


def test_without_credentials_nothing_is_asked(aws: Aws, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    ended = run("state", "desk-tools")
    assert (ended.code, "no AWS credentials found" in ended.err, aws.called) == (2, True, [])


@pytest.mark.parametrize("step", [(), ("--dry-run",), ("--try",), ("--finish",)])
def test_a_consumer_that_the_package_does_not_know_is_told_without_credentials(
    run: Run, monkeypatch: pytest.MonkeyPatch, step: tuple[str, ...]
) -> None:
    commercial = ROOT / "out" / "commercial"
    monkeypatch.setattr(rotate, "connect_to", lambda _: pytest.fail("AWS was asked"))
    ended = run("client", "nope", "-p", str(commercial), *step)
    assert (ended.code, ended.err) == (
        2,
        f"error: {commercial}: has no client of a consumer 'nope' (consumers: analyst-desk, nightly-report); correct the name, "
        "or build the package as it is deployed\n",
    )


def test_every_consumer_of_a_package_passes_and_a_package_without_a_pool_says_so(tmp_path: Path) -> None:
    server = rotate.Server("commercial", "commercial-server", "us-east-1", ROOT / "out" / "commercial")
    for consumer in ("analyst-desk", "nightly-report"):
        rotate.check_consumer(server, consumer)
    (tmp_path / "cloudformation").mkdir()
    (tmp_path / "cloudformation" / "server.json").write_text('{"Outputs": {}, "Resources": {}}', encoding="utf-8")
    with pytest.raises(InputError, match="commercial: has no user pool of its own"):
        rotate.check_consumer(dataclasses.replace(server, package=tmp_path), "analyst-desk")


def test_without_botocore_the_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    ended = run("state", "desk-tools")
    assert (ended.code, "install 'claimstack[runtime]'" in ended.err) == (2, True)
