"""Qt's style sheet of a theme: the little that palette and own painting do not say."""

from __future__ import annotations

from string import Template

from iotlab.gui.tokens import SMALL_PX, Tokens

_SHEET = Template("""
QMainWindow, QDialog { background: $window; }
QMainWindow::separator { background: $window; width: 8px; height: 8px; }
QMainWindow::separator:hover { background: $border; }
QToolTip { background: $raised; color: $text; border: 1px solid $strong_border; padding: 5px 7px; }

#header, #statusBar { background: $surface; }
#header { border-bottom: 1px solid $border; }
#statusBar { border-top: 1px solid $border; }
#panel { background: $surface; border: 1px solid $border; border-radius: 8px; }
#panelHead { background: transparent; }
#panelTitle { font-weight: 600; font-size: 14px; }
#muted { color: $muted; }
#faint { color: $faint; font-size: ${small}px; }
#caption { color: $muted; font-size: ${small}px; }
#line { background: $border; border: none; }
#strong { font-weight: 600; }
#stateTitle { font-weight: 600; font-size: 15px; }
#figure { font-weight: 600; font-size: 17px; }
#brand { font-weight: 600; font-size: 17px; }
#segment { color: $muted; font-size: ${small}px; padding: 1px 6px; min-height: 16px; }
#segment:hover { color: $text; }

QAbstractItemView { background: $surface; border: none; outline: none; selection-background-color: $selected; }
QTableView, QTreeView { background: transparent; }
QHeaderView { background: transparent; border: none; }
QHeaderView::section {
    background: $surface; color: $muted; border: none; border-bottom: 1px solid $border;
    padding: 0 8px; font-size: ${small}px; font-weight: 500;
}
QHeaderView::section:hover { color: $text; }
QTableCornerButton::section { background: $surface; border: none; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: $strong_border; border-radius: 3px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: $faint; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QLineEdit, QPlainTextEdit {
    background: $raised; color: $text; border: 1px solid $border; border-radius: 6px;
    selection-background-color: $accent; selection-color: $on_accent;
}
QLineEdit { padding: 4px 8px; min-height: 18px; }
QLineEdit QToolButton { background: transparent; border: none; padding: 0; min-height: 0; }
QLineEdit:focus, QPlainTextEdit:focus { border: 1px solid $accent; }

QPushButton, QToolButton {
    background: transparent; color: $text; border: 1px solid transparent; border-radius: 6px;
    padding: 4px 10px; min-height: 18px;
}
QPushButton { background: $raised; border: 1px solid $strong_border; }
QPushButton:hover, QToolButton:hover { background: $hover; }
QPushButton:hover { border-color: $faint; }
QPushButton:pressed, QToolButton:pressed { background: $selected; }
QPushButton:focus, QToolButton:focus { border: 1px solid $accent; }
QPushButton:disabled, QToolButton:disabled { color: $faint; border-color: $border; }
QPushButton[primary="true"] { background: $accent; color: $on_accent; border: 1px solid $accent; font-weight: 600; }
QPushButton[primary="true"]:disabled { background: $raised; color: $faint; border-color: $border; }
QPushButton[primary="true"]:focus { border: 1px solid $text; }
QToolButton { padding: 4px 6px; }
QToolButton:checked { background: $selected; color: $text; }
QToolButton[span="true"] { color: $muted; font-size: ${small}px; padding: 3px 7px; }
QToolButton[span="true"]:checked { color: $text; font-weight: 600; }
QToolButton::menu-indicator { image: none; }

QTabBar { background: transparent; border: none; }
QTabBar::tab {
    background: transparent; color: $muted; border: none; border-bottom: 2px solid transparent;
    padding: 6px 4px; margin: 0 10px 0 4px; font-weight: 500;
}
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom: 2px solid $accent; }
QTabBar::tab:focus { color: $accent; }
QTabWidget::pane { border: none; }

QSplitter::handle { background: transparent; }
QSplitter::handle:hover { background: $border; }
QDockWidget { color: $text; }
QDockWidget::title { background: $window; padding: 4px 8px; }

QMenu { background: $surface; color: $text; border: 1px solid $strong_border; border-radius: 8px; padding: 4px; }
QMenu::item { padding: 6px 24px 6px 12px; border-radius: 4px; }
QMenu::item:selected { background: $selected; }
QMenu::item:disabled { color: $faint; }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }

#banner { background: $warning_ground; border: 1px solid $warning; border-radius: 8px; }
#chip { background: $raised; border: 1px solid $border; border-radius: 11px; }
#chip:hover { border-color: $strong_border; }
#readout { background: $raised; border: 1px solid $strong_border; border-radius: 6px; }
#popover { background: $surface; border: 1px solid $strong_border; border-radius: 8px; }
#pauseBadge { background: $warning; color: $window; border-radius: 11px; padding: 2px 10px; font-weight: 600; }
#code { background: $raised; border: 1px solid $border; border-radius: 6px; padding: 8px 12px; }
#payload { border-radius: 0; border: none; border-top: 1px solid $border; background: $surface; }
#payload:focus { border: none; border-top: 1px solid $accent; }
""")


def stylesheet(tokens: Tokens) -> str:
    """Return the application's style sheet in the colours of a theme."""
    names = {name: value for name, value in vars(tokens).items() if isinstance(value, str)}
    return _SHEET.substitute(names, small=SMALL_PX)
