"""Evaluation of the conversation family: lips against captured ones, listening, turns, body, and the report."""
