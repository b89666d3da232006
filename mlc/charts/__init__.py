"""Charts as inline SVG, without any script, for pages that are opened from anywhere. Stands alone.

`steps` and `pairs` show two distributions, `course` a value over the last runs, `ranges` where a value lies in what
rules ask for; each is readable on a phone and in the dark, and has a title and a description for whoever can't see it.
`figure` puts a table of the numbers below one. `STYLE` is the style sheet of the page that they are on.

`element` is the one way to make markup: texts in it are escaped, and what can't be seen in them is written as its code.
What is made is HTML and well-formed XML at once. Our own, since of the libraries that draw SVG on a server the one that
is well kept (pygal) is under the LGPL, and the others know neither dark mode nor text alternatives.
"""

from .bars import Beyond, Pairs, Steps, pairs, steps
from .figures import STYLE, bidi, figure, table
from .lines import course
from .markup import Markup, element, joined, visible
from .ranges import Range, ranges
from .scale import share, shares, written

__all__ = [
    "STYLE",
    "Beyond",
    "Markup",
    "Pairs",
    "Range",
    "Steps",
    "bidi",
    "course",
    "element",
    "figure",
    "joined",
    "pairs",
    "ranges",
    "share",
    "shares",
    "steps",
    "table",
    "visible",
    "written",
]
