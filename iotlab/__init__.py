"""iotlab: the IoT cloud on one desk."""

__version__ = "0.1.0"
