"""What the window promises, one promise a function."""
