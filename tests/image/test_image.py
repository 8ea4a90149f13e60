"""Image: built without a container engine, the same twice, small, and right where only /tmp can be written."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.mcp.gateway import Incoming, http_api_event

from claimstack.generator.documents.image_context import locked_packages
from claimstack.generator.requirements import normal_name

from .conftest import Built
from .sandbox import Environment, sandbox, started

pytestmark = pytest.mark.image

LIMIT = 60_000_000
"""Bytes of the compressed layers above the base."""
CALLS = 200
URL = "https://mcp.example.gov/mcp"
SCOPE = "mcp/invoke"
CLAIMS = {"client_id": "desk", "sub": "desk", "iss": "https://idp.example.gov", "scope": SCOPE, "token_use": "access"}
VARIABLES = {
    "CLAIMSTACK_PUBLIC_URL": URL,
    "CLAIMSTACK_ISSUER": CLAIMS["iss"],
    "CLAIMSTACK_CLIENT_IDS": "desk",
    "CLAIMSTACK_SCOPES": SCOPE,
    "CLAIMSTACK_RESPONSE_MODE": "json",
    "AWS_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "mcp",
}
REVISION = "2026-07-28"
RECORD = '"event":"mcp.request"'


@pytest.fixture(scope="module")
def environment(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with started(built.root, built.config, VARIABLES, tmp_path_factory.mktemp("log") / "function.log") as running:
        yield running


def event(method: str, params: dict[str, Any], number: int = 1) -> dict[str, Any]:
    meta = {
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = {"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, "_meta": meta}}
    headers = {
        "host": "mcp.example.gov",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": REVISION,
        "mcp-method": method,
        **({"mcp-name": params["name"]} if "name" in params else {}),
    }
    return http_api_event(Incoming("POST", "/mcp", tuple(headers.items()), json.dumps(body).encode()), CLAIMS)


def milliseconds(seconds: list[float], part: float) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[round(part * 100) - 1] * 1000


def test_two_builds_give_one_digest(built: Built, for_people: Callable[[str], None]) -> None:
    first, second = built.digests
    for_people(f"image: {first} twice")
    assert first == second
    assert first.startswith("sha256:")


def test_what_lies_above_the_base_is_small(built: Built, for_people: Callable[[str], None]) -> None:
    for_people(f"image: base {built.base_bytes / 1e6:.1f} MB compressed, above it {built.own_bytes / 1e6:.1f} MB of {LIMIT / 1e6:.0f}")
    assert 1_000_000 < built.own_bytes < LIMIT


def test_two_hundred_calls_are_answered_behind_a_read_only_root(environment: Environment, for_people: Callable[[str], None]) -> None:
    seconds = []
    for number in range(CALLS):
        answer, taken = environment.call(event("tools/call", {"name": "whoami", "arguments": {}}, number))
        seconds.append(taken)
        assert answer["statusCode"] == 200, answer
        message = json.loads(answer["body"])
        assert message["id"] == number
        assert message["result"]["structuredContent"]["client_id"] == "desk"
    for_people(
        f"image: start {environment.start_seconds * 1000:.0f} ms, first call {seconds[0] * 1000:.1f} ms; of {CALLS} calls "
        f"p50 {milliseconds(seconds, 0.5):.2f} ms, p95 {milliseconds(seconds, 0.95):.2f} ms"
    )


def test_each_call_leaves_an_audit_record_at_once(environment: Environment) -> None:
    before = environment.written().count(RECORD)
    environment.call(event("tools/call", {"name": "whoami", "arguments": {}}))
    assert environment.written().count(RECORD) == before + 1


def test_server_tells_the_version_it_was_built_from(built: Built, environment: Environment) -> None:
    answer, _ = environment.call(event("server/discover", {}))
    told = json.loads(answer["body"])["result"]
    assert built.config["Labels"]["org.opencontainers.image.version"] in json.dumps(told)


def test_image_runs_as_a_user_without_rights(built: Built) -> None:
    assert built.config["User"] == "65532:65532"
    assert built.config["Entrypoint"] == ["python3", "-m", "claimstack.runtime"]
    assert in_sandbox(built, "import os; print(os.getuid(), os.getgid())") == "65532 65532"


def test_nothing_but_tmp_can_be_written(built: Built) -> None:
    script = """
import os
for folder in ("/", "/opt/claimstack/app", "/opt/claimstack/packages", "/var", "/tmp"):
    try:
        open(os.path.join(folder, "x"), "w").close()
        print(folder)
    except OSError:
        pass
"""
    assert in_sandbox(built, script) == "/tmp"


def test_image_holds_the_locked_packages_and_no_others(built: Built) -> None:
    script = """
import importlib.metadata, json
found = importlib.metadata.distributions(path=["/opt/claimstack/app", "/opt/claimstack/packages"])
print(json.dumps([(each.metadata["Name"], each.version) for each in found]))
"""
    found = {normal_name(name): version for name, version in json.loads(in_sandbox(built, script))}
    assert found.pop("claimstack") == built.config["Labels"]["org.opencontainers.image.version"]
    assert found == {package.name: package.version for package in locked_packages()}


def test_image_holds_the_runtime_alone(built: Built) -> None:
    app = built.root / "opt" / "claimstack" / "app" / "claimstack"
    assert [path.name for path in app.iterdir()] == ["runtime"]
    assert [path.name for path in (app / "runtime").iterdir() if path.name in ("Containerfile", "requirements.lock")] == []
    assert built.config["Labels"]["dev.claimstack.runtime.sha256"] == built.sources_sha256


def test_every_module_has_bytecode_that_is_not_compared_with_its_source(built: Built) -> None:
    folder = built.root / "opt" / "claimstack"
    sources = [path for path in folder.rglob("*.py") if compiles(path)]
    compiled = [next(path.parent.glob(f"__pycache__/{path.stem}.cpython-3??.pyc"), None) for path in sources]
    assert [str(source) for source, there in zip(sources, compiled, strict=True) if there is None] == []
    # PEP 552: bit 0 says that a hash stands there and not a time, bit 1 that it is compared with the source.
    assert {int.from_bytes(there.read_bytes()[4:8], "little") for there in compiled if there is not None} == {0b01}


def compiles(path: Path) -> bool:
    """Some packages carry sources for other Pythons."""
    try:
        compile(path.read_bytes(), path.name, "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def test_spans_can_be_exported(built: Built) -> None:
    script = "import opentelemetry.exporter.otlp.proto.http.trace_exporter, opentelemetry.sdk.trace; print('there')"
    assert in_sandbox(built, script) == "there"


def in_sandbox(built: Built, script: str) -> str:
    command = [*sandbox(built.root, built.config, {}), "python3", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
