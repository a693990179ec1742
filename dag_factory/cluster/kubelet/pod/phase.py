"""A pod's phase, computed from the states of its containers."""

from __future__ import annotations

from .slot import Slot


def compute_phase(slots: list[Slot], restart_policy: str) -> str:
    """The phase as the kubelet's function ``getPhase`` computes it."""
    pending_init = failed_init = 0
    for slot in slots:
        if slot.init and not slot.sidecar:
            if slot.exit_code is None:
                pending_init += 1
            elif slot.exit_code != 0:
                failed_init += 1
        elif slot.sidecar and not slot.started and slot.exit_code is None:
            pending_init += 1
    main = [slot for slot in slots if not slot.init]
    running = sum(slot.running for slot in main)
    stopped = sum(slot.exit_code is not None or ("waiting" in slot.state and bool(slot.last)) for slot in main)
    never_ran = sum("waiting" in slot.state and not slot.last for slot in main)
    succeeded = sum(slot.exit_code == 0 for slot in main)
    if failed_init and restart_policy == "Never":
        return "Failed"
    if pending_init or failed_init or never_ran:
        return "Pending"
    if running:
        return "Running"
    if stopped and restart_policy != "Always":
        if stopped == succeeded:
            return "Succeeded"
        if restart_policy == "Never":
            return "Failed"
    return "Running" if stopped else "Pending"
