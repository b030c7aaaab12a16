"""The learner on real logs: does it foresee the clicks of the half it has not seen?"""
