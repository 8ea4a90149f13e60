"""REST API: the GovCloud reference system deploys on the emulator, refuses who has no token, and says where to get one.

The emulator has no firewall and no TLS, checks no body against its model, streams no answer, keeps the default endpoint, and takes every
region for one of the partition `aws`: of those this proves nothing. What the server does behind the door is the subject of test_server.py.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from .deployment import Deployment
from .rendering import render_for_emulator
from .test_http_api import BAD_TOKENS, METADATA_PATHS, METHODS, outcome

pytestmark = pytest.mark.e2e

METADATA = 'resource_metadata="https://mcp.example.gov/.well-known/oauth-protected-resource/mcp"'
CHALLENGE = f"Bearer {METADATA}"
"""What RFC 9728 asks of a refusal."""


@pytest.fixture(scope="module")
def token(govcloud: Deployment) -> str:
    return govcloud.token(govcloud.server.outputs["AnalystDeskClientId"])


@pytest.fixture(scope="module")
def strangers_token(govcloud: Deployment) -> str:
    """From a client that somebody else has in the same user pool, with the right scope."""
    return govcloud.token(govcloud.add_client("stranger", govcloud.server.outputs["Scope"]))


@pytest.fixture(scope="module")
def another_pools_token(govcloud: Deployment) -> str:
    """With the right scope, from a user pool that is not this system's."""
    cognito = govcloud.cognito
    identifier, _, scope = govcloud.server.outputs["Scope"].rpartition("/")
    pool = cognito.create_user_pool(PoolName="another")["UserPool"]["Id"]
    cognito.create_resource_server(
        UserPoolId=pool, Identifier=identifier, Name="another", Scopes=[{"ScopeName": scope, "ScopeDescription": scope}]
    )
    return govcloud.token(govcloud.add_client("stranger", f"{identifier}/{scope}", pool), pool=pool)


@pytest.fixture(scope="module")
def wrong_scope_token(govcloud: Deployment) -> str:
    """From the system's own pool, with a scope of another server only."""
    other = "https://other.example.gov/mcp"
    govcloud.cognito.create_resource_server(
        UserPoolId=govcloud.user_pool, Identifier=other, Name="other", Scopes=[{"ScopeName": "invoke", "ScopeDescription": "invoke"}]
    )
    return govcloud.token(govcloud.add_client("other-consumer", f"{other}/invoke"), f"{other}/invoke")


def test_every_stack_is_created_with_every_resource_that_the_emulator_knows(govcloud: Deployment) -> None:
    found = {name: (stack.status, stack.problems, set(stack.resources)) for name, stack in govcloud.stacks.items()}
    expected = {
        name: ("CREATE_COMPLETE", (), set(render_for_emulator(template)["Resources"])) for name, template in govcloud.templates.items()
    }
    assert found == expected


@pytest.mark.parametrize("method", METHODS)
def test_a_token_opens_every_method_of_the_mcp_route(govcloud: Deployment, token: str, method: str) -> None:
    assert outcome(govcloud.call(method, "/mcp", token=token)) == METHODS[method]


@pytest.mark.parametrize("method", METHODS)
def test_no_token_is_unauthorized_and_sent_to_the_metadata(govcloud: Deployment, method: str) -> None:
    answer = govcloud.call(method, "/mcp")
    assert (answer.status, answer.headers.get("www-authenticate")) == (401, CHALLENGE)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bad", BAD_TOKENS)
def test_a_bad_token_is_unauthorized_and_sent_to_the_metadata(govcloud: Deployment, token: str, method: str, bad: str) -> None:
    answer = govcloud.call(method, "/mcp", token=BAD_TOKENS[bad](token))
    assert (answer.status, answer.headers.get("www-authenticate")) == (401, CHALLENGE)


@pytest.mark.parametrize("method", METHODS)
def test_the_token_of_another_user_pool_is_unauthorized(govcloud: Deployment, another_pools_token: str, method: str) -> None:
    assert govcloud.call(method, "/mcp", token=another_pools_token).status == 401


@pytest.mark.parametrize("method", METHODS)
def test_a_token_with_a_wrong_scope_does_not_get_in(govcloud: Deployment, wrong_scope_token: str, method: str) -> None:
    """The emulator says 401 where the gateway response for a missing scope would say 403: only the refusal is proved."""
    assert govcloud.call(method, "/mcp", token=wrong_scope_token).status in (401, 403)


@pytest.mark.parametrize("method", METHODS)
def test_the_token_of_another_client_is_refused_by_the_server(govcloud: Deployment, strangers_token: str, method: str) -> None:
    """A Cognito authorizer lets every client of the pool in that holds the scope: refusing the others is left to the function."""
    answer = govcloud.call(method, "/mcp", token=strangers_token)
    challenge = answer.headers.get("www-authenticate", "")
    assert (outcome(answer), 'error="invalid_token"' in challenge, METADATA in challenge) == ((401, -32600), True, True)


@pytest.mark.parametrize("path", METADATA_PATHS)
def test_the_metadata_routes_answer_without_a_token(govcloud: Deployment, path: str) -> None:
    answer = govcloud.call("GET", path)
    assert (answer.status, answer.document) == (
        200,
        {
            "resource": "https://mcp.example.gov/mcp",
            "authorization_servers": [govcloud.server.outputs["Issuer"]],
            "scopes_supported": ["https://mcp.example.gov/mcp/invoke"],
            "bearer_methods_supported": ["header"],
        },
    )


@pytest.mark.parametrize(("method", "path"), [("POST", "/mcp"), ("GET", METADATA_PATHS[0])])
def test_the_server_answers_under_no_other_name(govcloud: Deployment, token: str, method: str, path: str) -> None:
    assert govcloud.call(method, path, token=token, default_endpoint=True).status == 421


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/mcp"), ("POST", "/"), ("POST", "/mcp/other"), ("GET", "/.well-known"), ("POST", METADATA_PATHS[0])]
)
def test_nothing_else_is_routed_even_with_a_token(govcloud: Deployment, token: str, method: str, path: str) -> None:
    assert govcloud.call(method, path, token=token).status == 404


def test_the_token_url_is_the_fips_endpoint_of_the_pools_domain(govcloud: Deployment) -> None:
    pool = govcloud.cognito.describe_user_pool(UserPoolId=govcloud.user_pool)["UserPool"]
    assert urlsplit(govcloud.server.outputs["TokenUrl"]).hostname == f"{pool['Domain']}.auth-fips.us-gov-west-1.amazoncognito.com"
