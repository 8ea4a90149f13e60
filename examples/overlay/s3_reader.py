"""S3 reader: what a tool that reads reports from one bucket needs of AWS, with the claims that follow from it.

claimstack calls `extend` once the system itself stands, and judges what it adds as it judges its own: an unknown point, a property that
does not exist, a resource without a claim, or a claim without a check is refused with the line of this file.
"""

from __future__ import annotations

from troposphere import GetAtt, Ref, Sub, ec2

from claimstack.controls.families import Ceiling, Disposition, Remainder
from claimstack.generator.claims import Claim, Component
from claimstack.generator.expressions import every, prop
from claimstack.generator.questions import EgressIsExplicit
from claimstack.generator.resources.endpoints import add_gateway_endpoint
from claimstack.generator.resources.network import FUNCTION_GROUP_ID, HTTPS, PREFIX_LIST
from claimstack.generator.resources.policies import allow
from claimstack.generator.resources.role import ROLE_ID, add_policy
from claimstack.generator.system import Stack, System

# A component is what an assessor sees as one part. Its id goes into OSCAL: choose it once and keep it.
REPORTS = Component("report-reader", "Report reader", "Way of the report tool to its bucket.", type="network")

# Variables that the tool finds in the environment of the function. Names and ARNs only: a secret here fails the build.
ENVIRONMENT = {"REPORTS_BUCKET": Ref("ReportsBucket")}

ACTIONS = ("s3:GetObject", "s3:ListBucket")
BUCKET = Sub("arn:${AWS::Partition}:s3:::${ReportsBucket}")
OBJECTS = Sub("arn:${AWS::Partition}:s3:::${ReportsBucket}/*")

# Bucket names are given away again once a bucket is deleted, so that the account is named beside the bucket.
THIS_ACCOUNT = {"Ref": "AWS::AccountId"}
OWN_BUCKET = {"StringEquals": {"aws:ResourceAccount": THIS_ACCOUNT}}
OWN_CALLERS = {"StringEquals": {"aws:PrincipalAccount": THIS_ACCOUNT, "aws:ResourceAccount": THIS_ACCOUNT}}


def extend(system: System) -> None:
    """Add the permission, the way out and the endpoint, then what people answer for."""
    server, endpoints = system.stacks["server"], system.stacks["endpoints"]
    _permission(server)
    _way_out(server)
    _endpoint(endpoints)
    _dispositions(system)


def _bucket_parameter(stack: Stack) -> None:
    """Values that differ between environments are template parameters; each stack that uses one asks for it."""
    stack.parameter(
        "ReportsBucket",
        "Name of the bucket with the reports, in the account and region of this stack.",
        example="example-reports",
        AllowedPattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        ConstraintDescription="The name of an S3 bucket, such as example-reports.",
    )


def _permission(server: Stack) -> None:
    # A bucket that is encrypted with a key of its own needs kms:Decrypt on that key too, and the key's policy has to admit the role.
    _bucket_parameter(server)
    add_policy(
        server,
        ROLE_ID,
        "ReportsPolicy",
        "Lets the report tool list and read the reports.",
        (allow("ReadReports", *ACTIONS, on=[BUCKET, OBJECTS], condition=OWN_BUCKET),),
        # A claim is one sentence that its checks prove. Ask of each: which change of the template would make it false?
        Claim(
            "ac-6_smt",
            "The policy lets the function list and read one bucket of the account and change nothing in it.",
            prop("PolicyDocument.Statement[*].Effect").equals("Allow"),
            prop("PolicyDocument.Statement[*].Action").only(*ACTIONS),
            prop("PolicyDocument.Statement[*].Resource").equals([BUCKET, OBJECTS]),
            prop("PolicyDocument.Statement[*].Condition").equals(OWN_BUCKET),
        ),
    )


def _way_out(server: Stack) -> None:
    prefixes = server.parameter(
        "S3PrefixListId",
        "AWS-managed prefix list of S3 in the region (aws ec2 describe-managed-prefix-lists).",
        example="pl-63a5400a",
        AllowedPattern=PREFIX_LIST,
        ConstraintDescription="The id of a prefix list, such as pl-63a5400a.",
    )
    group = GetAtt(FUNCTION_GROUP_ID, "GroupId")
    leads_to_s3 = (
        prop("GroupId").equals(group),
        # Of every such rule of the system: a second one that leads elsewhere fails here as well.
        every(ec2.SecurityGroupEgress).prop("DestinationPrefixListId").equals(prefixes),
        EgressIsExplicit(),
    )
    server.add(
        REPORTS,
        ec2.SecurityGroupEgress(
            "ReportsEgress", Description="S3 through the gateway endpoint", GroupId=group, DestinationPrefixListId=prefixes, **HTTPS
        ),
        Claim("ac-4_smt", "The rule lets data flow from the function to the addresses of S3 by TCP port 443 only.", *leads_to_s3),
        Claim(
            "sc-7.5_smt",
            "The rule is the one exception by which the function connects to S3.",
            *leads_to_s3,
            # Points with several objectives of NIST SP 800-53A: name those that the checks show.
            meets=("sc-7.5_obj-1", "sc-7.5_obj-2"),
        ),
    )


def _endpoint(endpoints: Stack) -> None:
    _bucket_parameter(endpoints)
    # Brings the claims that every gateway endpoint makes, such as AC-4 and SC-8: each of them is read in the coverage.
    add_gateway_endpoint(
        endpoints,
        "ReportsEndpoint",
        "s3",
        "The endpoint lets callers of this account read the bucket with the reports, and pass to no other bucket.",
        allow("ReadReports", *ACTIONS, on=[BUCKET, OBJECTS], principal="*", condition=OWN_CALLERS),
    )


def _dispositions(system: System) -> None:
    """What a template cannot show: who answers for it, and where this team claims less than it could."""
    system.override(
        Disposition(
            target="ra-2",
            status="organisational",
            origination="sp-system",
            reason="The records office has categorised the reports that the tool reads; nothing else reaches the tool.",
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
