"""`claimstack preflight`: whom a key policy leaves out."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.generator.conftest import Run, widest

from .conftest import system


def test_preflight_says_who_is_left_out(run: Run, built: Path) -> None:
    template = json.loads((built / "cloudformation/key-policy.json").read_text())
    policy = json.loads(json.dumps(template).replace("<ACCOUNT_ID>", "111122223333"))
    Path("whole.json").write_text(json.dumps(policy))
    Path("part.json").write_text(json.dumps({**policy, "Statement": policy["Statement"][:1]}))
    whole, part = (run("preflight", "--key-policy", name, system()) for name in ("whole.json", "part.json"))
    assert (whole.code, part.code) == (0, 1)
    assert "leaves it out" not in whole.out
    assert "leaves it out, silently" in part.out
    assert max(widest(whole.out), widest(part.out)) <= 80
    verdicts = json.loads(run("preflight", "--key-policy", "part.json", system(), "--json").out)
    assert {verdict["consumer"]["id"] for verdict in verdicts if not verdict["ok"]} != set()
    assert run("preflight", "--key-policy", "nowhere.json", system()).code == 2


def test_preflight_tells_what_the_policy_alone_does_not_tell(run: Run, built: Path) -> None:
    template = (built / "cloudformation/key-policy.json").read_text()
    role, function = (f"arn:aws:iam::111122223333:role/{name}" for name in ("deployer", "function"))
    named = json.loads(template.replace("<ACCOUNT_ID>", "111122223333"))
    for statement in named["Statement"]:
        if "AWS" in statement["Principal"]:
            statement["Principal"]["AWS"] = [role, function]
    Path("named.json").write_text(json.dumps(named))
    call = ("preflight", "--key-policy", "named.json", system())
    assert run(*call).err == (
        "error: named.json: it admits the root of no account; say with --account which account the system is deployed to\n"
    )
    unsure = run(*call, "--account", "111122223333")
    assert (unsure.code, "leaves it out" in unsure.out, "does not tell by itself" in unsure.out) == (1, False, True)
    assert unsure.err == "Say more about who calls with --account, --caller or --function-role.\n"
    told = json.loads(run(*call, "--account", "111122223333", "--json").out)
    assert {verdict["outcome"] for verdict in told} == {"undecided", "admitted"}
    caller = ("--account", "111122223333", "--caller", f"aws:PrincipalArn={role}", "--function-role", function)
    assert run(*call, *caller).code == 0
    assert run(*call, "--account", "1", "--caller", "x").errors[1].startswith("error: --caller: expected KEY=VALUE")
