"""A language server at the other end of a pipe, asked as an editor asks it."""

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
    """The server of one folder. ``|>`` in a text is where the cursor stands."""

    def __init__(self, command: Sequence[str], folder: Path, settings: JSON) -> None:
        self.folder = folder
        self._settings = settings
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
        self._answers: queue.Queue[JSON] = queue.Queue()
        self._published: queue.Queue[JSON] = queue.Queue()
        self._judged: set[str] = set()
        self._number = 0
        threading.Thread(target=self._listen, daemon=True).start()
        self._ask(
            "initialize",
            {
                "processId": None,
                "rootUri": folder.as_uri(),
                "capabilities": _CAPABILITIES,
                "workspaceFolders": [{"uri": folder.as_uri(), "name": folder.name}],
            },
        )
        self._tell("initialized", {})
        self._tell("workspace/didChangeConfiguration", {"settings": settings})

    def completions(self, file: str, text: str) -> dict[str, str]:
        """What is offered at the cursor: each label with its text."""
        found = self._at_cursor("textDocument/completion", file, text)
        return {item["label"]: _words(item.get("documentation")) for item in found["items"]}

    def inserted(self, file: str, text: str) -> dict[str, str]:
        """What is offered at the cursor: each label with what it would write."""
        found = self._at_cursor("textDocument/completion", file, text)
        return {item["label"]: item["insertText"] for item in found["items"]}

    def hover(self, file: str, text: str) -> str:
        """What is shown for the word at the cursor."""
        found = self._at_cursor("textDocument/hover", file, text)
        return _words(found["contents"]) if found else ""

    def diagnostics(self, file: str, text: str) -> list[tuple[int, str]]:
        """What is underlined: the line, counted from 1, and the message.

        Of each file once: what the server publishes does not say which of a file's texts it is about.
        """
        assert file not in self._judged
        self._judged.add(file)
        uri = self._open(file, text)
        while (said := self._published.get(timeout=_SECONDS))["uri"] != uri:
            pass
        return [(found["range"]["start"]["line"] + 1, found["message"]) for found in said["diagnostics"]]

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def _at_cursor(self, method: str, file: str, text: str) -> Any:
        before, cursor, after = text.partition("|>")
        assert cursor, "the text has no cursor"
        uri = self._open(file, before + after)
        position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        found = self._ask(method, {"textDocument": {"uri": uri}, "position": position})
        self._close(uri)
        return found

    def _open(self, file: str, text: str) -> str:
        self._number += 1
        uri = (self.folder / file).as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": self._number, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def _close(self, uri: str) -> None:
        self._tell("textDocument/didClose", {"textDocument": {"uri": uri}})

    def _ask(self, method: str, params: JSON) -> Any:
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        answer = self._answers.get(timeout=_SECONDS)
        assert answer["id"] == self._number
        assert "error" not in answer, answer
        return answer["result"]

    def _tell(self, method: str, params: JSON) -> None:
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
                self._send({"id": message["id"], "result": self._answer(message)})
            elif message.get("method") == "textDocument/publishDiagnostics":
                self._published.put(message["params"])
            elif "id" in message:
                self._answers.put(message)

    def _answer(self, question: JSON) -> Any:
        if question["method"] != "workspace/configuration":
            return None
        return [self._settings.get(item.get("section"), {}) for item in question["params"]["items"]]


def _words(text: Any) -> str:
    return str(text["value"] if isinstance(text, dict) else text or "")
