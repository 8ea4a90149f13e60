"""Init: writes a system file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import typer

from claimstack.controls.errors import InputError
from claimstack.generator import options
from claimstack.generator.console import err, say


def init(
    context: typer.Context,
    file: options.NewFile = Path("system.toml"),
    interactive: options.Interactive = False,
    name: options.Name = "mcp-server",
    title: options.Title = "MCP server",
    class_: options.Class = "C",
    certification: options.Certification = "20x",
    region: options.Region = "us-east-1",
    front_door: options.FrontDoor = "http-api",
    domain: options.Domain = None,
    waf: options.Waf = False,
    streaming: options.Streaming = False,
    auth: options.Auth = "cognito",
    consumer: options.Consumers = None,
    callback_url: options.CallbackUrls = None,
    issuer: options.Issuer = None,
    audience: options.Audience = None,
    user_pool_arn: options.UserPoolArn = None,
    sessions: options.Sessions = False,
    endpoints: options.Endpoints = False,
    key: options.Key = False,
    registry: options.Registry = True,
    service_model: options.ServiceModel = None,
    deployment: options.Deployment = None,
) -> None:
    """Write a commented system.toml, from flags or by asking.

    Example: `claimstack init --name desk --front-door rest-api --domain mcp.example.gov --waf`

    Example: `claimstack init --service-model SaaS --deployment "Government-Only Cloud"`

    Example: `claimstack init --interactive desk.toml`
    """
    from claimstack.generator.init import PROGRAM, Answers, interview, limits_of, proposed_front_door, render_system_toml
    from claimstack.generator.writing import refuse_existing, write_new

    refuse_existing(file)
    today = datetime.now(UTC).date()  # noqa: TID251  # the date goes into the file, so that no build reads a clock
    answers = Answers(
        name=name, title=title, as_of=today, class_=class_, certification=certification, region=region, front_door=front_door,
        domain=domain, waf=waf, streaming=streaming, auth=auth,
        consumers=tuple(consumer or ([PROGRAM] if auth == "cognito" and not callback_url else [])),
        callback_urls=tuple(callback_url or ()), issuer=issuer, audience=tuple(audience or ()), user_pool_arn=user_pool_arn,
        sessions=sessions, endpoints=endpoints, key=key, registry=registry, service_model=service_model, deployment=deployment,
    )  # fmt: skip
    if interactive:
        fields = {"consumer": "consumers", "callback_url": "callback_urls"}
        typed = [fields.get(flag, flag) for flag in context.params if _is_typed(context, flag)]
        given = {field: getattr(answers, field) for field in typed if hasattr(answers, field)}
        answers = interview(_ask, as_of=today, given=given, tell=lambda line: err.print(line, markup=False))
    write_new(file, render_system_toml(answers))
    say(f"{file} written. Next: claimstack build {file}")
    limits = limits_of(answers.front_door)
    if limits:
        err.print(f"The {answers.front_door} front door cannot have:")
        for limit in limits:
            err.print(f"  - {limit}", markup=False)
    if answers.front_door != proposed_front_door(answers.class_):
        err.print(f"At class {answers.class_} we propose --front-door {proposed_front_door(answers.class_)}.", markup=False)


def _is_typed(context: typer.Context, flag: str) -> bool:
    source = context.get_parameter_source(flag)
    return source is not None and source.name == "COMMANDLINE"


def _ask(text: str, *, default: str | None = None) -> str:
    """typer.prompt, except that an interrupt stays one and the end of the input is an error of its own."""
    try:
        return str(typer.prompt(text, default=default))
    except typer.Abort as abort:
        if isinstance(abort.__context__, EOFError):
            raise InputError("--interactive: the input has ended before the last question; answer on a terminal, or use flags") from None
        raise KeyboardInterrupt from None
