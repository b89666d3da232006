"""What is asked of a model as a whole: its schema, its names, what is called and what is declared."""
