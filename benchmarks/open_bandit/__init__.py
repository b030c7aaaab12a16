"""The learner on real logs: do its intervals contain the clicks of a held-back half?"""
