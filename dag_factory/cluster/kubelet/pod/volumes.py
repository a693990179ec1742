"""The volumes of a pod are folders on this machine. Mounts refer to them."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path
from typing import Any

from ...objects.quantity import parse
from ...objects.store import Object
from ...runtime.engine import Mount
from ..folders import NodeFolders
from . import ownership
from .environment import ConfigError, Find, contents, expand, field, resource_field

_SPECIAL = {"Socket": stat.S_ISSOCK, "CharDevice": stat.S_ISCHR, "BlockDevice": stat.S_ISBLK}
_SPECIAL_NAMES = {"Socket": "socket", "CharDevice": "character device", "BlockDevice": "block device"}


class VolumeError(Exception):
    """A volume can't be set up at the moment. ``volume`` is its name."""

    def __init__(self, volume: str, message: str) -> None:
        super().__init__(message)
        self.volume = volume


class Volumes:
    """The volumes of one pod, in ``folder`` and in the node's ``folders``. ``node`` is the node's capacity.

    ``strict``: only root can write to a claim, unless the pod has an ``fsGroup``.
    """

    def __init__(
        self, pod: Object, folder: Path, folders: NodeFolders, find: Find, node: dict[str, str], *, strict: bool = False
    ) -> None:
        self.pod = pod
        self.folder = folder
        self.claims = folders.claims / pod["metadata"]["namespace"]
        self.memory = folders.memory / pod["metadata"]["uid"]
        self.state = folders.state
        self.find = find
        self.node = node
        self.strict = strict
        self._sources: dict[str, Path] = {}

    def set_up(self) -> None:
        """Create the folder of every volume. Raises VolumeError for the first that fails."""
        for volume in self.pod["spec"].get("volumes") or []:
            name = volume["name"]
            if name not in self._sources:
                try:
                    self._sources[name] = self._set_up(name, volume)
                except ConfigError as error:
                    raise VolumeError(name, str(error)) from error
                except OSError as error:
                    raise VolumeError(name, f"{error.strerror or error}: {error.filename or ''}") from error

    def mounts(self, container: dict[str, Any], env: dict[str, str]) -> list[Mount]:
        """The mounts of a container. Raises ConfigError for a sub-path outside its volume."""
        found = []
        for item in container.get("volumeMounts") or []:
            source = self._sources[item["name"]]
            sub = item.get("subPath") or expand(item.get("subPathExpr") or "", env)
            if sub:
                source = self._sub_path(source, sub)
            kind, size = "bind", None
            volume = self._volume(item["name"])
            empty = volume.get("emptyDir") or {}
            read_only = bool(item.get("readOnly") or (volume.get("persistentVolumeClaim") or {}).get("readOnly"))
            if empty.get("medium") == "Memory" and self._mounted_once(item["name"]):
                kind, size = "tmpfs", int(parse(empty["sizeLimit"])) if empty.get("sizeLimit") else None
            found.append(Mount(source, item["mountPath"], read_only, kind, size, self._group))
        return found

    def every_mount(self) -> list[Mount]:
        """The mounts of all containers, without those whose sub-path is not known yet."""
        spec, found = self.pod["spec"], []
        for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
            with contextlib.suppress(ConfigError):
                found += self.mounts(container, {})
        return found

    def tear_down(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.memory, ignore_errors=True)

    def _volume(self, name: str) -> dict[str, Any]:
        return next(v for v in self.pod["spec"]["volumes"] if v["name"] == name)

    @property
    def _group(self) -> int | None:
        """The group that owns the pod's volumes."""
        group: int | None = (self.pod["spec"].get("securityContext") or {}).get("fsGroup")
        return group

    def _mounted_once(self, name: str) -> bool:
        """Whether one container uses the volume. It then gets a tmpfs with a size limit instead of a shared folder."""
        spec = self.pod["spec"]
        every = [*(spec.get("initContainers") or []), *spec["containers"]]
        mounted = [m for c in every for m in c.get("volumeMounts") or [] if m["name"] == name]
        return len(mounted) == 1

    def _set_up(self, name: str, volume: dict[str, Any]) -> Path:
        folder = self.folder / name
        if "persistentVolumeClaim" in volume:
            return self._claim(volume["persistentVolumeClaim"]["claimName"])
        if "hostPath" in volume:
            return _host_path(volume["hostPath"], self.state)
        if "emptyDir" in volume:
            in_memory = (volume["emptyDir"] or {}).get("medium") == "Memory"
            return ownership.give_to(self._group, _open_folder(self.memory / name if in_memory else folder))
        files = self._files(volume)
        if files is None:
            kind = next((key for key in volume if key != "name"), "nothing")
            raise ConfigError(f"the local cluster does not support volumes of type {kind}")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path, (data, mode) in files.items():
            target = folder / path
            if ".." in Path(path).parts:
                raise ConfigError(f"invalid path {path}: must not contain '..'")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            target.chmod(mode)
        return ownership.give_to(self._group, folder, read_only=True)

    def _claim(self, name: str) -> Path:
        """The folder of a claim. Raises ConfigError for a name that leads elsewhere."""
        if not name or "/" in name or name in (".", ".."):
            raise ConfigError(f'persistentvolumeclaim "{name}" not found')
        folder = self.claims / name
        if not self.strict:
            return ownership.give_to(self._group, _open_folder(folder))
        folder.mkdir(parents=True, exist_ok=True)
        if self._group is None and folder.stat().st_uid == os.geteuid():
            folder.chmod(0o755)
        return ownership.give_to(self._group, folder)

    def _files(self, volume: dict[str, Any]) -> dict[str, tuple[bytes, int]] | None:
        """The files of a volume: content and mode by path. None for a type that does not consist of files."""
        if "projected" in volume:
            projected = volume["projected"]
            files: dict[str, tuple[bytes, int]] = {}
            for source in projected.get("sources") or []:
                files |= self._source(source, projected.get("defaultMode", 0o644), name_key="name") or {}
            return files
        return self._source(volume, None, name_key="")

    def _source(
        self, source: dict[str, Any], default: int | None, name_key: str
    ) -> dict[str, tuple[bytes, int]] | None:
        for key, resource, kind in (("configMap", "configmaps", "configmap"), ("secret", "secrets", "secret")):
            if key in source:
                reference = source[key]
                name = reference.get(name_key or ("secretName" if key == "secret" else "name"), "")
                mode = default if default is not None else reference.get("defaultMode", 0o644)
                # A real cluster has this config map in every namespace. This one has no certificate.
                optional = reference.get("optional") or name == "kube-root-ca.crt"
                return self._keys(reference, resource, kind, name, mode, bool(optional))
        if "downwardAPI" in source:
            items = source["downwardAPI"].get("items") or []
            mode = default if default is not None else source["downwardAPI"].get("defaultMode", 0o644)
            return {item["path"]: (self._downward(item), item.get("mode", mode)) for item in items}
        if "serviceAccountToken" in source:
            return {}
        return None

    def _keys(
        self, reference: dict[str, Any], resource: str, kind: str, name: str, mode: int, optional: bool
    ) -> dict[str, tuple[bytes, int]]:
        obj = self.find(resource, name)
        if obj is None:
            if optional:
                return {}
            raise ConfigError(f'{kind} "{name}" not found')
        values = contents(resource, obj)
        if not reference.get("items"):
            return {key: (data, mode) for key, data in values.items()}
        found = {}
        for item in reference["items"]:
            if item["key"] in values:
                found[item["path"]] = (values[item["key"]], item.get("mode", mode))
            elif not optional:
                raise ConfigError(f"references non-existent {kind} key: {item['key']}")
        return found

    def _downward(self, item: dict[str, Any]) -> bytes:
        if item.get("fieldRef"):
            return field(item["fieldRef"]["fieldPath"], self.pod).encode()
        return resource_field(item["resourceFieldRef"], self.pod, self.pod["spec"]["containers"][0], self.node).encode()

    def _sub_path(self, source: Path, sub: str) -> Path:
        if ".." in Path(sub).parts or Path(sub).is_absolute():
            raise ConfigError(f"failed to prepare subPath for volumeMount: {sub} must stay in its volume")
        inside = source / sub
        if not inside.exists():
            _open_folder(inside)
        if not inside.resolve().is_relative_to(source.resolve()):
            raise ConfigError(f"failed to prepare subPath for volumeMount: {sub} must stay in its volume")
        return inside


def _open_folder(path: Path) -> Path:
    """Create a folder that any user can write to, as for an emptyDir."""
    path.mkdir(parents=True, exist_ok=True)
    before = path.stat()
    if before.st_uid == os.geteuid() and before.st_mode & 0o777 != 0o777:  # a change would clear the bit of fsGroup
        path.chmod(0o777)
    return path


def _host_path(source: dict[str, Any], state: Path) -> Path:
    """A path of this machine. Raises ConfigError if it has another type, or is in the folder of this cluster."""
    path, kind = Path(source["path"]), source.get("type") or ""
    if path.resolve().is_relative_to(state.resolve()):
        raise ConfigError(f"hostPath {path} is in the folder of the local cluster, which pods must not see")
    if kind == "DirectoryOrCreate":
        path.mkdir(parents=True, exist_ok=True)
    elif kind == "FileOrCreate":
        path.touch()
    elif kind == "Directory" and not path.is_dir():
        raise ConfigError(f"hostPath type check failed: {path} is not a directory")
    elif kind == "File" and not path.is_file():
        raise ConfigError(f"hostPath type check failed: {path} is not a file")
    elif kind in _SPECIAL and not (path.exists() and _SPECIAL[kind](path.stat().st_mode)):
        raise ConfigError(f"hostPath type check failed: {path} is not a {_SPECIAL_NAMES[kind]}")
    if not path.exists():
        path.mkdir(parents=True)
    return path
