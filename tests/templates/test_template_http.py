"""``http@v1``: the request, the output, the statuses that fail the job, and how secrets are protected."""

from __future__ import annotations

from typing import Any

import pytest
from live import Live
from running import compile_job, create_secret, failure_of, problems_of, run_in_pod, run_process
from web import Web


def test_a_request_with_all_inputs_and_a_part_of_the_response(live: Live, server: Web) -> None:
    create_secret(live, "api", token="t0ken\n", plain="k3y")
    nasty = 'a&b=c "q" $(HTTP_HEADER_2) é'
    job = compile_job(
        "http@v1",
        {
            "method": "POST",
            "url": f"{server.url}/echo?fixed=1",
            "query": {"day": "{{ run_date }}", "said": "{{ output('extract').said }}", "many": [1, 2]},
            "headers": {
                "Accept": "application/json",
                "Authorization": {"secret": "api/token", "prefix": "Bearer "},
                "X-Key": {"secret": "api/plain"},
            },
            "json": {"rows": "{{ output('extract').rows | tojson }}", "note": "<{{ output('extract').said }}>"},
            "json_path": "headers.Authorization",
        },
        env={"OTHER": "kept"},
    )
    assert "kept" in [variable.value for variable in job.env]
    assert run_in_pod(live, job, {"extract": {"said": nasty, "rows": [1]}}) == "Bearer t0ken"
    seen = server.requests["echo"]
    assert (seen["method"], seen["headers"]["X-Key"], seen["headers"]["Content-Type"]) == (
        "POST",
        "k3y",
        "application/json",
    )
    assert seen["body"] == '{"rows": [1], "note": "<a&b=c \\"q\\" $(HTTP_HEADER_2) \\u00e9>"}'
    assert seen["path"].startswith(
        "/echo?fixed=1&day=2026-01-31&said=a%26b%3Dc+%22q%22+%24%28HTTP_HEADER_2%29+%C3%A9&many=1"
    )


def test_an_unexpected_status_fails_the_job(live: Live, server: Web) -> None:
    failure = failure_of(live, compile_job("http@v1", {"url": f"{server.url}/status/503"}))
    assert f"http@v1: GET {server.url}/status/503: the status is 503, not 200 to 299. This is 503." in failure
    expected = {"url": f"{server.url}/status/404/x", "expected_status": [200, 404]}
    assert run_in_pod(live, compile_job("http@v1", expected)) == "This is 404."


@pytest.mark.parametrize(
    ("path", "inputs", "code", "message"),
    [
        ("text", {}, 0, "200, 12 bytes"),
        ("text", {"method": "HEAD"}, 0, "200, 0 bytes"),
        ("text", {"method": "PUT", "body": "{{ run_date }}"}, 0, "200, 12 bytes"),
        ("status/404", {}, 65, "the status is 404, not 200 to 299. This is 404."),
        ("status/429", {}, 1, "the status is 429"),
        ("status/200", {"expected_status": 204}, 1, "the status is 200, not one of [204]"),
        (
            "text",
            {"max_bytes": 5},
            65,
            "the response is longer than 5 bytes: request less data, or increase",
        ),
        ("text", {"json_path": "a"}, 65, "the response is not valid JSON"),
        ('json/{"a":[{"b":7}]}', {"json_path": "a.0.b"}, 0, ""),
        ('json/{"a":[{"b":7}]}', {"json_path": "a.1.b"}, 65, "the response has no `a.1.b`: `1` is not in a list of 1"),
        ('json/{"a":[{"b":7}]}', {"json_path": "b"}, 65, "the response has no `b`: `b` is not in ['a']"),
        ("json/{", {}, 65, "the response is not valid JSON"),
        ("text", {"headers": {"X": "a\nb: c"}}, 64, "the URL or a header has a character that is not allowed"),
        ("a b", {}, 64, "the URL or a header has a character that is not allowed"),
    ],
)
def test_responses(server: Web, path: str, inputs: dict[str, Any], code: int, message: str) -> None:
    result = run_process(compile_job("http@v1", {"url": f"{server.url}/{path}", **inputs}))
    assert message in result.error and result.code == code, result
    assert "Traceback" not in result.error


def test_an_unreachable_server_is_a_temporary_failure() -> None:
    result = run_process(compile_job("http@v1", {"url": "http://127.0.0.1:9/x?token=abc", "timeout": "1s"}))
    assert result.code == 1 and "http://127.0.0.1:9/x: no response: [Errno 111] Connection refused" in result.error
    assert "abc" not in result.error


def test_a_redirect_to_another_server_drops_the_headers(server: Web) -> None:
    host = server.url.removeprefix("http://").replace("127.0.0.1", "localhost")
    inputs = {"url": f"{server.url}/to/{host}/echoed", "headers": {"X-Key": {"secret": "a/b"}}}
    assert run_process(compile_job("http@v1", inputs), {"HTTP_HEADER_1": "k3y"}).code == 0
    assert "k3y" in str(server.requests["to"]) and "k3y" not in str(server.requests["echoed"])
    assert run_process(compile_job("http@v1", {**inputs, "expected_status": 302}), {"HTTP_HEADER_1": "k3y"}).code == 0


def test_a_file_url_is_rejected_also_at_run_time_and_in_a_redirect(server: Web) -> None:
    job = compile_job("http@v1", {"url": "{{ output('extract').url }}"})
    result = run_process(job, outputs={"extract": {"url": "file:///etc/passwd"}})
    assert result.code == 64 and "the URL must start with http:// or https://" in result.error
    result = run_process(job, outputs={"extract": {"url": f"{server.url}/to/x"}})
    assert result.code == 1


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ("{}", "missing-input the template `http@v1` needs the input `url` -- add `url:` under `with:`. The URL."),
        (
            "{url: 'ftp://a'}",
            "bad-input the input `url` of `http@v1`: `ftp://a` is not a URL that starts with http://",
        ),
        ("{url: 'https://me:word@a'}", "bad-input the input `url` of `http@v1`"),
        ("{url: 'https://a', method: get}", "bad-input the input `method` of `http@v1`: `get` is not one of GET, HEAD"),
        (
            "{url: 'https://a', body: b, json: {}}",
            "bad-input the template `http@v1`: `body` and `json` cannot be used together",
        ),
        (
            "{url: 'https://a', expected_status: ok}",
            "bad-input the input `expected_status` of `http@v1`: `ok` is not a status",
        ),
        ("{url: 'https://a', headers: {A: {secrt: a/b}}}", "bad-input the input `headers` of `http@v1`"),
        (
            "{url: 'https://a', headers: {'A B': c}}",
            "bad-input the input `headers` of `http@v1`: `A B` is not the name of a header",
        ),
        (
            "{url: 'https://a', timeout: 30}",
            "bad-input the input `timeout` of `http@v1`: `30` is not a time such as 30s",
        ),
        (
            "{url: 'https://a', json_path: 'a[0]'}",
            "bad-input the input `json_path` of `http@v1`: `a[0]` is not a path such",
        ),
    ],
)
def test_a_wrong_call_is_reported_when_the_file_is_read(inputs: str, expected: str) -> None:
    problems = problems_of("http@v1", inputs)
    assert any(line.startswith(expected) for line in problems), problems
