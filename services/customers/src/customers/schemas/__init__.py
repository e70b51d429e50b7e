"""What comes in over HTTP and what goes out."""
