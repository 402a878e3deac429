"""The labelling page: people look at short pieces of takes in a browser and say how they move, into a csv."""
