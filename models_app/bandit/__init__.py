"""The learner: from counts to a posterior, a policy table and a report; no Django."""
