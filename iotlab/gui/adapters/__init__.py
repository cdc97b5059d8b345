"""Thin Qt faces of the Qt-free models. They hold no data of their own beyond which rows are shown."""
