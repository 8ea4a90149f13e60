"""Registry: the repository that holds the server's image."""

from __future__ import annotations

import json
from typing import Any

from troposphere import GetAtt, ecr

from claimstack.generator.claims import Claim, Component
from claimstack.generator.expressions import attribute, every, prop
from claimstack.generator.questions import NoPublicPrincipal, statements_are
from claimstack.generator.resources.arns import KEY_ARN
from claimstack.generator.resources.key import substituted
from claimstack.generator.system import Stack

REGISTRY = Component("image-registry", "Image registry", "Repository that holds the image of the MCP server.")

UNTAGGED_DAYS = 14
"""Days after which an image that never got a tag, such as the remains of a broken push, is deleted. Tagged images stay."""

LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "description": "Delete images that never got a tag",
            "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": UNTAGGED_DAYS},
            "action": {"type": "expire"},
        }
    ]
}

PULL = {
    "Sid": "PullByLambda",
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    "Condition": {
        "StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"},
        "ArnLike": {"aws:SourceArn": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:*"},
    },
}
"""Without such a statement Lambda writes one itself when the function is made, which then shows as drift."""


def add_registry(stack: Stack, key_arn: Any) -> ecr.Repository:
    """The image repository, with the outputs RepositoryUri and RepositoryArn."""
    pull = substituted(PULL)
    lifecycle = json.dumps(LIFECYCLE, separators=(",", ":"))
    repository: Any = stack.add(
        REGISTRY,
        ecr.Repository(
            "Repository",
            EncryptionConfiguration=ecr.EncryptionConfiguration(EncryptionType="KMS", KmsKey=key_arn),
            ImageTagMutability="IMMUTABLE",
            ImageScanningConfiguration=ecr.ImageScanningConfiguration(ScanOnPush=True),
            LifecyclePolicy=ecr.LifecyclePolicy(LifecyclePolicyText=lifecycle),
            RepositoryPolicyText={"Version": "2012-10-17", "Statement": [pull]},
            EmptyOnDelete=False,
            DeletionPolicy="RetainExceptOnCreate",
            UpdateReplacePolicy="Retain",
        ),
        Claim(
            "cm-6_smt.b",
            "The repository is set to scan each image for known flaws when it is pushed, unless the account's registry has a scan "
            "configuration that says otherwise.",
            every(ecr.Repository).prop("ImageScanningConfiguration.ScanOnPush").is_true(),
        ),
        Claim(
            "sc-28_smt",
            "Images are encrypted at rest with the key given as KeyArn.",
            every(ecr.Repository).prop("EncryptionConfiguration.EncryptionType").equals("KMS"),
            every(ecr.Repository).prop("EncryptionConfiguration.KmsKey").equals(key_arn),
            every(ecr.Repository).prop("EncryptionConfiguration.KmsKey").matches(KEY_ARN),
        ),
        Claim(
            "sc-28.1_smt",
            "Images at rest are encrypted with the key given as KeyArn.",
            every(ecr.Repository).prop("EncryptionConfiguration.EncryptionType").equals("KMS"),
            every(ecr.Repository).prop("EncryptionConfiguration.KmsKey").equals(key_arn),
            meets=("sc-28.1_obj-1",),
        ),
        Claim(
            "ac-3_smt",
            "The repository's policy lets Lambda pull images for functions of this account, and gives no one else anything.",
            statements_are("RepositoryPolicyText", [pull]),
            NoPublicPrincipal(),
        ),
        Claim(
            "cm-2.3_smt",
            "Earlier images stay in the registry for a return to them: no other image takes over a tag, no rule expires a tagged one, and "
            "deleting or replacing the stack leaves the repository.",
            every(ecr.Repository).prop("ImageTagMutability").equals("IMMUTABLE"),
            every(ecr.Repository).prop("ImageTagMutabilityExclusionFilters").absent(),
            prop("LifecyclePolicy.LifecyclePolicyText").equals(lifecycle),
            prop("EmptyOnDelete").is_false(),
            attribute("DeletionPolicy").one_of("Retain", "RetainExceptOnCreate"),
            attribute("UpdateReplacePolicy").equals("Retain"),
        ),
    )
    stack.output(
        "RepositoryUri", GetAtt(repository, "RepositoryUri"), "Where to push the image; ImageUri of the server stack adds @sha256:…"
    )
    stack.output("RepositoryArn", GetAtt(repository, "Arn"), "ARN of the repository, for the push rights of the pipeline.")
    return repository
