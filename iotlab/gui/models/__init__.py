"""What the window knows, free of Qt: plain objects that a feed fills and that adapters show."""
