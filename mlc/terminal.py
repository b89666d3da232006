"""What a terminal may be given to show."""


def printable(text: str) -> str:
    """A text from outside without what would steer a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
