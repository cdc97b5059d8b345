"""A payload under the list that it was chosen from."""

from __future__ import annotations

from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPlainTextEdit, QToolButton, QVBoxLayout, QWidget

from iotlab.gui.models.payload import View, best_view, show
from iotlab.gui.theme import mono_font
from iotlab.gui.widgets.labels import ElidedLabel, line


class PayloadView(QWidget):
    """A payload as JSON, text or hex. It is never rendered as rich text."""

    def __init__(self) -> None:
        super().__init__()
        self._payload: bytes | None = None
        self._size_bytes = 0
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        head = QHBoxLayout()
        head.setContentsMargins(12, 4, 8, 4)
        self.about = ElidedLabel("", "caption")
        head.addWidget(self.about, 1)
        self._views = QButtonGroup(self)
        for view in ("json", "text", "hex"):
            button = QToolButton()
            button.setText(view.upper() if view != "text" else "Text")
            button.setCheckable(True)
            button.setProperty("span", True)  # noqa: FBT003  a property's value
            button.setProperty("view", view)
            button.clicked.connect(self._show)
            self._views.addButton(button)
            head.addWidget(button)
        self.text = QPlainTextEdit()
        self.text.setObjectName("payload")
        self.text.setReadOnly(True)
        self.text.setFont(mono_font())
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self.text.setAccessibleName("Payload")
        self.text.setPlaceholderText("Choose a message to see its payload.")
        self.text.document().setDocumentMargin(12)
        box.addWidget(line())
        box.addLayout(head)
        box.addWidget(self.text, 1)

    def show_payload(self, about: str, payload: bytes, size_bytes: int) -> None:
        """Show another payload in the view that suits it."""
        if payload is self._payload:
            return
        self._payload, self._size_bytes = payload, size_bytes
        self.about.setText(about)
        wanted = best_view(payload)
        for button in self._views.buttons():
            button.setChecked(button.property("view") == wanted)
        self._show()

    def clear(self) -> None:
        """Show nothing."""
        self._payload = None
        self.about.setText("")
        self.text.clear()

    def _show(self) -> None:
        button = self._views.checkedButton()
        if self._payload is not None and button is not None:
            view: View = button.property("view")
            self.text.setPlainText(show(self._payload, view, self._size_bytes))
