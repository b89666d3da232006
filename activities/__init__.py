"""What the processes do to the world, one file a subject: translate, call, translate errors."""
