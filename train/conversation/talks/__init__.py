"""The layout ``talks``: two voices, a face and if it is known a body, for people without a capture dome."""
