"""Options: what the arguments and flags of the command line are called, and what their help says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from claimstack.generator.partition import REGIONS

SystemFiles = Annotated[
    list[Path] | None,
    typer.Argument(metavar="SYSTEM.toml", help="System files; `system.toml` here when none is named.", show_default=False),
]
SystemFile = Annotated[Path, typer.Argument(metavar="SYSTEM.toml", help="The system file.")]
OutFolder = Annotated[Path, typer.Option("--out", "-o", help="Folder that holds one package folder for each system.")]
PackageFolder = Annotated[
    Path | None,
    typer.Option(
        "--package", "-p", help="Package folder, such as `out/commercial`; the only one below `out/` when not given.", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a pipeline.")]

Environment = Annotated[
    Path | None,
    typer.Option("--environment", "-e", help="Parameter values of one deployment; settles conditional facts.", show_default=False),
]
Check = Annotated[
    bool, typer.Option("--check", help="Write nothing: exit 1 on any difference from the package, and judge its templates as they are.")
]

# ---- coverage, explain

Family = Annotated[str | None, typer.Option("--family", "-f", help="List the points of one family, such as `au`.", show_default=False)]
Status = Annotated[str | None, typer.Option("--status", "-s", help="List the points of one status, such as `partial`.", show_default=False)]
What = Annotated[
    str, typer.Argument(help="A control (`sc-28`), a point (`sc-28_smt`), a resource (`AuditLog`), a component or a check id.")
]
Full = Annotated[bool, typer.Option("--full", help="The whole chain of a resource or component too, not only the outcome of each check.")]

# ---- init: choices stand in the help and are refused by the rules of a system file, so that one wrong flag hides no other

NewFile = Annotated[Path, typer.Argument(metavar="SYSTEM.toml", help="The system file to write; never overwritten.")]
Interactive = Annotated[bool, typer.Option("--interactive", "-i", help="Ask for each value; flags are then proposals.")]
Name = Annotated[str, typer.Option(help="Short name: lower case, digits, hyphens.")]
Title = Annotated[str, typer.Option(help="Title for the documents.")]
Class = Annotated[str, typer.Option("--class", metavar="CLASS", help="B, C or D.")]
Certification = Annotated[str, typer.Option(metavar="ROUTE", help="20x or rev5; class D takes rev5 only.")]
Region = Annotated[str, typer.Option(help=f"AWS region: {', '.join(REGIONS[:-1])} or {REGIONS[-1]}.")]
FrontDoor = Annotated[str, typer.Option(metavar="DOOR", help="http-api or rest-api.")]
Domain = Annotated[str | None, typer.Option(help="Custom domain; rest-api needs one.", show_default=False)]
Waf = Annotated[bool, typer.Option("--waf", help="AWS WAF (rest-api).")]
Streaming = Annotated[bool, typer.Option("--streaming", help="Stream responses (rest-api).")]
Auth = Annotated[str, typer.Option(metavar="PROVIDER", help="cognito, external or none.")]
Consumers = Annotated[list[str] | None, typer.Option(help="A program that calls the server (cognito); repeatable.", show_default=False)]
CallbackUrls = Annotated[
    list[str] | None, typer.Option(help="Redirect of a public client with PKCE (cognito); repeatable.", show_default=False)
]
Issuer = Annotated[str | None, typer.Option(help="OIDC issuer (external, http-api).", show_default=False)]
Audience = Annotated[list[str] | None, typer.Option(help="Accepted audience (external); repeatable.", show_default=False)]
UserPoolArn = Annotated[str | None, typer.Option(help="Existing user pool (external, rest-api).", show_default=False)]
Sessions = Annotated[bool, typer.Option("--sessions", help="DynamoDB table for sessions.")]
Endpoints = Annotated[bool, typer.Option("--endpoints", help="VPC endpoints stack.")]
Key = Annotated[bool, typer.Option("--key", help="Own KMS key stack; otherwise give a key ARN when deploying.")]
Registry = Annotated[bool, typer.Option("--registry/--no-registry", help="Own ECR stack.")]

# ---- lint, preflight

Packages = Annotated[
    list[Path] | None,
    typer.Argument(metavar="PACKAGE", help="Package folders; every one below `out/` when none is named.", show_default=False),
]
LintRegions = Annotated[
    list[str] | None,
    typer.Option("--region", "-r", help="Regions to lint for; those of the package's partition when not given.", show_default=False),
]
KeyPolicy = Annotated[Path, typer.Option("--key-policy", help="Key policy as JSON, as `aws kms get-key-policy --output text` prints it.")]
Account = Annotated[
    str | None,
    typer.Option(help="Account that is deployed to; the one whose root the policy admits, when not given.", show_default=False),
]
Caller = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="What is known of whoever deploys, such as `aws:PrincipalArn=arn:…:role/deployer`; repeatable. Keys of the organisation "
        "hold for the function's role too.",
        show_default=False,
    ),
]
FunctionRole = Annotated[
    str | None, typer.Option(metavar="ARN", help="Role of the function, for a policy that names it.", show_default=False)
]
