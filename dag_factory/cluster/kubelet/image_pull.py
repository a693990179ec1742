"""Pulls a container's image, with a kubelet's events and back-off."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from ..runtime.engine import Engine, PulledImage, PullError
from .formatting import BACK_OFF, format_duration

_ERROR_SHOWN = 2.0  # seconds that the status shows ErrImagePull before ImagePullBackOff


class Reporter(Protocol):
    """Receives a container's events and waiting states."""

    def event(self, kind: str, reason: str, message: str) -> None: ...

    def wait_with(self, reason: str, message: str) -> None: ...


async def pull(engine: Engine, image: str, policy: str, reporter: Reporter) -> PulledImage:
    """The image. Retries without a limit. ``policy`` is the ``imagePullPolicy``."""
    back_off = BACK_OFF[0]
    while True:
        try:
            return await _try_pull(engine, image, policy, reporter)
        except PullError as error:
            if error.reason == "InvalidImageName":
                reporter.event("Warning", "InspectFailed", error.message)
            elif error.reason == "ErrImagePull":
                reporter.event("Warning", "Failed", f'Failed to pull image "{image}": {error.message}')
            reporter.event("Warning", "Failed", f"Error: {error.reason}")
            reporter.wait_with(error.reason, error.message)
            if error.reason == "ErrImagePull":
                await asyncio.sleep(_ERROR_SHOWN)
                text = f'Back-off pulling image "{image}"'
                reporter.event("Normal", "BackOff", text)
                reporter.event("Warning", "Failed", "Error: ImagePullBackOff")
                reporter.wait_with("ImagePullBackOff", f"{text}: ErrImagePull: {error.message}")
            await asyncio.sleep(back_off)
            back_off = min(back_off * 2, BACK_OFF[1])


async def _try_pull(engine: Engine, image: str, policy: str, reporter: Reporter) -> PulledImage:
    present = await engine.present(image)
    if present is None and policy == "Never":
        raise PullError("ErrImageNeverPull", f'Container image "{image}" is not present with pull policy of Never')
    if present is not None and policy != "Always":
        reporter.event("Normal", "Pulled", f'Container image "{image}" already present on machine')
        return present
    reporter.event("Normal", "Pulling", f'Pulling image "{image}"')
    began = time.monotonic()
    pulled = await engine.pull(image)
    took = format_duration(round(time.monotonic() - began, 3))
    reporter.event("Normal", "Pulled", f'Successfully pulled image "{image}" in {took} ({took} including waiting).')
    return pulled
