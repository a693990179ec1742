"""The files of a pod in ``/etc``: hosts, hostname and resolv.conf, as a kubelet writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...objects.store import Object
from ...runtime.engine import Mount

_DOMAIN = "cluster.local"
_MAX_HOSTNAME = 63
_MAX_FQDN = 64  # characters, by the kernel
_MAX_NAMESERVERS = 3
_HOSTS = Path("/etc/hosts")
_RESOLV = Path("/etc/resolv.conf")


class HostnameError(Exception):
    """The host name of the pod is too long for the kernel."""


def short_hostname(pod: Object, node: str) -> str:
    """The host name without a domain. A pod on the host's network has the name of the node."""
    spec = pod["spec"]
    if spec.get("hostNetwork"):
        return node[:_MAX_HOSTNAME]
    return str(spec.get("hostname") or pod["metadata"]["name"][:_MAX_HOSTNAME].rstrip("-."))


def hostname(pod: Object, node: str) -> str:
    """What the program ``hostname`` prints. Raises HostnameError."""
    name, full = short_hostname(pod, node), _full_name(pod, node)
    if not pod["spec"].get("setHostnameAsFQDN") or not full:
        return name
    if len(full) > _MAX_FQDN:
        raise HostnameError(
            f"failed to construct FQDN from pod hostname and cluster domain, FQDN {full} is too long "
            f"({_MAX_FQDN} characters is the max, {len(full)} characters requested)"
        )
    return full


def write(pod: Object, node: str, ip: str, folder: Path) -> tuple[Mount, ...]:
    """Write the files into ``folder``. Returns their mounts."""
    texts = {
        "hosts": hosts(pod, node, ip, _read(_HOSTS)),
        "hostname": f"{hostname(pod, node)}\n",
        "resolv.conf": resolv_conf(pod["spec"], _read(_RESOLV)),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return tuple(Mount(folder / name, f"/etc/{name}") for name in texts)


def hosts(pod: Object, node: str, ip: str, machine: str) -> str:
    """``/etc/hosts``: the names of this machine, whose network the pod uses, the pod's own name, and its aliases."""
    name, full = short_hostname(pod, node), _full_name(pod, node)
    lines = ["# Kubernetes-managed hosts file.", *machine.splitlines()]
    if not pod["spec"].get("hostNetwork"):
        lines.append("\t".join([ip, *([full] if full else []), name]))
    aliases = pod["spec"].get("hostAliases") or []
    if aliases:
        lines += ["", "# Entries added by HostAliases."]
        lines += ["\t".join([alias["ip"], *(alias.get("hostnames") or [])]) for alias in aliases]
    return "".join(f"{line}\n" for line in lines)


def resolv_conf(spec: dict[str, Any], machine: str) -> str:
    """``/etc/resolv.conf``: that of this machine, or nothing for ``dnsPolicy: None``, and the pod's ``dnsConfig``."""
    config = spec.get("dnsConfig") or {}
    if not config and spec.get("dnsPolicy") != "None":
        return machine
    servers, searches, options = _parse("" if spec.get("dnsPolicy") == "None" else machine)
    servers += [server for server in config.get("nameservers") or [] if server not in servers]
    searches += [search for search in config.get("searches") or [] if search not in searches]
    options |= {option["name"]: str(option.get("value") or "") for option in config.get("options") or []}
    lines = [f"search {' '.join(searches)}"] if searches else []
    lines += [f"nameserver {server}" for server in servers[:_MAX_NAMESERVERS]]
    if options:
        lines.append("options " + " ".join(f"{name}:{value}" if value else name for name, value in options.items()))
    return "".join(f"{line}\n" for line in lines)


def _full_name(pod: Object, node: str) -> str:
    """The pod's name with its domain; empty if it has no subdomain."""
    subdomain = pod["spec"].get("subdomain")
    if not subdomain or pod["spec"].get("hostNetwork"):
        return ""
    return f"{short_hostname(pod, node)}.{subdomain}.{pod['metadata']['namespace']}.svc.{_DOMAIN}"


def _parse(text: str) -> tuple[list[str], list[str], dict[str, str]]:
    """Name servers, search domains and options of a ``resolv.conf``."""
    servers: list[str] = []
    searches: list[str] = []
    options: dict[str, str] = {}
    for line in text.splitlines():
        key, *words = line.split() or [""]
        if key == "nameserver":
            servers += words[:1]
        elif key == "search":
            searches = words
        elif key == "options":
            options |= {name: value for name, _, value in (word.partition(":") for word in words)}
    return servers, searches, options


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
