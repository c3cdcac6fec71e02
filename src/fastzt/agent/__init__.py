"""The agent: a node in a process of its own, for others that use it by descriptors."""
