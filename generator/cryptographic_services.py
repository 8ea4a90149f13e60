"""Cryptographic services: the names by which system.toml and the document of cryptographic modules call what encrypts."""

from __future__ import annotations

from collections.abc import Mapping

CRYPTOGRAPHIC_SERVICES: Mapping[str, str] = {
    "kms": "AWS Key Management Service",
    "api-gateway": "Amazon API Gateway",
    "waf": "AWS WAF",
    "lambda": "AWS Lambda",
    "dynamodb": "Amazon DynamoDB",
    "cloudwatch-logs": "Amazon CloudWatch Logs",
    "cloudwatch": "Amazon CloudWatch",
    "sns": "Amazon SNS",
    "secrets-manager": "AWS Secrets Manager",
    "ecr": "Amazon ECR",
    "cognito": "Amazon Cognito",
    "vpc-endpoints": "AWS PrivateLink and gateway endpoints",
    "s3": "Amazon S3",
    "sqs": "Amazon SQS",
    "x-ray": "AWS X-Ray",
    "image-openssl": "OpenSSL of the image's base, which Python's ssl module and botocore use",
    "image-cryptography": "Package cryptography in the image, which seals request states",
}
"""Key → title. A key of [cryptographic_modules] in system.toml is one of these."""
