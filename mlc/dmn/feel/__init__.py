"""FEEL, the expression language of DMN: text in, closures out."""
