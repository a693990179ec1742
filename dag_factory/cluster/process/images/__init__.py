"""Images of the process engine: build contexts and programs of this machine."""
