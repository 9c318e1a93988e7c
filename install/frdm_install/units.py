"""The engine as a service: the text of a systemd unit and of a launchd job. Nothing is written here."""

from __future__ import annotations

import plistlib
import shlex
from dataclasses import dataclass
from pathlib import PurePath
from xml.parsers.expat import ExpatError

from frdm_install.errors import InstallError

NAME = "frdm-engine.service"
LABEL = "frdm.engine"
"""The name of the job for launchd."""
STOP_S = 600
"""How long the frame in hand may take to end, before the engine is killed; it is then done again."""


@dataclass(frozen=True)
class Service:
    """An engine to be kept running.

    `command` with all its arguments, `home` its own folder (None: the one systemd makes for it), `read` and `write` the
    folders open to jobs. `user` is whom a service of the machine runs as, None for a service of the user who installs
    it; `network` whether it listens there.
    """

    command: tuple[str, ...]
    home: PurePath | None
    read: tuple[PurePath, ...] = ()
    write: tuple[PurePath, ...] = ()
    user: str | None = None
    network: bool = False


def systemd(service: Service) -> bytes:
    """The unit: it may write to its own folders and those open to jobs, sees GPUs and no other device, gains no rights.

    Raises:
        InstallError: a name holds what a unit cannot, or a folder lies where the service has its own.
    """
    homes = () if service.home is None else (service.home,)
    for path in (*service.read, *service.write, *homes):
        if any(path.is_relative_to(one) for one in ("/tmp", "/var/tmp")):
            raise InstallError(
                f"{path} is in a folder for temporary files, of which a service has its own; use another."
            )
    needed = _words(dict.fromkeys((*homes, *service.read, *service.write)))
    own = _words(dict.fromkeys((*homes, *service.write)))
    whole = service.user is not None
    # %S is where systemd keeps a user's state: ~/.local/state, before its version 254 ~/.config.
    mine = """StateDirectory=frdm
StateDirectoryMode=0700
Environment=XDG_STATE_HOME=%S
RuntimeDirectory=frdm
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
# The namespaces below need one of users where the manager is a user's.
PrivateUsers=yes
"""
    machine = f"""User={_word(service.user or "")}
StateDirectory=frdm
StateDirectoryMode=0700
RuntimeDirectory=frdm
RuntimeDirectoryMode=0700
Environment=XDG_RUNTIME_DIR=/run
DevicePolicy=closed
DeviceAllow=char-nvidia* rw
DeviceAllow=char-drm rw
DeviceAllow=char-kfd rw
ProtectClock=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectHostname=yes
ProtectProc=invisible
CapabilityBoundingSet=
AmbientCapabilities=
"""
    return f"""# Written by `frdm install engine`, which changes it, too; `frdm uninstall engine` takes it out.
# What is to differ on this machine goes into a drop-in: systemctl {"" if whole else "--user "}edit {NAME}
[Unit]
Description=FRDM engine: film restoration for hosts and farm tasks
Wants=network-online.target
After=network-online.target remote-fs.target nvidia-persistenced.service
RequiresMountsFor={needed}
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=exec
ExecStart={" ".join(_word(one, dollar=True) for one in service.command)}
Environment=CUDA_CACHE_PATH=%S/frdm/cuda
{machine if whole else mine}
# It ends after the frame in hand; its workers are its own to end, and to start again where one runs out of memory.
KillMode=mixed
TimeoutStopSec={STOP_S}
OOMPolicy=continue
Restart=on-failure
RestartSec=5
# 2: what it was told cannot be used; 4: no such device. Trying again would not help.
RestartPreventExitStatus=2 4

NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={own}
PrivateTmp=yes
PrivateNetwork={"no" if service.network else "yes"}
RestrictAddressFamilies=AF_UNIX{" AF_INET AF_INET6 AF_NETLINK" if service.network else ""}
ProtectControlGroups=yes
ProtectKernelTunables=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
# Not MemoryDenyWriteExecute, as kernels are compiled at run time; not UMask, as others read what it restores.

[Install]
WantedBy={"multi-user.target" if whole else "default.target"}
""".encode()


def program(unit: bytes) -> str | None:
    """The program that a unit, or a job for launchd, starts; None where it tells of none."""
    if unit.lstrip().startswith(b"<?xml"):
        try:
            words = plistlib.loads(unit).get("ProgramArguments") or [None]
        except (plistlib.InvalidFileException, ExpatError, ValueError, AttributeError):
            return None
        return None if words[0] is None else str(words[0])
    for line in unit.decode("utf-8", "replace").splitlines():
        if line.startswith("ExecStart="):
            try:
                words = shlex.split(line.removeprefix("ExecStart=").replace("%%", "%").replace("$$", "$"))
            except ValueError:
                return None
            return words[0] if words else None
    return None


def launchd(service: Service) -> bytes:
    """The job, as a property list: kept alive unless it ended well.

    Raises:
        InstallError: a name holds what a property list cannot.
    """
    if service.home is None:
        raise InstallError("launchd makes no folder for an engine; name one with --home DIR.")
    job: dict[str, object] = {
        "Label": LABEL,
        "ProgramArguments": [_plain(one) for one in service.command],
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 30,
        "ExitTimeOut": STOP_S,
        "StandardErrorPath": _plain(f"{service.home}.err"),
    }
    if service.user is not None:
        job["UserName"] = _plain(service.user)
        # A service of the machine has no folder for its socket of its own.
        job["EnvironmentVariables"] = {"XDG_RUNTIME_DIR": _plain(str(service.home / "run"))}
    return plistlib.dumps(job)


def _words(paths: dict[PurePath, None]) -> str:
    return " ".join(_word(one) for one in paths)


def _word(text: object, *, dollar: bool = False) -> str:
    """One word of a unit, quoted where it must be: `%` begins a specifier, `$` a variable in a command."""
    plain = _plain(str(text)).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    plain = plain.replace("$", "$$") if dollar else plain
    return f'"{plain}"' if not plain or any(one in plain for one in " \t'\";#") else plain


def _plain(text: str) -> str:
    if any(ord(one) < 32 for one in text):
        raise InstallError(f"{text!r} holds a line break or another control character; choose another name.")
    return text
