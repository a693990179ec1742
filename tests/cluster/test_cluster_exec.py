"""Exec over WebSocket: streams, exit codes, standard input, signals to the container's processes."""

from __future__ import annotations

import json
import signal
import ssl
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import websocket
from live import Live, pod, terminated, until


@pytest.fixture(scope="module", params=["processes", "docker"])
def live(request: pytest.FixtureRequest) -> Live:
    """Both engines, one after the other."""
    found: Live = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def target(live: Live) -> Iterator[str]:
    live.create(pod("target", "echo shared > /tmp/f; while true; do sleep 0.1; done"))
    live.phase("target", "Running")
    until(lambda: live.exec("target", "sh", "-c", "cat /tmp/f 2>/dev/null; true") == "shared\n")
    yield "target"
    live.call("DELETE", "/api/v1/namespaces/default/pods/target", {"gracePeriodSeconds": 0})


def _frames(live: Live, name: str, *command: str, protocol: str = "v4.channel.k8s.io") -> list[tuple[int, str]]:
    """The channel and text of every message until the server closes, as in the recordings of a real cluster."""
    query = "&".join([f"command={quote(word, safe='')}" for word in command] + ["stdout=true", "stderr=true"])
    socket = websocket.create_connection(
        live.handle.server.replace("http", "ws", 1) + f"/api/v1/namespaces/default/pods/{name}/exec?{query}",
        subprotocols=[protocol],
        header=[f"Authorization: Bearer {live.token}"],
        sslopt={"ca_certs": str(live.handle.state / "server.crt")},
        timeout=300,
    )
    assert socket.getsubprotocol() == protocol
    frames = []
    while True:
        opcode, data = socket.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            assert data == b"\x03\xe8"
            return frames
        frames.append((data[0], data[1:].decode()))


def test_a_command_runs_inside_the_container(live: Live, target: str) -> None:
    assert live.exec(target, "cat", "/tmp/f") == "shared\n"
    assert live.exec(target, "hostname") == "target\n"


@pytest.mark.parametrize("protocol", ["v4.channel.k8s.io", "v5.channel.k8s.io"])
def test_frames_as_a_real_cluster_sends_them(live: Live, target: str, protocol: str) -> None:
    first, *streams, last = _frames(live, target, "sh", "-c", "cat /tmp/f; echo warn >&2", protocol=protocol)
    assert first == (1, "")
    assert sorted(streams) == [(1, "shared\n"), (2, "warn\n")]  # the server reads the two streams separately
    assert last == (3, '{"metadata":{},"status":"Success"}')


def test_an_exit_code_is_sent_as_a_status(live: Live, target: str) -> None:
    channel, text = _frames(live, target, "sh", "-c", "exit 7")[-1]
    assert channel == 3
    assert json.loads(text) == {
        "metadata": {},
        "status": "Failure",
        "message": "command terminated with non-zero exit code: error executing command [sh -c exit 7], exit code 7",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": "7"}]},
    }


def test_a_program_that_does_not_exist(live: Live, target: str) -> None:
    status = json.loads(_frames(live, target, "/nope")[-1][1])
    assert (status["status"], status["reason"], status["code"]) == ("Failure", "InternalError", 500)
    assert status["message"].endswith(
        "OCI runtime exec failed: exec failed: unable to start container process: "
        'exec: "/nope": stat /nope: no such file or directory: unknown'
    )


def test_a_shell_reads_standard_input(live: Live, target: str) -> None:
    shell = live.exec(target, "/bin/sh", stdin=True, _preload_content=False)
    shell.write_stdin("cat /tmp/f\n")
    assert shell.readline_stdout(timeout=300) == "shared"
    shell.write_stdin("echo oops >&2; exit 3\n")
    shell.run_forever(timeout=300)
    assert shell.read_stderr() == "oops\n"
    assert shell.returncode == 3


def test_the_v5_protocol_closes_standard_input(live: Live, target: str) -> None:
    cat = live.exec(target, "cat", stdin=True, _preload_content=False)
    assert cat.subprotocol == "v5.channel.k8s.io"
    cat.write_stdin("through")
    cat.close_channel(0)
    cat.run_forever(timeout=300)
    assert (cat.read_stdout(), cat.returncode) == ("through", 0)


def test_a_terminal(live: Live, target: str) -> None:
    assert live.exec(target, "sh", "-c", "test -t 0 && echo a terminal", stdin=True, tty=True) == "a terminal\r\n"


def test_large_output_is_complete(live: Live, target: str) -> None:
    assert live.exec(target, "seq", "1", "100000").splitlines()[-1] == "100000"


def test_the_process_ends_when_the_client_disconnects(live: Live, target: str) -> None:
    shell = live.exec(target, "sleep", "3131", _preload_content=False)
    until(lambda: "sleep 3131" in live.exec(target, "ps", "ax"))
    shell.close()
    until(lambda: "sleep 3131" not in live.exec(target, "ps", "ax"))


def test_a_signal_to_process_1_reaches_the_container(live: Live) -> None:
    sidecar = 'trap "exit 0" INT; while true; do sleep 0.1; done;'
    live.create(pod("interrupted", sidecar))
    live.phase("interrupted", "Running")
    live.waits_for_handler("interrupted", signal.SIGINT)
    live.exec("interrupted", "sh", "-c", "kill -2 1")
    assert terminated(live.phase("interrupted", "Succeeded"))["exitCode"] == 0


def test_exec_into_a_finished_or_missing_pod_fails(live: Live) -> None:
    live.run(pod("ended"))
    with pytest.raises(websocket.WebSocketBadStatusException) as failure:
        _frames(live, "ended", "true")
    assert failure.value.status_code == 400
    assert b"cannot exec into a container in a completed pod; current phase is Succeeded" in failure.value.resp_body
    with pytest.raises(websocket.WebSocketBadStatusException) as failure:
        _frames(live, "nobody", "true")
    assert failure.value.status_code == 404


def test_exec_without_a_token_is_rejected(live: Live, target: str) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as failure:
        websocket.create_connection(
            live.handle.server.replace("http", "ws", 1) + f"/api/v1/namespaces/default/pods/{target}/exec?command=id",
            sslopt={"cert_reqs": ssl.CERT_NONE},
        )
    assert failure.value.status_code == 401
