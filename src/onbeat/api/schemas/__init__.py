"""What goes in and comes out, one module per noun."""
