"""What is known of the columns of a table: constraints, and the free columns that obey them."""
