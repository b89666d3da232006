"""Online requests that runtimes keep for monitors: taken in, read by a window, forgotten by id and by age."""
