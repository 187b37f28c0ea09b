"""What was recorded: cards, their one reader, and the tables made from them."""
