"""Emulator: one MiniStack process, the stacks deployed on it, and plain HTTP to what they built."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
START_SECONDS = 60
STACK_SECONDS = 90
ANSWER_SECONDS = 60
CLOSED_PORT = 9
FINISHED = ("_COMPLETE", "_FAILED")
REFUSED = "REFUSED"
"""In place of a stack's status, where no stack was made."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class DeployedStack:
    status: str
    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    """Logical id to the type of each resource that was created."""
    physical_ids: Mapping[str, str]
    problems: tuple[str, ...]
    """What the stack events say of failures, oldest first."""


@dataclass(frozen=True)
class Emulator:
    port: int

    def client(self, service: str, region: str) -> Any:
        # Only `make e2e` installs boto3, while every test run collects these tests.
        import boto3  # type: ignore[import-untyped]  # the AWS SDK ships no types
        from botocore.config import Config  # type: ignore[import-untyped]  # the AWS SDK ships no types

        return boto3.client(
            service,
            region_name=region,
            endpoint_url=f"http://{HOST}:{self.port}",
            aws_access_key_id="emulator",
            aws_secret_access_key="emulator",
            config=Config(retries={"max_attempts": 0}, read_timeout=ANSWER_SECONDS, proxies={}),
        )

    def deploy(self, name: str, template: Mapping[str, Any], parameters: Mapping[str, str], region: str) -> DeployedStack:
        """Create a stack and wait until it is complete or rolled back. The template goes through S3: some are too long to be sent inline.

        A template or a parameter that is refused at once has the status REFUSED. Raises TimeoutError after STACK_SECONDS.
        """
        from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # the AWS SDK ships no types

        cloudformation = self.client("cloudformation", region)
        try:
            cloudformation.create_stack(
                StackName=name,
                TemplateURL=self.upload("templates", f"{name}.json", json.dumps(template).encode(), region),
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )
        except ClientError as refusal:
            return DeployedStack(REFUSED, {}, {}, {}, (refusal.response["Error"]["Message"],))
        deadline = time.monotonic() + STACK_SECONDS
        while True:
            (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
            if stack["StackStatus"].endswith(FINISHED):
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name}: still {stack['StackStatus']} after {STACK_SECONDS} seconds")
            time.sleep(0.1)
        resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        return DeployedStack(
            status=stack["StackStatus"],
            outputs={output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())},
            resources={r["LogicalResourceId"]: r["ResourceType"] for r in resources if r["ResourceStatus"] == "CREATE_COMPLETE"},
            physical_ids={r["LogicalResourceId"]: r.get("PhysicalResourceId", "") for r in resources},
            problems=tuple(
                f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
                for event in reversed(events)
                if event["ResourceStatus"].endswith("_FAILED")
            ),
        )

    def upload(self, bucket: str, key: str, content: bytes, region: str) -> str:
        """Put an object into the bucket of this name and region, made when it is not there; returns its URL."""
        s3 = self.client("s3", region)
        bucket = f"{bucket}-{region}"
        if bucket not in {known["Name"] for known in s3.list_buckets()["Buckets"]}:
            s3.create_bucket(
                Bucket=bucket, **({} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}})
            )
        s3.put_object(Bucket=bucket, Key=key, Body=content)
        return f"http://{HOST}:{self.port}/{bucket}/{key}"

    def request(
        self,
        method: str,
        path: str,
        *,
        host: str,
        token: str | None = None,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call a deployed API under a host name: the emulator serves every host on its one port, by the Host header."""
        sent = {"Host": host, **({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        with closing(HTTPConnection(HOST, self.port, timeout=ANSWER_SECONDS)) as connection:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            return Answer(
                response.status, {name.lower(): value for name, value in response.getheaders()}, response.read().decode("utf-8", "replace")
            )


@contextmanager
def running_emulator(folder: Path) -> Iterator[Emulator]:
    """MiniStack on a free port of the loopback interface, stopped by its process id; what it writes stays in `folder`."""
    port = _free_port()
    environment = {
        # No more than it needs: it asks itself for keys over HTTP, which a proxy would break, and hands its environment to functions.
        **{name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ},
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": HOST,
        # Without it MiniStack listens on every interface, whatever MINISTACK_HOST says: that is only the name it answers to.
        "BIND_HOST": HOST,
        # Where functions find the services of AWS; a call that goes astray finds no way out of this machine.
        "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
        "HTTPS_PROXY": f"http://{HOST}:{CLOSED_PORT}",
        "STATE_DIR": str(folder / "state"),
        "TMPDIR": str(folder),
    }
    log = folder / "ministack.log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "ministack"], env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait_until_ready(process, port, log)
            yield Emulator(port)
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with closing(HTTPConnection(HOST, port, timeout=2)) as connection:
                connection.request("GET", "/_ministack/health")
                if connection.getresponse().status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"MiniStack did not start within {START_SECONDS} seconds:\n{log.read_text(errors='replace')[-2000:]}")
