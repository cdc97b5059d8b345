"""The theme in force: style, palette, fonts and style sheet from the tokens."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from iotlab.gui.resources import asset
from iotlab.gui.stylesheet import stylesheet
from iotlab.gui.tokens import DARK, LIGHT, SMALL_PX, TEXT_PX, ThemeName, Tokens

UI_FAMILIES = ["Inter", "SF Pro Text", "Segoe UI", "Noto Sans", "Cantarell", "DejaVu Sans"]
MONO_FAMILIES = ["JetBrains Mono", "SF Mono", "Consolas", "Noto Sans Mono", "DejaVu Sans Mono"]
FONT_FILES = ("Inter-Regular.otf", "Inter-Medium.otf", "Inter-SemiBold.otf", "JetBrainsMono-Regular.ttf")


class Theme(QObject):
    """The theme in force. It follows the system's scheme unless a person chose one.

    Args:
        application: Gets style, palette, font and style sheet.
        wanted: ``light``, ``dark`` or ``system``.
    """

    changed = Signal()
    """The tokens are others now; whatever painted with them paints again."""

    def __init__(self, application: QApplication, wanted: ThemeName = "system") -> None:
        super().__init__(application)
        self._application = application
        self._wanted: ThemeName = wanted
        self.tokens = DARK
        application.setStyle("Fusion")
        load_fonts()
        application.setFont(ui_font())
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_changed)
        self._apply()

    @property
    def wanted(self) -> ThemeName:
        """What the person chose."""
        return self._wanted

    def choose(self, wanted: ThemeName) -> None:
        """Change to a theme at once."""
        self._wanted = wanted
        self._apply()

    def toggle(self) -> None:
        """Change to the other of dark and light."""
        self.choose("light" if self.tokens.name == "dark" else "dark")

    def _system_changed(self) -> None:
        if self._wanted == "system":
            self._apply()

    def _apply(self) -> None:
        self.tokens = self._chosen()
        self._application.setPalette(palette(self.tokens))
        self._application.setStyleSheet(stylesheet(self.tokens))
        self.changed.emit()

    def _chosen(self) -> Tokens:
        if self._wanted == "system":
            is_light = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light
            return LIGHT if is_light else DARK
        return DARK if self._wanted == "dark" else LIGHT


def load_fonts() -> None:
    """Make the bundled fonts known; without their files the system's own step in."""
    for name in FONT_FILES:
        path = asset("fonts", name)
        if path is not None:
            QFontDatabase.addApplicationFont(str(path))


def ui_font(px: int = TEXT_PX, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Return the window's font with digits of one width, so that live numbers do not dance."""
    font = QFont()
    font.setFamilies(UI_FAMILIES)
    font.setPixelSize(px)
    font.setWeight(weight)
    font.setFeature(QFont.Tag("tnum"), 1)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return font


def mono_font(px: int = SMALL_PX) -> QFont:
    """Return the font of topics and payloads."""
    font = QFont()
    font.setFamilies(MONO_FAMILIES)
    font.setPixelSize(px)
    font.setStyleHint(QFont.StyleHint.Monospace)
    return font


def palette(tokens: Tokens) -> QPalette:
    """Return Qt's palette of a theme, for whatever the style sheet does not reach."""
    made = QPalette()
    roles = {
        QPalette.ColorRole.Window: tokens.window,
        QPalette.ColorRole.WindowText: tokens.text,
        QPalette.ColorRole.Base: tokens.surface,
        QPalette.ColorRole.AlternateBase: tokens.raised,
        QPalette.ColorRole.Text: tokens.text,
        QPalette.ColorRole.Button: tokens.raised,
        QPalette.ColorRole.ButtonText: tokens.text,
        QPalette.ColorRole.BrightText: tokens.text,
        QPalette.ColorRole.Highlight: tokens.selected,
        QPalette.ColorRole.HighlightedText: tokens.text,
        QPalette.ColorRole.PlaceholderText: tokens.faint,
        QPalette.ColorRole.ToolTipBase: tokens.raised,
        QPalette.ColorRole.ToolTipText: tokens.text,
        QPalette.ColorRole.Link: tokens.accent,
        QPalette.ColorRole.Mid: tokens.border,
        QPalette.ColorRole.Dark: tokens.border,
        QPalette.ColorRole.Light: tokens.raised,
    }
    for role, colour in roles.items():
        made.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens.faint))
    return made
