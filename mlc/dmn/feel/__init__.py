"""FEEL, the expression language of DMN (DMN 1.5, chapter 10.3): text in, closures out.

Text: `lexer` to tokens, which `parser` reads with `primary`, `unary` and `typenames`, all on a `cursor` that knows the
names of a `vocabulary`. Meaning: `operators`, `iteration`, `calls` and `builtins` make and are what an expression does,
within the limits of a `run`. Values: `values` says what they are and when they are equal, `types` of which type they
are; `decimal128` has the numbers, `wide`, `moments` and `temporal` dates, times and durations, `patterns` and
`characters` the regular expressions.
"""
