"""What `fastzt bench` measures: both ends in processes of their own, on the embedded network."""
