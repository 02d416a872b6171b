"""The root: Debian 11 with the Odoo 14 and the PostgreSQL that it ships."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.sandbox.errors import SandboxError
from tests.sandbox.host import as_root, in_root, run, say, step
from tests.sandbox.layout import PACKAGES, SUITE, Layout

_NETWORK = (
    "check the network, or name another mirror in WERKSTROOM_DEBIAN_MIRROR, and run `python -m tests.sandbox up` again"
)


def provision(layout: Layout) -> None:
    """Make the root complete; nothing to do when its marker stands there.

    A root without marker is what a killed or failed run left: it is removed, because debootstrap cannot resume.
    """
    wanted = " ".join((SUITE, *PACKAGES))
    if layout.provisioned.is_file() and layout.provisioned.read_text(encoding="utf-8").strip() == wanted:
        mount_proc(layout)
        return
    log = layout.logs / "provision.log"
    if layout.root.exists():
        say("the root is unfinished or of another kind; starting it again")
        remove_root(layout)
    layout.logs.mkdir(parents=True, exist_ok=True)
    _install_debootstrap(log)
    mirror = os.environ.get("WERKSTROOM_DEBIAN_MIRROR")
    with step(f"debootstrap of Debian {SUITE}", _NETWORK):
        command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(layout.root)]
        run(as_root(command + ([mirror] if mirror else [])), log=log)
    _write(layout.inside("/usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n", "755")
    mount_proc(layout)
    with step(f"install of {' and '.join(PACKAGES)} with what they need", _NETWORK):
        apt = ["apt-get", "-q", "-y", "-o", "Acquire::Retries=3"]
        run(in_root(layout, "root", [*apt, "install", "--no-install-recommends", *PACKAGES]), log=log)
        run(in_root(layout, "root", [*apt, "clean"]), log=log)
    _write(layout.provisioned, wanted + "\n", "644")


def _install_debootstrap(log: Path) -> None:
    """The one package that the host itself must have."""
    if shutil.which("debootstrap", path="/usr/sbin:/sbin:/usr/bin:/bin"):
        return
    with step("install of debootstrap on this machine", _NETWORK):
        run(as_root(["apt-get", "-q", "-y", "update"]), log=log)
        run(as_root(["apt-get", "-q", "-y", "install", "--no-install-recommends", "debootstrap"]), log=log)


def _write(path: Path, text: str, mode: str) -> None:
    """Write a file of root's: whole or not at all."""
    script = 'cat >"$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"'
    run(as_root(["sh", "-c", script, "sh", str(path), mode]), stdin=text)


def write_for(layout: Layout, user: str, inside: str, text: str) -> None:
    """Write a file inside the root that only `user` can read."""
    path = layout.inside(inside)
    run(as_root(["mkdir", "-p", str(path.parent)]))
    _write(path, text, "600")
    run(in_root(layout, "root", ["chown", f"{user}:{user}", inside]))


def proc_is_mounted(layout: Layout) -> bool:
    """Whether the kernel's /proc is mounted in the root."""
    return os.path.ismount(layout.root / "proc")


def mount_proc(layout: Layout) -> None:
    """Packages' scripts, PostgreSQL and Odoo's workers read /proc; after a reboot it is gone."""
    if proc_is_mounted(layout):
        return
    with step("mount of /proc in the root", "a container needs the right to mount (CAP_SYS_ADMIN)"):
        run(as_root(["mount", "-t", "proc", "proc", str(layout.root / "proc")]))


def unmount_proc(layout: Layout) -> None:
    """Leave nothing of the root mounted."""
    if proc_is_mounted(layout):
        run(as_root(["umount", str(layout.root / "proc")]))


def remove_root(layout: Layout) -> None:
    """Remove the root, with /proc unmounted first: removing files of a mounted /proc would be the host's."""
    unmount_proc(layout)
    if proc_is_mounted(layout):
        raise SandboxError(f"{layout.root}/proc is still mounted: unmount it, then run again")
    with step("removal of the old root"):
        run(as_root(["rm", "-rf", "--one-file-system", str(layout.root)]))
