"""``http@v1``: what is sent, what becomes the output, which status fails the job, and where secrets do not go."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.exceptions import AirflowException
from live import Live
from running import compiled, process, refused, run, secret
from web import Web


def test_a_request_with_everything_and_a_part_of_the_answer(live: Live, server: Web) -> None:
    secret(live, "api", token="t0ken\n", plain="k3y")
    nasty = 'a&b=c "q" $(HTTP_HEADER_2) é'
    job = compiled(
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
    assert run(live, job, {"extract": {"said": nasty, "rows": [1]}}) == "Bearer t0ken"
    seen = server.asked["echo"]
    assert (seen["method"], seen["headers"]["X-Key"], seen["headers"]["Content-Type"]) == (
        "POST",
        "k3y",
        "application/json",
    )
    assert seen["body"] == '{"rows": [1], "note": "<a&b=c \\"q\\" $(HTTP_HEADER_2) \\u00e9>"}'
    assert seen["path"].startswith(
        "/echo?fixed=1&day=2026-01-31&said=a%26b%3Dc+%22q%22+%24%28HTTP_HEADER_2%29+%C3%A9&many=1"
    )


def test_a_status_that_is_not_expected_fails_the_job(live: Live, server: Web) -> None:
    with pytest.raises(
        AirflowException, match=r"http@v1: GET .*/status/503: the status is 503, not 200 to 299. This is 503."
    ):
        run(live, compiled("http@v1", {"url": f"{server.url}/status/503"}))
    expected = {"url": f"{server.url}/status/404/x", "expected_status": [200, 404]}
    assert run(live, compiled("http@v1", expected)) == "This is 404."


@pytest.mark.parametrize(
    ("path", "inputs", "code", "said"),
    [
        ("text", {}, 0, "200, 12 bytes"),
        ("text", {"method": "HEAD"}, 0, "200, 0 bytes"),
        ("text", {"method": "PUT", "body": "{{ run_date }}"}, 0, "200, 12 bytes"),
        ("status/404", {}, 65, "the status is 404, not 200 to 299. This is 404."),
        ("status/429", {}, 1, "the status is 429"),
        ("status/200", {"expected_status": 204}, 1, "the status is 200, not one of [204]"),
        ("text", {"max_bytes": 5}, 65, "the answer is longer than 5 bytes: ask for less, or raise `max_bytes`"),
        ("text", {"json_path": "a"}, 65, "the answer is no JSON"),
        ('json/{"a":[{"b":7}]}', {"json_path": "a.0.b"}, 0, ""),
        ('json/{"a":[{"b":7}]}', {"json_path": "a.1.b"}, 65, "the answer has no `a.1.b`: at `1` there is a list of 1"),
        ('json/{"a":[{"b":7}]}', {"json_path": "b"}, 65, "the answer has no `b`: at `b` there is ['a']"),
        ("json/{", {}, 65, "the answer is no JSON"),
        ("text", {"headers": {"X": "a\nb: c"}}, 64, "the address or a header holds a sign that may not stand there"),
        ("a b", {}, 64, "the address or a header holds a sign that may not stand there"),
    ],
)
def test_answers(server: Web, path: str, inputs: dict[str, Any], code: int, said: str) -> None:
    ended = process(compiled("http@v1", {"url": f"{server.url}/{path}", **inputs}))
    assert said in ended.error and ended.code == code, ended
    assert "Traceback" not in ended.error


def test_a_server_that_is_not_there_may_be_there_later() -> None:
    ended = process(compiled("http@v1", {"url": "http://127.0.0.1:9/x?token=abc", "timeout": "1s"}))
    assert ended.code == 1 and "http://127.0.0.1:9/x: no answer: [Errno 111] Connection refused" in ended.error
    assert "abc" not in ended.error


def test_headers_do_not_follow_to_another_server(server: Web) -> None:
    host = server.url.removeprefix("http://").replace("127.0.0.1", "localhost")
    inputs = {"url": f"{server.url}/to/{host}/echoed", "headers": {"X-Key": {"secret": "a/b"}}}
    assert process(compiled("http@v1", inputs), {"HTTP_HEADER_1": "k3y"}).code == 0
    assert "k3y" in str(server.asked["to"]) and "k3y" not in str(server.asked["echoed"])
    assert process(compiled("http@v1", {**inputs, "expected_status": 302}), {"HTTP_HEADER_1": "k3y"}).code == 0


def test_a_files_address_is_refused_also_when_it_comes_later(server: Web) -> None:
    job = compiled("http@v1", {"url": "{{ output('extract').url }}"})
    ended = process(job, outputs={"extract": {"url": "file:///etc/passwd"}})
    assert ended.code == 64 and "the address must begin with http:// or https://" in ended.error
    ended = process(job, outputs={"extract": {"url": f"{server.url}/to/x"}})
    assert ended.code == 1


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ("{}", "missing-input the template `http@v1` needs the input `url` -- add `url:` under `with:`. The address."),
        (
            "{url: 'ftp://a'}",
            "bad-input the input `url` of `http@v1`: `ftp://a` is not an address that begins with http://",
        ),
        ("{url: 'https://me:word@a'}", "bad-input the input `url` of `http@v1`"),
        ("{url: 'https://a', method: get}", "bad-input the input `method` of `http@v1`: `get` is not one of GET, HEAD"),
        (
            "{url: 'https://a', body: b, json: {}}",
            "bad-input the template `http@v1`: `body` and `json` exclude each other",
        ),
        (
            "{url: 'https://a', expected_status: ok}",
            "bad-input the input `expected_status` of `http@v1`: `ok` is not a status",
        ),
        ("{url: 'https://a', headers: {A: {secrt: a/b}}}", "bad-input the input `headers` of `http@v1`"),
        (
            "{url: 'https://a', headers: {'A B': c}}",
            "bad-input the input `headers` of `http@v1`: `A B` is not a header's",
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
def test_a_wrong_call_is_told_when_the_file_is_read(inputs: str, expected: str) -> None:
    assert any(line.startswith(expected) for line in refused("http@v1", inputs)), refused("http@v1", inputs)
