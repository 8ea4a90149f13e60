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

Redact = Annotated[
    bool,
    typer.Option(
        "--redact",
        help="Write a package that may leave the boundary: names, addresses, account ids and ARNs replaced, each by the same stand-in "
        "everywhere. Its folder is named by the stand-in too, so that the next run with the same --out replaces it: name all systems "
        "that leave together in one run.",
    ),
]

CatalogFile = Annotated[
    Path | None,
    typer.Option(
        "--catalog",
        help="The NIST SP 800-53 catalog as OSCAL JSON: the audit site then shows the wording of each control. It goes nowhere else.",
        show_default=False,
    ),
]

# ---- coverage, explain

Family = Annotated[
    str | None, typer.Option("--family", "-f", help="Only the points, or parameters, of one family, such as `au`.", show_default=False)
]
Status = Annotated[str | None, typer.Option("--status", "-s", help="List the points of one status, such as `partial`.", show_default=False)]
Parameters = Annotated[
    bool, typer.Option("--parameters", help="List the control parameters of claimed controls that have no value, and all that have one.")
]
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
ServiceModel = Annotated[
    str | None, typer.Option(metavar="MODEL", help="SaaS, PaaS or IaaS; the overview for FedRAMP needs it.", show_default=False)
]
Deployment = Annotated[
    str | None,
    typer.Option(metavar="CLOUD", help="Such as 'Government-Only Cloud'; the overview for FedRAMP needs it.", show_default=False),
]

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

# ---- diff

Old = Annotated[str, typer.Argument(metavar="OLD", help="Folder of one package or of several, or a git revision.", show_default=False)]
New = Annotated[str, typer.Argument(metavar="NEW", help="The same, after the change.", show_default=False)]
ComparedPackage = Annotated[
    Path | None,
    typer.Option("--package", "-p", help="Folder that is read in a revision, such as `out/commercial`.", show_default=False),
]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown, short enough for a comment.")]
Outputs = Annotated[
    list[Path] | None,
    typer.Option("--output", metavar="FILE", help="Write it there too: JSON to `*.json`, else Markdown; repeatable.", show_default=False),
]
Notification = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write the draft of a Significant Change Notification (JSON), where the change gets one; `{system}` stands for its name.",
        show_default=False,
    ),
]
FailOn = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WHAT",
        help="Exit 1 on: lost-claim, weakened-claim, failed-fact, replacement, stateful-replacement, worse-status, boundary, significant, "
        "stale-statement (in NEW) or any; repeatable. Facts are those that the packages record: in a template that somebody edited, "
        "stale-statement finds what they miss.",
        show_default=False,
    ),
]

# ---- refresh

TouchedSystems = Annotated[
    list[Path] | None,
    typer.Argument(metavar="SYSTEM.toml", help="System files whose claims and statements are looked at too.", show_default=False),
]
OfficialFiles = Annotated[
    Path | None,
    typer.Option("--check", metavar="DIR", help="Folder of the official files, newer ones or the same; read only.", show_default=False),
]

# ---- image

ImagePackage = Annotated[
    Path | None,
    typer.Argument(
        metavar="PACKAGE",
        help="Package folder, such as `out/commercial`, whose `image/` says what goes in; what is installed when none is named.",
        show_default=False,
    ),
]
Base = Annotated[
    str | None,
    typer.Option(
        metavar="IMAGE", help="Base with glibc and python3, best by digest; that of AWS Lambda when not given.", show_default=False
    ),
]
Python = Annotated[str, typer.Option(metavar="VERSION", help="Python of the base.")]
Platform = Annotated[str, typer.Option(metavar="PLATFORM", help="linux/amd64, which the templates ask for, or linux/arm64.")]
ImageTag = Annotated[
    str | None,
    typer.Option(
        metavar="REPOSITORY:TAG", help="Name of the image; the name of the system with the tag `built` when not given.", show_default=False
    ),
]
Push = Annotated[bool, typer.Option("--push", help="Push the image to the registry of --tag, and print what ImageUri takes.")]
Builder = Annotated[
    str | None, typer.Option(metavar="PROGRAM", help="docker, podman or buildah; the first that works when not given.", show_default=False)
]
Requirements = Annotated[
    list[Path] | None,
    typer.Option(
        "--requirements",
        metavar="LOCK",
        help="More packages, such as those of your tools, locked with hashes; repeatable.",
        show_default=False,
    ),
]
OwnWheels = Annotated[
    list[Path] | None,
    typer.Option("--wheel", metavar="FILE", help="A package of your own, such as your tools; repeatable.", show_default=False),
]
WheelFolder = Annotated[
    Path | None,
    typer.Option(
        "--wheels", metavar="FOLDER", help="Files of the locked packages, instead of downloading them with pip.", show_default=False
    ),
]
Context = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Only stage the folder that an image is built from, for another builder.", show_default=False),
]
SbomFile = Annotated[
    Path | None,
    typer.Option(
        "--sbom",
        metavar="FILE",
        help="Write the bill of materials of this image (CycloneDX), your own packages included.",
        show_default=False,
    ),
]

# ---- rotate

SystemName = Annotated[str, typer.Argument(metavar="SYSTEM", help="The system, as `name` in its system.toml says it.")]
ConsumerName = Annotated[str, typer.Argument(metavar="CONSUMER", help="The consumer, as `auth.consumers` in system.toml says it.")]
RotatedPackage = Annotated[
    Path | None,
    typer.Option(
        "--package",
        "-p",
        help="Package of the system, which says its name and region; that below `out/` when not given.",
        show_default=False,
    ),
]
ServerStack = Annotated[
    str | None, typer.Option("--stack", help="Name of the server stack; `<system>-server` when not given.", show_default=False)
]
StackRegion = Annotated[
    str | None, typer.Option("--region", help="Region of the stack; that of the package when not given.", show_default=False)
]
Try = Annotated[bool, typer.Option("--try", help="See that the secret which the consumer reads gets a token.")]
Finish = Annotated[bool, typer.Option("--finish", help="Delete all secrets but the newest: the owner has confirmed that it is in use.")]
Force = Annotated[bool, typer.Option("--force", help="Rotate although states may be lost: those calls fail and are started again.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing: say what would happen.")]

# ---- serve

ServedPackage = Annotated[
    Path | None,
    typer.Argument(
        metavar="PACKAGE", help="Package folder that the evidence tools answer from, such as `out/commercial`.", show_default=False
    ),
]
ServeHost = Annotated[str, typer.Option("--host", help="Loopback address to listen on.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
Buffered = Annotated[bool, typer.Option("--buffered", help="Answer in one piece, as a front door does that does not stream.")]
ServeIssuer = Annotated[
    str | None, typer.Option("--issuer", help="Ask for access tokens of this OIDC issuer; without it for none.", show_default=False)
]
ClientIds = Annotated[
    list[str] | None, typer.Option("--client-id", help="Client id or audience whose tokens are accepted; repeatable.", show_default=False)
]
ServeScopes = Annotated[
    list[str] | None,
    typer.Option("--scope", help="Scope of which a token needs one, as tokens carry it; repeatable.", show_default=False),
]
