"""The strip at the bottom: every connection and figure in words, each with its details behind a click."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from iotlab.gui.models.lab import LabModel
from iotlab.gui.models.text import (
    UNKNOWN,
    age_text,
    count_text,
    milliseconds_text,
    number_text,
    one_line,
    plain_tooltip,
    rate_text,
    size_text,
)
from iotlab.gui.theme import Theme
from iotlab.gui.widgets.icons import icon
from iotlab.gui.widgets.labels import PlainLabel

BAR_HEIGHT = 30
Details = list[tuple[str, str, str]]
"""Rows of a popover: a name and up to two values."""

_STOP_VERBS = {
    "receive": "Receive", "decode": "Decode", "commit": "Commit", "record": "Record",
    "evaluate": "Evaluate rules", "deliver": "Deliver", "apply": "Show in this window",
}  # fmt: skip


class Segment(QToolButton):
    """One part of the bar; a click opens its details."""

    def __init__(self, theme: Theme, icon_name: str) -> None:
        super().__init__()
        self._theme = theme
        self._icon_name = icon_name
        self._tone = "muted"
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(14, 14))
        self.setObjectName("segment")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme.changed.connect(self._paint_icon)
        self._paint_icon()

    def say(self, text: str, tip: str = "", icon_name: str = "", tone: str = "muted") -> None:
        """Show a text; the tone is the name of a colour of the theme and goes to the icon."""
        if text != self.text():
            self.setText(text)
            self.setAccessibleName(text)
        self.setToolTip(plain_tooltip(tip))
        if (icon_name and icon_name != self._icon_name) or tone != self._tone:
            self._icon_name, self._tone = icon_name or self._icon_name, tone
            self._paint_icon()

    def _paint_icon(self) -> None:
        self.setIcon(icon(self._icon_name, getattr(self._theme.tokens, self._tone), 14))


class StatusBar(QWidget):
    """Connections, rate, latency, lag, losses and table size.

    Args:
        theme: Colours.
        model: The lab.
    """

    def __init__(self, theme: Theme, model: LabModel) -> None:
        super().__init__()
        self.setObjectName("statusBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(BAR_HEIGHT)
        self._model = model
        self._popover = Popover(self)
        box = QHBoxLayout(self)
        box.setContentsMargins(10, 0, 10, 0)
        box.setSpacing(4)
        self.bridge = self._segment(theme, box, "server", "Bridge", self._bridge_details)
        self.broker = self._segment(theme, box, "radio-tower", "Broker", self._broker_details)
        box.addStretch(1)
        self.rate = self._segment(theme, box, "activity", "Messages", self._counter_details)
        self.commit = self._segment(theme, box, "timer", "Latency at the seven stops", self._latency_details)
        self.lag = self._segment(theme, box, "layers", "Waiting", self._lag_details)
        self.losses = self._segment(theme, box, "shield-check", "Losses", self._loss_details)
        self.table = self._segment(theme, box, "database", "Table", self._table_details)
        self.refresh()

    def _segment(
        self, theme: Theme, box: QHBoxLayout, icon_name: str, title: str, details: Callable[[], Details]
    ) -> Segment:
        segment = Segment(theme, icon_name)
        segment.clicked.connect(lambda: self._popover.open(title, details(), segment))
        box.addWidget(segment)
        return segment

    def refresh(self) -> None:
        """Take over the state of all parts."""
        self._say_links()
        health, live = self._model.health, self._model.health_is_fresh()
        rate = health.messages_per_s if live else None
        self.rate.say(f"{UNKNOWN if rate is None else rate_text(rate) or '0'} msg/s", "Received by the bridge")
        p50, p99 = health.commit_ms if live else (None, None)
        self.commit.say(
            f"commit {milliseconds_text(p50)} · p99 {milliseconds_text(p99)}",
            "From receiving a message to having it durably in the table: median and 99th percentile",
        )
        lag = health.lag_count
        tip = "Messages and records that wait inside the bridge"
        self.lag.say(f"lag {number_text(lag) if live else UNKNOWN}", tip, tone="warning" if lag > 1000 else "muted")
        self._say_losses()
        size = "" if health.table_bytes is None else size_text(health.table_bytes)
        self.table.say(f"table {size or UNKNOWN}", "Size of the data file")

    def _say_links(self) -> None:
        links, health = self._model.links, self._model.health
        state = links.table.state
        looks = {"connected": ("server", "good"), "connecting": ("loader", "warning")}
        icon_name, tone = looks.get(state, ("unplug", "critical"))
        words = {"connected": "Bridge connected", "connecting": "Bridge: connecting…"}.get(
            state, "Bridge not reachable"
        )
        if state == "connected" and health.status == "degraded":
            words, tone = "Bridge degraded", "warning"
        self.bridge.say(words, links.table.reason or links.table.address, icon_name, tone)
        broker = health.broker_state if self._model.health_is_fresh() else ""
        where = f" · {health.broker_address}" if health.broker_address else ""
        if broker == "connected":
            self.broker.say(f"Broker connected{where}", "As the bridge sees it", "radio-tower", "good")
        elif broker:
            self.broker.say(f"Broker {one_line(broker, 24)}{where}", health.broker_reason, "unplug", "critical")
        else:
            raw = {"connected": "Broker connected"}.get(links.raw.state, "Broker unknown")
            self.broker.say(raw, links.raw.reason, "radio-tower", "good" if "connected" in raw else "muted")

    def _say_losses(self) -> None:
        if not self._model.health.status:
            self.losses.say(f"losses {UNKNOWN}", "Not known yet", "shield-check")
            return
        losses = {name: count for name, count in self._model.health.losses.items() if count}
        if not losses:
            self.losses.say("0 losses", "Nothing was lost: every message is stored", "shield-check", "good")
            return
        named = ", ".join(f"{number_text(count)} {one_line(name, 24)}" for name, count in list(losses.items())[:2])
        more = f", {len(losses) - 2} more" if len(losses) > 2 else ""
        self.losses.say(f"lost: {named}{more}", "Named losses; click for all", "triangle-alert", "critical")

    def _bridge_details(self) -> Details:
        link, health = self._model.links.table, self._model.health
        up = UNKNOWN if health.uptime_s is None else age_text(health.uptime_s)
        rows = [("State", link.state), ("Address", link.address), ("Reason", link.reason)]
        rows += [("Says of itself", health.status), ("Version", health.version), ("Up for", up)]
        return [(name, text or UNKNOWN, "") for name, text in rows]

    def _broker_details(self) -> Details:
        health, raw = self._model.health, self._model.links.raw
        return [
            ("Bridge to broker", health.broker_state or UNKNOWN, health.broker_address),
            ("Reason", one_line(health.broker_reason) or UNKNOWN, ""),
            ("This window to broker", raw.state, raw.address),
            ("Reason", raw.reason or UNKNOWN, ""),
        ]

    def _counter_details(self) -> Details:
        rows = [
            (name.replace("_", " ").capitalize(), number_text(count), "")
            for name, count in self._model.health.counters.items()
        ]
        rows.append(("Raw messages in this window", number_text(self._model.messages_seen), ""))
        dropped = self._model.view_drops
        return rows + [
            (f"Not shown: {name.replace('_', ' ')}", number_text(count), "") for name, count in dropped.items()
        ]

    def _latency_details(self) -> Details:
        shown = dict(self._model.health.latency_ms)
        shown["apply"] = (self._model.apply_ms.percentile(50), self._model.apply_ms.percentile(99))
        rows = [("Stop", "median", "p99")]
        for stop, verb in _STOP_VERBS.items():
            p50, p99 = shown.get(stop, (None, None))
            rows.append((verb, milliseconds_text(p50), milliseconds_text(p99)))
        return rows

    def _lag_details(self) -> Details:
        return _counted(self._model.health.lag)

    def _loss_details(self) -> Details:
        return _counted(self._model.health.losses) or [("Nothing was lost", "0", "")]

    def _table_details(self) -> Details:
        size = self._model.health.table_bytes
        books = self._model
        return [
            ("Data file", UNKNOWN if size is None else size_text(size), ""),
            ("Devices", number_text(len(books.devices)), ""),
            ("Alarms", number_text(len(books.alarms.alarms)), ""),
            ("Dead letters", count_text(sum(books.dead_letters.reasons.values()), "message"), ""),
        ]


def _counted(counts: Mapping[str, int]) -> Details:
    return [(one_line(name.replace("_", " ")).capitalize(), number_text(count), "") for name, count in counts.items()]


class Popover(QFrame):
    """Details over the bar; it closes with a click elsewhere or Escape."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._bar = parent
        self.setObjectName("popover")
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(14, 10, 14, 12)
        self._body: QWidget | None = None

    def open(self, title: str, rows: Details, anchor: QWidget) -> None:
        """Show rows above a part of the bar."""
        if self._body is not None:
            self._box.removeWidget(self._body)
            self._body.deleteLater()
        self._body = QWidget()
        grid = QGridLayout(self._body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(5)
        grid.addWidget(PlainLabel(title, "strong"), 0, 0, 1, 3)
        for place, (name, first, second) in enumerate(rows, start=1):
            grid.addWidget(PlainLabel(name, "muted"), place, 0)
            for column, text in enumerate((first, second), start=1):
                label = PlainLabel(text)
                label.setAlignment(Qt.AlignmentFlag.AlignRight)
                grid.addWidget(label, place, column)
        self._box.addWidget(self._body)
        self.adjustSize()
        corner = anchor.mapToGlobal(QPoint(0, 0))
        right = self._bar.mapToGlobal(QPoint(self._bar.width(), 0)).x()
        self.move(min(corner.x(), right - self.width() - 8), corner.y() - self.height() - 6)
        self.show()
