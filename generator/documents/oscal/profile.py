"""Profile: the class as a selection of NIST controls, with the control parameters that the team set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from claimstack.controls.catalog import Catalog, Source
from claimstack.controls.errors import InputError
from claimstack.generator.documents.oscal.common import CATALOG_HREF, Document, metadata, resource, stable_uuid, through_trestle
from claimstack.generator.documents.rendered import sha256_of
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.system import System

PROFILE_HREF = "profile.json"
"""As seen from the other OSCAL documents. Trestle's tools follow an address, not a `#` reference to the back matter."""
CATALOG_FILE = "NIST_SP-800-53"
"""How the name of the NIST catalog begins among the catalog's sources."""
RULES_FILE = "fedramp-consolidated-rules"
"""How the name of the data set begins that lists the controls of a class (rule FRC-CSF-BSL)."""


def render_profile(catalog: Catalog, class_: str, title: str, last_modified: datetime, parameters: Mapping[str, str]) -> Document:
    """Render the class as an OSCAL profile; its version is that of the rules that define the class.

    `parameters` holds values by control parameter id; one whose control is outside the class stays out, since a profile can only set
    what it imports. Raises InputError for a class or parameter ids the catalog does not know.
    """
    from trestle.oscal.profile import Profile

    controls = tuple(control.id for control in catalog.class_controls(class_))
    nist, rules = source_of(catalog, CATALOG_FILE), source_of(catalog, RULES_FILE)
    nist_uuid = catalog_resource_uuid(nist)
    content: dict[str, Any] = {
        "uuid": stable_uuid("profile", title, class_),
        "metadata": metadata(title, last_modified, rules.version),
        "imports": [{"href": f"#{nist_uuid}", "include-controls": [{"with-ids": list(controls)}]}],
        "merge": {"as-is": True},
        "back-matter": {"resources": [catalog_resource(nist)]},
    }
    if settings := _set_parameters(catalog, controls, parameters):
        content["modify"] = {"set-parameters": settings}
    return through_trestle(Profile, content)


def render_class_profile(evaluated: Evaluated) -> Document:
    """Render the profile of a system: its class, with the control parameters that system.toml sets."""
    config = evaluated.system.config
    values = {parameter: stated.value for parameter, stated in config.parameters.items()}
    return render_profile(evaluated.system.catalog, config.class_, _title(evaluated.system), evaluated.system.timestamp, values)


def _title(system: System) -> str:
    return f"{system.config.title}: FedRAMP class {system.config.class_}"


def profile_resource_uuid(system: System) -> str:
    return stable_uuid("resource", "profile", system.config.name)


def profile_resource(evaluated: Evaluated) -> dict[str, Any]:
    """Build the back-matter resource of the profile of the same package, with the hash of its bytes."""
    return resource(
        profile_resource_uuid(evaluated.system),
        _title(evaluated.system),
        PROFILE_HREF,
        media_type="application/oscal.profile+json",
        sha256=sha256_of(evaluated, render_class_profile),
    )


def catalog_resource_uuid(nist: Source) -> str:
    return stable_uuid("resource", "catalog", nist.sha256)


def catalog_resource(nist: Source) -> dict[str, Any]:
    """Build the back-matter resource of the NIST catalog, at the address where NIST publishes exactly the bytes we read."""
    return resource(catalog_resource_uuid(nist), nist.title, CATALOG_HREF, media_type="application/oscal.catalog+json", sha256=nist.sha256)


def source_of(catalog: Catalog, name: str) -> Source:
    """Find the official file whose name begins with `name`, in whatever folder; StopIteration cannot happen with the facts as extracted."""
    return next(source for source in catalog.sources if source.file.rpartition("/")[2].startswith(name))


def _set_parameters(catalog: Catalog, controls: tuple[str, ...], parameters: Mapping[str, str]) -> list[dict[str, Any]]:
    owners: dict[str, str] = {}
    causes: list[str] = []
    for parameter in sorted(parameters):
        try:
            owners[parameter] = catalog.parameter(parameter)
        except InputError as error:
            causes += error.causes
    if causes:
        raise InputError(*causes)
    selected = frozenset(controls)
    return [{"param-id": parameter, "values": [parameters[parameter]]} for parameter, owner in owners.items() if owner in selected]
