"""What things are: the types that processes, activities and adapters share. Imports no sibling."""
