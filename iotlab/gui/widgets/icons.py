"""Line icons in the theme's colours, and the shapes that say state without words."""

from __future__ import annotations

import math
from functools import lru_cache

from PySide6.QtCore import QByteArray, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QIcon, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtSvg import QSvgRenderer

from iotlab.gui.resources import asset


@lru_cache(maxsize=512)
def icon_pixmap(name: str, colour: str, px: int = 16, ratio: float = 1.0) -> QPixmap:
    """Return a bundled icon in one colour; an empty pixmap of that size when its file is missing."""
    pixmap = QPixmap(round(px * ratio), round(px * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    path = asset("icons", f"{name}.svg")
    if path is not None:
        text = path.read_text(encoding="utf-8").replace("currentColor", colour)
        painter = QPainter(pixmap)
        QSvgRenderer(QByteArray(text.encode())).render(painter, QRectF(0, 0, px, px))
        painter.end()
    return pixmap


def icon(name: str, colour: str, px: int = 16) -> QIcon:
    """Return a bundled icon for a button, sharp at one and two pixels per point."""
    made = QIcon()
    for ratio in (1.0, 2.0):
        made.addPixmap(icon_pixmap(name, colour, px, ratio))
    return made


def paint_presence(painter: QPainter, centre: QPointF, presence: str, colour: str) -> None:
    """Paint a disc for online, a ring with a hand for late, a bar for offline: shapes, not only colours."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if presence == "online":
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawEllipse(centre, 4.0, 4.0)
    elif presence == "late":
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colour), 1.6))
        painter.drawEllipse(centre, 4.2, 4.2)
        painter.drawPolyline([centre + QPointF(0, -2.4), centre, centre + QPointF(1.8, 0.6)])
    else:
        painter.setPen(QPen(QColor(colour), 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(centre - QPointF(3.5, 0), centre + QPointF(3.5, 0))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)


def paint_severity(painter: QPainter, box: QRectF, severity: str, colour: str, ink: str, *, filled: bool) -> None:
    """Paint an octagon for critical, a triangle for warning, a disc for info; hollow once someone has taken it on."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(
        QPen(QColor(colour), 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    )
    painter.setBrush(QBrush(QColor(colour)) if filled else Qt.BrushStyle.NoBrush)
    centre, radius = box.center(), box.width() / 2 - 1
    if severity == "critical":
        painter.drawPolygon(_polygon(centre, radius, 8, math.pi / 8))
    elif severity == "warning":
        painter.drawPolygon(_polygon(centre + QPointF(0, radius * 0.18), radius * 1.1, 3, -math.pi / 2))
    else:
        painter.drawEllipse(centre, radius, radius)
    font = QFont(painter.font())
    font.setPixelSize(max(int(box.height() * 0.62), 8))
    font.setWeight(QFont.Weight.Bold)
    painter.setFont(font)
    painter.setPen(QColor(ink if filled else colour))
    drop = radius * 0.12 if severity == "warning" else 0.0
    painter.drawText(box.translated(0, drop), Qt.AlignmentFlag.AlignCenter, "i" if severity == "info" else "!")
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)


def _polygon(centre: QPointF, radius: float, corners: int, turn: float) -> QPolygonF:
    angles = [turn + 2 * math.pi * corner / corners for corner in range(corners)]
    return QPolygonF([centre + QPointF(radius * math.cos(angle), radius * math.sin(angle)) for angle in angles])
