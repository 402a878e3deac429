"""Evaluation of dances: is it the motion of a body, is it what was asked for, and is it more than a copy?"""
