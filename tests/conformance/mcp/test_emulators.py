"""The emulators do what API Gateway and Lambda are documented to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from http.client import IncompleteRead

import pytest

from .gateway import ENDPOINT, METADATA, PayloadFormat
from .http_api import http_api
from .runtime_api import RuntimeApi, runtime_api
from .wire import send

SMALL = "tests.conformance.mcp.small_functions"

pytestmark = pytest.mark.conformance


@pytest.mark.parametrize("format", ["2.0", "1.0"])
def test_events_have_the_shape_of_their_format(format: PayloadFormat) -> None:  # noqa: A002  # the name API Gateway has for it
    claims = {"client_id": "abc", "scope": "invoke"}
    with http_api(f"{SMALL}:show", workers=1, format=format, tokens={"t0ken": claims}) as url:
        headers = {"Authorization": "Bearer t0ken", "X-Two": "a", "Content-Type": "application/json"}
        event = send(url, "POST", '"é"'.encode(), headers, f"{ENDPOINT}?q=1").document[2]
        missing = send(url, "POST")
        other = send(url, "PUT")
        unknown = send(url, "GET", path="/elsewhere")
        open_to_all = send(url, "GET", path=METADATA[1])
    context = event["requestContext"]
    if format == "2.0":
        assert (event["version"], event["rawPath"], event["rawQueryString"], context["http"]["method"]) == ("2.0", "/mcp", "q=1", "POST")
        assert context["authorizer"]["jwt"]["claims"] == claims
        assert event["headers"]["x-two"] == "a"
    else:
        assert (event["httpMethod"], event["path"], context["identity"]["sourceIp"]) == ("POST", "/mcp", "127.0.0.1")
        assert context["authorizer"]["claims"] == claims
        assert event["multiValueHeaders"]["X-Two"] == ["a"]
        assert event["queryStringParameters"] == {"q": "1"}
    assert (event["body"], event["isBase64Encoded"]) == ('"é"', False)
    absent = 404 if format == "2.0" else 403
    assert (missing.status, other.status, unknown.status, open_to_all.status) == (401, absent, absent, 200)
    assert ("www-authenticate" in missing.headers) == (format == "2.0")


def test_workers_share_nothing_and_all_get_work() -> None:
    with http_api(f"{SMALL}:show", workers=3) as url:
        seen = [send(url, "GET").document[:2] for _ in range(40)]
    counts: dict[int, list[int]] = {}
    for process, number in seen:
        counts.setdefault(process, []).append(number)
    assert len(counts) == 3
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in counts.values())


@pytest.mark.parametrize(("format", "failed", "late"), [("2.0", 500, 503), ("1.0", 502, 504)])
def test_a_function_that_fails_or_hangs_is_answered_for_and_replaced(format: PayloadFormat, failed: int, late: int) -> None:  # noqa: A002
    with http_api(f"{SMALL}:act", workers=1, format=format, timeout=1) as url:
        answers = [send(url, "POST", body, {"Content-Type": "text/plain"}) for body in (b"raise", b"exit", b"sleep", b"fine")]
    assert [answer.status for answer in answers] == [failed, failed, late, 204]
    assert ("x-amzn-remapped-www-authenticate" in answers[-1].headers) == (format == "1.0")


@pytest.fixture
def streaming() -> Iterator[RuntimeApi]:
    with runtime_api([sys.executable, "-m", SMALL], environments=1) as api:
        yield api


def test_streamed_answers_are_passed_on(streaming: RuntimeApi) -> None:
    answer = send(streaming.url, "POST", b"one two three")
    assert (answer.status, answer.headers["x-kind"], answer.headers["transfer-encoding"]) == (201, "stream", "chunked")
    assert answer.body == b"onetwothree"
    assert (streaming.streamed, streaming.misuse, streaming.errors) == (1, [], [])


def test_a_stream_that_fails_is_cut_off_and_the_next_one_works(streaming: RuntimeApi) -> None:
    with pytest.raises(IncompleteRead):
        send(streaming.url, "POST", b"one fail")
    assert send(streaming.url, "POST", b"two").body == b"two"
    assert [error["errorType"] for error in streaming.errors] == ["Function.Failed"]
