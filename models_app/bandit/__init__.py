"""The learner: from counts to a posterior, a policy table and a report. No Django."""
