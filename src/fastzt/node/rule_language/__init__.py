"""ZeroTier's rule language: text in which the owner of a network writes rules, tags and capabilities."""
