"""``python -m iotlab.cli``: the same as the command ``iotlab``, for child processes of the lab."""

from iotlab.cli import main

if __name__ == "__main__":
    main()
