"""Runtime: what tests of the MCP server show that it does, as claims of the function that runs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from claimstack.generator.claims import Claim
from claimstack.generator.config import Config
from claimstack.generator.expressions import prop
from claimstack.generator.passing import PassingTest, passing

AUDIT: Final = "tests/unit/runtime/test_audit.py"
ERRORS: Final = "tests/unit/runtime/test_errors.py"
IDENTITY: Final = "tests/unit/runtime/test_identity.py"
PROTOCOL: Final = "tests/unit/runtime/test_protocol.py"
SESSIONS: Final = "tests/unit/runtime/test_sessions.py"
STATES: Final = "tests/unit/runtime/test_state_keys.py"

EVERY_REQUEST: Final = passing(AUDIT, "test_every_request_leaves_one_record")
WHAT: Final = passing(AUDIT, "test_a_record_says_what_happened")
WHEN: Final = passing(AUDIT, "test_a_record_says_when_in_utc")
WHERE: Final = passing(AUDIT, "test_a_record_says_where")
SOURCE: Final = passing(AUDIT, "test_a_record_names_its_source")
OUTCOME: Final = passing(AUDIT, "test_a_record_gives_the_outcome")
WHO: Final = passing(AUDIT, "test_a_record_names_the_identity", "test_a_caller_that_is_turned_away_is_named")
FURTHER_IDS: Final = passing(AUDIT, "test_a_record_carries_request_and_trace_ids")
NO_CONTENT: Final = passing(
    AUDIT, "test_arguments_and_results_stay_out_of_the_record", "test_failed_calls_keep_arguments_and_results_out_of_the_record"
)
MASKED: Final = passing(AUDIT, "test_secrets_are_masked_in_recorded_content", "test_secrets_in_results_are_masked_in_both_of_their_forms")
INTACT: Final = passing(AUDIT, "test_callers_cannot_swell_or_break_a_record")

TOOL_SCOPE: Final = (
    *passing(IDENTITY, "test_a_tool_refuses_a_token_without_its_scope", "test_one_call_without_its_scope_refuses_a_whole_batch"),
    *passing(SESSIONS, "test_a_call_is_not_continued_by_a_token_without_its_scope"),
)
RESOURCE_SCOPE: Final = passing(IDENTITY, "test_a_resource_refuses_a_token_without_its_scope")
NO_TOKEN: Final = passing(IDENTITY, "test_a_call_without_a_token_is_refused")
FOREIGN_TOKEN: Final = passing(
    IDENTITY,
    "test_a_token_of_another_client_is_refused",
    "test_a_token_of_another_issuer_is_refused",
    "test_a_token_that_names_only_the_address_has_to_be_of_a_listed_client",
)

UNVERIFIED_TOKEN: Final = passing(IDENTITY, "test_a_token_that_does_not_verify_is_refused")

FORM: Final = passing(PROTOCOL, "test_malformed_input_gets_its_defined_answer", "test_headers_that_differ_from_the_body_are_refused")
FOREIGN_PAGE: Final = passing(PROTOCOL, "test_a_foreign_origin_is_refused", "test_a_foreign_host_is_refused")
INPUT_LIMITS: Final = passing(PROTOCOL, "test_a_body_over_the_limit_is_refused", "test_an_oversized_batch_is_refused")

NO_TRACE: Final = passing(ERRORS, "test_a_client_sees_no_stack_trace")
TRACE_RECORDED: Final = passing(ERRORS, "test_the_record_of_a_failure_has_the_stack_trace")
TOOL_LIMITS: Final = passing(ERRORS, "test_a_tool_past_its_deadline_is_answered", "test_a_result_over_the_limit_is_answered_with_an_error")

OWN_SESSION: Final = passing(SESSIONS, "test_a_session_belongs_to_its_caller", "test_an_event_id_of_another_session_is_unknown")
SESSION_ENDS: Final = passing(SESSIONS, "test_an_ended_session_is_gone", "test_an_expired_session_is_gone_before_the_table_deletes_it")
OWN_STATE: Final = passing(STATES, "test_a_state_of_another_caller_is_refused")
GENUINE_STATE: Final = passing(STATES, "test_a_tampered_state_is_refused")

RECORD_CONTENT: Final = "CLAIMSTACK_AUDIT_CONTENT"
"""Variable that lets arguments and results into audit records."""


def runtime_claims(config: Config, variables: Mapping[str, Any]) -> tuple[Claim, ...]:
    """Claims that rest on tests of the runtime's sources; those about callers only where callers are known.

    `variables` are those of the function's environment.
    """
    known = config.auth.type != "none"
    return (
        *_record_claims(variables, known=known),
        *_form_claims(),
        *_failure_claims(),
        *_session_claims(config, known=known),
        *(_access_claims() if known else ()),
    )


def _record_claims(variables: Mapping[str, Any], *, known: bool) -> Iterator[Claim]:
    identity: tuple[PassingTest, ...] = WHO if known else ()
    yield Claim("au-2_smt.a", "The server can log every request that reaches it, down to the tool that was called.", *EVERY_REQUEST, *WHAT)
    yield Claim("au-3_smt.a", "Each audit record of the server names the MCP method and the tool that was called.", *WHAT)
    yield Claim("au-3_smt.b", "Each audit record of the server gives the time of the request.", *WHEN)
    yield Claim("au-3_smt.c", "Each audit record of the server names the server and the host where the request arrived.", *WHERE)
    yield Claim(
        "au-3_smt.d",
        "Each audit record of the server gives the network address that the call came from and the program that the caller names.",
        *SOURCE,
    )
    yield Claim("au-3_smt.e", "Each audit record of the server says whether the call succeeded, failed or was refused.", *OUTCOME)
    if known:
        yield Claim("au-3_smt.f", "Each audit record of the server names the client and the subject of the token.", *identity)
    yield Claim("au-3.1_smt", "Each audit record of the server carries the ids of request and trace.", *FURTHER_IDS)
    yield Claim("au-8_smt.b", "Each audit record of the server has a time stamp in UTC.", *WHEN)
    yield Claim("au-9_smt.a", "What a caller sends can neither end a record early, nor add one, nor swell it.", *INTACT)
    yield Claim("au-12_smt.a", "The server writes one audit record for each request that reaches it.", *EVERY_REQUEST)
    yield Claim(
        "au-12_smt.c",
        "The server writes for each request a record of what happened, when, where, from where and with which outcome"
        + (", and for whom." if known else "."),
        *(*EVERY_REQUEST, *WHAT, *WHEN, *WHERE, *SOURCE, *OUTCOME, *identity),
    )
    yield Claim("ia-5_smt.g", "The server masks passwords, tokens and keys in arguments and results that it records.", *MASKED)
    if RECORD_CONTENT not in variables:
        switched_off = prop(f"Environment.Variables.{RECORD_CONTENT}").absent()
        yield Claim("au-3.3_smt", "Arguments and results of calls stay out of the audit records of the server.", *NO_CONTENT, switched_off)


def _form_claims() -> Iterator[Claim]:
    yield Claim(
        "si-10_smt",
        "The server answers malformed input with a defined error, and refuses headers that differ from the body and input over its limits.",
        *FORM,
        *INPUT_LIMITS,
    )
    yield Claim("ac-4_smt", "The server refuses calls from web pages of other origins, and calls to another host name.", *FOREIGN_PAGE)
    yield Claim("sc-5_smt.b", "The server refuses a body or a batch over its limit.", *INPUT_LIMITS)
    yield Claim("sc-5_smt.b", "A tool that takes too long, or returns too much, is answered for by the server.", *TOOL_LIMITS)


def _failure_claims() -> Iterator[Claim]:
    yield Claim("si-11_smt.a", "A client sees no stack trace of what fails in the server.", *NO_TRACE)
    yield Claim("si-11_smt.b", "The stack trace of a failure goes to the audit record and not to the client.", *TRACE_RECORDED, *NO_TRACE)


def _session_claims(config: Config, *, known: bool) -> Iterator[Claim]:
    yield Claim("sc-23_smt", "The server refuses a request state that was changed on its way.", *GENUINE_STATE)
    if known:
        yield Claim("sc-23_smt", "The server refuses a request state that it gave to another caller.", *OWN_STATE)
    if config.runtime.sessions:
        yield Claim("ac-12_smt", "The server refuses a session that has ended, and one past its life that is still stored.", *SESSION_ENDS)
    if config.runtime.sessions and known:
        yield Claim("sc-23_smt", "A session id is of use only to the caller who opened the session.", *OWN_SESSION)


def _access_claims() -> Iterator[Claim]:
    yield Claim("ac-3_smt", "The server refuses a tool or a resource whose scope the token lacks.", *TOOL_SCOPE, *RESOURCE_SCOPE)
    yield Claim("ac-3_smt", "The server refuses a call without a token of its issuer for one of its clients.", *NO_TOKEN, *FOREIGN_TOKEN)
    yield Claim(
        "ac-6.10_smt",
        "No caller can run a tool whose scope its token lacks, alone, in a batch or by going on with a call of its session.",
        *TOOL_SCOPE,
    )
    yield Claim(
        "sc-7.18_smt", "The server refuses a call whose token nobody has verified and that it cannot verify.", *NO_TOKEN, *UNVERIFIED_TOKEN
    )
    yield Claim("ia-9_smt", "A calling service is known to the server by issuer and client of its token.", *NO_TOKEN, *FOREIGN_TOKEN)
