"""How one cell of a list is painted: text, a state shape or a sparkline. Python is called once a cell."""

from __future__ import annotations

from typing import Protocol, cast

import numpy as np
from pyqtgraph.functions import arrayToQPolygonF
from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from iotlab.gui.models.cell import Cell
from iotlab.gui.models.ring import Ring
from iotlab.gui.theme import Theme, mono_font, ui_font
from iotlab.gui.tokens import ROW_HEIGHT, SMALL_PX, TEXT_PX, Tokens
from iotlab.gui.widgets.icons import paint_presence, paint_severity

AnyIndex = QModelIndex | QPersistentModelIndex

PADDING = 8
MARK_WIDTH = 22
INDENT = 14
SPARK_MARGIN = 6
ELIDE_CACHE = 8192
POLYGON_CACHE = 4096
FLAT_SHARE = 0.02
"""A sparkline spans at least 2 % of its value, so that noise on a steady value stays a line."""


class CellSource(Protocol):
    """A model that knows its cells without Qt in between."""

    def cell(self, row: int, column: int) -> Cell:
        """Return what a cell shows."""
        ...


class CellDelegate(QStyledItemDelegate):
    """Paints cells of a `CellSource`.

    Args:
        theme: Colours.
        source: The model of the view.
        row_height: Logical pixels.
    """

    def __init__(
        self, theme: Theme, source: CellSource, *, row_height: int = ROW_HEIGHT, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._source = source
        self._row_height = row_height
        self.hovered_row = -1
        self._fonts = {
            "normal": ui_font(TEXT_PX),
            "strong": ui_font(TEXT_PX, QFont.Weight.Medium),
            "small": ui_font(SMALL_PX),
            "mono": mono_font(SMALL_PX),
        }
        self._metrics = {name: QFontMetrics(font) for name, font in self._fonts.items()}
        self._elided: dict[tuple[str, str, int], str] = {}
        self._polygons: dict[tuple[int, int, int], tuple[int, Ring, QPolygonF]] = {}
        self._take_colours()
        theme.changed.connect(self._take_colours)

    def _take_colours(self) -> None:
        tokens: Tokens = self._theme.tokens
        names = ("text", "muted", "faint", "accent", "critical", "warning", "info", "good")
        self._pens = {name: QPen(QColor(getattr(tokens, name))) for name in names}
        self._selected, self._hover = QColor(tokens.selected), QColor(tokens.hover)
        self._line = QPen(QColor(tokens.border))
        self._spark = QPen(QColor(tokens.accent), 1)
        self._dot = QColor(tokens.accent)

    def sizeHint(self, _option: QStyleOptionViewItem, _index: AnyIndex) -> QSize:
        return QSize(0, self._row_height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        rect = option.rect
        row = index.row()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, self._selected)
        elif row == self.hovered_row:
            painter.fillRect(rect, self._hover)
        self.paint_cell(painter, rect, self._source.cell(row, index.column()))

    def paint_cell(self, painter: QPainter, rect: QRect, cell: Cell) -> None:
        """Paint the content of one cell."""
        if cell.spark is not None:
            self._paint_spark(painter, rect, cell.spark, steps=cell.steps)
            return
        left = rect.left() + PADDING
        if cell.level >= 0:
            left += cell.level * INDENT
            if cell.twist:
                self._paint_twist(painter, QPointF(left + 4, rect.center().y() + 0.5), cell.twist)
            left += INDENT
        if cell.presence:
            tone = {"online": "good", "late": "warning"}.get(cell.presence, "faint")
            centre = QPointF(left + 5, rect.center().y() + 0.5)
            paint_presence(painter, centre, cell.presence, self._pens[tone].color().name())
            left += MARK_WIDTH - 4
        elif cell.severity:
            self._paint_severity(painter, QRectF(left, rect.center().y() - 8.5, 18, 18), cell)
            left += MARK_WIDTH + 6
        if cell.text:
            self._paint_text(painter, QRect(left, rect.top(), rect.right() - PADDING - left + 1, rect.height()), cell)

    def _paint_severity(self, painter: QPainter, box: QRectF, cell: Cell) -> None:
        tokens = self._theme.tokens
        colour = tokens.faint if cell.tone == "faint" else tokens.severity(cell.severity)
        paint_severity(painter, box, cell.severity, colour, tokens.surface, filled=cell.filled)

    def _paint_twist(self, painter: QPainter, centre: QPointF, twist: str) -> None:
        down = [QPointF(-3.5, -1.5), QPointF(0, 2), QPointF(3.5, -1.5)]
        turned = down if twist == "open" else [QPointF(point.y(), point.x()) for point in down]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._pens["muted"].color(), 1.4))
        painter.drawPolyline([centre + point for point in turned])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)

    def _paint_text(self, painter: QPainter, rect: QRect, cell: Cell) -> None:
        font = "mono" if cell.mono else "small" if cell.small else "strong" if cell.strong else "normal"
        align = Qt.AlignmentFlag.AlignRight if cell.right else Qt.AlignmentFlag.AlignLeft
        painter.setPen(self._pens[cell.tone])
        painter.setFont(self._fonts[font])
        if not cell.below:
            painter.drawText(rect, align | Qt.AlignmentFlag.AlignVCenter, self._elide(cell.text, font, rect.width()))
            return
        middle = rect.center().y()
        upper = QRect(rect.left(), middle - 19, rect.width(), 19)
        if cell.aside:
            painter.drawText(upper, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, cell.aside)
            upper.setRight(upper.right() - self._metrics[font].horizontalAdvance(cell.aside) - PADDING)
        painter.drawText(upper, align | Qt.AlignmentFlag.AlignVCenter, self._elide(cell.text, font, upper.width()))
        painter.setPen(self._pens["faint" if cell.tone == "faint" else "muted"])
        painter.setFont(self._fonts["small"])
        lower = QRect(rect.left(), middle + 1, rect.width(), 18)
        painter.drawText(lower, align | Qt.AlignmentFlag.AlignVCenter, self._elide(cell.below, "small", rect.width()))

    def _elide(self, text: str, font: str, width: int) -> str:
        key = (text, font, width)
        shown = self._elided.get(key)
        if shown is None:
            if len(self._elided) > ELIDE_CACHE:
                self._elided.clear()
            shown = self._metrics[font].elidedText(text, Qt.TextElideMode.ElideRight, width)
            self._elided[key] = shown
        return shown

    def _paint_spark(self, painter: QPainter, rect: QRect, ring: Ring, *, steps: bool) -> None:
        if len(ring) < 2:
            return
        box = rect.adjusted(PADDING, SPARK_MARGIN, -PADDING, -SPARK_MARGIN)
        polygon = self._polygon(ring, box.width(), box.height(), steps=steps)
        painter.save()
        painter.translate(box.left(), box.top())
        painter.setPen(self._spark)
        painter.drawPolyline(polygon)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._dot)
        painter.drawEllipse(polygon.last(), 2.0, 2.0)
        painter.restore()

    def _polygon(self, ring: Ring, width: int, height: int, *, steps: bool) -> QPolygonF:
        key = (id(ring), width, height)
        kept = self._polygons.get(key)
        if kept is not None and kept[0] == ring.version and kept[1] is ring:
            return kept[2]
        if len(self._polygons) > POLYGON_CACHE:
            self._polygons.clear()
        t_s, values = ring.times(), ring.values()
        span_s = max(float(t_s[-1] - t_s[0]), 1e-9)
        low, high = float(values.min()), float(values.max())
        spread = max(high - low, FLAT_SHARE * abs(high + low) / 2, 1e-9)
        bottom = (low + high - spread) / 2
        x = (t_s - t_s[0]) * ((width - 3) / span_s)
        y = (height - 1) * (1.0 - (values - bottom) / spread)
        if steps:
            x, y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
        polygon = arrayToQPolygonF(np.ascontiguousarray(x), np.ascontiguousarray(y))
        self._polygons[key] = (ring.version, ring, polygon)
        return cast(QPolygonF, polygon)
