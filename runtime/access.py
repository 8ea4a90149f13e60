"""Access: which scope each part of the server asks for, and which tools may ask back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from claimstack.runtime.identity import Caller, require_scope
from claimstack.runtime.jsonrpc import Json, params_of


@dataclass(frozen=True, slots=True)
class Access:
    """Whole scopes by name; what is not listed asks for none beyond that of the front door."""

    tools: Mapping[str, str] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)
    """By URI, or by what stands before the first parameter of a URI template."""
    asking: frozenset[str] = frozenset()
    """Tools that may ask clients of the older era."""

    def check(self, caller: Caller | None, message: Json) -> None:
        """Raise Refused where the caller's token lacks the scope of what the message names."""
        params, method = params_of(message), message["method"]
        if method == "tools/call":
            self._require(caller, self.tools, params.get("name"), "tool")
        elif method == "prompts/get":
            self._require(caller, self.prompts, params.get("name"), "prompt")
        elif method in ("resources/read", "resources/subscribe", "resources/unsubscribe"):
            self._require_resource(caller, params.get("uri"))
        elif method == "completion/complete" and isinstance(params.get("ref"), dict):
            reference = params["ref"]
            self._require(caller, self.prompts, reference.get("name"), "prompt")
            self._require_resource(caller, reference.get("uri"))

    def may_ask(self, message: Json) -> bool:
        return message["method"] == "tools/call" and params_of(message).get("name") in self.asking

    @staticmethod
    def _require(caller: Caller | None, scopes: Mapping[str, str], name: object, kind: str) -> None:
        if isinstance(name, str):
            require_scope(caller, scopes.get(name, ""), f"the {kind} {name}")

    def _require_resource(self, caller: Caller | None, uri: object) -> None:
        if isinstance(uri, str):
            for prefix, scope in self.resources.items():
                if uri.lower().startswith(prefix.lower()):
                    require_scope(caller, scope, "the resource")
