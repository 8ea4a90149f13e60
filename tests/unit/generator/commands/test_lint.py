"""`claimstack lint`: what is found, and what cannot be judged."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.unit.generator.conftest import Ended, Run


def test_lint_finds_what_cfn_lint_and_the_references_find(run: Run, built: Path) -> None:
    shutil.copytree(built, "out/commercial")
    assert run("lint", "out/commercial").out == "out/commercial: 0 findings\n"
    template = Path("out/commercial/cloudformation/registry.json")
    template.write_text(template.read_text().replace('"ImageTagMutability": "IMMUTABLE"', '"ImageTagMutability": "FIXED"'))
    ended = run("lint")
    assert ended.code == 1
    assert re.search(
        r"^  E3030 cloudformation/registry\.json#/Resources/Repository/Properties/ImageTagMutability: ", ended.out, re.MULTILINE
    )
    assert "\n  package cloudformation/registry.json: was changed after the build: " in ended.out


def test_lint_refuses_what_it_cannot_judge(run: Run) -> None:
    assert run("lint") == Ended(2, "", "error: out: holds no package; run claimstack build, or name a package folder\n")
    assert run("lint", "nowhere").err.startswith("error: nowhere: ")
    assert run("lint", "nowhere", "--region", "us-east-9").err == "error: unknown region 'us-east-9'; did you mean 'us-east-2'?\n"
    Path("elsewhere").mkdir()
    Path("elsewhere/manifest.json").write_text('{"partition": "aws-cn", "files": {}}')
    assert run("lint", "elsewhere").err.startswith("error: elsewhere: has no manifest.json that names its partition")
