"""Deployment: the stacks of one system on the emulator, in order and with the values that cross them, and tokens from its user pool."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from claimstack.generator.build import FEEDS, build
from claimstack.generator.config import Config
from claimstack.generator.package import emit

from .emulator import HOST, Answer, DeployedStack, Emulator
from .function import BUCKET, KEY, function_zip
from .messages import ACCEPT, modern_headers, modern_request
from .rendering import Template, render_for_emulator

DIGEST = "@sha256:" + "0123456789abcdef" * 4
WHOAMI = json.dumps(modern_request("tools/call", name="whoami", arguments={}))
WHOAMI_HEADERS = {"Content-Type": "application/json", "Accept": ACCEPT, **modern_headers("tools/call", "whoami")}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Deployment:
    """One deployed system; stacks bear the names that deploy.md gives them."""

    emulator: Emulator
    config: Config
    templates: Mapping[str, Template]
    """By stack, as the package holds them."""
    stacks: dict[str, DeployedStack] = field(default_factory=dict)

    @property
    def server(self) -> DeployedStack:
        return self.stacks["server"]

    @property
    def host(self) -> str:
        """The custom domain, which is what a DNS record would send here."""
        return str(urlsplit(self.server.outputs["Endpoint"]).hostname)

    @property
    def is_complete(self) -> bool:
        return [stack.status for stack in self.stacks.values()] == ["CREATE_COMPLETE"] * len(self.templates)

    @property
    def user_pool(self) -> str:
        return self.server.physical_ids["UserPool"]

    @property
    def cognito(self) -> Any:
        return self.emulator.client("cognito-idp", self.config.region)

    def call(self, method: str, path: str, *, token: str | None = None, default_endpoint: bool = False) -> Answer:
        """Call the front door by its custom domain, or by the default endpoint, which the emulator serves even when it is switched off.

        What is posted asks the server, in one request of the modern era, whom it takes its caller for.
        """
        host, prefix = self._default_endpoint if default_endpoint else (self.host, "")
        body, headers = (WHOAMI, WHOAMI_HEADERS) if method == "POST" else (None, None)
        return self.emulator.request(method, prefix + path, host=host, token=token, body=body, headers=headers)

    @property
    def _default_endpoint(self) -> tuple[str, str]:
        """Host, and what stands before the path."""
        ids = self.server.physical_ids
        api, prefix = (ids["HttpApi"], "") if "HttpApi" in ids else (ids["RestApi"], f"/{ids['RestApiStage']}")
        return f"{api}.execute-api.{HOST}:{self.emulator.port}", prefix

    def token_answer(self, client_id: str, secret: str, scope: str) -> Answer:
        """Ask the token URL of the outputs for an access token by client_credentials."""
        url = urlsplit(self.server.outputs["TokenUrl"])
        basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        return self.emulator.request(
            "POST",
            url.path,
            host=str(url.hostname),
            body=urlencode({"grant_type": "client_credentials", "scope": scope}),
            headers={"Authorization": f"Basic {basic}", "Content-Type": FORM},
        )

    def secret(self, client_id: str, pool: str | None = None) -> str:
        """The secret of a client, read out of band as the description of its output says."""
        described = self.cognito.describe_user_pool_client(UserPoolId=pool or self.user_pool, ClientId=client_id)
        return str(described["UserPoolClient"]["ClientSecret"])

    def token(self, client_id: str, scope: str | None = None, *, pool: str | None = None) -> str:
        """An access token of a client, for the scope of this server unless another is named."""
        answer = self.token_answer(client_id, self.secret(client_id, pool), scope or self.server.outputs["Scope"])
        assert answer.status == 200, answer.body
        return str(answer.document["access_token"])

    def add_client(self, name: str, scope: str, pool: str | None = None) -> str:
        """The id of a new confidential client that the stack knows nothing of."""
        created = self.cognito.create_user_pool_client(
            UserPoolId=pool or self.user_pool,
            ClientName=name,
            GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=[scope],
        )
        return str(created["UserPoolClient"]["ClientId"])


def system_templates(config: Config) -> dict[str, Template]:
    """The templates of a system, read back from the text that a package holds."""
    return {name: json.loads(text) for name, text in emit(build(config)).items()}


def deploy(emulator: Emulator, config: Config, *, leave_out: str | None = None) -> Deployment:
    """Deploy every stack of a system as rendered for the emulator; stops at the first stack that is not complete.

    `leave_out` names a substitution that is not made.
    """
    system = build(config)
    deployment = Deployment(emulator, config, system_templates(config))
    network = landing_zone(emulator, config.region)
    emulator.upload(BUCKET, KEY, function_zip(), config.region)
    for name, stack in system.stacks.items():
        examples = {parameter.name: parameter.example for parameter in stack.parameters.values()}
        parameters = {**examples, **{key: value for key, value in network.items() if key in examples}, **_fed(deployment, name)}
        template = render_for_emulator(deployment.templates[name], leave_out=leave_out)
        deployment.stacks[name] = emulator.deploy(f"{config.name}-{name}", template, parameters, config.region)
        if deployment.stacks[name].status != "CREATE_COMPLETE":
            break
    return deployment


def landing_zone(emulator: Emulator, region: str) -> dict[str, str]:
    """Template parameters that name what must exist before: the network that the emulator has in every region."""
    ec2 = emulator.client("ec2", region)
    subnets = ec2.describe_subnets()["Subnets"]
    return {
        "VpcId": subnets[0]["VpcId"],
        "SubnetIds": ",".join(subnet["SubnetId"] for subnet in subnets[:2]),
        "RouteTableIds": ec2.describe_route_tables()["RouteTables"][0]["RouteTableId"],
    }


def _fed(deployment: Deployment, stack: str) -> dict[str, str]:
    fed = {
        feed.parameter: deployment.stacks[feed.from_stack].outputs[feed.output]
        for feed in FEEDS
        if feed.to_stack == stack and feed.from_stack in deployment.stacks
    }
    if stack == "server" and "registry" in deployment.stacks:
        # The image is pushed between the two stacks; only its digest is made up.
        fed["ImageUri"] = deployment.stacks["registry"].outputs["RepositoryUri"] + DIGEST
    return fed
