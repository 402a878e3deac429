"""Sessions: slots in a step's rows, the loop that serves them, and the host that lets them join and leave."""
