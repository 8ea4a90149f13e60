"""Model: ends and flows of a system, as every document that tells of its boundary shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["outside", "aws-service", "component"]


@dataclass(frozen=True, slots=True)
class End:
    """Where a flow begins or ends."""

    id: str
    """A token that needs no escape in a document: the component's id, `aws-<service>`, `given-<template parameter>`, `outside-<who>`."""
    title: str
    kind: Kind
    component: str | None
    """The component whose resources the end stands for."""
    inside: bool
    """Whether the end is made of resources of this system; AWS's own services and whatever is given are not."""
    assets: tuple[str, ...]
    """Asset ids of the end's resources, such as `server.AuditLog`."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Information that may pass from one end to another; which end opens the connection is not said by the direction alone."""

    id: str
    source: str
    """Id of an end."""
    target: str
    """Id of an end."""
    protocol: str
    port: int | None
    """None where neither the template nor the service's own documentation tells."""
    encryption: str
    purpose: str
    derived_by: str
    """Key of DERIVATIONS."""
    pointers: tuple[str, ...]
    """Where in the emitted templates the flow was found."""


@dataclass(frozen=True, slots=True)
class FlowMap:
    ends: tuple[End, ...]
    flows: tuple[Flow, ...]

    def end(self, id_: str) -> End:
        return next(end for end in self.ends if end.id == id_)
