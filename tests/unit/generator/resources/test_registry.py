"""The image repository."""

import json
from collections.abc import Callable

import pytest

from claimstack.generator.emitted import REMOVE, Edit, Place
from claimstack.generator.evaluation import Evaluated

from .conftest import not_passed

Built = Callable[..., Evaluated]
REPOSITORY = Place("registry", ("Resources", "Repository"))


def test_the_repository_is_encrypted_immutable_scanned_and_kept(built: Built) -> None:
    body = built().emitted.resource("registry", "Repository").body
    properties = body["Properties"]
    lifecycle = json.loads(properties["LifecyclePolicy"]["LifecyclePolicyText"])
    assert {key: properties[key] for key in properties if key not in ("Tags", "LifecyclePolicy")} == {
        "EncryptionConfiguration": {"EncryptionType": "KMS", "KmsKey": {"Ref": "KeyArn"}},
        "ImageTagMutability": "IMMUTABLE",
        "ImageScanningConfiguration": {"ScanOnPush": True},
        "EmptyOnDelete": False,
        "RepositoryPolicyText": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "PullByLambda",
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": {"Fn::Sub": "${AWS::AccountId}"}},
                        "ArnLike": {
                            "aws:SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:*"}
                        },
                    },
                }
            ],
        },
    }
    assert [rule["selection"]["tagStatus"] for rule in lifecycle["rules"]] == ["untagged"]
    assert (body["DeletionPolicy"], body["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_its_outputs_lead_to_the_push(built: Built) -> None:
    assert set(built().emitted.stacks["registry"]["Outputs"]) == {"RepositoryArn", "RepositoryUri"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("ImageTagMutability",), "MUTABLE"),
        (("ImageScanningConfiguration", "ScanOnPush"), False),
        (("EncryptionConfiguration", "EncryptionType"), "AES256"),
        (("EncryptionConfiguration", "KmsKey"), REMOVE),
        (("EmptyOnDelete",), True),
        (("LifecyclePolicy",), REMOVE),
        (("RepositoryPolicyText", "Statement", 0, "Principal"), "*"),
        (("RepositoryPolicyText", "Statement", 0, "Condition", "StringEquals"), REMOVE),
        (("RepositoryPolicyText", "Statement", 0, "Action"), "ecr:*"),
    ],
)
def test_a_weaker_repository_is_noticed(built: Built, path: tuple[str | int, ...], value: object) -> None:
    assert not_passed(built(), Edit(REPOSITORY.below("Properties", *path), value))


def test_a_repository_that_goes_with_its_stack_is_noticed(built: Built) -> None:
    assert not_passed(built(), Edit(REPOSITORY.below("DeletionPolicy"), "Delete"))


def test_a_scan_at_push_is_a_setting_and_no_care_of_flaws(built: Built) -> None:
    claims = [result.claim for answer in built().answers.values() for result in answer.claims if result.declared.stack == "registry"]
    by_scanning = [(claim.point, claim.meets) for claim in claims if "scan" in claim.sentence]
    assert by_scanning == [("cm-6_smt.b", ())]
    assert [claim.point for claim in claims if claim.point.startswith(("ra-5", "si-2", "si-7"))] == []
