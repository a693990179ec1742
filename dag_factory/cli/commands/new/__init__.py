"""The commands ``dagf new pipeline``, ``flavor``, ``preset``, ``team``, ``environment`` and ``template``."""
