"""Server: which stack of which system is meant, as far as the command line and the package tell; AWS is not asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from claimstack.controls.errors import InputError
from claimstack.generator.partition import partition_of
from claimstack.generator.resources.identity import client_logical_id
from claimstack.generator.writing import built_packages, read_manifest

SERVER_TEMPLATE: Final = Path("cloudformation", "server.json")


@dataclass(frozen=True, slots=True)
class Server:
    """The server stack of a system, where it is deployed."""

    system: str
    stack: str
    region: str
    package: Path | None = None


def server_of(system: str | None, package: Path | None, stack: str | None, region: str | None) -> Server:
    """Where a system is deployed, from what the command line gives and from the package. Raises InputError where that is too little."""
    folder = package or _package_for(system, stack)
    manifest: Mapping[str, Any] = {}
    if folder is not None:
        manifest = read_manifest(folder)
        if not isinstance(manifest.get("system"), str):
            raise InputError(f"{folder}: is not a package that claimstack build wrote; name one with --package")
        if system is not None and manifest["system"] != system:
            raise InputError(f"{folder}: is the package of {manifest['system']}, not of {system}; correct the name or --package")
    name = system or manifest.get("system") or (stack or "").removesuffix("-server")
    region = region or (_region_of(folder) if folder is not None else None)
    if region is None:
        there = ", ".join(path.name for path in built_packages()) or "none"
        raise InputError(f"no package of {name} below out/ ({there} found); name it with --package, or --stack and --region")
    partition = partition_of(region)
    if manifest and manifest.get("partition") != partition.name:
        raise InputError(f"--region {region}: {folder} was built for the partition {manifest.get('partition')}; choose one of its regions")
    return Server(str(name), stack or f"{name}-server", region, folder)


def _package_for(system: str | None, stack: str | None) -> Path | None:
    """The package of the system below `out/`; without a name the only one there, unless the stack says which system it is."""
    if system is not None:
        folder = Path("out") / system
        return folder if read_manifest(folder) else None
    if stack is not None:
        if not stack.endswith("-server"):
            raise InputError(f"--stack {stack}: does not name its system as <system>-server does; name the package too, with --package")
        folder = Path("out") / stack.removesuffix("-server")
        return folder if read_manifest(folder) else None
    packages = built_packages()
    if len(packages) != 1:
        found = ", ".join(map(str, packages)) or "none"
        raise InputError(f"out: name the system by --package or --stack ({found} found here)")
    return packages[0]


def _region_of(package: Path) -> str:
    """The region for which a package was built: where its example parameters have the image."""
    file = package / "cloudformation" / "parameters.example.json"
    try:
        parameters = json.loads(file.read_text(encoding="utf-8"))["server"]
        (image,) = (entry["ParameterValue"] for entry in parameters if entry["ParameterKey"] == "ImageUri")
        found = re.search(r"\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.", image)
    except (OSError, ValueError, LookupError, TypeError):
        found = None
    if found is None:
        raise InputError(f"{file}: does not name the region; name it with --region, or build the package again")
    return found[1]


def check_consumer(server: Server, consumer: str) -> None:
    """Raise InputError where the package shows that the server has no client of a consumer, before AWS is asked."""
    if server.package is None:
        return
    try:
        template = json.loads((server.package / SERVER_TEMPLATE).read_text(encoding="utf-8"))
        with_token_url = "TokenUrl" in template["Outputs"]
        clients = {
            id_: resource["Properties"]["ClientName"]
            for id_, resource in template["Resources"].items()
            if resource["Type"] == "AWS::Cognito::UserPoolClient" and resource["Properties"].get("GenerateSecret") is True
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return  # what is deployed will tell
    if not with_token_url:
        raise without_pool(server)
    if client_logical_id(consumer) not in clients:
        there = ", ".join(sorted(map(str, clients.values()))) or "none"
        raise InputError(
            f"{server.package}: has no client of a consumer {consumer!r} (consumers: {there}); correct the name, or build the package "
            "as it is deployed"
        )


def without_pool(server: Server) -> InputError:
    return InputError(f"{server.system}: has no user pool of its own; whoever issues its tokens rotates the secrets of its clients")
