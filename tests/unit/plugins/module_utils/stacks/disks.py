# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A disk from which the power can be taken."""

from __future__ import annotations

import subprocess
import time


class Disk:
    """An ext4 file system in a file, mounted at ``place``. Needs root and loop devices (losetup(8)).

    What programs have written and not made durable is in the kernel's memory and not in that file. So a copy of the
    file is the disk as a machine finds it after its power was cut. Nothing makes it kinder than it has to be: by
    these options ext4 does not write data of its own accord before it commits a new name (ext4(5)).
    """

    OPTIONS = "loop,noauto_da_alloc,data=writeback,commit=600"

    def __init__(self, folder, medium=None):
        """Mounted below ``folder``, with its file in ``medium``, the same folder unless it is told."""
        self.image, self.place = (medium or folder) / "disk.img", folder / "disk"
        self.place.mkdir()
        _succeed("truncate", "--size", "64M", self.image)
        _succeed("mkfs.ext4", "-q", "-F", self.image)
        self._mount()
        self.place.chmod(0o755)

    def _mount(self):
        _succeed("mount", "-o", self.OPTIONS, self.image, self.place)

    def sync(self):
        """Make durable all that was written so far."""
        _succeed("sync", "--file-system", self.place)

    def freeze(self):
        """Keep what is on the disk at this moment, for :meth:`thaw`."""
        _succeed("cp", "--sparse=always", self.image, f"{self.image}.cut")

    def thaw(self):
        """Put in the disk that was kept. No process may use the one that is taken out."""
        self.eject()
        _succeed("mv", f"{self.image}.cut", self.image)
        self._mount()

    def eject(self):
        """Take the disk out, as soon as the last process that was killed has let go of its files."""
        deadline = time.monotonic() + 60
        while subprocess.run(["umount", self.place], capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, f"somebody still uses {self.place}"
            time.sleep(0.05)


def _succeed(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
