"""Training of text to motion: sets in the layout of HumanML3D and KIT-ML, streams joined of their clips, three stages."""
