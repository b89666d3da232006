"""Coverage-guided fuzzing of `mlc.dmn`: any bytes as a file, any text as FEEL. See docs/dmn-fuzzing.md.

And any answer of a ticket system, see docs/ticket-answers.md, and any request of the gateway.
"""
