"""What a model requires besides the runtime's own libraries: read, installed, kept, and proven at each use."""
