"""What holds for every test."""

from __future__ import annotations

import os

# Before Qt is loaded by anyone: a window of a test is real, and drawn where nobody is disturbed by it.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# A developer's own settings must not reach a test.
for name in [name for name in os.environ if name.startswith("IOTLAB_") and not name.startswith("IOTLAB_TEST_")]:
    del os.environ[name]
