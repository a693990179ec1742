"""What if demand were different? A shop's stock, simulated before anything is ordered.."""
