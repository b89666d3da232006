"""What a model's process tells its runtime: lines, messages of known types, and counts that are counted again."""
