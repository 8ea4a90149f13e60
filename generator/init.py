"""Init: a commented system.toml from a few answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.resources import files
from typing import Any, Protocol, get_args

from jinja2 import Environment, StrictUndefined

from claimstack.controls.errors import InputError
from claimstack.generator.loading import parse_config, value_problem
from claimstack.generator.partition import REGIONS, partition_of
from claimstack.generator.rules import LONGEST_TIMEOUT
from claimstack.generator.stated import Deployment, ServiceModel

LIMITS = {
    "http-api": (
        "No AWS WAF: a web ACL cannot be attached to an HTTP API.",
        "No FIPS TLS policy: a custom domain ends at TLS_1_2, the default endpoint has no choice.",
        "No streaming: every answer is buffered and complete within 30 seconds.",
        "No WWW-Authenticate metadata: the 401 of the JWT authorizer is fixed, so that clients look for the metadata themselves.",
    ),
    "rest-api": (
        "No default endpoint: a custom domain and its certificate are required.",
        "No answer after 29 seconds, unless streaming is on.",
        "No identity provider but Cognito: the authorizer takes user pools only.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The values of a new system.toml, named as there; `class_`, `front_door`, `auth`, `key` and `registry` are the tables' main keys."""

    name: str
    title: str
    as_of: date
    description: str | None = None
    class_: str = "C"
    certification: str = "20x"
    region: str = "us-east-1"
    front_door: str = "http-api"
    domain: str | None = None
    waf: bool = False
    streaming: bool = False
    auth: str = "cognito"
    consumers: tuple[str, ...] = ()
    callback_urls: tuple[str, ...] = ()
    issuer: str | None = None
    audience: tuple[str, ...] = ()
    user_pool_arn: str | None = None
    sessions: bool = False
    endpoints: bool = False
    key: bool = False
    registry: bool = True
    service_model: str | None = None
    deployment: str | None = None


ANSWERS = "answers"
"""What stands in front of each cause while answers are loaded again."""

FLAGS = {
    "name": "--name",
    "title": "--title",
    "class": "--class",
    "certification": "--certification",
    "region": "--region",
    "front_door.type": "--front-door",
    "front_door.domain": "--domain",
    "front_door.waf": "--waf",
    "front_door.streaming": "--streaming",
    "auth.type": "--auth",
    "auth.consumers": "--consumer",
    "auth.callback_urls": "--callback-url",
    "auth.issuer": "--issuer",
    "auth.audience": "--audience",
    "auth.user_pool_arn": "--user-pool-arn",
    "runtime.sessions": "--sessions",
    "network.endpoints": "--endpoints",
    "key.stack": "--key",
    "registry.stack": "--registry",
    "service.model": "--service-model",
    "service.deployment": "--deployment",
}
"""Key of a system file → the flag of `claimstack init` that sets it."""


PROGRAM = "analyst-desk"
"""The program that calls the server, where nobody names one."""


class Ask(Protocol):
    """One question to a person; without a default an answer is required. typer.prompt is one."""

    def __call__(self, text: str, *, default: str | None = None) -> str: ...


def limits_of(front_door: str) -> tuple[str, ...]:
    """What the door cannot have, one sentence each; KeyError for an unknown door."""
    return LIMITS[front_door]


def proposed_front_door(class_: str) -> str:
    """From class C on WAF and a FIPS TLS policy are hard to do without."""
    return "http-api" if class_ == "B" else "rest-api"


def render_system_toml(answers: Answers) -> str:
    """Every key of a system file, those not answered commented out.

    Raise InputError for answers that could not be loaded again, with every cause in the words of the flags.
    """
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False)  # noqa: S701 - TOML, not HTML
    environment.filters |= {"toml": _toml, "oneline": _oneline}
    skeleton = (files("claimstack.templates") / "system.toml.j2").read_text(encoding="utf-8")
    text = environment.from_string(skeleton).render(
        a=answers, limits=LIMITS.get(answers.front_door, ()), regions=REGIONS, longest=LONGEST_TIMEOUT
    )
    try:
        parse_config(text, ANSWERS)
    except InputError as error:
        raise InputError(*map(_in_flags, error.causes)) from None
    return text


def _in_flags(cause: str) -> str:
    """A cause that speaks of the keys of a system file, in the words of the flags; a key without a flag stays as it is."""
    key, _, said = cause.removeprefix(f"{ANSWERS}: ").partition(": ")
    table = key.partition(".")[0]
    for name, flag in FLAGS.items():
        short = name.removeprefix(f"{table}.")
        said = re.sub(rf"(?<![\w.-])({re.escape(name)}|{short}) = ('[^']*'|true|false)", partial(_as_typed, flag), said)
        if "_" in short:
            said = re.sub(rf"(?<![\w.-]){re.escape(short)}\b", flag, said)
    return f"{FLAGS.get(key.partition('[')[0], key)}: {said}"


def _as_typed(flag: str, setting: re.Match[str]) -> str:
    value = setting[2].strip("'")
    return {"true": flag, "false": f"no {flag}"}.get(value, f"{flag} {value}")


def interview(ask: Ask, *, as_of: date, given: Mapping[str, Any] | None = None, tell: Callable[[str], object] = lambda _: None) -> Answers:
    """Ask for what a system needs; a wrong answer is asked again with its reason. `tell` shows a line that is no question.

    `given`: answers known beforehand, by the fields of Answers; each is the default of its question.
    """
    known = dict(given or {})
    name = _until(ask, "Short name of the system", "name", default=known.get("name"))
    title = _until(ask, "Title, for the documents", "title", default=known.get("title"))
    class_ = _until(ask, "FedRAMP class (B, C, D)", "class", default=known.get("class_", "C"))
    certification = "rev5"
    if class_ == "D":
        tell("Class D is open for rev5 only.")
    else:
        certification = _until(ask, "Certification (20x, rev5)", "certification", default=known.get("certification", "20x"))
    region = _until(ask, f"Region ({', '.join(REGIONS)})", "region", default=known.get("region", "us-east-1"))
    for door in LIMITS:
        tell(f"{door}:")
        for limit in limits_of(door):
            tell(f"  {limit}")
    proposed = known.get("front_door", proposed_front_door(class_))
    front_door = _until(ask, "Front door (http-api, rest-api)", "front_door.type", default=proposed)
    rest = front_door == "rest-api"
    host = known.get("domain", None if rest else "")
    domain = _until(ask, "Custom domain" + ("" if rest else " (empty for none)"), "front_door.domain", default=host)
    waf = rest and _yes(ask, "AWS WAF", default=known.get("waf", True))
    streaming = rest and _yes(ask, "Streaming answers", default=known.get("streaming", False))
    auth = _until(ask, "Authentication (cognito, external, none)", "auth.type", default=known.get("auth", "cognito"))
    consumers: tuple[str, ...] = ()
    callback_urls: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    issuer = user_pool_arn = None
    if auth == "cognito":
        consumers = _list(
            ask,
            "Programs that call the server, separated by commas",
            "auth.consumers",
            default=_joined(known, "consumers", "" if "callback_urls" in known else PROGRAM),
        )
        callback_urls = _list(
            ask,
            "Callback addresses for people who sign in (empty for none)",
            "auth.callback_urls",
            default=_joined(known, "callback_urls", ""),
        )
    elif auth == "external" and rest:
        user_pool_arn = _until(ask, "ARN of the Cognito user pool", "auth.user_pool_arn", default=known.get("user_pool_arn"))
    elif auth == "external":
        issuer = _until(ask, "Issuer, exactly as in the tokens", "auth.issuer", default=known.get("issuer"))
        audience = _list(ask, "Accepted audiences, separated by commas", "auth.audience", default=_joined(known, "audience", None))
    return Answers(
        name=name,
        title=title,
        as_of=as_of,
        class_=class_,
        certification=certification,
        region=region,
        front_door=front_door,
        domain=domain or None,
        waf=waf,
        streaming=streaming,
        auth=auth,
        consumers=consumers,
        callback_urls=callback_urls,
        issuer=issuer,
        audience=audience,
        user_pool_arn=user_pool_arn,
        sessions=_yes(ask, "Sessions for clients of older MCP versions (DynamoDB)", default=known.get("sessions", False)),
        endpoints=_yes(ask, "VPC endpoints, instead of a NAT gateway", default=known.get("endpoints", False)),
        key=_yes(ask, "Build a KMS key (otherwise give the ARN of yours when deploying)", default=known.get("key", False)),
        registry=_yes(ask, "Build an ECR repository for the image", default=known.get("registry", True)),
        service_model=_one_of(ask, "Service model", get_args(ServiceModel), "service.model", known.get("service_model")),
        deployment=_one_of(ask, "Deployment", get_args(Deployment), "service.deployment", known.get("deployment")),
    )


def _joined(known: Mapping[str, Any], field: str, otherwise: str | None) -> str | None:
    return ", ".join(known[field]) if known.get(field) else otherwise


def _until(ask: Ask, question: str, key: str, default: str | None = None) -> str:
    """Ask until the answer is a value of the key; an empty default is an answer of its own."""
    text = question
    while True:
        answer = ask(text, default=default).strip()
        if answer == default == "":
            return answer
        problem = value_problem(key, answer) or _region_problem(key, answer)
        if problem is None:
            return answer
        text = f"{key}: {problem}\n{question}"


def _one_of(ask: Ask, question: str, words: tuple[str, ...], key: str, default: str | None) -> str | None:
    return _until(ask, f"{question} ({', '.join(words)}; empty while open)", key, default=default or "") or None


def _list(ask: Ask, question: str, key: str, default: str | None) -> tuple[str, ...]:
    text = question
    while True:
        answer = tuple(dict.fromkeys(part.strip() for part in ask(text, default=default).split(",") if part.strip()))
        problem = value_problem(key, answer)
        if problem is None and (answer or default == ""):
            return answer
        text = f"{key}: {problem or 'name at least one'}\n{question}"


def _yes(ask: Ask, question: str, *, default: bool) -> bool:
    text = question
    while True:
        answer = ask(f"{text} (yes, no)", default="yes" if default else "no").strip().lower()
        if answer in ("yes", "y", "no", "n"):
            return answer.startswith("y")
        text = f"expected yes or no, found '{answer}'\n{question}"


def _region_problem(key: str, answer: str) -> str | None:
    if key != "region":
        return None
    try:
        partition_of(answer)
    except InputError as error:
        return str(error)
    return None


def _oneline(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _toml(value: object) -> str:
    """A JSON string is a TOML string, except that TOML wants the delete character escaped as well."""
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(entry) for entry in value)}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
