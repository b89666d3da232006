"""What a release promises to the runs of the ones before it, and how that is held: see docs/compatibility.md."""
