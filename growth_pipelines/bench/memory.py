"""Peak memory of a stretch of this process, as the operating system counts it."""

from __future__ import annotations

from pathlib import Path

_PROCESS = Path("/proc/self")


def forget_peak() -> None:
    """Begin a new stretch. Not ``ru_maxrss``, which starts at what the parent of the process held."""
    (_PROCESS / "clear_refs").write_text("5", encoding="ascii")


def peak_mb() -> int:
    """The most memory held at once since ``forget_peak``, in MB (Linux)."""
    status = (_PROCESS / "status").read_text(encoding="ascii")
    held = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(held.split()[1]) // 1024
