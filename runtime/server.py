"""Server: packs of tools, resources and prompts as one MCP server."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from mcp.server.lowlevel.server import Server
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts import Prompt as PromptEntry
from mcp.server.request_state import InvalidRequestState, RequestStateSecurity
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, ToolAnnotations

from claimstack.runtime.kernel import RECORD
from claimstack.runtime.packs import name_of
from claimstack.runtime.settings import Settings, SettingsError
from claimstack.runtime.state_keys import SharedKeyCodec, fetch_from_secrets_manager
from claimstack.runtime.tools import Pack, Prompt, Resource, Tool

NAME: Final = "claimstack"
"""Fixed: request states are sealed for it, and every instance has to agree."""


class NotingServer(MCPServer[Any]):
    """Notes in the audit record what a handler raised, before the SDK hides it from the client, and refuses what it would pass over:
    arguments that a tool does not know, and prompts without an argument that they need."""

    async def call_tool(self, name: str, arguments: dict[str, Any], *args: Any, **options: Any) -> Any:
        schema = kernel_server(self).get_tool_input_schema
        known = (schema(name) or {}).get("properties") if schema is not None else None
        if known is not None and not known.keys() >= arguments.keys():
            unknown = ", ".join(sorted(set(arguments) - set(known)))
            raise ToolError(f"{name} knows no argument {unknown}; it takes {', '.join(known) or 'none'}")
        with _noted():
            return await super().call_tool(name, arguments, *args, **options)

    async def read_resource(self, *args: Any, **options: Any) -> Any:
        with _noted():
            return await super().read_resource(*args, **options)

    async def get_prompt(self, name: str, arguments: dict[str, Any] | None = None, *args: Any, **options: Any) -> Any:
        prompt = next((prompt for prompt in await self.list_prompts() if prompt.name == name), None)
        if prompt is None:
            raise MCPError(code=INVALID_PARAMS, message="There is no prompt of this name")
        missing = [item.name for item in prompt.arguments or () if item.required and item.name not in (arguments or {})]
        if missing:
            raise MCPError(code=INVALID_PARAMS, message=f"The prompt {name} needs {', '.join(missing)}")
        with _noted():
            return await super().get_prompt(name, arguments, *args, **options)


class NotingCodec(SharedKeyCodec):
    """Notes in the audit record why there is no key, before the SDK hides it. A state that is not ours is no failure of the server."""

    def seal(self, payload: bytes) -> str:
        with _noted():
            return super().seal(payload)

    def unseal(self, token: str) -> bytes:
        with _noted():
            return super().unseal(token)


@contextlib.contextmanager
def _noted() -> Iterator[None]:
    try:
        yield
    except InvalidRequestState:
        raise
    except Exception as error:
        record = RECORD.get()
        if record is not None:
            record.error = error
        raise


def make_server(settings: Settings, packs: Iterable[Pack]) -> MCPServer[Any]:
    """An MCP server with everything in the packs. `subscriptions/listen` is off: its stream would have to outlive the function."""
    server = NotingServer(NAME, version=own_version(), subscriptions=False, request_state_security=_state_security(settings))
    causes = [cause for pack in packs for cause in _add(server, pack)]
    if causes:
        raise SettingsError(tuple(causes))
    return server


def _add(server: MCPServer[Any], pack: Pack) -> Iterator[str]:
    """Register the parts of a pack; yields why the SDK does not take one, such as an argument of a type that has no schema."""
    adders: tuple[tuple[str, Sequence[Any], Callable[[MCPServer[Any], Any], None]], ...] = (
        ("tool", pack.tools, _add_tool),
        ("resource", pack.resources, _add_resource),
        ("prompt", pack.prompts, _add_prompt),
    )
    for kind, items, add in adders:
        for item in items:
            try:
                add(server, item)
            except Exception as error:  # noqa: BLE001  # of many libraries; each is a cause to name
                text = str(error).strip().split("\n")[0]
                yield f"{kind} {item.uri if kind == 'resource' else name_of(item)} of pack {pack.name}: {type(error).__name__}: {text}"


def kernel_server(server: MCPServer[Any]) -> Server[Any]:
    """The SDK's low-level server, which its own transports use too; it has no public name in mcp 2.3, hence the pinned minor line."""
    return server._lowlevel_server  # noqa: SLF001


def own_version() -> str:
    """Version of claimstack, or "0" where only the runtime's files are there, as in an image."""
    try:
        return version(NAME)
    except PackageNotFoundError:
        return "0"


def _state_security(settings: Settings) -> RequestStateSecurity:
    if settings.state_secret_arn is None:
        return RequestStateSecurity.ephemeral()
    return RequestStateSecurity(codec=NotingCodec(fetch_from_secrets_manager(settings.state_secret_arn)))


def _add_tool(server: MCPServer[Any], tool: Tool) -> None:
    server.add_tool(
        tool.function,
        name=tool.name or None,
        title=tool.title or None,
        description=inspect.getdoc(tool.function),
        annotations=ToolAnnotations(read_only_hint=tool.read_only),
    )
    schema = kernel_server(server).get_tool_input_schema
    found = schema(name_of(tool)) if schema is not None else None
    if isinstance(found, dict):
        found["additionalProperties"] = False  # as `call_tool` has it


def _add_prompt(server: MCPServer[Any], prompt: Prompt) -> None:
    server.add_prompt(
        PromptEntry.from_function(
            prompt.function, name=prompt.name or None, title=prompt.title or None, description=inspect.getdoc(prompt.function)
        )
    )


def _add_resource(server: MCPServer[Any], resource: Resource) -> None:
    describe: Callable[[Callable[..., Any]], Any] = server.resource(
        resource.uri,
        name=resource.name or None,
        title=resource.title or None,
        description=resource.description or inspect.getdoc(resource.function),
        mime_type=resource.mime_type,
    )
    describe(resource.function)
