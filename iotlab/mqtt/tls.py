"""The TLS files of a client, checked before anything connects."""

from __future__ import annotations

import ssl

from iotlab.errors import ConfigError, Place
from iotlab.mqtt.options import Tls


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Return a context that verifies the broker's certificate and name.

    Raises:
        ConfigError: naming the file that can't be read or is no certificate or key.
    """
    context = ssl.create_default_context()
    if tls.cafile is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cafile=tls.cafile)
        except OSError as error:
            raise ConfigError(
                Place(tls.cafile), _problem(error), expected="certificates of authorities in PEM form (cafile)"
            ) from error
    if tls.certfile is not None:
        try:
            context.load_cert_chain(tls.certfile, tls.keyfile)
        except OSError as error:
            place = Place(tls.certfile if tls.keyfile is None else f"{tls.certfile} with {tls.keyfile}")
            raise ConfigError(
                place, _problem(error), expected="a certificate and its key in PEM form (certfile, keyfile)"
            ) from error
    elif tls.keyfile is not None:
        raise ConfigError(Place(tls.keyfile), "there is a keyfile without a certfile", expected="both or neither")
    return context


def _problem(error: OSError) -> str:
    return "there is no such file" if isinstance(error, FileNotFoundError) else f"it can't be read: {error}"
