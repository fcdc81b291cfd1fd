"""A desktop without a screen, and the hands that work it."""
