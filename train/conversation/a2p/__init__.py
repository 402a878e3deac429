"""audio2photoreal (Ng et al. 2024, arXiv 2401.01885) as published: five models of whole clips, offline."""
