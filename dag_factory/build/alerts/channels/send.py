"""Send a message through a channel, within a time limit."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from dag_factory.build.alerts.channels.channel_error import ChannelError
from dag_factory.build.alerts.render import Message
from dag_factory.build.alerts.text import one_line, without_urls
from dag_factory.config.model import Channel

T = TypeVar("T")


def send(channel: Channel, message: Message) -> str:
    """Send the message; return what was done. Raises ``ChannelError``, and no other exception."""
    try:
        # A provider is a large import, so only the one that is needed is imported, and only now.
        module = importlib.import_module(f"dag_factory.build.alerts.channels.{channel.kind}")
        return str(module.send(channel, message))
    except ChannelError:
        raise
    except Exception as error:  # a bug of a provider, for example
        problem = f"{type(error).__name__}: {one_line(without_urls(str(error)), 300)}"
        raise ChannelError(problem, "report this as a bug, with the log of this process") from error


class Work(Generic[T]):
    """A function that runs in a thread of its own. Nothing waits for it longer than it wants to.

    The thread ends with the process. Other ways to limit the time (a signal, the time limit of a socket) do not end a
    look-up of a host name, or a server that sends one byte in a second.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._result: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="dagwright-alert", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._function()
        except BaseException as error:
            self._error = error

    def result(self, seconds: float) -> T:
        """The result of the function, or its exception. Raises ``TimeoutError`` after ``seconds``."""
        self._thread.join(max(0.0, seconds))
        if self._thread.is_alive():
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]
