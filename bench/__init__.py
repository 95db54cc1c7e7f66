"""``make bench``: how fast the sync is, beside what a user would pick instead. Explained in docs/performance.md."""
