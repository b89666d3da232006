"""What the centre's assets contain: files by their SHA-256, each once, whoever refers to it."""
