"""S3 reader: what the report tools need of AWS, with the claims that follow from it, and what people answer for.

claimstack calls `extend` once the system itself stands, and judges what it adds as it judges its own: an unknown point, a property that
does not exist, a resource without a claim, or a claim without a check is refused with the line of this file.
"""

from __future__ import annotations

from pathlib import Path

from troposphere import Ref

from claimstack.controls.families import Ceiling, Disposition, Remainder
from claimstack.generator.system import System
from claimstack.generator.tools import bucket, grant_tools, load_pack

# The same file as in the image: what its tools say they need and what they are given cannot part ways.
REPORTS = load_pack(Path(__file__).with_name("report_tools.py"))

# Variables that the tools find in the environment of the function. Names and ARNs only: a secret here fails the build.
ENVIRONMENT = {"REPORTS_BUCKET": Ref("ReportsBucket")}


def extend(system: System) -> None:
    """Add policy, way out and endpoint for the tools, then what a template cannot show: who answers for it, and what is not claimed."""
    # A bucket that is encrypted with a key of its own needs kms:Decrypt on that key too, and the key's policy has to admit the role.
    grant_tools(system, REPORTS, {"reports": bucket("ReportsBucket", "the bucket with the reports", example="example-reports")})
    system.override(
        Disposition(
            target="ra-2",
            status="organisational",
            origination="sp-system",
            reason="The records office has categorised the reports that the tools read; nothing else reaches the tools.",
            provider="records-office",
            source="s3_reader.py",
        )
    )
    system.override(
        Ceiling(
            point="sc-7.5_smt",
            highest="partial",
            remains=(Remainder("organisation", "Hold the bucket policy of the reports to this VPC endpoint and review it every quarter."),),
            because="The prefix list leads to every bucket of the region; only the endpoint's policy narrows it to the reports.",
        )
    )
