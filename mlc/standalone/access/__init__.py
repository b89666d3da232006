"""Who asks standalone mode's model centre, and the tokens by which it knows its runtimes."""
