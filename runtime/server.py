"""Server: packs of tools, resources and prompts as one MCP server, with the scope that each of them asks for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Any, Final

from mcp.server.lowlevel.server import Server
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts import Prompt as PromptEntry
from mcp.server.request_state import InvalidRequestState, RequestStateSecurity
from mcp_types import ToolAnnotations

from claimstack.runtime.access import Access
from claimstack.runtime.kernel import RECORD
from claimstack.runtime.settings import Settings, SettingsError
from claimstack.runtime.state_keys import SharedKeyCodec, fetch_from_secrets_manager
from claimstack.runtime.tools import Pack, Prompt, Resource, Tool

NAME: Final = "claimstack"
"""Fixed: request states are sealed for it, and every instance has to agree."""
ENTRY_POINTS: Final = "claimstack.tools"


class NotingServer(MCPServer[Any]):
    """Notes in the audit record what a handler raised, before the SDK hides it from the client."""

    async def call_tool(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().call_tool(*args, **options)
        except Exception as error:
            _note(error)
            raise

    async def read_resource(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().read_resource(*args, **options)
        except Exception as error:
            _note(error)
            raise

    async def get_prompt(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().get_prompt(*args, **options)
        except Exception as error:
            _note(error)
            raise


class NotingCodec(SharedKeyCodec):
    """Notes in the audit record why there is no key, before the SDK hides it. A state that is not ours is no failure of the server."""

    def seal(self, payload: bytes) -> str:
        try:
            return super().seal(payload)
        except Exception as error:
            _note(error)
            raise

    def unseal(self, token: str) -> bytes:
        try:
            return super().unseal(token)
        except InvalidRequestState:
            raise
        except Exception as error:
            _note(error)
            raise


def _note(error: Exception) -> None:
    record = RECORD.get()
    if record is not None:
        record.error = error


def make_server(settings: Settings, packs: Iterable[Pack]) -> MCPServer[Any]:
    """An MCP server with everything in the packs. `subscriptions/listen` is off: its stream would have to outlive the function."""
    server = NotingServer(NAME, version=own_version(), subscriptions=False, request_state_security=_state_security(settings))
    for pack in packs:
        for tool in pack.tools:
            server.add_tool(
                tool.function,
                name=tool.name or None,
                title=tool.title or None,
                description=inspect.getdoc(tool.function),
                annotations=ToolAnnotations(read_only_hint=tool.read_only),
            )
        for resource in pack.resources:
            _add_resource(server, resource)
        for prompt in pack.prompts:
            server.add_prompt(
                PromptEntry.from_function(
                    prompt.function,
                    name=prompt.name or None,
                    title=prompt.title or None,
                    description=inspect.getdoc(prompt.function),
                )
            )
    return server


def kernel_server(server: MCPServer[Any]) -> Server[Any]:
    """The SDK's low-level server, which its own transports use too; it has no public name in mcp 2.3, hence the pinned minor line."""
    return server._lowlevel_server  # noqa: SLF001


def access_of(settings: Settings, packs: Sequence[Pack]) -> Access:
    """Who may use what. Without an issuer there are no scopes to ask for. Raises SettingsError for a scope that no token can carry."""
    causes: dict[str, None] = {}

    def whole(scope: str, owner: str) -> str:
        if not scope or settings.issuer is None:
            return ""
        found = settings.whole_scope(scope)
        if found is None:
            causes[f"{owner}: needs the scope {scope!r}, which CLAIMSTACK_SCOPES does not have; add it to [auth].scopes of the system"] = (
                None
            )
        return found or ""

    def of(pack: Pack, tool: Tool | None = None) -> str:
        if tool is not None and tool.scope:
            return whole(tool.scope, f"tool {name_of(tool)}")
        return whole(pack.scope, f"pack {pack.name}")

    tools = {name_of(tool): of(pack, tool) for pack in packs for tool in pack.tools}
    prompts = {name_of(prompt): of(pack) for pack in packs for prompt in pack.prompts}
    resources = {item.uri.partition("{")[0]: of(pack) for pack in packs for item in pack.resources}
    asking = frozenset(name_of(tool) for pack in packs for tool in pack.tools if tool.asks)
    doubles = [
        *_doubles("tool", [(name_of(tool), pack.name) for pack in packs for tool in pack.tools]),
        *_doubles("prompt", [(name_of(prompt), pack.name) for pack in packs for prompt in pack.prompts]),
        *_doubles("resource", [(item.uri, pack.name) for pack in packs for item in pack.resources]),
    ]
    if causes or doubles:
        raise SettingsError((*causes, *doubles))
    return Access(_asked(tools), _asked(prompts), _asked(resources), asking)


def installed_packs() -> list[Pack]:
    """Packs of installed packages. Raises SettingsError where an entry point is not one."""
    packs, causes = [], []
    for point in entry_points(group=ENTRY_POINTS):
        try:
            found = point.load()
            pack = found if isinstance(found, Pack) else found()
        except Exception as error:  # noqa: BLE001  # whatever the package of a team raises is a cause to name
            causes.append(f"entry point {point.name} = {point.value}: {type(error).__name__}: {error}")
            continue
        if isinstance(pack, Pack):
            packs.append(pack)
        else:
            causes.append(f"entry point {point.name} = {point.value}: expected a Pack or a function that returns one")
    if causes:
        raise SettingsError(tuple(causes))
    return packs


def own_version() -> str:
    """Version of claimstack, or "0" where only the runtime's files are there, as in an image."""
    try:
        return version(NAME)
    except PackageNotFoundError:
        return "0"


def name_of(item: Tool | Prompt) -> str:
    return item.name or str(item.function.__name__)


def _state_security(settings: Settings) -> RequestStateSecurity:
    if settings.state_secret_arn is None:
        return RequestStateSecurity.ephemeral()
    return RequestStateSecurity(codec=NotingCodec(fetch_from_secrets_manager(settings.state_secret_arn)))


def _add_resource(server: MCPServer[Any], resource: Resource) -> None:
    describe: Callable[[Callable[..., Any]], Any] = server.resource(
        resource.uri,
        name=resource.name or None,
        title=resource.title or None,
        description=resource.description or inspect.getdoc(resource.function),
        mime_type=resource.mime_type,
    )
    describe(resource.function)


def _doubles(kind: str, found: list[tuple[str, str]]) -> list[str]:
    first: dict[str, str] = {}
    causes = []
    for name, pack in found:
        if name in first:
            causes.append(f"{kind} {name}: is in the packs {first[name]} and {pack}; rename one")
        first.setdefault(name, pack)
    return causes


def _asked(scopes: Mapping[str, str]) -> dict[str, str]:
    return {name: scope for name, scope in scopes.items() if scope}
