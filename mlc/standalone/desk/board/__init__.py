"""The board: tickets for people to read and to decide, and the model centre's notifications beside them."""
