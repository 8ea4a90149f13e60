"""Open access: what is said of callers where the server asks nobody who they are, instead of what the families say of them."""

from __future__ import annotations

from dataclasses import replace

from claimstack.controls.families import Disposition, Remainder
from claimstack.generator.system import System

WARNING = "auth = none: the server answers everyone. Nothing is claimed of who calls; identification is planned."
SOURCE = "system.toml, auth = none"

_DISPOSITIONS = {
    "ac-2_smt.g": (
        "organisational",
        "Access logs name no caller, since the server asks nobody who they are (auth = none); there is no use of accounts to watch.",
    ),
    "ac-2_smt.f": (
        "organisational",
        "There are no accounts of callers: the server asks nobody who they are (auth = none). Operators have theirs elsewhere.",
    ),
    "ac-2_smt.k": (
        "organisational",
        "There is no credential of callers: the server asks nobody who they are (auth = none). Operators change what they share.",
    ),
    "ac-14": (
        "planned",
        "Not in place: the server does everything for callers who are not identified (auth = none); nobody states that this is meant.",
    ),
    "ia-2": (
        "planned",
        "Not in place: the server asks nobody who they are (auth = none). Operators sign in to AWS through an identity provider.",
    ),
    "ia-8": ("planned", "Not in place: the server answers everyone (auth = none), so that users of an agency are not identified."),
    "ia-8.4": ("planned", "No identity management profile is followed: the server asks nobody who they are (auth = none)."),
}
_CEILING = "ac-3_smt"
_BECAUSE = "The policies of the workload are enforced; access of callers is not, since the server answers everyone (auth = none)."
_REMAINDER = Remainder("organisation", "Let the server ask callers for tokens: every route is open (auth = none).")


def state_open_access(system: System) -> None:
    """Answer the points about callers, unless system.toml answers them, and lower the ceiling of those that claims about roles speak to."""
    system.warnings.append(WARNING)
    for target, (status, reason) in _DISPOSITIONS.items():
        if not {target, target.partition("_")[0]} & set(system.config.dispositions):
            system.override(Disposition(target, status, "sp-system", reason, unless_claimed=True, source=SOURCE))
    ceiling = system.ceilings[_CEILING]
    system.ceilings[_CEILING] = replace(ceiling, because=_BECAUSE, remains=(_REMAINDER, *ceiling.remains))
