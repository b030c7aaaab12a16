"""The tab Decisions: the latest receipts, and all that is known of one visitor."""
