"""Which mounts a container gets: those of its pod and those of its image."""

from __future__ import annotations

from pathlib import Path

from ..runtime.engine import ContainerSpec, Mount
from .images.local_images import LocalImage


def merge_mounts(spec: ContainerSpec, image: LocalImage, state: Path, *, has_namespaces: bool) -> list[Mount]:
    """The mounts of the pod, then of the image where the pod has none, sorted so that outer targets come first.

    ``has_namespaces`` adds the folders of programs that the image puts into PATH, and the pod's files in /etc.
    """
    from_pod = {m.target.rstrip("/") for m in spec.mounts}
    etc = [m for m in spec.etc_mounts if m.target not in from_pod] if has_namespaces else []
    from_image = [m for m in image.mounts if m.target.rstrip("/") not in from_pod]
    tools = [_tools_mount(path, state) for path in image.path_first if path.name == "bin"] if has_namespaces else []
    return sorted([*tools, *from_image, *etc, *spec.mounts], key=lambda m: m.target.rstrip("/").count("/"))


def _tools_mount(folder: Path, state: Path) -> Mount:
    """The parent of a ``bin`` folder, but of the server's own only that folder."""
    shown = folder if folder.parent == state else folder.parent
    return Mount(shown, str(shown), read_only=True)
