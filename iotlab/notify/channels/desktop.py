"""Notifications of the desktop: ``notify-send`` on Linux and BSD, ``osascript`` on macOS.

They are for now or never: one that can't be shown is failed with its reason at once, not shown hours later.
Apprise's own desktop plug-in needs D-Bus bindings that have no wheel, so the desktop's own programs are called.
"""

from __future__ import annotations

import html
import logging
import shutil
import subprocess
import sys
from collections.abc import Callable

from iotlab.notify.channels.channel import SENT, Attempt, Outcome, Repeats

LOG = logging.getLogger(__name__)

TIMEOUT_S = 5.0
_ICONS = {"info": "dialog-information", "warning": "dialog-warning", "critical": "dialog-error"}
_SCRIPT = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"


class DesktopChannel:
    """Shows notifications on the desktop of this machine.

    Args:
        name: The channel's own name.
        platform: As `sys.platform`.
        which: Finds a program on PATH.
    """

    service = "desktop of this machine"
    repeats: Repeats = "visible"

    def __init__(
        self, name: str, *, platform: str = sys.platform, which: Callable[[str], str | None] = shutil.which
    ) -> None:
        self.name = name
        self._is_mac = platform == "darwin"
        self._wanted = "osascript" if self._is_mac else "notify-send"
        self._program = which(self._wanted)
        self._said = False

    def send(self, attempt: Attempt) -> Outcome:
        """Show it. A machine without a desktop is a refusal, which is logged once."""
        if self._program is None:
            return self._refuse(f"the program {self._wanted} is not installed")
        arguments = [self._program, *self._arguments(attempt)]
        try:
            ended = subprocess.run(arguments, capture_output=True, timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            return self._refuse(f"{self._wanted} got no answer from the desktop within {TIMEOUT_S:g} s")
        except OSError as error:
            return self._refuse(f"{self._wanted} can't be started: {error.strerror}")
        if ended.returncode:
            said = ended.stderr.decode("utf-8", "replace").strip().splitlines()
            return self._refuse(f"{self._wanted} says: {said[-1][:200] if said else f'exit code {ended.returncode}'}")
        return SENT

    def _arguments(self, attempt: Attempt) -> list[str]:
        notification = attempt.notification
        if self._is_mac:
            return ["-e", _SCRIPT, attempt.shown_title, attempt.body]
        urgency = "critical" if notification.severity == "critical" else "normal"
        icon = _ICONS[notification.severity]
        # The body is markup to most desktops, and names in it come from devices.
        body = html.escape(attempt.body, quote=False)
        return ["--app-name=iotlab", f"--urgency={urgency}", f"--icon={icon}", "--", notification.title, body]

    def _refuse(self, reason: str) -> Outcome:
        if not self._said:
            self._said = True
            LOG.warning("channel %s can't show notifications on this desktop: %s", self.name, reason)
        return Outcome("refused", reason)
