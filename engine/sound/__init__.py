"""What is done to sound before a model hears it: the front end, the level meter, conversion of the sample rate."""
