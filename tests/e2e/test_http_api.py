"""HTTP API: the commercial reference system deploys on the emulator and lets in who it should, and nobody else.

The emulator keeps serving a default endpoint that is switched off, has no TLS, and knows no partition but `aws`: of those this proves
nothing. What the server does behind the door is the subject of test_server.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import pytest

from .deployment import Deployment
from .emulator import Answer
from .rendering import render_for_emulator

pytestmark = pytest.mark.e2e

METADATA_PATHS = ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp")
BAD_TOKENS: Mapping[str, Callable[[str], str]] = {
    "nonsense": lambda _: "no.token.atall",
    "forged signature": lambda token: token[:-8] + "AAAAAAAA",
    "no signature": lambda token: token.rpartition(".")[0] + ".",
}
METHODS = {"POST": (200, None), "GET": (405, -32600), "DELETE": (400, -32600)}
"""Status and JSON-RPC code with which the server answers a request that got in and belongs to no session."""
CONSUMERS = ("AnalystDeskClientId", "NightlyReportClientId")


def outcome(answer: Answer) -> tuple[int, int | None]:
    """Status, and the code of a JSON-RPC error: only the server behind the door speaks JSON-RPC."""
    assert answer.document["jsonrpc"] == "2.0"
    return answer.status, answer.document.get("error", {}).get("code")


def caller(answer: Answer) -> str:
    """Whom the server took its caller for."""
    return str(answer.document["result"]["structuredContent"]["client_id"])


@pytest.fixture(scope="module")
def deployed(commercial: Deployment) -> Deployment:
    return commercial


@pytest.fixture(scope="module")
def token(deployed: Deployment) -> str:
    return deployed.token(deployed.server.outputs[CONSUMERS[0]])


@pytest.fixture(scope="module")
def strangers_token(deployed: Deployment) -> str:
    """From a client that somebody else has in the same user pool, with the right scope."""
    return deployed.token(deployed.add_client("stranger", deployed.server.outputs["Scope"]))


@pytest.fixture(scope="module")
def wrong_scope_token(deployed: Deployment) -> str:
    """From a listed consumer that was also given a scope of another server, and asks for that one."""
    other = "https://other.example.com/mcp"
    deployed.cognito.create_resource_server(
        UserPoolId=deployed.user_pool, Identifier=other, Name="other", Scopes=[{"ScopeName": "invoke", "ScopeDescription": "invoke"}]
    )
    client_id = deployed.server.outputs[CONSUMERS[1]]
    deployed.cognito.update_user_pool_client(
        UserPoolId=deployed.user_pool,
        ClientId=client_id,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=[deployed.server.outputs["Scope"], f"{other}/invoke"],
    )
    return deployed.token(client_id, f"{other}/invoke")


def test_every_stack_is_created_with_every_resource_that_the_emulator_knows(commercial: Deployment) -> None:
    found = {name: (stack.status, stack.problems, set(stack.resources)) for name, stack in commercial.stacks.items()}
    expected = {
        name: ("CREATE_COMPLETE", (), set(render_for_emulator(template)["Resources"])) for name, template in commercial.templates.items()
    }
    assert found == expected


def test_outputs_are_values(commercial: Deployment) -> None:
    assert set(commercial.server.outputs) == set(commercial.templates["server"]["Outputs"])
    assert [name for name, value in commercial.server.outputs.items() if not value or "${" in value or "ClientSecret" in name] == []


@pytest.mark.parametrize("method", METHODS)
def test_a_token_opens_every_method_of_the_mcp_route(deployed: Deployment, token: str, method: str) -> None:
    assert outcome(deployed.call(method, "/mcp", token=token)) == METHODS[method]


@pytest.mark.parametrize("output", CONSUMERS)
def test_every_consumer_gets_in_under_its_own_client_id(deployed: Deployment, output: str) -> None:
    client_id = deployed.server.outputs[output]
    answer = deployed.call("POST", "/mcp", token=deployed.token(client_id))
    assert (answer.status, caller(answer)) == (200, client_id)


@pytest.mark.parametrize("method", METHODS)
def test_no_token_is_unauthorized(deployed: Deployment, method: str) -> None:
    assert deployed.call(method, "/mcp").status == 401


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bad", BAD_TOKENS)
def test_a_bad_token_is_unauthorized(deployed: Deployment, token: str, method: str, bad: str) -> None:
    assert deployed.call(method, "/mcp", token=BAD_TOKENS[bad](token)).status == 401


@pytest.mark.parametrize("method", METHODS)
def test_the_token_of_another_client_is_unauthorized(deployed: Deployment, strangers_token: str, method: str) -> None:
    assert deployed.call(method, "/mcp", token=strangers_token).status == 401


@pytest.mark.parametrize("method", METHODS)
def test_a_token_with_a_wrong_scope_is_forbidden(deployed: Deployment, wrong_scope_token: str, method: str) -> None:
    assert deployed.call(method, "/mcp", token=wrong_scope_token).status == 403


@pytest.mark.parametrize("path", METADATA_PATHS)
def test_the_metadata_routes_answer_without_a_token(deployed: Deployment, path: str) -> None:
    answer = deployed.call("GET", path)
    assert (answer.status, answer.document) == (
        200,
        {
            "resource": "https://mcp.example.com/mcp",
            "authorization_servers": [deployed.server.outputs["Issuer"]],
            "scopes_supported": ["https://mcp.example.com/mcp/invoke"],
            "bearer_methods_supported": ["header"],
        },
    )


@pytest.mark.parametrize(("method", "path"), [("POST", "/mcp"), ("GET", METADATA_PATHS[0])])
def test_the_server_answers_under_no_other_name(deployed: Deployment, token: str, method: str, path: str) -> None:
    assert deployed.call(method, path, token=token, default_endpoint=True).status == 421


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/mcp"),
        ("PATCH", "/mcp"),
        ("POST", "/"),
        ("POST", "/mcp/"),
        ("POST", "/mcp/other"),
        ("GET", "/.well-known/oauth-authorization-server"),
        ("POST", METADATA_PATHS[0]),
    ],
)
def test_nothing_else_is_routed_even_with_a_token(deployed: Deployment, token: str, method: str, path: str) -> None:
    assert deployed.call(method, path, token=token).status == 404


def test_the_default_endpoint_is_switched_off(deployed: Deployment) -> None:
    api = deployed.emulator.client("apigatewayv2", deployed.config.region).get_api(ApiId=deployed.server.physical_ids["HttpApi"])
    assert api["DisableExecuteApiEndpoint"] is True


@pytest.mark.parametrize("mistake", [{"secret": "wrong"}, {"client_id": "unknown"}, {"scope": "https://mcp.example.com/mcp/admin"}])
def test_no_token_is_issued_for_a_wrong_secret_client_or_scope(deployed: Deployment, mistake: Mapping[str, str]) -> None:
    client_id = deployed.server.outputs[CONSUMERS[0]]
    right = {"client_id": client_id, "secret": deployed.secret(client_id), "scope": deployed.server.outputs["Scope"]}
    answer = deployed.token_answer(**{**right, **mistake})
    assert (answer.status, "access_token" in answer.body) == (400, False)


def test_the_token_url_belongs_to_the_domain_of_the_user_pool(deployed: Deployment) -> None:
    pool = deployed.cognito.describe_user_pool(UserPoolId=deployed.user_pool)["UserPool"]
    assert urlsplit(deployed.server.outputs["TokenUrl"]).hostname == f"{pool['Domain']}.auth.us-east-1.amazoncognito.com"
