"""Plotted channels in lanes, one for each unit, over one time axis: curves, thresholds, crosshair, drag to zoom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPen
from PySide6.QtWidgets import QGraphicsRectItem, QGraphicsSimpleTextItem, QWidget

from iotlab.gui.models.plots import ChannelKey, Plot, Series
from iotlab.gui.models.text import number_text, one_line, unit_text
from iotlab.gui.theme import Theme, ui_font
from iotlab.gui.tokens import SMALL_PX

AXIS_WIDTH = 58
Y_MARGIN = 0.10
Y_TOP_MARGIN = 0.22
"""More on top: the unit stands there."""

GRID_ALPHA = 0.35
Y_SHRINK_SHARE = 0.55
MIN_DRAG_PX = 5
END_ROOM_PX = 5
WHEEL_STEP = 0.85
FLAT_SHARE = 0.01
THRESHOLD_REACH = 0.5
"""A threshold further from the curves than half their spread would only flatten them, and is not drawn."""


class LaneBox(pg.ViewBox):  # type: ignore[misc]  # pyqtgraph has no types
    """A view box in which a drag selects time, the wheel zooms time, and a double click goes back to live."""

    def __init__(self, owner: LanesView) -> None:
        super().__init__(enableMenu=False)
        self._owner = owner
        self._band = QGraphicsRectItem(self)
        self._band.setZValue(50)
        self._band.hide()
        self.setMouseEnabled(x=False, y=False)

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        del axis
        event.accept()
        start, now = self.mapSceneToView(event.buttonDownScenePos()), self.mapSceneToView(event.scenePos())
        if event.button() != Qt.MouseButton.LeftButton or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            last = self.mapSceneToView(event.lastScenePos())
            self._owner.pan(last.x() - now.x())
            return
        x0, x1 = event.buttonDownPos().x(), event.pos().x()
        self._band.setRect(QRectF(min(x0, x1), 0, abs(x1 - x0), self.boundingRect().height()))
        self._band.setVisible(not event.isFinish())
        if event.isFinish() and abs(x1 - x0) >= MIN_DRAG_PX:
            self._owner.zoom(min(start.x(), now.x()), max(start.x(), now.x()))

    def mouseClickEvent(self, event: Any) -> None:
        if event.double():
            event.accept()
            self._owner.auto_range()

    def wheelEvent(self, event: Any, axis: int | None = None) -> None:
        del axis
        event.accept()
        at = self.mapSceneToView(event.scenePos()).x()
        self._owner.zoom_about(at, WHEEL_STEP ** (event.delta() / 120))

    def paint_band(self, colour: str) -> None:
        """Take the colour of the theme."""
        fill = QColor(colour)
        self._band.setPen(QPen(fill, 1))
        fill.setAlpha(40)
        self._band.setBrush(fill)


@dataclass
class _Lane:
    name: str
    series: list[Series]
    item: Any
    box: LaneBox
    caption: QGraphicsSimpleTextItem
    cursor: Any
    curves: dict[ChannelKey, Any] = field(default_factory=dict)
    ends: dict[ChannelKey, Any] = field(default_factory=dict)
    limits: list[Any] = field(default_factory=list)
    y_range: tuple[float, float] = (0.0, 0.0)


Thresholds = Callable[[ChannelKey], list[tuple[float, str]]]
"""Channel → its limits, each with the severity of its alarm."""


class LanesView(pg.GraphicsLayoutWidget):  # type: ignore[misc]  # pyqtgraph has no types
    """The drawing itself. It changes the plot's window of time and reads everything else from it.

    Args:
        theme: Colours.
        plot: What is drawn.
        thresholds: Limits to draw as dashed lines.
        now_us: The time that live follow follows.
    """

    moved = Signal()
    """A person changed the window of time."""
    cursor_at = Signal(object)
    """Seconds since 1970 under the mouse, or None when it left."""

    def __init__(self, theme: Theme, plot: Plot, thresholds: Thresholds, now_us: Callable[[], int]) -> None:
        super().__init__()
        self._theme = theme
        self._plot = plot
        self._thresholds = thresholds
        self._now_us = now_us
        self._lanes: list[_Lane] = []
        self._structure = -1
        self._drawn: tuple[object, ...] = ()
        self._cursor_s: float | None = None
        self.setFrameShape(self.Shape.NoFrame)
        self.setAccessibleName("Plot")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.ci.layout.setSpacing(0)
        self.ci.layout.setContentsMargins(0, 0, 8, 2)
        self.scene().sigMouseMoved.connect(self._mouse_moved)
        theme.changed.connect(self._retheme)
        self._retheme()

    def _retheme(self) -> None:
        self.setBackground(QColor(self._theme.tokens.surface))
        self._structure = -1
        self.refresh()

    def refresh(self) -> None:
        """Draw what changed since the last call; nothing when no pixel would be another."""
        if self._structure != self._plot.structure:
            self._rebuild()
        start_s, end_s = self._plot.visible(self._now_us())
        width = max(int(self.width()) - AXIS_WIDTH, 50)
        pixel_s = (end_s - start_s) / width
        versions = tuple(series.version for series in self._plot.series.values())
        paused = self._plot.paused_at_s
        state = (round(end_s / pixel_s), round(pixel_s, 9), versions if paused is None else paused, self.height())
        if state == self._drawn or not self._lanes:
            return
        self._drawn = state
        for lane in self._lanes:
            self._draw(lane, start_s, end_s, width)

    def redraw(self) -> None:
        """Draw anew, for instance after a threshold changed."""
        self._drawn = ()
        self.refresh()

    def _rebuild(self) -> None:
        self._structure, self._drawn = self._plot.structure, ()
        self.ci.clear()
        self._lanes = []
        lanes = list(self._plot.lanes().items())
        for row, (name, series) in enumerate(lanes):
            self._lanes.append(self._lane(row, name, series, is_last=row == len(lanes) - 1))
        for lane in self._lanes[:-1]:
            lane.box.setXLink(self._lanes[-1].box)

    def _lane(self, row: int, name: str, series: list[Series], *, is_last: bool) -> _Lane:
        tokens = self._theme.tokens
        box = LaneBox(self)
        box.paint_band(tokens.accent)
        item = pg.PlotItem(viewBox=box, axisItems={"bottom": pg.DateAxisItem(), "left": ValueAxis()})
        item.hideButtons()
        item.setMenuEnabled(False)
        item.showGrid(x=True, y=True, alpha=GRID_ALPHA)
        self._axes(item, name, is_last=is_last)
        self.addItem(item, row=row, col=0)
        caption = QGraphicsSimpleTextItem(self._caption(name), box)
        caption.setFont(ui_font(SMALL_PX, QFont.Weight.Medium))
        caption.setBrush(QColor(tokens.muted))
        caption.setPos(8, 4)
        cursor = pg.InfiniteLine(angle=90, pen=pg.mkPen(tokens.muted, width=1, style=Qt.PenStyle.DotLine))
        cursor.hide()
        item.addItem(cursor, ignoreBounds=True)
        lane = _Lane(name, series, item, box, caption, cursor)
        for one in series:
            self._curve(lane, one)
        return lane

    def _caption(self, lane: str) -> str:
        parts = (one_line(self._plot.caption(lane), 40), unit_text(lane))
        return "   ".join(part for part in parts if part)

    def _axes(self, item: Any, name: str, *, is_last: bool) -> None:
        tokens = self._theme.tokens
        left, bottom = item.getAxis("left"), item.getAxis("bottom")
        for axis in (left, bottom):
            axis.setTextPen(tokens.muted)
            axis.setPen(pg.mkPen(tokens.strong_border, width=1))
            axis.setStyle(tickFont=ui_font(SMALL_PX), tickLength=0, tickTextOffset=6)
        left.setWidth(AXIS_WIDTH)
        if name == "on / off":
            left.setTicks([[(0, "off"), (1, "on")]])
        bottom.setStyle(showValues=is_last)
        bottom.setHeight(26 if is_last else 8)
        item.layout.setContentsMargins(0, 4, 0, 0)

    def _curve(self, lane: _Lane, series: Series) -> None:
        colour = self._theme.tokens.series_colour(series.colour)
        curve = pg.PlotCurveItem(pen=pg.mkPen(colour, width=1), connect="finite", antialias=True)
        lane.item.addItem(curve, ignoreBounds=True)
        end = pg.ScatterPlotItem(size=6, pen=None, brush=pg.mkBrush(colour), pxMode=True)
        lane.item.addItem(end, ignoreBounds=True)
        lane.curves[series.key], lane.ends[series.key] = curve, end

    def _draw(self, lane: _Lane, start_s: float, end_s: float, width: int) -> None:
        low, high = np.inf, -np.inf
        horizon_s = min(self._plot.horizon_s(), end_s)
        for series in lane.series:
            t_s, values = series.points(start_s, horizon_s, width)
            lane.curves[series.key].setData(t_s, values)
            if len(values):
                low, high = min(low, float(np.nanmin(values))), max(high, float(np.nanmax(values)))
            self._mark_end(lane, series, t_s, values, end_s)
        self._fit(lane, low, high)
        # The last value's dot needs a little room to be whole.
        room_s = END_ROOM_PX * (end_s - start_s) / width
        lane.box.setXRange(start_s, end_s + room_s, padding=0)

    @staticmethod
    def _mark_end(lane: _Lane, series: Series, t_s: Any, values: Any, end_s: float) -> None:
        is_live = len(t_s) > 0 and end_s - t_s[-1] < series.gap_s
        lane.ends[series.key].setData(t_s[-1:] if is_live else [], values[-1:] if is_live else [])

    def _fit(self, lane: _Lane, low: float, high: float) -> None:
        if lane.name == "on / off":
            lane.box.setYRange(-0.15, 1.15, padding=0)
            return
        if not np.isfinite(low):
            return
        self._limits(lane, low, high)
        spread = max(high - low, FLAT_SHARE * max(abs(low), abs(high)), 1e-6)
        limits = [y for line in lane.limits if _near(y := line.value(), low, high, spread)]
        low, high = min([low, *limits]), max([high, *limits])
        spread = max(high - low, spread)
        bottom = (low + high - spread) / 2 - Y_MARGIN * spread
        top = (low + high + spread) / 2 + Y_TOP_MARGIN * spread
        old_bottom, old_top = lane.y_range
        fits = old_bottom <= low and old_top >= high and spread >= Y_SHRINK_SHARE * (old_top - old_bottom)
        if not fits:
            # Growing at once and shrinking late keeps the axis from trembling with every sample.
            lane.y_range = (bottom, top)
            lane.box.setYRange(bottom, top, padding=0)

    def _limits(self, lane: _Lane, low: float, high: float) -> None:
        wanted = [found for series in lane.series for found in self._thresholds(series.key)]
        if [(line.value(), line.severity) for line in lane.limits] != wanted:
            for line in lane.limits:
                lane.item.removeItem(line)
            lane.limits = [self._limit(lane, value, severity) for value, severity in wanted]
        spread = max(high - low, FLAT_SHARE * max(abs(low), abs(high)), 1e-6)
        for line in lane.limits:
            line.setVisible(_near(line.value(), low, high, spread))

    def _limit(self, lane: _Lane, value: float, severity: str) -> Any:
        colour = self._theme.tokens.severity(severity)
        line = pg.InfiniteLine(pos=value, angle=0, pen=pg.mkPen(colour, width=1, style=Qt.PenStyle.DashLine))
        line.severity = severity
        lane.item.addItem(line, ignoreBounds=True)
        return line

    def zoom(self, start_s: float, end_s: float) -> None:
        """Look at a window of time."""
        self._plot.set_window(start_s, end_s)
        self._after_move()

    def zoom_about(self, at_s: float, factor: float) -> None:
        """Make the window of time ``factor`` as long, with ``at_s`` staying where it is."""
        start_s, end_s = self._plot.visible(self._now_us())
        if self._plot.follow and self._plot.paused_at_s is None:
            self._plot.set_span((end_s - start_s) * factor)
        else:
            self._plot.set_window(at_s - (at_s - start_s) * factor, at_s + (end_s - at_s) * factor)
        self._after_move()

    def pan(self, seconds: float) -> None:
        """Move the window of time."""
        start_s, end_s = self._plot.visible(self._now_us())
        self._plot.set_window(start_s + seconds, end_s + seconds)
        self._after_move()

    def auto_range(self) -> None:
        """Go back to the present, with the span as it is."""
        self._plot.follow = True
        for lane in self._lanes:
            lane.y_range = (0.0, 0.0)
        self._after_move()

    def _after_move(self) -> None:
        self.redraw()
        self.moved.emit()

    def _mouse_moved(self, where: QPointF) -> None:
        over = next((lane for lane in self._lanes if lane.item.sceneBoundingRect().contains(where)), None)
        at_s = None
        if over is not None:
            at_s = float(cast(QPointF, over.box.mapSceneToView(where)).x())
            start_s, end_s = self._plot.visible(self._now_us())
            at_s = at_s if start_s <= at_s <= end_s else None
        self._show_cursor(at_s)

    def leaveEvent(self, event: Any) -> None:
        self._show_cursor(None)
        super().leaveEvent(event)

    def _show_cursor(self, at_s: float | None) -> None:
        if at_s is None and self._cursor_s is None:
            return
        self._cursor_s = at_s
        for lane in self._lanes:
            lane.cursor.setVisible(at_s is not None)
            if at_s is not None:
                lane.cursor.setPos(at_s)
        self.cursor_at.emit(at_s)


class ValueAxis(pg.AxisItem):  # type: ignore[misc]  # pyqtgraph has no types
    """A value axis whose numbers are written as everywhere in the window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("left", parent=parent)
        self.enableAutoSIPrefix(enable=False)

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        decimals = max(0, -int(np.floor(np.log10(spacing * scale)))) if spacing > 0 else 0
        if decimals > 5:
            return [number_text(value * scale) for value in values]
        return [f"{value * scale:,.{decimals}f}".replace(",", "\u202f") for value in values]


def _near(value: float, low: float, high: float, spread: float) -> bool:
    return low - THRESHOLD_REACH * spread <= value <= high + THRESHOLD_REACH * spread
