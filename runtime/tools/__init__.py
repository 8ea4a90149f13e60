"""Tools: what a team puts behind the server. Each part says which scope it asks for, and each tool what it needs of AWS.

A pack is data: `runtime/app.py` lists ours, and an installed package adds its own by an entry point of the group `claimstack.tools` that
names a `Pack`, or a function without arguments that returns one. Nothing here imports the MCP SDK, so that an overlay can read from a
pack what has to be granted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class AwsAccess:
    """What a tool does with one AWS service; `claimstack.generator.tools` makes policy, endpoint and egress of it."""

    service: str
    """Name of the VPC endpoint service without the region prefix, such as `s3` or `sqs`."""
    actions: tuple[str, ...]
    """IAM actions, each by its full name: a wildcard is refused."""
    resources: tuple[str, ...]
    """Names that the overlay maps to ARNs, such as `reports`: which bucket it is differs between systems."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One MCP tool. Its description is the docstring of the function, its schemas follow from the annotations."""

    function: Callable[..., Any]
    name: str = ""
    """The function's own name when empty."""
    title: str = ""
    scope: str = ""
    """Scope of a token that may call it, short (`invoke`) or whole as tokens carry it; empty: the pack's scope, and without that any
    token that opens the front door."""
    asks: bool = False
    """Whether it may ask clients of the older protocol era (elicitation, sampling, roots). Such a call is answered in several requests
    and runs again from its start with the answers at hand: it must change nothing before its last question."""
    read_only: bool = True
    """MCP annotation `readOnlyHint`."""
    needs: tuple[AwsAccess, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """One MCP resource, or a template where the URI has `{parameters}` that the function takes."""

    uri: str
    function: Callable[..., Any]
    name: str = ""
    title: str = ""
    description: str = ""
    mime_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One MCP prompt; arguments and description are those of the function."""

    function: Callable[..., Any]
    name: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Pack:
    """What belongs together: one subject, one scope, one owner."""

    name: str
    tools: tuple[Tool, ...] = ()
    resources: tuple[Resource, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    scope: str = ""
    """Scope of everything in the pack that names none itself."""
