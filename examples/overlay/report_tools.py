"""Report tools: list and read the reports of one bucket.

This file runs in the function, so that it imports nothing of the generator. The image installs it as a package of its own, with the entry
point `reports = "report_tools:REPORTS"` in the group `claimstack.tools`.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from claimstack.runtime.tools import AwsAccess, Pack, Tool

LARGEST = 1_000_000
"""Bytes of a report that are read: what Lambda answers has to stay below 6 MB."""


@cache
def _s3() -> Any:
    # The one slow import, and only for those who call a tool; the client lives as long as the instance.
    from botocore.session import Session

    return Session().create_client("s3")


def list_reports(prefix: str = "") -> list[str]:
    """Name the reports whose name begins with a prefix: the first thousand in alphabetical order."""
    found = _s3().list_objects_v2(Bucket=os.environ["REPORTS_BUCKET"], Prefix=prefix)
    return [entry["Key"] for entry in found.get("Contents", ())]


def read_report(name: str) -> str:
    """Read one report as text, by a name that list_reports gave; of a report beyond a million bytes the beginning."""
    report = _s3().get_object(Bucket=os.environ["REPORTS_BUCKET"], Key=name)
    with report["Body"] as body:
        return str(body.read(LARGEST).decode("utf-8", "replace"))


REPORTS = Pack(
    name="reports",
    # A caller needs it beside what opens the front door; system.toml lists it in [auth].
    scope="reports",
    tools=(
        Tool(list_reports, title="List reports", needs=(AwsAccess("s3", ("s3:ListBucket",), ("reports",)),)),
        Tool(read_report, title="Read a report", needs=(AwsAccess("s3", ("s3:GetObject",), ("reports",)),)),
    ),
)
