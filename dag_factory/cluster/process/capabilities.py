"""The capabilities of Linux that a container may have: the usual ones, and what its security context adds or drops."""

from __future__ import annotations

from ..runtime.engine import ContainerSpec

# In the order of their numbers.
_NAMES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN "
    "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE "
    "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()
_NUMBERS = {name: number for number, name in enumerate(_NAMES)}

# What container engines leave to root, without MKNOD: there is no control group that limits devices here.
_DEFAULT = frozenset(
    _NUMBERS[name]
    for name in "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT "
    "AUDIT_WRITE SETFCAP".split()
)


def allowed(spec: ContainerSpec) -> list[int]:
    """The numbers of the capabilities that the processes of a container may have."""
    added = _numbers(spec.capabilities_added)
    return sorted((_DEFAULT - _numbers(spec.capabilities_dropped)) | added)


def _numbers(names: tuple[str, ...]) -> set[int]:
    """The numbers of names such as ``NET_ADMIN`` or ``CAP_NET_ADMIN``. Unknown names have none."""
    plain = [name.upper().removeprefix("CAP_") for name in names]
    return set(_NUMBERS.values()) if "ALL" in plain else {_NUMBERS[name] for name in plain if name in _NUMBERS}
