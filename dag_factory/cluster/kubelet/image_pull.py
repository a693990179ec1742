"""Getting a container's image, with the events and waits of a kubelet that tries again."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from ..runtime.engine import Engine, PulledImage, PullError
from .formatting import BACK_OFF, format_duration

_TRIED = 2.0  # seconds that ErrImagePull is seen before ImagePullBackOff


class Told(Protocol):
    """Who hears of a container's progress."""

    def event(self, kind: str, reason: str, message: str) -> None: ...

    def wait_with(self, reason: str, message: str) -> None: ...


async def pull(engine: Engine, image: str, policy: str, told: Told) -> PulledImage:
    """The image, however long that takes."""
    back_off = BACK_OFF[0]
    while True:
        try:
            return await _once(engine, image, policy, told)
        except PullError as error:
            if error.reason == "InvalidImageName":
                told.event("Warning", "InspectFailed", error.message)
            elif error.reason == "ErrImagePull":
                told.event("Warning", "Failed", f'Failed to pull image "{image}": {error.message}')
            told.event("Warning", "Failed", f"Error: {error.reason}")
            told.wait_with(error.reason, error.message)
            if error.reason == "ErrImagePull":
                await asyncio.sleep(_TRIED)
                text = f'Back-off pulling image "{image}"'
                told.event("Normal", "BackOff", text)
                told.event("Warning", "Failed", "Error: ImagePullBackOff")
                told.wait_with("ImagePullBackOff", f"{text}: ErrImagePull: {error.message}")
            await asyncio.sleep(back_off)
            back_off = min(back_off * 2, BACK_OFF[1])


async def _once(engine: Engine, image: str, policy: str, told: Told) -> PulledImage:
    present = await engine.present(image)
    if present is None and policy == "Never":
        raise PullError("ErrImageNeverPull", f'Container image "{image}" is not present with pull policy of Never')
    if present is not None and policy != "Always":
        told.event("Normal", "Pulled", f'Container image "{image}" already present on machine')
        return present
    told.event("Normal", "Pulling", f'Pulling image "{image}"')
    began = time.monotonic()
    pulled = await engine.pull(image)
    took = format_duration(round(time.monotonic() - began, 3))
    told.event("Normal", "Pulled", f'Successfully pulled image "{image}" in {took} ({took} including waiting).')
    return pulled
