"""Training of the gesture family: sets in the layout of PATS, the streaming form, and the seed's windowed form."""
