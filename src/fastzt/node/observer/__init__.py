"""What can be seen of a running node: packets in the clear, traced by `logging` or captured in a file."""
