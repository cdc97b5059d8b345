"""The lab's settings: one declarative table, and everything that is made from it.

`iotlab.config.sections` is the table. `load` puts a `Settings` together from defaults, ``lab.toml``, the environment
and flags. Imported by lab, gui and cli only; other parts are given the values.
"""

from iotlab.config.load import load
from iotlab.config.notify_section import Channel
from iotlab.config.secret import Secret, keyring_name
from iotlab.config.setting import Row, Setting
from iotlab.config.settings import SECTIONS, SETTINGS, Origin, Settings

__all__ = [
    "SECTIONS",
    "SETTINGS",
    "Channel",
    "Origin",
    "Row",
    "Secret",
    "Setting",
    "Settings",
    "keyring_name",
    "load",
]
