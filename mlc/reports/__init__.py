"""What people look at: a test result as one self-contained HTML page, for the centre, a ticket or a file.

    html = result_page(result, earlier, About(monitor="Stability Monitor: PSI/CSI", snapshot="v3"))

It works on `TestResultRecord`, so for every model centre, and on a result of any shape. `page` puts it together out of
the verdict with the thresholds (`verdicts`, from `conditions`), the distributions of the columns (`columns`), the last
runs (`runs`), the tables of all values (`blocks`) and where it comes from (`provenance`). Each has its `room`: the page
has an end, whatever is in the result. Pure; loads neither NumPy nor pandas.
"""

from mlc.reports.page import CONTENT_SECURITY_POLICY, LONGEST, About, result_page

__all__ = ["CONTENT_SECURITY_POLICY", "LONGEST", "About", "result_page"]
