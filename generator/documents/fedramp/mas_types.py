"""MAS types: for each type of resource, whether it is likely to handle federal customer data, or to affect it, and why.

The judgement is ours and explicit, one line for a type, so that whoever disagrees knows what to change. It follows the terms of FedRAMP's
Minimum Assessment Scope (rule MAS-CSO-IIR): what handles the data or what affects its confidentiality, integrity or availability is in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Judgement = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Handling:
    handles: Judgement
    why: str
    affects: Judgement
    affects_why: str


def _carries(what: str) -> Handling:
    return Handling("yes", what, "yes", "Whoever changes it changes who reads, writes or loses the data.")


def _rules(what: str, effect: str) -> Handling:
    return Handling("no", what, "yes", effect)


_REQUESTS = "Requests of agencies and the answers to them pass through it."
_SETTING = "A setting; no data passes through the resource itself."

HANDLING: Mapping[str, Handling] = {
    "AWS::ApiGateway::Account": _rules(_SETTING, "It decides whether API Gateway can write logs."),
    "AWS::ApiGateway::Authorizer": _rules("It sees tokens and no content.", "It decides who gets at the data."),
    "AWS::ApiGateway::BasePathMapping": _rules(_SETTING, "It decides where requests go."),
    "AWS::ApiGateway::Deployment": _rules(_SETTING, "It decides which methods are live."),
    "AWS::ApiGateway::DomainName": _carries(_REQUESTS),
    "AWS::ApiGateway::GatewayResponse": _rules("It answers refused requests with a fixed text.", "It tells clients where to get a token."),
    "AWS::ApiGateway::Method": _carries(_REQUESTS),
    "AWS::ApiGateway::Model": _rules("A schema that requests are held against.", "It decides which requests are refused."),
    "AWS::ApiGateway::RequestValidator": _rules(_SETTING, "It decides which requests are refused."),
    "AWS::ApiGateway::Resource": _rules("A part of a path; methods on it carry the requests.", "It decides which paths exist."),
    "AWS::ApiGateway::RestApi": _carries(_REQUESTS),
    "AWS::ApiGateway::Stage": _carries(_REQUESTS),
    "AWS::ApiGatewayV2::Api": _carries(_REQUESTS),
    "AWS::ApiGatewayV2::ApiMapping": _rules(_SETTING, "It decides where requests go."),
    "AWS::ApiGatewayV2::Authorizer": _rules("It sees tokens and no content.", "It decides who gets at the data."),
    "AWS::ApiGatewayV2::DomainName": _carries(_REQUESTS),
    "AWS::ApiGatewayV2::Integration": _carries(_REQUESTS),
    "AWS::ApiGatewayV2::Route": _carries(_REQUESTS),
    "AWS::ApiGatewayV2::Stage": _carries(_REQUESTS),
    "AWS::CloudWatch::Alarm": _rules("It compares numbers.", "Without it a loss of the service may go unseen."),
    "AWS::Cognito::UserPool": Handling(
        "unknown",
        "It keeps accounts of people and programs; whether they are federal customer data is for the provider to say.",
        "yes",
        "Its tokens open the front door.",
    ),
    "AWS::Cognito::UserPoolClient": _rules("It holds the id and the secret of a client.", "Whoever has its secret gets tokens."),
    "AWS::Cognito::UserPoolDomain": Handling(
        "unknown",
        "People sign in on it with names and passwords; whether these are federal customer data is for the provider to say.",
        "yes",
        "Tokens are issued on it.",
    ),
    "AWS::Cognito::UserPoolResourceServer": _rules("It names scopes.", "It decides which scopes a token can hold."),
    "AWS::DynamoDB::Table": _carries("It keeps what its items hold: sessions, and what a caller and a tool asked and answered in them."),
    "AWS::EC2::SecurityGroup": _rules("It filters connections.", "It decides where data can go."),
    "AWS::EC2::SecurityGroupEgress": _rules("It filters connections.", "It decides where data can go."),
    "AWS::EC2::SecurityGroupIngress": _rules("It filters connections.", "It decides where data can come from."),
    "AWS::EC2::VPCEndpoint": _carries("Calls of the function to AWS services pass through it."),
    "AWS::ECR::Repository": _rules(
        "It keeps the image of the server and no data of customers.", "Its image is the code that handles the data."
    ),
    "AWS::IAM::ManagedPolicy": _rules(_SETTING, "It decides who gets at the data."),
    "AWS::IAM::Policy": _rules(_SETTING, "It decides who gets at the data."),
    "AWS::IAM::Role": _rules(_SETTING, "It decides who gets at the data."),
    "AWS::KMS::Alias": _rules("A name.", "It decides which key a name means."),
    "AWS::KMS::Key": _rules("Services encrypt data keys with it and send it no data.", "Without it the stored data cannot be read."),
    "AWS::Lambda::EventSourceMapping": _carries("Events pass through it."),
    "AWS::Lambda::Function": _carries("It answers the requests: what is asked and what tools find is in its memory."),
    "AWS::Lambda::Permission": _rules(_SETTING, "It decides who may call the function."),
    "AWS::Logs::LogGroup": Handling(
        "unknown",
        "Its records name callers, tools, times and outcomes. What a request asked and got stays out of the audit records unless "
        "CLAIMSTACK_AUDIT_CONTENT is true in the function's environment; what tools write to the log themselves is not seen here.",
        "yes",
        "It is the record by which misuse of the data is found.",
    ),
    "AWS::Logs::MetricFilter": _rules("It counts records.", "Without it an event may go unseen."),
    "AWS::Logs::SubscriptionFilter": Handling(
        "unknown", "It passes records of its log group on.", "yes", "It decides who else reads the log."
    ),
    "AWS::S3::Bucket": _carries("It keeps what its objects hold."),
    "AWS::S3::BucketPolicy": _rules(_SETTING, "It decides who gets at the data."),
    "AWS::SNS::Subscription": _rules("It passes alarms on: names and numbers.", "Without it nobody is told."),
    "AWS::SNS::Topic": _rules("It carries alarms: names and numbers.", "Without it nobody is told."),
    "AWS::SNS::TopicPolicy": _rules(_SETTING, "It decides who may publish alarms."),
    "AWS::SQS::Queue": _carries("It keeps what its messages hold."),
    "AWS::SecretsManager::ResourcePolicy": _rules(_SETTING, "It decides who reads the secret."),
    "AWS::SecretsManager::Secret": _rules("It holds the key that seals request states.", "Whoever reads it can forge a request state."),
    "AWS::WAFv2::LoggingConfiguration": _rules("It names a log group and what is left out.", "It decides what is on record."),
    "AWS::WAFv2::WebACL": _carries("It inspects requests, bodies included."),
    "AWS::WAFv2::WebACLAssociation": _rules(_SETTING, "It decides which requests are inspected."),
}
"""Resource type → its handling."""
UNKNOWN = Handling("unknown", "The type is not in our table.", "unknown", "The type is not in our table.")

METADATA: Mapping[str, str] = {
    "AWS::ApiGateway::Stage": "Access records: the fields of its access log format",
    "AWS::ApiGatewayV2::Stage": "Access records: the fields of its access log format",
    "AWS::CloudWatch::Alarm": "Counts and times of calls, as metrics",
    "AWS::Cognito::UserPool": "Accounts of people and programs, with their times and states",
    "AWS::DynamoDB::Table": "Keys and expiry times of items",
    "AWS::Lambda::Function": "Metrics in CloudWatch, and traces of requests in X-Ray where tracing is active",
    "AWS::Logs::LogGroup": "Log records; those of calls with caller, source address, time and outcome",
    "AWS::S3::Bucket": "Names, sizes and times of objects",
    "AWS::SNS::Subscription": "Names, times and states of alarms, which leave the system where it sends them to",
    "AWS::SQS::Queue": "Times and counts of messages",
    "AWS::WAFv2::WebACL": "Headers, addresses and decisions of inspected requests",
}
"""Resource type → the metadata about customers and their data that it collects or keeps (rule MAS-CSO-MDI)."""
