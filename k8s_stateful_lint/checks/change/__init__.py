"""Family change: what applying one revision over another one loses, and what the API server refuses of it."""
