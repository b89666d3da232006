"""``mlc check``: every connection and right that the processes need, looked at without changing anything."""
