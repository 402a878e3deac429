"""Pose codes: a body's pose as 70 choices, such as how far the left elbow is bent or whether a foot is on the ground.

``table`` says what the groups and their codes are, in words too, and needs no torch; ``codes`` reads them off a body;
``literal`` reads them the way the published parser does. Import the module that you need.
"""
