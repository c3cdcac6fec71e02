"""What `fastzt.aio` offers."""
