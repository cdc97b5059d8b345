"""Where the window's data comes from: background threads that never touch Qt."""
