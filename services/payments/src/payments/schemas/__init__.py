"""What comes in and what goes out over HTTP."""
