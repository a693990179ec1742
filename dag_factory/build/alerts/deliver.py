"""Deliver an alert to its channels: store it, send it, remove it. What cannot be sent now is sent later."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import msgspec

from dag_factory.build.alerts import outbox
from dag_factory.build.alerts.alert import Alert, Kept
from dag_factory.build.alerts.channels.channel_error import ChannelError
from dag_factory.build.alerts.channels.send import Work, send
from dag_factory.build.alerts.render import render
from dag_factory.config.model import Channel
from dag_factory.config.source.image_folders import ENVIRONMENT as LOCAL

SECONDS = 10.0
"""How long the channels of one alert may take together. Airflow ends the process of a task after 20 s."""

_log = logging.getLogger(__name__)


def deliver(
    alert: Alert,
    channels: Iterable[Channel],
    seconds: float = SECONDS,
    when_stored: Callable[[], None] = lambda: None,
) -> None:
    """Send the alert to all channels at the same time. Raises nothing; what happens is in the log.

    ``when_stored`` is called when the alert is stored, which means that it is not lost any more.
    """
    end = time.monotonic() + seconds
    message, stored = render(alert), [(channel, _store(alert, channel)) for channel in channels]
    when_stored()
    works = [(channel, key, Work(partial(send, channel, message))) for channel, key in stored]
    for channel, key, work in works:
        _finish(alert, channel, key, work, end - time.monotonic())


def _store(alert: Alert, channel: Channel) -> str:
    """Store the alert for one channel. Returns its key; an empty string if it could not be stored."""
    key = outbox.key_of(alert, channel)
    try:
        outbox.put(key, Kept(alert=alert, channel=channel, created=time.time()))
    except Exception as error:
        _log.warning("The alert for %s is sent now, but cannot be stored for later: %s", channel.name, error)
        return ""
    return key


def _finish(alert: Alert, channel: Channel, key: str, work: Work[str], seconds: float) -> None:
    """Wait for the result of one channel, and report it."""
    try:
        _log.info("Alert sent to %s: %s", channel.name, work.result(seconds))
        is_done = True
    except TimeoutError:
        is_done = False
        later = "it is sent later" if key else "it is lost"
        _log.warning("Alert not sent to %s: no answer in time; %s", channel.name, later)
    except ChannelError as error:
        # A laptop has no mail server, and nobody waits for its alerts.
        is_done = error.is_setup and alert.environment == LOCAL
        later = "" if is_done else "; it is sent later" if key else "; it is lost"
        _log.warning("Alert not sent to %s: %s (%s)%s", channel.name, error.problem, error.fix, later)
    if is_done and key:
        try:
            outbox.remove(key)
        except Exception as error:
            _log.warning(
                "The alert for %s is sent a second time, because it cannot be removed: %s", channel.name, error
            )


RETRY_SECONDS = 5 * 60
LONGEST_PAUSE = 60 * 60
KEEP_SECONDS = 3 * 24 * 60 * 60
IN_PROGRESS_SECONDS = 30
"""An alert younger than this may be in the hands of the process that stored it."""


def send_kept(kept: Sequence[tuple[str, Kept]], now: float, seconds: float, all_now: bool = False) -> None:
    """Send the alerts that are due, oldest first; with ``all_now`` also those that failed lately.

    A channel that fails once is not tried again in this run.
    """
    failed: set[str] = set()
    for key, one in sorted(kept, key=lambda item: item[1].created):
        name = one.channel.name
        if name in failed or not (is_due(one, now) or (all_now and one.tries)):
            continue
        try:
            done = Work(partial(send, one.channel, render(one.alert))).result(seconds)
        except (ChannelError, TimeoutError) as error:
            failed.add(name)
            _keep(key, one, error, now)
            continue
        outbox.remove(key)
        _log.info("Alert sent to %s: %s, %s", name, one.alert.headline, done)
    _log.info("%d alerts waited; %d channels failed.", len(kept), len(failed))


def is_due(kept: Kept, now: float) -> bool:
    """Whether it is time to try again: at first every five minutes, later every hour."""
    if not kept.tries:
        return now - kept.created >= IN_PROGRESS_SECONDS
    pause: float = min(RETRY_SECONDS * 2 ** min(kept.tries - 1, 10), LONGEST_PAUSE)
    return now - kept.last_try >= pause - 30


def _keep(key: str, kept: Kept, error: Exception, now: float) -> None:
    """Keep an alert that failed again; give it up after three days."""
    problem = f"{error.problem} ({error.fix})" if isinstance(error, ChannelError) else "no answer in time"
    if now - kept.created > KEEP_SECONDS:
        _log.error("Alert given up for %s after 3 days: %s: %s", kept.channel.name, kept.alert.headline, problem)
        outbox.remove(key)
        return
    _log.warning("Alert not sent to %s: %s; it is kept", kept.channel.name, problem)
    outbox.put(key, msgspec.structs.replace(kept, tries=kept.tries + 1, last_try=now, error=problem[:500]))
