"""A client of a language server, which sends what an editor sends."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

JSON = dict[str, Any]
_SECONDS = 300
_CAPABILITIES = {
    "textDocument": {
        "completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown", "plaintext"]}},
        "hover": {"contentFormat": ["markdown"]},
        "publishDiagnostics": {},
    },
    "workspace": {"configuration": True, "workspaceFolders": True},
}


class LanguageServer:
    """The server of one folder. ``|>`` in a text marks the cursor."""

    def __init__(self, command: Sequence[str], folder: Path, settings: JSON) -> None:
        self.folder = folder
        self._settings = settings
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
        self._answers: queue.Queue[JSON] = queue.Queue()
        self._published: queue.Queue[JSON] = queue.Queue()
        self._diagnosed: set[str] = set()
        self._number = 0
        threading.Thread(target=self._listen, daemon=True).start()
        self._request(
            "initialize",
            {
                "processId": None,
                "rootUri": folder.as_uri(),
                "capabilities": _CAPABILITIES,
                "workspaceFolders": [{"uri": folder.as_uri(), "name": folder.name}],
            },
        )
        self._notify("initialized", {})
        self._notify("workspace/didChangeConfiguration", {"settings": settings})

    def completions(self, file: str, text: str) -> dict[str, str]:
        """Return the completions at the cursor: labels with their documentation."""
        found = self._at_cursor("textDocument/completion", file, text)
        return {item["label"]: _text(item.get("documentation")) for item in found["items"]}

    def insertions(self, file: str, text: str) -> dict[str, str]:
        """Return the completions at the cursor: labels with the text that they insert."""
        found = self._at_cursor("textDocument/completion", file, text)
        return {item["label"]: item["insertText"] for item in found["items"]}

    def hover(self, file: str, text: str) -> str:
        """Return the hover text for the word at the cursor."""
        found = self._at_cursor("textDocument/hover", file, text)
        return _text(found["contents"]) if found else ""

    def diagnostics(self, file: str, text: str) -> list[tuple[int, str]]:
        """Return the diagnostics of a text: line numbers from 1, with messages.

        Call it once for each file: the server does not say to which version of a file a diagnostic belongs.
        """
        assert file not in self._diagnosed
        self._diagnosed.add(file)
        uri = self._open(file, text)
        while (published := self._published.get(timeout=_SECONDS))["uri"] != uri:
            pass
        return [(found["range"]["start"]["line"] + 1, found["message"]) for found in published["diagnostics"]]

    def stop(self) -> None:
        """Stop the server."""
        self._process.kill()
        self._process.wait()

    def _at_cursor(self, method: str, file: str, text: str) -> Any:
        before, cursor, after = text.partition("|>")
        assert cursor, "the text has no cursor"
        uri = self._open(file, before + after)
        position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        found = self._request(method, {"textDocument": {"uri": uri}, "position": position})
        self._close(uri)
        return found

    def _open(self, file: str, text: str) -> str:
        self._number += 1
        uri = (self.folder / file).as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": self._number, "text": text}
        self._notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def _close(self, uri: str) -> None:
        self._notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def _request(self, method: str, params: JSON) -> Any:
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        answer = self._answers.get(timeout=_SECONDS)
        assert answer["id"] == self._number
        assert "error" not in answer, answer
        return answer["result"]

    def _notify(self, method: str, params: JSON) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: JSON) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self._process.stdin.flush()

    def _listen(self) -> None:
        stream = self._process.stdout
        assert stream
        while True:
            length = 0
            while header := stream.readline().strip():
                if header.lower().startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
            if not length:
                return
            message = json.loads(stream.read(length))
            if "method" in message and "id" in message:
                self._send({"id": message["id"], "result": self._respond(message)})
            elif message.get("method") == "textDocument/publishDiagnostics":
                self._published.put(message["params"])
            elif "id" in message:
                self._answers.put(message)

    def _respond(self, request: JSON) -> Any:
        if request["method"] != "workspace/configuration":
            return None
        return [self._settings.get(item.get("section"), {}) for item in request["params"]["items"]]


def _text(text: Any) -> str:
    return str(text["value"] if isinstance(text, dict) else text or "")
