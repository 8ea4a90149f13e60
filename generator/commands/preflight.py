"""Preflight: who would fail under a key policy."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from claimstack.generator import options
from claimstack.generator.console import FAILED_CHECK, err, out


def preflight(
    key_policy: options.KeyPolicy,
    system: options.SystemFile = Path("system.toml"),
    account: options.Account = None,
    caller: options.Caller = None,
    function_role: options.FunctionRole = None,
    as_json: options.AsJson = False,
) -> None:
    """Say which consumers of the KMS key would fail under a key policy, and which would fail silently. Asks nothing of AWS.

    Exits 1 when the policy leaves a consumer out, and also when the policy alone does not tell: the table says which of the two.

    Example: `claimstack preflight --key-policy policy.json --caller aws:PrincipalOrgID=o-abcdefghij system.toml`
    """
    from claimstack.generator.loading import load_config
    from claimstack.generator.preflight import known_of, load_key_policy
    from claimstack.generator.preflight import preflight as judge_policy
    from claimstack.generator.report import preflight_table

    known = known_of(account, caller or (), function_role)
    judged = judge_policy(load_config(system), load_key_policy(key_policy), known, name=str(key_policy))
    verdicts = [verdict.data() for verdict in judged]
    if as_json:
        out.print_json(json.dumps(verdicts))
    else:
        out.print(preflight_table(verdicts))
        if any(verdict["outcome"] == "undecided" for verdict in verdicts):
            err.print("Say more about who calls with --account, --caller or --function-role.", soft_wrap=True)
    if not all(verdict["ok"] for verdict in verdicts):
        raise typer.Exit(FAILED_CHECK)
