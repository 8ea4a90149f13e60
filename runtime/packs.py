"""Packs: which are installed, whether they fit together, and which scopes they ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import Final

from claimstack.runtime.access import Access
from claimstack.runtime.settings import Settings, SettingsError
from claimstack.runtime.tools import Pack, Prompt, Resource, Tool

ENTRY_POINTS: Final = "claimstack.tools"
PARTS: Final = {"tools": Tool, "resources": Resource, "prompts": Prompt}


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
            pack = found() if callable(found) else found
        except Exception as error:  # noqa: BLE001  # whatever the package of a team raises is a cause to name
            causes.append(f"entry point {point.name} = {point.value}: {type(error).__name__}: {error}")
            continue
        wrong = _wrong_parts(pack) if isinstance(pack, Pack) else ["expected a Pack or a function that returns one"]
        causes += [f"entry point {point.name} = {point.value}: {cause}" for cause in wrong]
        packs.append(pack)
    if causes:
        raise SettingsError(tuple(causes))
    return packs


def name_of(item: Tool | Prompt) -> str:
    return item.name or str(item.function.__name__)


def _wrong_parts(pack: Pack) -> list[str]:
    """What of a pack is not of its type, such as a single tool where a tuple of tools belongs."""
    return [
        f"pack {pack.name}: {part} has to be a tuple of {kind.__name__}"
        for part, kind in PARTS.items()
        if not isinstance(getattr(pack, part), (tuple, list)) or not all(isinstance(item, kind) for item in getattr(pack, part))
    ]


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
