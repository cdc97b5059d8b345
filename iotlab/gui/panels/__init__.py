"""The screens of the window, each a widget over the models."""
