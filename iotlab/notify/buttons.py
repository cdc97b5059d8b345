"""The button ``Acknowledge`` of a notification, in ntfy's form.

Source: https://docs.ntfy.sh/publish/#action-buttons.
"""

from __future__ import annotations

from iotlab.domain.notification import Notification
from iotlab.errors import ConfigError, Place
from iotlab.notify.answers import Signer
from iotlab.notify.safe_http import RefusedTargetError, Target, target_of


class Button:
    """Makes buttons that post a signed answer to a reply topic.

    Args:
        name: The channel's own name.
        url: The reply topic's URL.
        signer: Signs the answers.

    Raises:
        ConfigError: the URL can't be used; the message does not show it.
    """

    def __init__(self, name: str, url: str, signer: Signer) -> None:
        self._target = reply_target(name, url)
        self._signer = signer

    def __call__(self, notification: Notification) -> str:
        """Return the value of ntfy's header ``Actions``; empty when there is nothing to acknowledge."""
        token = self._signer.token(notification)
        if token is None:
            return ""
        url = f"{self._target.origin}{self._target.path}"
        return f"http, Acknowledge, {url}, method=POST, body={token}, clear=true"


def reply_target(name: str, url: str) -> Target:
    """Return a reply topic's URL as a target. Raises ConfigError, which does not show it."""
    place = Place(f"notification channel {name}", "reply_topic")
    expected = "the URL of a topic, such as https://ntfy.sh/a-name-nobody-guesses"
    try:
        target = target_of(url)
    except RefusedTargetError as error:
        raise ConfigError(place, str(error), expected=expected) from error
    if set(target.path) & set(',;"?#') or target.path.strip("/") == "" or "/" in target.path.strip("/"):
        raise ConfigError(place, "this is not the URL of one topic", expected=expected)
    return target
